"""Warp: images read at places that an affine map of each sample gives, in one pass forward and one backward.

    forward    y[n, p'] = k + Σ w (x[n, p] − k)       the entries p around the place A (p', 1), w how near they are
    backward   gx[n, p] += w gy[n, p']

k is the fill value. An entry outside the image is another one of the image, as the mode says, or has no weight. Forward
is cut by rows of the new images; backward by samples, since places of one image may share an entry.
"""

from __future__ import annotations

import math
from typing import Any

from omomi.engines.cpu.kernel import Images, Matrix, Real, helper, kernel, share
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.passes import chunks_for
from omomi.engines.cpu.primitives import real

MODES = {"constant": 0, "nearest": 1, "reflect": 2, "wrap": 3}


@helper
def entry(i, size, mode):  # type: ignore[no-untyped-def]
    """The entry that is read for position i of an axis."""
    if mode == 3:
        return i % size
    if mode == 2:
        i = i % (2 * size)
        return i if i < size else 2 * size - 1 - i
    return min(max(i, 0), size - 1)


@helper
def weight(part, step, i, size, mode):  # type: ignore[no-untyped-def]
    """How much the entry at a position counts along one axis."""
    if mode == 0 and (i < 0 or i >= size):
        return real(0)
    return part if step else real(1) - part


@helper
def place(A, row, column, nearest):  # type: ignore[no-untyped-def]
    """Where A (row, column, 1) lies: the entry above and left of it, and how far it is from that one."""
    down = A[0] * real(row) + A[1] * real(column) + A[2]
    right = A[3] * real(row) + A[4] * real(column) + A[5]
    if nearest:
        down += real(0.5)
        right += real(0.5)
    i, j = math.floor(down), math.floor(right)
    below, beside = down - real(i), right - real(j)
    if nearest:
        below, beside = real(0), real(0)
    return i, j, below, beside


@kernel()
def warp_forward(
    x: Images, matrix: Matrix, y: Images, mode: int, nearest: int, fill: Real, chunk: int, chunks: int
) -> None:
    """y for a range of rows of all images."""
    n, h, w, channels = x.shape
    start, stop = share(n * h, chunk, chunks)
    for at in range(start, stop):
        sample, row = at // h, at % h
        A = matrix[sample]
        for column in range(w):
            i, j, below, beside = place(A, row, column, nearest)
            result = y[sample, row, column]
            for k in range(channels):
                result[k] = fill
            for corner in range(1 if nearest else 4):
                a, b = i + corner // 2, j + corner % 2
                share_of = weight(below, corner // 2, a, h, mode) * weight(beside, corner % 2, b, w, mode)
                source = x[sample, entry(a, h, mode), entry(b, w, mode)]
                for k in range(channels):
                    result[k] += share_of * (source[k] - fill)


@kernel()
def warp_backward(gy: Images, matrix: Matrix, gx: Images, mode: int, nearest: int, chunk: int, chunks: int) -> None:
    """gx for a range of samples."""
    n, h, w, channels = gy.shape
    start, stop = share(n, chunk, chunks)
    for sample in range(start, stop):
        A = matrix[sample]
        for row in range(h):
            for column in range(w):
                for k in range(channels):
                    gx[sample, row, column, k] = real(0)
        for row in range(h):
            for column in range(w):
                i, j, below, beside = place(A, row, column, nearest)
                delta = gy[sample, row, column]
                for corner in range(1 if nearest else 4):
                    a, b = i + corner // 2, j + corner % 2
                    share_of = weight(below, corner // 2, a, h, mode) * weight(beside, corner % 2, b, w, mode)
                    target = gx[sample, entry(a, h, mode), entry(b, w, mode)]
                    for k in range(channels):
                        target[k] += share_of * delta[k]


def forward(
    x: Array,
    matrix: Array,
    y: Array,
    *,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
) -> list[Launch]:
    """y like x (N, H, W, C), from maps (N, 6): the rows of each A one after the other."""
    cut: dict[str, Any] = {"dtype": x.dtype.name, "chunks": chunks_for(4 * x.size, x[0, 0].size), "work": 8 * x.size}
    options = MODES[fill_mode], int(interpolation == "nearest"), fill_value
    return [Launch(warp_forward, x, matrix, y, *options, **cut)]


def backward(
    matrix: Array,
    gy: Array,
    gx: Array,
    *,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
) -> list[Launch]:
    """gx like gy (N, H, W, C); it is not gy."""
    cut: dict[str, Any] = {"dtype": gy.dtype.name, "chunks": chunks_for(4 * gy.size, gy[0].size), "work": 8 * gy.size}
    return [Launch(warp_backward, gy, matrix, gx, MODES[fill_mode], int(interpolation == "nearest"), **cut)]
