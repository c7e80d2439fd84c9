"""Typed calls of the rules, on Variables or arrays. The formulas and their derivatives stand in ``omomi.ops``.

A function keeps the dtype of its input: float64 stays float64. Plain Python numbers become float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from omomi.errors import ShapeError
from omomi.graph.losses import binary_cross_entropy as binary_cross_entropy
from omomi.graph.losses import hinge as hinge
from omomi.graph.losses import huber as huber
from omomi.graph.losses import kl_divergence as kl_divergence
from omomi.graph.losses import mean_absolute_error as mean_absolute_error
from omomi.graph.losses import mean_squared_error as mean_squared_error
from omomi.graph.losses import sigmoid_cross_entropy as sigmoid_cross_entropy
from omomi.graph.losses import softmax_cross_entropy as softmax_cross_entropy
from omomi.graph.losses import squared_error as squared_error
from omomi.graph.randomness import draw_address
from omomi.graph.variable import Variable, apply, as_variable, operand
from omomi.ops import activation as _activation
from omomi.ops import arithmetic as _arithmetic
from omomi.ops import convolution as _convolution
from omomi.ops import dropout as _dropout
from omomi.ops import elementary as _elementary
from omomi.ops import linear as _linear
from omomi.ops import normalization as _normalization
from omomi.ops import pooling as _pooling
from omomi.ops import reduction as _reduction
from omomi.ops import shape as _shape
from omomi.ops.rule import Rule

# What functions take: a Variable, an array, or numbers.
Input = Any
Axis = int | tuple[int, ...] | None
Pair = int | tuple[int, int]
Padding = str | tuple[tuple[int, int], tuple[int, int]]


# ---- arithmetic ----------------------------------------------------------------------------------------------


def add(a: Input, b: Input) -> Variable:
    """a + b, broadcast."""
    return _binary(_arithmetic.add, a, b)


def subtract(a: Input, b: Input) -> Variable:
    """a − b, broadcast."""
    return _binary(_arithmetic.subtract, a, b)


def multiply(a: Input, b: Input) -> Variable:
    """a · b elementwise, broadcast."""
    return _binary(_arithmetic.multiply, a, b)


def divide(a: Input, b: Input) -> Variable:
    """a / b elementwise, broadcast."""
    return _binary(_arithmetic.divide, a, b)


def maximum(a: Input, b: Input) -> Variable:
    """The larger of a and b, elementwise."""
    return _binary(_arithmetic.maximum, a, b)


def minimum(a: Input, b: Input) -> Variable:
    """The smaller of a and b, elementwise."""
    return _binary(_arithmetic.minimum, a, b)


def _binary(rule: Rule, a: Input, b: Input) -> Variable:
    return apply(rule, *_pair_of_operands(a, b))


def _pair_of_operands(a: Input, b: Input) -> tuple[Variable, Variable]:
    """Two Variables; a plain number takes the dtype of its partner."""
    if isinstance(a, (int, float)):
        b = as_variable(b)
        return as_variable(operand(a, b)), b
    a = as_variable(a)
    return a, as_variable(operand(b, a))


def negative(x: Input) -> Variable:
    """−x."""
    return apply(_arithmetic.negative, as_variable(x))


def power(x: Input, exponent: float) -> Variable:
    """x to a constant exponent."""
    return apply(_arithmetic.power, as_variable(x), exponent=float(exponent))


def exponentiation(a: Input, b: Input) -> Variable:
    """a to the power b, both arrays; a > 0."""
    return _binary(_arithmetic.exponentiation, a, b)


def where(condition: Input, a: Input, b: Input) -> Variable:
    """a where the condition holds, else b, elementwise; the condition is constant."""
    a, b = _pair_of_operands(a, b)
    return apply(_arithmetic.where, as_variable(condition), a, b)


# ---- elementary functions ------------------------------------------------------------------------------------


def exp(x: Input) -> Variable:
    """eˣ."""
    return apply(_elementary.exp, as_variable(x))


def log(x: Input) -> Variable:
    """The natural logarithm."""
    return apply(_elementary.log, as_variable(x))


def expm1(x: Input) -> Variable:
    """eˣ − 1, exact near 0."""
    return apply(_elementary.expm1, as_variable(x))


def log1p(x: Input) -> Variable:
    """ln(1 + x), exact near 0."""
    return apply(_elementary.log1p, as_variable(x))


def sqrt(x: Input) -> Variable:
    """√x."""
    return apply(_elementary.sqrt, as_variable(x))


def square(x: Input) -> Variable:
    """x²."""
    return apply(_elementary.square, as_variable(x))


def absolute(x: Input) -> Variable:
    """|x|."""
    return apply(_elementary.absolute, as_variable(x))


def sin(x: Input) -> Variable:
    """sin x."""
    return apply(_elementary.sin, as_variable(x))


def cos(x: Input) -> Variable:
    """cos x."""
    return apply(_elementary.cos, as_variable(x))


def clip(x: Input, low: float | None, high: float | None) -> Variable:
    """x kept between ``low`` and ``high`` (``None``: no bound on that side); no gradient passes outside."""
    bounds = {"low": None if low is None else float(low), "high": None if high is None else float(high)}
    return apply(_elementary.clip, as_variable(x), **bounds)


# ---- reductions ----------------------------------------------------------------------------------------------


def sum(x: Input, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The sum over ``axis``: all, one or several."""
    return apply(_reduction.sum, as_variable(x), axis=axis, keepdims=keepdims)


