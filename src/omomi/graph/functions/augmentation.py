"""Images moved and mirrored. The formulas stand in ``omomi.ops.augmentation``.

``address``: of the draw (see omomi.engines.random); the next one of the layer that runs unless given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from omomi.errors import ShapeError
from omomi.graph.randomness import draw_address
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import augmentation as _augmentation

Input = Any  # a Variable, an array, or numbers
Range = tuple[float, float]


def warp(
    x: Input, matrix: Input, *, interpolation: str = "bilinear", fill_mode: str = "reflect", fill_value: float = 0.0
) -> Variable:
    """Images (N, H, W, C) read at the places (row, column) = A (row', column', 1), A (N, 2, 3): turned, zoomed, moved.

    Args:
        interpolation: "bilinear" or "nearest".
        fill_mode: what is read outside the image: "constant" (``fill_value``), "nearest", "reflect" or "wrap".

    Raises:
        ShapeError: the shapes do not fit.
    """
    x, matrix = as_variable(x), as_variable(matrix)
    if x.ndim != 4 or matrix.shape != (x.shape[0], 2, 3):
        raise ShapeError(
            "there is one map of the plane for each image.",
            where="warp",
            expected="x (N, H, W, C) and matrix (N, 2, 3)",
            received=f"x {x.shape}, matrix {matrix.shape}",
        )
    options = {"interpolation": interpolation, "fill_mode": fill_mode, "fill_value": float(fill_value)}
    return apply(_augmentation.warp, x, matrix, **options)


def random_affine(x: Input, address: Input | None = None, **ranges: Range | None) -> Variable:
    """A map of the plane for each of the images x, (N, 2, 3), drawn as ``omomi.ops.augmentation`` says."""
    x = as_variable(x)
    n, h, w, _ = x.shape
    dtype = "float64" if x.dtype == np.float64 else "float32"
    given = {name: None if r is None else (float(r[0]), float(r[1])) for name, r in ranges.items()}
    return apply(_augmentation.random_affine, _or_next(address), count=n, size=(h, w), dtype=dtype, **given)


def random_uniform(
    shape: Sequence[int], low: float = 0.0, high: float = 1.0, dtype: Any = "float32", address: Input | None = None
) -> Variable:
    """Uniform numbers in [low, high)."""
    numbers = {"shape": tuple(int(d) for d in shape), "low": float(low), "high": float(high)}
    return apply(_augmentation.random_uniform, _or_next(address), **numbers, dtype=np.dtype(dtype).name)


def random_flip(x: Input, axes: Sequence[int] = (2,), address: Input | None = None) -> Variable:
    """Each sample mirrored along each of the axes, or not."""
    return apply(_augmentation.random_flip, as_variable(x), _or_next(address), axes=tuple(int(a) for a in axes))


def random_crop(x: Input, size: tuple[int, int], address: Input | None = None) -> Variable:
    """A window of ``size`` of each image (N, H, W, C), at a random place."""
    size = (int(size[0]), int(size[1]))
    return apply(_augmentation.random_crop, as_variable(x), _or_next(address), size=size)


def _or_next(address: Input | None) -> Input:
    return draw_address() if address is None else address
