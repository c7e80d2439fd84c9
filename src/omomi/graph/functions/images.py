"""Convolution, pooling, batch normalisation and dropout. The formulas and their derivatives stand in ``omomi.ops``."""

from __future__ import annotations

from typing import Any

from omomi.errors import ShapeError
from omomi.graph.functions.arithmetic import add
from omomi.graph.functions.arrays import concatenate, split
from omomi.graph.randomness import draw_address
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import convolution as _convolution
from omomi.ops import dropout as _dropout
from omomi.ops import normalization as _normalization
from omomi.ops import pooling as _pooling
from omomi.ops.rule import Rule

Input = Any  # a Variable, an array, or numbers
Pair = int | tuple[int, int]
Padding = str | tuple[tuple[int, int], tuple[int, int]]


def convolution_2d(
    x: Input,
    W: Input,
    b: Input | None = None,
    *,
    strides: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    groups: int = 1,
) -> Variable:
    """x (N, H, W, C_in), kernel (KH, KW, C_in, C_out), bias (C_out,) → (N, OH, OW, C_out). The kernel is not flipped.

    With ``groups`` the kernel is (KH, KW, C_in / groups, C_out): each group of filters reads its own group of channels.

    Raises:
        ShapeError: the shapes do not fit, or nothing is left of the image.
    """
    x, W = as_variable(x), as_variable(W)
    if groups > 1:
        return _grouped(x, W, b, groups, strides=strides, padding=padding, dilation=dilation)
    if x.ndim != 4 or W.ndim != 4 or x.shape[3] != W.shape[2]:
        raise ShapeError(
            "image and kernel do not fit together.",
            where="convolution_2d",
            expected="x (N, H, W, C_in) and W (KH, KW, C_in, C_out)",
            received=f"x {x.shape}, W {W.shape}",
        )
    size, strides, dilation = (W.shape[0], W.shape[1]), _pair(strides), _pair(dilation)
    pads = _convolution.resolve_padding(padding, (x.shape[1], x.shape[2]), size, strides, dilation)
    inputs = (x, W) if b is None else (x, W, as_variable(b))
    return apply(_convolution.convolution_2d, *inputs, strides=strides, padding=pads, dilation=dilation)


def _grouped(x: Variable, W: Variable, b: Input | None, groups: int, **options: Any) -> Variable:
    """One convolution for each group of channels, side by side."""
    if x.ndim != 4 or W.ndim != 4 or x.shape[3] != W.shape[2] * groups or W.shape[3] % groups:
        raise ShapeError(
            "image and kernel do not fit together.",
            where="convolution_2d",
            expected=f"x (N, H, W, C_in) and W (KH, KW, C_in / {groups}, C_out), C_out a multiple of {groups}",
            received=f"x {x.shape}, W {W.shape}",
        )
    parts = zip(split(x, groups, axis=3), split(W, groups, axis=3), strict=True)
    y = concatenate([convolution_2d(part, kernel, **options) for part, kernel in parts], axis=3)
    return y if b is None else add(y, b)


def max_pooling_2d(x: Input, size: Pair = 2, *, strides: Pair | None = None, padding: Padding = "valid") -> Variable:
    """The largest value under a sliding window: (N, H, W, C) → (N, OH, OW, C). Padding never wins."""
    return _pooling_2d(_pooling.max_pooling_2d, x, size, strides, padding)


def average_pooling_2d(
    x: Input, size: Pair = 2, *, strides: Pair | None = None, padding: Padding = "valid"
) -> Variable:
    """The mean under a sliding window: (N, H, W, C) → (N, OH, OW, C). Padding is not counted."""
    return _pooling_2d(_pooling.average_pooling_2d, x, size, strides, padding)


def _pooling_2d(rule: Rule, x: Input, size: Pair, strides: Pair | None, padding: Padding) -> Variable:
    x, size = as_variable(x), _pair(size)
    strides = size if strides is None else _pair(strides)
    if x.ndim != 4:
        raise ShapeError(
            "pooling reads a batch of images.", where=rule.name, expected="(N, H, W, C)", received=f"shape {x.shape}"
        )
    pads = _convolution.resolve_padding(padding, (x.shape[1], x.shape[2]), size, strides)
    return apply(rule, x, size=size, strides=strides, padding=pads)


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def batch_normalization(
    x: Input,
    gamma: Input,
    beta: Input,
    running_mean: Input,
    running_variance: Input,
    *,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
) -> tuple[Variable, Variable, Variable]:
    """x normalised by the statistics of its batch, and the new running mean and variance. (N, …, C), per channel."""
    inputs = (as_variable(v) for v in (x, gamma, beta, running_mean, running_variance))
    y, mean, variance = apply(_normalization.batch_normalization, *inputs, momentum=momentum, epsilon=epsilon)
    return y, mean, variance


def batch_normalization_inference(
    x: Input, gamma: Input, beta: Input, mean: Input, variance: Input, *, epsilon: float = 1e-3
) -> Variable:
    """x normalised by given statistics."""
    inputs = (as_variable(v) for v in (x, gamma, beta, mean, variance))
    return apply(_normalization.batch_normalization_inference, *inputs, epsilon=epsilon)


def dropout(x: Input, rate: float = 0.5, address: Input | None = None) -> Variable:
    """Each value dropped with probability ``rate``, the rest scaled by 1/(1 − rate).

    Args:
        address: of the draw (see omomi.engines.random); the next one of the layer that runs unless given.
    """
    return apply(_dropout.dropout, as_variable(x), draw_address() if address is None else address, rate=float(rate))
