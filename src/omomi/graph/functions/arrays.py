"""Reductions, shapes and products. The formulas and their derivatives stand in ``omomi.ops``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from omomi.errors import ShapeError
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import linear as _linear
from omomi.ops import reduction as _reduction
from omomi.ops import shape as _shape

Input = Any  # a Variable, an array, or numbers
Axis = int | tuple[int, ...] | None


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


def embedding(W: Input, indices: Input, where: str = "embedding") -> Variable:
    """The rows of W (K, D) that whole numbers 0 … K − 1 name: indices (N, …) → (N, …, D).

    Raises:
        DataError: an index lies outside the table; negative ones do. ``where`` names the table in the message. The
            engine jax raises nothing: its row is NaN.
    """
    return apply(_shape.embedding, as_variable(W), as_variable(indices), where=where)


def cast(x: Input, dtype: Any) -> Variable:
    """x in another dtype; the delta is cast back."""
    return apply(_shape.cast, as_variable(x), dtype=np.dtype(dtype).name)


def matmul(a: Input, b: Input) -> Variable:
    """The matrix product a @ b."""
    return apply(_linear.matmul, as_variable(a), as_variable(b))


def affine(x: Input, W: Input, b: Input | None = None) -> Variable:
    """u = x W + b: x (…, in), W (in, out), b (out,) → (…, out).

    Raises:
        ShapeError: the shapes do not fit.
    """
    x, W = as_variable(x), as_variable(W)
    x_shape, W_shape = x.shape, W.shape
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
    if b.shape != W_shape[1:]:
        raise ShapeError(
            "the bias has one entry for each unit.",
            where="affine",
            expected=f"shape {W.shape[1:]}",
            received=f"shape {b.shape}",
        )
    return apply(_linear.affine, x, W, b)
