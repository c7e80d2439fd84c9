"""Pooling in one pass: the largest or the mean of each window, forward and backward.

    max       y = max_ij x[n, r s + i, c s + j, k]          gx ← gy at the window's first largest entry
    average   y = 1/m Σ_ij x[n, r s + i, c s + j, k]        gx ← gy / m at every entry

The entries of a window are numbered row by row, entry (i, j) is i·KW + j. Forward keeps for each number of y which
entry it is, in one byte; ``NONE`` says that nothing gets its gradient: y is not a number, or −∞ from the border.

Backward goes through the pixels of x, not through the windows: each row of gx is written by one chunk, which looks
for the windows that the row lies in. So windows may overlap, and no two chunks write to the same place.
"""

from __future__ import annotations

from omomi.engines.cpu.kernel import Bytes, Images, helper, kernel, share
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.passes import chunks_for
from omomi.engines.cpu.primitives import address, clear, itemsize, real, vector

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]
NO_PADDING: Padding = ((0, 0), (0, 0))
NONE = 255
LARGEST_WINDOW = NONE  # entries that a byte can number


@helper
def entries_inside(first: int, size: int, length: int) -> tuple[int, int]:
    """Which entries of a window that starts at pixel ``first`` lie on an image of that length."""
    return max(0, -first), min(size, length - first)


