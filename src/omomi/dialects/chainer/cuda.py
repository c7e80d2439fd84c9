"""``chainer.cuda`` and ``chainer.backends.cuda``: there is none; what works without one does."""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.dialects.chainer.link import Link
from omomi.dialects.chainer.variable import Variable
from omomi.dialects.hook import missing

available = False
cudnn_enabled = False
ndarray = ()  # nothing is an instance of it


def get_array_module(*_: Any) -> Any:
    """NumPy."""
    return np


def to_cpu(array: Any, stream: Any = None) -> Any:
    """The array itself."""
    return array.array if isinstance(array, Variable) else array


def to_gpu(array: Any, device: Any = None, stream: Any = None) -> Any:
    return Link().to_gpu(device)


def check_cuda_available() -> None:
    Link().to_gpu()


class Device:
    """A device that is not there: ``Device(gpu).use()`` fails."""

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def use(self) -> None:
        if self.number >= 0:
            Link().to_gpu()


def get_device_from_id(number: int | None) -> Device:
    """A device by number, −1 being the processor."""
    return Device(-1 if number is None else int(number))


get_device = get_device_from_id

__getattr__ = missing("chainer.cuda", {"cupy": "numpy; on a GPU: omomi.use('jax')", "elementwise": "numpy"})
