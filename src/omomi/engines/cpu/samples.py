"""Samples of the data set that a batch consists of, named but not yet picked.

The plan of a step picks them where it first reads them, and converts and scales them in the same pass (``gather``). Who
else looks at them gets an array of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from weakref import ref

import numpy as np

from omomi.engines.cpu import gather
from omomi.engines.cpu.launch import LINE, Launch, aligned
from omomi.engines.engine import Array


class Samples:
    """``source[index]``, of a dtype.

    Args:
        source: a C-contiguous NumPy array, of a dtype that kernels can pick from.
        index: int64 (N,), each 0 … len(source) − 1: nobody looks again.
        dtype: of the samples.
    """

    __slots__ = ("dtype", "index", "shape", "source")

    def __init__(self, source: Array, index: Array, dtype: np.dtype[Any]) -> None:
        self.source, self.index, self.dtype = source, index, dtype
        self.shape = (len(index), *source.shape[1:])

    def __len__(self) -> int:
        return len(self.index)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        picked = self.source[self.index]
        return picked.astype(self.dtype if dtype is None else dtype, copy=False)

    def __repr__(self) -> str:
        return f"<samples {self.dtype} {self.shape} of {self.source.dtype} {self.source.shape}>"


def pick_later(source: Any, index: Array, dtype: Any) -> Samples | None:
    """These samples, if the kernels can pick them later and it is worth it.

    To pick a few samples that are smaller than a cache line takes less time than to put it off.
    """
    if not isinstance(source, np.ndarray) or source.nbytes <= LINE * len(source) or not source.flags.c_contiguous:
        return None
    wanted = kernels_pick(source.dtype, dtype)
    return None if wanted is None or index.dtype != np.int64 or not len(index) else Samples(source, index, wanted)


@cache
def kernels_pick(source: np.dtype[Any], dtype: Any) -> np.dtype[Any] | None:
    """The dtype of such samples, if kernels can pick them."""
    wanted = source if dtype is None else np.dtype(dtype)
    return wanted if source.isnative and source.kind in "biuf" and gather.accepts(source, wanted) else None


@dataclass(eq=False)
class Pick:
    """An input whose samples are picked from a larger array, by launches that are told which before each run.

    Attributes:
        name: of the input.
        dtype: of what the samples are picked from.
        shape: of the input.
        readers: the launches that pick.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    readers: list[Launch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.index = aligned((self.shape[0],), "int64")
        self.source: Callable[[], Array | None] = lambda: None  # a weak reference, once there is something to point to

    def launches(self, index: Array, y: Array, factor: float) -> list[Launch]:
        """The launches that pick the samples into y."""
        nothing = np.zeros((1, *self.shape[1:]), self.dtype)  # until they are told from where
        made = gather.gather(nothing, index, y.reshape(self.shape), factor=factor)
        self.readers.extend(made)
        return made

    def point_to(self, samples: Samples) -> None:
        """Pick these from now on. They must live until the run is over."""
        np.copyto(self.index, samples.index)
        if self.source() is not samples.source:
            self.source = ref(samples.source)
            for launch in self.readers:
                launch.point("x", samples.source)
