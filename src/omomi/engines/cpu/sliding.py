"""A kernel that slides over an image: the convolution forward, and one row of results at a time for the gradients.

See convolution for the whole picture.
"""

from __future__ import annotations

from omomi.engines.cpu.activation import activate
from omomi.engines.cpu.contraction import contract
from omomi.engines.cpu.kernel import Images, Matrix, Real, Vector, helper, kernel, share
from omomi.engines.cpu.microkernel import ACCUMULATE, RELU
from omomi.engines.cpu.primitives import address, copy, itemsize, load_number, real, store_number, vector


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


@kernel(uses=(contract,))
def convolution_forward(
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
    flags: int,
    activation: int,
    alpha: Real,
    chunk: int,
    worker: int,
) -> None:
    """y = f(x * W + b) for one of the ``groups`` of rows of one image. An empty b is none, empty scratch no border."""
    _, height, width, channels = x.shape
    kernel_rows, kernel_columns, _, outputs = W.shape
    _, rows, columns, _ = y.shape
    n = chunk // groups
    start, stop = share(rows, chunk % groups, groups)
    row = width * channels
    image = address(x, n * height * row)
    if scratch.size > 0:
        low = max(0, start * stride_rows - top)
        high = min(height, (stop - 1) * stride_rows - top + (kernel_rows - 1) * dilation_rows + 1)
        bordered = ((columns - 1) * stride_columns + (kernel_columns - 1) * dilation_columns + 1) * channels
        image = add_border(
            image, row, low, high, address(scratch, worker * scratch.shape[1]), bordered, left * channels
        )
        row = bordered
    bias = address(b, 0) if b.size > 0 else 0
    for r in range(start, stop):
        slide(
            image, height, r * stride_rows - top, row, stride_columns * channels,
            dilation_rows, dilation_columns, channels,
            address(W, 0), kernel_rows, kernel_columns, outputs,
            address(y, (n * rows + r) * columns * outputs), outputs, columns, bias, flags,
        )  # fmt: skip
        if activation:
            done = vector(address(y, (n * rows + r) * columns * outputs), columns * outputs)
            activate(done, done, activation, alpha)
