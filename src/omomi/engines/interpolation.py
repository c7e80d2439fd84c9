"""Interpolation: the weights of old pixels in new ones, when an image gets another size.

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


def entries(size: int, new_size: int, interpolation: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The numbers of A (new_size, size) that are not 0, y = A x along one axis: their rows, their columns, and they.

    Raises:
        UnknownNameError: no such interpolation.
        ConfigurationError: no entries before or after.
    """
    if interpolation not in INTERPOLATIONS:
        raise UnknownNameError("interpolation", interpolation, INTERPOLATIONS)
    if size < 1 or new_size < 1:
        raise ConfigurationError(
            "an image has at least one pixel along each axis.", where="resampling", received=f"{size} → {new_size}"
        )
    rows = np.arange(new_size)
    centres = (rows + 0.5) * (size / new_size)  # counted in old pixels
    if interpolation == "nearest":
        return rows, np.minimum(centres.astype(int), size - 1), np.ones(new_size)
    weigh, radius = WINDOWS[interpolation]
    columns = np.floor(centres).astype(int)[:, None] + np.arange(-radius, radius + 1)
    weights = weigh(columns + 0.5 - centres[:, None])
    weights = np.where((columns < 0) | (columns >= size) | (abs(weights) < 1e-12), 0, weights)  # sines round to near 0
    weights = weights / weights.sum(axis=1, keepdims=True)
    row, place = np.nonzero(weights)
    return row, columns[row, place], weights[row, place]


@lru_cache(maxsize=256)
def terms(size: int, new_size: int, interpolation: str, transposed: bool) -> tuple[np.ndarray, np.ndarray]:
    """The same for each row of A (of Aᵀ): in which columns its numbers stand, and they, each (K, rows).

    Rows with fewer than K of them are filled up with zeros.
    """
    rows, columns, values = entries(size, new_size, interpolation)
    count = new_size
    if transposed:
        rows, columns, count = columns, rows, size
    order = np.argsort(rows, kind="stable")
    rows, columns, values = rows[order], columns[order], values[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)  # which of its row's numbers each is
    at, weights = (np.zeros((int(place.max()) + 1, count), kind) for kind in (np.int64, np.float64))
    at[place, rows], weights[place, rows] = columns, values
    return at, weights
