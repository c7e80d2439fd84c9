"""A kernel that slides over an image: one row of results at a time, as one contraction.

Used by the convolution's kernels, forward and for the input gradient. See convolution.
"""

from __future__ import annotations

from omomi.engines.cpu.contraction import contract
from omomi.engines.cpu.kernel import helper
from omomi.engines.cpu.microkernel import ACCUMULATE, RELU
from omomi.engines.cpu.primitives import copy, itemsize, load_number, real, store_number


@helper
def seen_rows(first: int, rows: int, kernel: int, dilation: int) -> tuple[int, int]:
    """Which rows of a kernel, put down at row ``first``, fall on an image of ``rows`` rows."""
    start = max(0, (dilation - 1 - first) // dilation)
    stop = min(kernel, (rows - first + dilation - 1) // dilation)
    return start, max(start, stop)


@helper
def slide(
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
    outputs: int,
    c: int,
    c_step: int,
    count: int,
    bias: int,
    flags: int,
) -> None:
    """One row of results: the kernel slides along ``count`` places.

    Args:
        image: where the image starts, of ``rows`` rows, each ``row`` numbers after the one before.
        first: the row on which the kernel's first row lies; it may lie above the image.
        step: numbers between two places.
        kernel: (kernel_rows, kernel_columns, channels, outputs), contiguous.
        c: where the results go; ``c_step`` numbers lie between two places.
    """
    size = itemsize()
    start, stop = seen_rows(first, rows, kernel_rows, dilation_rows)
    across = kernel_columns * channels * outputs
    a = image + (first + start * dilation_rows) * row * size
    b = kernel + start * across * size
    if stop == start:  # the kernel lies in the border: the sum is empty
        for place in range(count):
            for o in range(outputs):
                target = c + (place * c_step + o) * size
                value = load_number(target) if flags & ACCUMULATE else real(0)
                value += load_number(bias + o * size) if bias != 0 else real(0)
                store_number(target, real(0) if flags & RELU and value <= 0 else value)
        return
    if dilation_columns == 1:
        contract(
            a, step, dilation_rows * row, 1, b, across, outputs,
            c, c_step, count, outputs, stop - start, kernel_columns * channels, bias, flags,
        )  # fmt: skip
        return
    for j in range(kernel_columns):
        last = j == kernel_columns - 1
        contract(
            a + j * dilation_columns * channels * size, step, dilation_rows * row, 1,
            b + j * channels * outputs * size, across, outputs,
            c, c_step, count, outputs, stop - start, channels,
            bias if last else 0,
            (flags if last else flags & ACCUMULATE) | (ACCUMULATE if j > 0 else 0),
        )  # fmt: skip


@helper
def add_border(image: int, row: int, low: int, high: int, scratch: int, bordered: int, left: int) -> int:
    """Rows low … high − 1 of an image into scratch, ``left`` numbers in; where the image would start in scratch."""
    size = itemsize()
    seen = max(0, min(row, bordered - left))
    for i in range(low, high):
        copy(scratch + ((i - low) * bordered + left) * size, image + i * row * size, seen)
    return scratch - low * bordered * size


@helper
def taps(kernel: int, stride: int, phase: int) -> int:
    """How many entries of a kernel of that length lie in a phase: phase, phase + stride, …"""
    return (kernel - phase + stride - 1) // stride if phase < kernel else 0
