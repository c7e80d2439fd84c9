"""What the kernels' results are compared with: the same sums in float64, and how far rounding may lead away."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def tolerance(terms: int, sizes: Array, dtype: str) -> Array:
    """How far a sum of so many products may be off: 4 √K ε Σ |x| |w| for float32, 10⁻¹² of it for float64.

    Args:
        sizes: Σ |x| |w| for each result.
    """
    small = np.finfo(dtype).tiny
    return (4 * np.sqrt(max(terms, 1)) * np.finfo(np.float32).eps if dtype == "float32" else 1e-12) * sizes + small


def assert_sum(result: Array, expected: Array, terms: int, sizes: Array) -> None:
    """The result is as near to the sum in float64 as rounding allows."""
    assert result.shape == expected.shape
    error = np.abs(result.astype(np.float64) - expected)
    limit = tolerance(terms, sizes, result.dtype.name)
    assert np.all(error <= limit), (error.max(), limit.min())


def windows(x: Array, kernel: tuple[int, int], strides: tuple[int, int], padding: Any, dilation: Any) -> Array:
    """Patches of the images with their border, (N, OH, OW, KH, KW, C), by plain indexing."""
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    (kh, kw), (sh, sw), (dh, dw) = kernel, strides, dilation
    oh, ow = (x.shape[1] - (kh - 1) * dh - 1) // sh + 1, (x.shape[2] - (kw - 1) * dw - 1) // sw + 1
    rows = np.arange(oh)[:, None] * sh + np.arange(kh) * dh
    columns = np.arange(ow)[:, None] * sw + np.arange(kw) * dw
    return x[:, rows[:, None, :, None], columns[None, :, None, :]]


def spread(patches: Array, shape: tuple[int, ...], strides: Any, padding: Any, dilation: Any) -> Array:
    """The adjoint of ``windows``: each entry of each patch is added to the pixel it was taken from."""
    (top, bottom), (left, right) = padding
    _, oh, ow, kh, kw, _ = patches.shape
    image = np.zeros((shape[0], shape[1] + top + bottom, shape[2] + left + right, shape[3]))
    for i in range(kh):
        for j in range(kw):
            rows = i * dilation[0] + np.arange(oh) * strides[0]
            columns = j * dilation[1] + np.arange(ow) * strides[1]
            image[:, rows[:, None], columns] += patches[:, :, :, i, j]
    return image[:, top : top + shape[1], left : left + shape[2]]
