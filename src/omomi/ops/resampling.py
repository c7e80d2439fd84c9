"""Resampling: an image of another size, whose pixels are weighted means of the old ones.

The weights stand in ``engines.interpolation``: along each axis the new pixels are A times the old ones, with a matrix A
whose rows hold few numbers. Only these are computed with.
"""

from __future__ import annotations

import numpy as np

from omomi.engines.interpolation import INTERPOLATIONS as INTERPOLATIONS
from omomi.engines.interpolation import terms
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# Resampling of one axis
#   forward   y[…, o, …] = Σ_i A[o, i] x[…, i, …]        backward   gx[…, i, …] = Σ_o A[o, i] gy[…, o, …]


def resampling_forward(
    xp: Namespace, x: Array, *, axis: int, size: int, interpolation: str = "bilinear"
) -> tuple[Array, Saved]:
    return _combined(xp, x, axis, *terms(x.shape[axis], size, interpolation, False)), (x.shape[axis],)


def resampling_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: int, size: int, interpolation: str = "bilinear"
) -> tuple[Array, ...]:
    (old,) = saved
    return (_combined(xp, gy, axis, *terms(old, size, interpolation, True)),)


def _combined(xp: Namespace, x: Array, axis: int, columns: np.ndarray, weights: np.ndarray) -> Array:
    """Σ_k weights[k] · the entries columns[k] of the axis."""
    along = (-1, *(1,) * (x.ndim - axis % x.ndim - 1))
    total = None
    for column, weight in zip(columns, weights, strict=True):
        part = xp.take(x, column, axis=axis) * xp.asarray(weight, dtype=x.dtype).reshape(along)
        total = part if total is None else total + part
    return total


resampling = Rule(
    "resampling",
    resampling_forward,
    resampling_backward,
    "y = A x",
    "gx = Aᵀ gy",
)
