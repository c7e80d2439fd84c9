"""Convolution and pooling of sequences, (N, T, C): those of images with one row."""

from __future__ import annotations

from typing import Any

from omomi.errors import ShapeError
from omomi.graph.functions.images import average_pooling_2d, convolution_2d, max_pooling_2d
from omomi.graph.variable import Variable, as_variable
from omomi.ops.convolution import causal_padding

Input = Any  # a Variable, an array, or numbers
Padding = str | tuple[int, int]


def convolution_1d(
    x: Input,
    W: Input,
    b: Input | None = None,
    *,
    strides: int = 1,
    padding: Padding = "valid",
    dilation: int = 1,
    groups: int = 1,
) -> Variable:
    """x (N, T, C_in), kernel (K, C_in / groups, C_out), bias (C_out,) → (N, OT, C_out). The kernel is not flipped.

    Args:
        padding: "valid", "same", "causal" (zeros before alone: no output sees a later time) or (before, after).

    Raises:
        ShapeError: the shapes do not fit, or nothing is left of the sequence.
    """
    x, W = as_variable(x), as_variable(W)
    if x.ndim != 3 or W.ndim != 3 or x.shape[2] != W.shape[1] * groups or W.shape[2] % groups:
        raise ShapeError(
            "sequence and kernel do not fit together.",
            where="convolution_1d",
            expected=f"x (N, T, C_in) and W (K, C_in / {groups}, C_out), C_out a multiple of {groups}",
            received=f"x {x.shape}, W {W.shape}",
        )
    if padding == "causal":
        padding = causal_padding(W.shape[0], dilation)
    y = convolution_2d(
        _one_row(x),
        W.reshape((1, *W.shape)),
        b,
        strides=(1, strides),
        padding=padding if isinstance(padding, str) else ((0, 0), padding),
        dilation=(1, dilation),
        groups=groups,
    )
    return _sequence(y)


def max_pooling_1d(x: Input, size: int = 2, *, strides: int | None = None, padding: Padding = "valid") -> Variable:
    """The largest value under a sliding window: (N, T, C) → (N, OT, C). Padding never wins."""
    return _pooling_1d(max_pooling_2d, x, size, strides, padding)


def average_pooling_1d(x: Input, size: int = 2, *, strides: int | None = None, padding: Padding = "valid") -> Variable:
    """The mean under a sliding window: (N, T, C) → (N, OT, C). Padding is not counted."""
    return _pooling_1d(average_pooling_2d, x, size, strides, padding)


def _pooling_1d(pooling_2d: Any, x: Input, size: int, strides: int | None, padding: Padding) -> Variable:
    x = as_variable(x)
    if x.ndim != 3:
        raise ShapeError(
            "pooling reads a batch of sequences.",
            where=pooling_2d.__name__.replace("2d", "1d"),
            expected="(N, T, C)",
            received=f"shape {x.shape}",
        )
    pads = padding if isinstance(padding, str) else ((0, 0), padding)
    return _sequence(pooling_2d(_one_row(x), (1, size), strides=(1, strides or size), padding=pads))


def _one_row(x: Variable) -> Variable:
    return x.reshape((x.shape[0], 1, *x.shape[1:]))


def _sequence(y: Variable) -> Variable:
    return y.reshape((y.shape[0], *y.shape[2:]))
