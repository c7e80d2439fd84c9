"""Pooling of sequences, images and volumes. The formulas and their derivatives stand in ``omomi.ops.pooling``.

The largest and the mean of a window can be taken along one axis after the other. So a sequence is pooled as an image
with one row, and a volume slice by slice, then through its slices: both by the rules for images.
"""

from __future__ import annotations

from typing import Any

from omomi.errors import ShapeError
from omomi.graph.functions.convolutions import AXES, Sizes, one_row, sequence, sizes_of
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import pooling as _pooling
from omomi.ops.convolution import resolve_padding
from omomi.ops.rule import Rule

Input = Any  # a Variable, an array, or numbers
Padding = str | tuple[Any, ...]


def max_pooling_1d(x: Input, size: Sizes = 2, *, strides: Sizes | None = None, padding: Padding = "valid") -> Variable:
    """The largest value under a sliding window: (N, T, C) → (N, OT, C). Padding never wins."""
    return _pooling_1d(_pooling.max_pooling_2d, x, size, strides, padding)


def max_pooling_2d(x: Input, size: Sizes = 2, *, strides: Sizes | None = None, padding: Padding = "valid") -> Variable:
    """The largest value under a sliding window: (N, H, W, C) → (N, OH, OW, C). Padding never wins."""
    return _pool(_pooling.max_pooling_2d, x, *_placed(2, x, size, strides, padding, "max_pooling_2d"))


def max_pooling_3d(x: Input, size: Sizes = 2, *, strides: Sizes | None = None, padding: Padding = "valid") -> Variable:
    """The largest value under a sliding window: (N, D, H, W, C) → (N, OD, OH, OW, C). Padding never wins."""
    return _pooling_3d(_pooling.max_pooling_2d, x, size, strides, padding)


def average_pooling_1d(
    x: Input, size: Sizes = 2, *, strides: Sizes | None = None, padding: Padding = "valid"
) -> Variable:
    """The mean under a sliding window: (N, T, C) → (N, OT, C). Padding is not counted."""
    return _pooling_1d(_pooling.average_pooling_2d, x, size, strides, padding)


def average_pooling_2d(
    x: Input, size: Sizes = 2, *, strides: Sizes | None = None, padding: Padding = "valid"
) -> Variable:
    """The mean under a sliding window: (N, H, W, C) → (N, OH, OW, C). Padding is not counted."""
    return _pool(_pooling.average_pooling_2d, x, *_placed(2, x, size, strides, padding, "average_pooling_2d"))


def average_pooling_3d(
    x: Input, size: Sizes = 2, *, strides: Sizes | None = None, padding: Padding = "valid"
) -> Variable:
    """The mean under a sliding window: (N, D, H, W, C) → (N, OD, OH, OW, C). Padding is not counted."""
    return _pooling_3d(_pooling.average_pooling_2d, x, size, strides, padding)


Placed = tuple[tuple[int, ...], tuple[int, ...], tuple[tuple[int, int], ...]]  # size, strides and padding


def _placed(rank: int, x: Input, size: Sizes, strides: Sizes | None, padding: Padding, where: str) -> Placed:
    """Size, strides and padding for each axis of a batch of images, sequences or volumes."""
    shape = as_variable(x).shape
    if len(shape) != rank + 2:
        kind = {1: "sequences", 2: "images", 3: "volumes"}[rank]
        raise ShapeError(
            f"pooling reads a batch of {kind}.",
            where=where,
            expected=f"(N, {AXES[rank]}, C)",
            received=f"shape {shape}",
        )
    window = sizes_of(size, rank)
    steps = window if strides is None else sizes_of(strides, rank)
    if rank == 1 and not isinstance(padding, str) and isinstance(padding[0], int):
        padding = (padding,)
    return window, steps, resolve_padding(padding, shape[1:-1], window, steps)


def _pool(rule: Rule, x: Input, size: tuple[int, ...], strides: tuple[int, ...], padding: Any) -> Variable:
    return apply(rule, as_variable(x), size=size, strides=strides, padding=padding)


def _pooling_1d(rule: Rule, x: Input, size: Sizes, strides: Sizes | None, padding: Padding) -> Variable:
    window, steps, pads = _placed(1, x, size, strides, padding, rule.name.replace("2d", "1d"))
    return sequence(_pool(rule, one_row(as_variable(x)), (1, *window), (1, *steps), ((0, 0), *pads)))


def _pooling_3d(rule: Rule, x: Input, size: Sizes, strides: Sizes | None, padding: Padding) -> Variable:
    """Every slice as an image, then every column through the slices as an image of one column.

    The count of a window is the product of the counts along its axes, so the mean of the means is the mean.
    """
    window, steps, pads = _placed(3, x, size, strides, padding, rule.name.replace("2d", "3d"))
    x = as_variable(x)
    n, depth, *image, channels = x.shape
    slices = _pool(rule, x.reshape((n * depth, *image, channels)), window[1:], steps[1:], pads[1:])
    places = slices.shape[1:3]
    columns = slices.reshape((n, depth, 1, places[0] * places[1] * channels))
    y = _pool(rule, columns, (window[0], 1), (steps[0], 1), (pads[0], (0, 0)))
    return y.reshape((n, y.shape[1], *places, channels))