@helper
def windows_over(pixel: int, size: int, stride: int, windows: int) -> tuple[int, int]:
    """From which window to which a pixel lies in, counted from the first pixel of the border."""
    start = (pixel - size + stride) // stride if pixel >= size else 0
    return start, min(pixel // stride + 1, windows)


@helper
def largest_of_four(a, b, c, d, y, argmax):  # type: ignore[no-untyped-def]
    """y = max(a, b, c, d) along the channels, and which it was; the comparisons keep what is not a number."""
    for k in range(y.size):
        best, entry = a[k], 0
        if b[k] > best or b[k] != b[k]:
            best, entry = b[k], 1
        if c[k] > best or c[k] != c[k]:
            best, entry = c[k], 2
        if d[k] > best or d[k] != d[k]:
            best, entry = d[k], 3
        y[k] = best
        argmax[k] = entry if best == best else NONE


@helper
def take_larger(x, entry, y, argmax):  # type: ignore[no-untyped-def]
    """y = max(y, x) along the channels."""
    for k in range(y.size):
        v, best = x[k], y[k]
        larger = v > best or v != v
        y[k] = v if larger else best
        argmax[k] = entry if larger else argmax[k]


@kernel()
def max_pooling_forward(
    x: Images,
    y: Images,
    entries: Bytes,
    kernel_rows: int,
    kernel_columns: int,
    stride_rows: int,
    stride_columns: int,
    top: int,
    left: int,
    chunk: int,
    chunks: int,
) -> None:
    """y and its entries, the argmax of each window, for a range of rows of y."""
    images, height, width, channels = x.shape
    rows, columns = y.shape[1], y.shape[2]
    size = itemsize()
    row, down = channels * size, width * channels * size
    start, stop = share(images * rows, chunk, chunks)
    for q in range(start, stop):
        image = address(x, q // rows * height * width * channels)
        h = q % rows * stride_rows - top
        i_start, i_stop = entries_inside(h, kernel_rows, height)
        for c in range(columns):
            w = c * stride_columns - left
            j_start, j_stop = entries_inside(w, kernel_columns, width)
            at = (q * columns + c) * channels
            result, which = vector(address(y, at), channels), entries[at : at + channels]
            corner = image + h * down + w * row
            if kernel_rows == 2 and kernel_columns == 2 and i_stop - i_start == 2 and j_stop - j_start == 2:
                a, b = vector(corner, channels), vector(corner + row, channels)
                corner += down
                largest_of_four(a, b, vector(corner, channels), vector(corner + row, channels), result, which)
                continue
            for k in range(channels):
                result[k] = real(-float("inf"))
                which[k] = NONE if i_start > 0 or j_start > 0 else 0
            for i in range(i_start, i_stop):
                for j in range(j_start, j_stop):
                    pixel = vector(corner + i * down + j * row, channels)
                    take_larger(pixel, i * kernel_columns + j, result, which)
            for k in range(channels):
                which[k] = which[k] if result[k] == result[k] else NONE


@kernel()
def max_pooling_backward(
    gy: Images,
    entries: Bytes,
    gx: Images,
    kernel_rows: int,
    kernel_columns: int,
    stride_rows: int,
    stride_columns: int,
    top: int,
    left: int,
    chunk: int,
    chunks: int,
) -> None:
    """gx for a range of its rows."""
    images, height, width, channels = gx.shape
    rows, columns = gy.shape[1], gy.shape[2]
    start, stop = share(images * height, chunk, chunks)
    for q in range(start, stop):
        n, h = q // height, q % height
        clear(address(gx, q * width * channels), width * channels)
        r_start, r_stop = windows_over(h + top, kernel_rows, stride_rows, rows)
        for r in range(r_start, r_stop):
            entry = (h + top - r * stride_rows) * kernel_columns
            for c in range(columns):
                at = ((n * rows + r) * columns + c) * channels
                delta, which = vector(address(gy, at), channels), entries[at : at + channels]
                w = c * stride_columns - left
                j_start, j_stop = entries_inside(w, kernel_columns, width)
                for j in range(j_start, j_stop):
                    pixel = vector(address(gx, (q * width + w + j) * channels), channels)
                    for k in range(channels):
                        pixel[k] += delta[k] if which[k] == entry + j else real(0)


@kernel()
def average_pooling_forward(
    x: Images,
    y: Images,
    kernel_rows: int,
    kernel_columns: int,
    stride_rows: int,
    stride_columns: int,
    top: int,
    left: int,
    chunk: int,
    chunks: int,
) -> None:
    """y for a range of its rows."""
    images, height, width, channels = x.shape
    rows, columns = y.shape[1], y.shape[2]
    start, stop = share(images * rows, chunk, chunks)
    for q in range(start, stop):
        h = q % rows * stride_rows - top
        i_start, i_stop = entries_inside(h, kernel_rows, height)
        for c in range(columns):
            w = c * stride_columns - left
            j_start, j_stop = entries_inside(w, kernel_columns, width)
            result = vector(address(y, (q * columns + c) * channels), channels)
            for k in range(channels):
                result[k] = real(0)
            for i in range(i_start, i_stop):
                for j in range(j_start, j_stop):
                    at = ((q // rows * height + h + i) * width + w + j) * channels
                    pixel = vector(address(x, at), channels)
                    for k in range(channels):
                        result[k] += pixel[k]
            count = real((i_stop - i_start) * (j_stop - j_start))
            for k in range(channels):
                result[k] /= count


@kernel()
def average_pooling_backward(
    gy: Images,
    gx: Images,
    kernel_rows: int,
    kernel_columns: int,
    stride_rows: int,
    stride_columns: int,
    top: int,
    left: int,
    chunk: int,
    chunks: int,
) -> None:
    """gx for a range of its rows."""
    images, height, width, channels = gx.shape
    rows, columns = gy.shape[1], gy.shape[2]
    start, stop = share(images * height, chunk, chunks)
    for q in range(start, stop):
        n, h = q // height, q % height
        clear(address(gx, q * width * channels), width * channels)
        r_start, r_stop = windows_over(h + top, kernel_rows, stride_rows, rows)
        for r in range(r_start, r_stop):
            i_start, i_stop = entries_inside(r * stride_rows - top, kernel_rows, height)
            for c in range(columns):
                w = c * stride_columns - left
                j_start, j_stop = entries_inside(w, kernel_columns, width)
                count = real((i_stop - i_start) * (j_stop - j_start))
                delta = vector(address(gy, ((n * rows + r) * columns + c) * channels), channels)
                for j in range(j_start, j_stop):
                    pixel = vector(address(gx, (q * width + w + j) * channels), channels)
                    for k in range(channels):
                        pixel[k] += delta[k] / count


def accepts_max(size: Pair) -> bool:
    """Whether a byte can number the entries of the window."""
    return size[0] * size[1] <= LARGEST_WINDOW


def max_forward(
    x: Array, y: Array, argmax: Array, *, size: Pair = (2, 2), strides: Pair = (2, 2), padding: Padding = NO_PADDING
) -> list[Launch]:
    """y = the largest of each window, all C-contiguous.

    Args:
        x: (N, H, W, C).
        y: (N, OH, OW, C), written.
        argmax: uint8, of y's shape, written: what backward needs.
        size, strides, padding: as the rule takes them, and accepted by ``accepts_max``.
    """
    geometry = (*size, *strides, padding[0][0], padding[1][0])
    chunks = _chunks(x, y)
    return [
        Launch(max_pooling_forward, x, y, argmax.reshape(-1), *geometry, dtype=x.dtype.name, chunks=chunks, work=x.size)
    ]


def max_backward(
    argmax: Array, gy: Array, gx: Array, *, size: Pair = (2, 2), strides: Pair = (2, 2), padding: Padding = NO_PADDING
) -> list[Launch]:
    """gx (N, H, W, C), written completely, from gy and the argmax of forward."""
    geometry = (*size, *strides, padding[0][0], padding[1][0])
    chunks = _chunks(gx, gx)
    return [
        Launch(
            max_pooling_backward,
            gy,
            argmax.reshape(-1),
            gx,
            *geometry,
            dtype=gx.dtype.name,
            chunks=chunks,
            work=gx.size,
        )
    ]


def average_forward(
    x: Array, y: Array, *, size: Pair = (2, 2), strides: Pair = (2, 2), padding: Padding = NO_PADDING
) -> list[Launch]:
    """y = the mean of each window's pixels, those of the border not counted."""
    geometry = (*size, *strides, padding[0][0], padding[1][0])
    chunks = _chunks(x, y)
    return [Launch(average_pooling_forward, x, y, *geometry, dtype=x.dtype.name, chunks=chunks, work=x.size)]


def average_backward(
    gy: Array, gx: Array, *, size: Pair = (2, 2), strides: Pair = (2, 2), padding: Padding = NO_PADDING
) -> list[Launch]:
    """gx (N, H, W, C), written completely."""
    geometry = (*size, *strides, padding[0][0], padding[1][0])
    chunks = _chunks(gx, gx)
    return [Launch(average_pooling_backward, gy, gx, *geometry, dtype=gx.dtype.name, chunks=chunks, work=gx.size)]


def _chunks(images: Array, by_rows_of: Array) -> int:
    """How many chunks a pass over images takes that is cut between rows of ``by_rows_of``."""
    rows = by_rows_of.shape[0] * by_rows_of.shape[1]
    return chunks_for(images.size, -(-images.size // rows))
