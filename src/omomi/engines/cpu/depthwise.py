"""Depthwise convolution: the passes of convolution, but no channel is added to another.

Images are (N, H, W, C) and kernels (KH, KW, C, 1): one result for each channel. A vector holds channels side by side.

    forward            y[r, c, k]  = Σ_i Σ_j  x[r s + i, c s + j, k]      W[i, j, k]
    input gradient     gx[r, c, k] = Σ_i Σ_j  δ[r − i, c − j, k]          W[i, j, k]
    kernel gradient    gW[i, j, k] = Σ_r Σ_c  x[r s + i, c s + j, k]      δ[r, c, k]

Borders, phases of the input gradient and partial sums of the kernel gradient are those of ``convolution``; what is
summed over k there is a lane here (``contract_by_channel``). A kernel with several results for each channel is such a
convolution of images in which each channel is repeated: ``repeated`` and ``sums`` of reduction lead there and back.
"""

from __future__ import annotations

from omomi.engines.cpu import partial_sums
from omomi.engines.cpu.contraction import contract_by_channel
from omomi.engines.cpu.convolution import CHUNKS, PARTIALS
from omomi.engines.cpu.convolution_gradients import flip_kernel
from omomi.engines.cpu.geometry import NO_PADDING, Geometry, Padding, Pair
from omomi.engines.cpu.kernel import Images, Matrix, Vector, helper, kernel, share
from omomi.engines.cpu.launch import SERIAL, Array, Launch, aligned, empty, scratch
from omomi.engines.cpu.microkernel import ACCUMULATE
from omomi.engines.cpu.primitives import (
    address,
    clear,
    copy,
    itemsize,
    load_number,
    real,
    store_number,
    vector,
)
from omomi.engines.cpu.sliding import add_border, seen_rows, taps


@helper
def slide_by_channel(
    image: int,
    rows: int,
    first: int,
    row: int,
    step: int,
    dilation_rows: int,
    dilation_columns: int,
    channels: int,
    kernel: int,
    kernel_rows: int,
    kernel_columns: int,
    c: int,
    c_step: int,
    count: int,
    bias: int,
) -> None:
    """One row of results: the kernel slides along ``count`` places. The arguments are those of ``slide``."""
    size = itemsize()
    start, stop = seen_rows(first, rows, kernel_rows, dilation_rows)
    if stop == start:  # the kernel lies in the border: the sum is empty
        for place in range(count):
            for k in range(channels):
                value = load_number(bias + k * size) if bias != 0 else real(0)
                store_number(c + (place * c_step + k) * size, value)
        return
    across = kernel_columns * channels
    contract_by_channel(
        image + (first + start * dilation_rows) * row * size, step, dilation_rows * row, dilation_columns * channels,
        kernel + start * across * size, across, channels,
        c, c_step, count, channels, stop - start, kernel_columns, bias, 0,
    )  # fmt: skip


@kernel(uses=(contract_by_channel,))
def depthwise_forward(
    x: Images,
    W: Images,
    b: Vector,
    y: Images,
    scratch: Matrix,
    stride_rows: int,
    stride_columns: int,
    top: int,
    left: int,
    dilation_rows: int,
    dilation_columns: int,
    groups: int,
    chunk: int,
    worker: int,
) -> None:
    """y for one of the ``groups`` of rows of one image. An empty b is none, empty scratch no border."""
    _, height, width, channels = x.shape
    kernel_rows, kernel_columns = W.shape[0], W.shape[1]
    rows, columns = y.shape[1], y.shape[2]
    n = chunk // groups
    start, stop = share(rows, chunk % groups, groups)
    row = width * channels
    image = address(x, n * height * row)
    if scratch.size > 0:
        low = max(0, start * stride_rows - top)
        high = min(height, (stop - 1) * stride_rows - top + (kernel_rows - 1) * dilation_rows + 1)
        bordered = ((columns - 1) * stride_columns + (kernel_columns - 1) * dilation_columns + 1) * channels
        room = address(scratch, worker * scratch.shape[1])
        image = add_border(image, row, low, high, room, bordered, left * channels)
        row = bordered
    bias = address(b, 0) if b.size > 0 else 0
    for r in range(start, stop):
        slide_by_channel(
            image, height, r * stride_rows - top, row, stride_columns * channels,
            dilation_rows, dilation_columns, channels, address(W, 0), kernel_rows, kernel_columns,
            address(y, (n * rows + r) * columns * channels), channels, columns, bias,
        )  # fmt: skip


