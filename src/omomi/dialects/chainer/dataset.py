"""``chainer.dataset``: from a list of samples to arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.dialects.chainer.datasets import DatasetMixin as DatasetMixin
from omomi.dialects.chainer.link import Link
from omomi.dialects.hook import missing
from omomi.errors import DataError


def to_device(device: Any, x: Any) -> Any:
    """Arrays stay on the host."""
    if device is not None and str(device) not in ("-1", "@numpy", "native", "cpu"):
        Link().to_gpu()
    return x


def concat_examples(batch: Any, device: Any = None, padding: Any = None) -> Any:
    """Samples one upon another: of tuples a tuple of arrays, of dictionaries a dictionary.

    Args:
        padding: what shorter samples are filled up with, if they differ in length.
    """
    to_device(device, None)
    if len(batch) == 0:
        raise DataError("a batch is empty.", where="concat_examples")
    head = batch[0]
    if isinstance(head, tuple):
        fill = padding if isinstance(padding, tuple) else (padding,) * len(head)
        return tuple(_stacked([sample[i] for sample in batch], fill[i]) for i in range(len(head)))
    if isinstance(head, dict):
        return {key: _stacked([sample[key] for sample in batch], padding) for key in head}
    return _stacked(list(batch), padding)


def _stacked(samples: list[Any], padding: Any) -> Any:
    arrays = [np.asarray(sample) for sample in samples]
    if padding is None:
        if len({a.shape for a in arrays}) > 1:
            raise DataError(
                "the samples of a batch differ in shape.",
                where="concat_examples",
                received=", ".join(map(str, sorted({a.shape for a in arrays}))),
                fix="concat_examples(batch, padding=…)",
            )
        return np.stack(arrays)
    shape = np.max([a.shape for a in arrays], axis=0)
    found = np.full((len(arrays), *shape), padding, arrays[0].dtype)
    for row, a in zip(found, arrays, strict=True):
        row[tuple(slice(n) for n in a.shape)] = a
    return found


class ConcatWithAsyncTransfer:
    """The same; nothing is transferred."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, batch: Any, device: Any = None, padding: Any = None) -> Any:
        return concat_examples(batch, device, padding)


def converter() -> Any:
    """A decorator for converters; it changes nothing."""
    return lambda function: function


__getattr__ = missing("chainer.dataset", {})