def mean(x: Input, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The mean over ``axis``."""
    return apply(_reduction.mean, as_variable(x), axis=axis, keepdims=keepdims)


def variance(x: Input, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The mean squared distance from the mean over ``axis`` (divided by n)."""
    return apply(_reduction.variance, as_variable(x), axis=axis, keepdims=keepdims)


def max(x: Input, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The largest value over ``axis``."""
    return apply(_reduction.max, as_variable(x), axis=axis, keepdims=keepdims)


def min(x: Input, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The smallest value over ``axis``."""
    return apply(_reduction.min, as_variable(x), axis=axis, keepdims=keepdims)


def logsumexp(x: Input, axis: Axis = None, keepdims: bool = False) -> Variable:
    """log Σ eˣ over ``axis``, without overflow."""
    return apply(_reduction.logsumexp, as_variable(x), axis=axis, keepdims=keepdims)


# ---- shape ---------------------------------------------------------------------------------------------------


def reshape(x: Input, shape: Sequence[int]) -> Variable:
    """The same numbers in another shape; one entry may be −1."""
    return as_variable(x).reshape(tuple(shape))


def transpose(x: Input, axes: Sequence[int] | None = None) -> Variable:
    """The axes in another order; reversed unless told."""
    return as_variable(x).transpose(*(axes or ()))


def broadcast_to(x: Input, shape: Sequence[int]) -> Variable:
    """x repeated to ``shape``."""
    return apply(_shape.broadcast_to, as_variable(x), shape=tuple(shape))


def concatenate(xs: Sequence[Input], axis: int = -1) -> Variable:
    """Arrays one after another along ``axis``."""
    return apply(_shape.concatenate, *(as_variable(x) for x in xs), axis=axis)


def stack(xs: Sequence[Input], axis: int = 0) -> Variable:
    """Arrays side by side along a new axis."""
    return apply(_shape.stack, *(as_variable(x) for x in xs), axis=axis)


def split(x: Input, sections: int | Sequence[int], axis: int = 0) -> tuple[Variable, ...]:
    """x in equal parts along ``axis``, or cut before each of the given positions."""
    cuts = sections if isinstance(sections, int) else tuple(int(s) for s in sections)
    return apply(_shape.split, as_variable(x), sections=cuts, axis=axis)


def pad(x: Input, widths: Sequence[tuple[int, int]], value: float = 0.0) -> Variable:
    """x with a border of ``value``: (before, after) for each axis."""
    return apply(_shape.pad, as_variable(x), widths=tuple((int(a), int(b)) for a, b in widths), value=float(value))


def flip(x: Input, axis: Axis = None) -> Variable:
    """x backwards along ``axis``."""
    return apply(_shape.flip, as_variable(x), axis=axis)


def take(x: Input, indices: Input, axis: int = 0) -> Variable:
    """The entries of x at an array of integer positions along ``axis``."""
    return apply(_shape.take, as_variable(x), as_variable(indices), axis=axis)


def cast(x: Input, dtype: Any) -> Variable:
    """x in another dtype; the delta is cast back."""
    return apply(_shape.cast, as_variable(x), dtype=np.dtype(dtype).name)


# ---- linear --------------------------------------------------------------------------------------------------


def matmul(a: Input, b: Input) -> Variable:
    """The matrix product a @ b."""
    return apply(_linear.matmul, as_variable(a), as_variable(b))


def affine(x: Input, W: Input, b: Input | None = None) -> Variable:
    """u = x W + b: x (…, in), W (in, out), b (out,) → (…, out).

    Raises:
        ShapeError: the shapes do not fit.
    """
    x, W = as_variable(x), as_variable(W)
    x_shape, W_shape = x._array.shape, W._array.shape
    if len(W_shape) != 2 or not x_shape or x_shape[-1] != W_shape[0]:
        raise ShapeError(
            "x and W do not fit together.",
            where="affine",
            expected="x (…, in) and W (in, out)",
            received=f"x {x.shape}, W {W.shape}",
            fix="a kernel is stored as (in, out); transpose one that is (out, in)"
            if W.ndim == 2 and x.ndim and x.shape[-1] == W.shape[1]
            else None,
        )
    if b is None:
        return apply(_linear.matmul, x, W)
    b = as_variable(b)
    if b._array.shape != W_shape[1:]:
        raise ShapeError(
            "the bias has one entry for each unit.",
            where="affine",
            expected=f"shape {W.shape[1:]}",
            received=f"shape {b.shape}",
        )
    return apply(_linear.affine, x, W, b)


# ---- activations ---------------------------------------------------------------------------------------------


def identity(x: Input) -> Variable:
    """x itself: the activation of a linear output. It adds no node."""
    return as_variable(x)


def step(x: Input) -> Variable:
    """1 where x > 0, else 0. Its derivative is 0: nothing before it can be trained by a gradient."""
    return apply(_activation.step, as_variable(x))


def sigmoid(x: Input) -> Variable:
    """1 / (1 + e⁻ˣ); derivative y (1 − y) ≤ ¼."""
    return apply(_activation.sigmoid, as_variable(x))


def tanh(x: Input) -> Variable:
    """The hyperbolic tangent; derivative 1 − y²."""
    return apply(_activation.tanh, as_variable(x))


def relu(x: Input) -> Variable:
    """max(0, x); derivative 1 for x > 0, else 0."""
    return apply(_activation.relu, as_variable(x))


def relu6(x: Input) -> Variable:
    """min(max(0, x), 6)."""
    return apply(_activation.relu6, as_variable(x))


def leaky_relu(x: Input, alpha: float = 0.01) -> Variable:
    """x for x > 0, else αx."""
    return apply(_activation.leaky_relu, as_variable(x), alpha=alpha)


def prelu(x: Input, alpha: Input) -> Variable:
    """x for x > 0, else αx with α a learned array that broadcasts against x."""
    return apply(_activation.prelu, as_variable(x), as_variable(alpha))


def elu(x: Input, alpha: float = 1.0) -> Variable:
    """x for x > 0, else α(eˣ − 1). Source: Clevert et al. 2015, arXiv:1511.07289."""
    return apply(_activation.elu, as_variable(x), alpha=alpha)


def selu(x: Input) -> Variable:
    """The scaled ELU that keeps mean 0 and variance 1. Source: Klambauer et al. 2017, arXiv:1706.02515."""
    return apply(_activation.selu, as_variable(x))


def softplus(x: Input) -> Variable:
    """log(1 + eˣ); derivative sigmoid(x)."""
    return apply(_activation.softplus, as_variable(x))


def softsign(x: Input) -> Variable:
    """x / (1 + |x|)."""
    return apply(_activation.softsign, as_variable(x))


def swish(x: Input) -> Variable:
    """x · sigmoid(x), also called SiLU."""
    return apply(_activation.swish, as_variable(x))


def gelu(x: Input, approximate: bool = False) -> Variable:
    """x Φ(x) with the normal distribution Φ; ``approximate`` uses tanh. Source: Hendrycks and Gimpel 2016."""
    return apply(_activation.gelu, as_variable(x), approximate=approximate)


def mish(x: Input) -> Variable:
    """x · tanh(softplus x). Source: Misra 2019, arXiv:1908.08681."""
    return apply(_activation.mish, as_variable(x))


def hard_sigmoid(x: Input) -> Variable:
    """relu6(x + 3) / 6."""
    return apply(_activation.hard_sigmoid, as_variable(x))


def softmax(x: Input, axis: int = -1) -> Variable:
    """eˣ over its sum along ``axis``: probabilities."""
    return apply(_activation.softmax, as_variable(x), axis=axis)


def log_softmax(x: Input, axis: int = -1) -> Variable:
    """The logarithm of softmax, without overflow."""
    return apply(_activation.log_softmax, as_variable(x), axis=axis)


# ---- convolution, pooling, normalisation, dropout ------------------------------------------------------------


def convolution_2d(
    x: Input,
    W: Input,
    b: Input | None = None,
    *,
    strides: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
) -> Variable:
    """x (N, H, W, C_in), kernel (KH, KW, C_in, C_out), bias (C_out,) → (N, OH, OW, C_out). The kernel is not flipped.

    Raises:
        ShapeError: the shapes do not fit, or nothing is left of the image.
    """
    x, W = as_variable(x), as_variable(W)
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