@kernel(uses=(contract_by_channel,), fastmath=("reassoc",))
def depthwise_backward(
    x: Images,
    flipped: Vector,
    gy: Images,
    gx: Images,
    gW: Matrix,
    gb: Matrix,
    delta: Matrix,
    border: Matrix,
    kernel_rows: int,
    kernel_columns: int,
    stride_rows: int,
    stride_columns: int,
    top: int,
    left: int,
    dilation_rows: int,
    dilation_columns: int,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """gx, and this chunk's part of gW and gb, for a range of images. What is empty is not wanted.

    Args:
        gW, gb: one row of partial sums per chunk.
        delta: for each worker, room for δ of one image with zeros on both sides.
        border: for each worker, room for one image of x with its border; empty if it has none.
    """
    count, height, width, channels = x.shape
    rows, columns = gy.shape[1], gy.shape[2]
    size = itemsize()
    image_row = width * channels
    # δ has ``before`` columns of zeros on its left, and on its right as many as the last pixels' taps reach into.
    before = (taps(kernel_columns, stride_columns, 0) - 1) * dilation_columns
    delta_row = (before + max(columns, (width - 1 + left) // stride_columns + 1)) * channels
    inside = worker * delta.shape[1] + before * channels
    start, stop = share(count, chunk, chunks)
    if gb.size > 0:
        gb[chunk, :] = real(0)
    if gW.size > 0:
        clear(address(gW, chunk * gW.shape[1]), gW.shape[1])
    for n in range(start, stop):
        deltas = address(gy, n * rows * columns * channels)
        if gb.size > 0:
            sums = gb[chunk]
            for place in range(rows * columns):
                pixel = vector(deltas + place * channels * size, channels)
                for k in range(channels):
                    sums[k] += pixel[k]
        if gx.size > 0:
            for r in range(rows):
                target = address(delta, inside + r * delta_row)
                copy(target, deltas + r * columns * channels * size, columns * channels)
            part = address(flipped, 0)  # of the kernel: what reaches this phase
            for p in range(stride_rows):
                tap_rows = taps(kernel_rows, stride_rows, p)
                for q in range(stride_columns):
                    tap_columns = taps(kernel_columns, stride_columns, q)
                    # The first pixel of the phase in each direction, and how many it has along a row.
                    i, j = (p - top) % stride_rows, (q - left) % stride_columns
                    along = (width - j + stride_columns - 1) // stride_columns
                    first_column = (j + left) // stride_columns - (tap_columns - 1) * dilation_columns
                    d = address(delta, inside + first_column * channels)
                    while i < height:
                        slide_by_channel(
                            d, rows, (i + top) // stride_rows - (tap_rows - 1) * dilation_rows, delta_row, channels,
                            dilation_rows, dilation_columns, channels,
                            part, tap_rows if tap_columns > 0 else 0, tap_columns,
                            address(gx, ((n * height + i) * width + j) * channels),
                            stride_columns * channels, along, 0,
                        )  # fmt: skip
                        i += stride_rows
                    part += tap_rows * tap_columns * channels * size
        if gW.size > 0:
            image, row = address(x, n * height * image_row), image_row
            if border.size > 0:
                row = ((columns - 1) * stride_columns + (kernel_columns - 1) * dilation_columns + 1) * channels
                room = address(border, worker * border.shape[1])
                image = add_border(image, image_row, 0, height, room, row, left * channels)
            for i in range(kernel_rows):
                # The places r at which row i of the kernel falls on the image.
                shift = i * dilation_rows - top
                low = max(0, (stride_rows - 1 - shift) // stride_rows)
                high = min(rows, (height - 1 - shift) // stride_rows + 1)
                if low < high:
                    contract_by_channel(
                        image + (low * stride_rows + shift) * row * size,
                        dilation_columns * channels, stride_rows * row, stride_columns * channels,
                        deltas + low * columns * channels * size, columns * channels, channels,
                        address(gW, chunk * gW.shape[1] + i * kernel_columns * channels), channels,
                        kernel_columns, channels, high - low, columns, 0, ACCUMULATE,
                    )  # fmt: skip


def accepts(strides: Pair, dilation: Pair) -> bool:
    """Whether these kernels serve a depthwise convolution: not with strides and dilation along the same axis."""
    return all(s == 1 or d == 1 for s, d in zip(strides, dilation, strict=True))


def forward(
    x: Array,
    W: Array,
    b: Array | None,
    y: Array,
    *,
    strides: Pair = (1, 1),
    padding: Padding = NO_PADDING,
    dilation: Pair = (1, 1),
) -> list[Launch]:
    """y = x * W + b, channel by channel, all C-contiguous and of one dtype.

    Args:
        x: (N, H, W, C).
        W: (KH, KW, C, 1).
        b: (C,), or ``None``.
        y: (N, OH, OW, C), written.
        strides, padding, dilation: as the rule takes them, and accepted by ``accepts``.
    """
    (count, rows, columns, channels), (kernel_rows, kernel_columns) = y.shape, W.shape[:2]
    geometry = Geometry(strides, padding, dilation)
    bias = empty(1, x.dtype) if b is None else b
    image_work = rows * columns * W.size
    groups = max(1, min(rows, -(-CHUNKS // count), image_work // SERIAL))
    room = empty(2, x.dtype)
    if any(padding[1]):
        width = (columns - 1) * strides[1] + (kernel_columns - 1) * dilation[1] + 1
        height = (-(-rows // groups) - 1) * strides[0] + (kernel_rows - 1) * dilation[0] + 1
        room = scratch(width * height * channels, x.dtype)
    arguments = (x, W, bias, y, room, *geometry.numbers, groups)
    chunks, work = count * groups, count * image_work
    return [Launch(depthwise_forward, *arguments, dtype=x.dtype.name, chunks=chunks, work=work)]


def backward(
    x: Array,
    W: Array,
    gy: Array,
    *,
    gx: Array | None = None,
    gW: Array | None = None,
    gb: Array | None = None,
    strides: Pair = (1, 1),
    padding: Padding = NO_PADDING,
    dilation: Pair = (1, 1),
) -> list[Launch]:
    """The gradients of ``forward`` from gy = ∂E/∂y; what is ``None`` is not wanted."""
    (count, height, width, channels), (kernel_rows, kernel_columns) = x.shape, W.shape[:2]
    _, rows, columns, _ = gy.shape
    dtype, work = x.dtype, gy.size * kernel_rows * kernel_columns
    launches, flipped = [], empty(1, dtype)
    delta, border = empty(2, dtype), empty(2, dtype)
    if gx is not None:
        flipped = aligned((W.size,), dtype)
        entries = kernel_rows * kernel_columns
        launches.append(Launch(flip_kernel, W, flipped, *strides, dtype=dtype.name, chunks=entries, work=W.size))
        before = (-(-kernel_columns // strides[1]) - 1) * dilation[1]
        delta_width = before + max(columns, (width - 1 + padding[1][0]) // strides[1] + 1)
        delta = scratch(rows * delta_width * channels, dtype)
    if gW is not None and any(padding[1]):
        bordered = (columns - 1) * strides[1] + (kernel_columns - 1) * dilation[1] + 1
        border = scratch(height * bordered * channels, dtype)
    chunks = min(count, PARTIALS)
    sums = [empty(2, dtype) if total is None else aligned((chunks, total.size), dtype) for total in (gW, gb)]
    results = (empty(4, dtype) if gx is None else gx, *sums)
    geometry = Geometry(strides, padding, dilation)
    arguments = (x, flipped, gy, *results, delta, border, kernel_rows, kernel_columns, *geometry.numbers)
    launches.append(Launch(depthwise_backward, *arguments, dtype=dtype.name, chunks=chunks, work=work))
    for partials, total in zip(sums, (gW, gb), strict=True):
        if total is not None:
            launches += partial_sums.add(partials, total, 0)
    return launches
