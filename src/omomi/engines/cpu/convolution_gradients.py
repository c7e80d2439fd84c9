"""The gradients of a convolution, image by image: δ = gy f'(y), gx, and partial sums of gW and gb.

See convolution for the whole picture.
"""

from __future__ import annotations

from omomi.engines.cpu.activation import deactivate
from omomi.engines.cpu.contraction import contract, transpose
from omomi.engines.cpu.kernel import Images, Matrix, Real, Vector, kernel, share
from omomi.engines.cpu.microkernel import ACCUMULATE
from omomi.engines.cpu.primitives import address, clear, itemsize, real, vector
from omomi.engines.cpu.sliding import add_border, slide, taps


@kernel()
def flip_kernel(W: Images, flipped: Vector, stride_rows: int, stride_columns: int, chunk: int) -> None:
    """The kernel of the input gradient, one entry (i, j) per chunk: phase after phase, in each the entries from
    last to first, each entry transposed to (C_out, C_in)."""
    kernel_rows, kernel_columns, channels, outputs = W.shape
    i, j = chunk // kernel_columns, chunk % kernel_columns
    phase_i, phase_j = i % stride_rows, j % stride_columns
    rows, columns = taps(kernel_rows, stride_rows, phase_i), taps(kernel_columns, stride_columns, phase_j)
    before = 0  # entries in the phases before this one
    for p in range(phase_i):
        before += taps(kernel_rows, stride_rows, p) * kernel_columns
    for p in range(phase_j):
        before += rows * taps(kernel_columns, stride_columns, p)
    here = (rows - 1 - i // stride_rows) * columns + columns - 1 - j // stride_columns
    entry = channels * outputs
    transpose(
        address(W, chunk * entry), outputs, address(flipped, (before + here) * entry), channels, channels, outputs
    )


@kernel(uses=(contract,), fastmath=("reassoc",))
def convolution_backward(
    x: Images,
    flipped: Vector,
    gy: Images,
    y: Images,
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
    band: int,
    flags: int,
    activation: int,
    alpha: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """gx, and this chunk's part of gW and gb, for a range of images. What is empty is not wanted.

    Args:
        y: what forward returned, read only where there is an activation.
        gW, gb: one row of partial sums per chunk.
        delta: for each worker, room for δ of one image with its border.
        border: for each worker, room for one image of x with its border; empty if it has none.
        band: how many rows of δ are taken at a time for gW: as many as the nearest cache holds beside those of x.
    """
    count, height, width, channels = x.shape
    _, rows, columns, outputs = gy.shape
    size = itemsize()
    image_row = width * channels
    # δ has ``before`` columns of zeros on its left, and on its right as many as the last pixels' taps reach into.
    before = (taps(kernel_columns, stride_columns, 0) - 1) * dilation_columns
    delta_row = (before + max(columns, (width - 1 + left) // stride_columns + 1)) * outputs
    inside = worker * delta.shape[1] + before * outputs
    start, stop = share(count, chunk, chunks)
    if gb.size > 0:
        gb[chunk, :] = real(0)
    if gW.size > 0:
        clear(address(gW, chunk * gW.shape[1]), gW.shape[1])
    for n in range(start, stop):
        for r in range(rows):
            place = (n * rows + r) * columns * outputs
            delta_run = vector(address(delta, inside + r * delta_row), columns * outputs)
            gy_run = vector(address(gy, place), columns * outputs)
            y_run = vector(address(y, place), columns * outputs) if activation else gy_run
            deactivate(gy_run, y_run, delta_run, activation, alpha)
            if gb.size > 0:
                sums = gb[chunk]
                for c in range(columns):
                    pixel = delta_run[c * outputs : (c + 1) * outputs]
                    for o in range(outputs):
                        sums[o] += pixel[o]
        if gx.size > 0:
            part = address(flipped, 0)  # of the kernel: what reaches this phase
            for p in range(stride_rows):
                tap_rows = taps(kernel_rows, stride_rows, p)
                for q in range(stride_columns):
                    tap_columns = taps(kernel_columns, stride_columns, q)
                    # The first pixel of the phase in each direction, and how many it has along a row.
                    i, j = (p - top) % stride_rows, (q - left) % stride_columns
                    along = (width - j + stride_columns - 1) // stride_columns
                    first_column = (j + left) // stride_columns - (tap_columns - 1) * dilation_columns
                    d = address(delta, inside + first_column * outputs)
                    while i < height:
                        slide(
                            d, rows, (i + top) // stride_rows - (tap_rows - 1) * dilation_rows, delta_row, outputs,
                            dilation_rows, dilation_columns, outputs,
                            part, tap_rows if tap_columns > 0 else 0, tap_columns, channels,
                            address(gx, ((n * height + i) * width + j) * channels),
                            stride_columns * channels, along, 0, flags,
                        )  # fmt: skip
                        i += stride_rows
                    part += tap_rows * tap_columns * channels * outputs * size
        if gW.size > 0:
            image, row = address(x, n * height * image_row), image_row
            if border.size > 0:
                row = ((columns - 1) * stride_columns + (kernel_columns - 1) * dilation_columns + 1) * channels
                scratch = address(border, worker * border.shape[1])
                image = add_border(image, image_row, 0, height, scratch, row, left * channels)
            run = kernel_columns if dilation_columns == 1 else 1  # columns of the kernel that are contiguous in x
            for first in range(0, rows, band):
                for i in range(kernel_rows):
                    # The places r of this band at which row i of the kernel falls on the image.
                    shift = i * dilation_rows - top
                    low = max(first, (stride_rows - 1 - shift) // stride_rows)
                    high = min(first + band, rows, (height - 1 - shift) // stride_rows + 1)
                    if low >= high:
                        continue
                    for j in range(0, kernel_columns, run):
                        seen = (low * stride_rows + shift) * row + j * dilation_columns * channels
                        contract(
                            image + seen * size, 1, stride_rows * row, stride_columns * channels,
                            address(delta, inside + low * delta_row), delta_row, outputs,
                            address(gW, chunk * gW.shape[1] + (i * kernel_columns + j) * channels * outputs), outputs,
                            run * channels, outputs, high - low, columns, 0, ACCUMULATE,
                        )  # fmt: skip
