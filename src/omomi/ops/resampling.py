"""Resampling: an image of another size, whose pixels are weighted means of the old ones.

Pixel i of a row of n covers the range from i to i + 1, its centre lies at i + ½. A row of m new pixels covers the same
range: the centre of new pixel o lies at (o + ½) n/m, and the old pixels around it are weighted by how far their centres
are from there. Weights of pixels beyond the edge are left out, and the others scaled to the sum 1. So it is one matrix
along each axis; its rows hold few numbers, and only these are computed with.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from omomi.errors import ConfigurationError, UnknownNameError
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted


def triangle(t: np.ndarray) -> np.ndarray:
    """1 − |t| for |t| < 1: linear interpolation."""
    return np.maximum(1 - abs(t), 0)


def cubic(t: np.ndarray) -> np.ndarray:
    """Cubic convolution with a = −½ (Keys 1981), |t| < 2."""
    t = abs(t)
    near, far = (1.5 * t - 2.5) * t * t + 1, ((-0.5 * t + 2.5) * t - 4) * t + 2
    return np.where(t < 1, near, np.where(t < 2, far, 0))


def lanczos(radius: int) -> Callable[[np.ndarray], np.ndarray]:
    """sinc(t) sinc(t / radius) for |t| < radius (Lanczos; Turkowski 1990)."""
    return lambda t: np.where(abs(t) < radius, np.sinc(t) * np.sinc(t / radius), 0)


# How the weight falls with the distance, and how far it reaches.
WINDOWS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {
    "bilinear": (triangle, 1),
    "bicubic": (cubic, 2),
    "lanczos3": (lanczos(3), 3),
    "lanczos5": (lanczos(5), 5),
}
INTERPOLATIONS = ("nearest", *WINDOWS)


def matrix(size: int, new_size: int, interpolation: str) -> np.ndarray:
    """A (new_size, size): y = A x along one axis; float64."""
    if interpolation not in INTERPOLATIONS:
        raise UnknownNameError("interpolation", interpolation, INTERPOLATIONS)
    if size < 1 or new_size < 1:
        raise ConfigurationError(
            "an image has at least one pixel along each axis.", where="resampling", received=f"{size} → {new_size}"
        )
    centres = (np.arange(new_size) + 0.5) * (size / new_size)  # counted in old pixels
    if interpolation == "nearest":
        return np.eye(size)[np.minimum(centres.astype(int), size - 1)]
    weigh, _ = WINDOWS[interpolation]
    weights = weigh(np.arange(size) + 0.5 - centres[:, None])
    weights = np.where(abs(weights) < 1e-12, 0, weights)  # the zeros of the sine, rounded
    return weights / weights.sum(axis=1, keepdims=True)


@lru_cache(maxsize=256)
def terms(size: int, new_size: int, interpolation: str, transposed: bool) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of A's rows (of Aᵀ's) that are not 0: in which columns they stand, and they, each (K, rows).

    Rows with fewer than K of them are filled up with zeros.
    """
    A = matrix(size, new_size, interpolation)
    A = A.T if transposed else A
    counts = (A != 0).sum(axis=1)
    order = np.argsort(A == 0, axis=1, kind="stable")[:, : max(1, counts.max())]
    weights = np.take_along_axis(A, order, axis=1)
    return order.T, weights.T


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
