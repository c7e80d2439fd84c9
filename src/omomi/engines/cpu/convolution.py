"""Convolution without patches: forward, input gradient and kernel gradient, as contractions with strides.

Images are (N, H, W, C) and kernels (KH, KW, C_in, C_out), so that the part of an image's row that the kernel sees is
one contiguous run of KW·C_in numbers, and the kernel a matrix of C_out columns for each of its rows.

    forward            y[r, c, o]  = Σ_i Σ_jk  x[r s + i, c s + j, k]      W[i, j, k, o]
                                          s     a: run along x               b: row i of W
    input gradient     gx[r, c, k] = Σ_i Σ_jo  δ[r − i, c − j, o]          W[i, j, k, o]
    kernel gradient    gW[i, j, k, o] = Σ_r Σ_c  x[r s + i, c s + j, k]    δ[r, c, o]

**Input gradient.** It is again a convolution: of δ, in a border of zeros, with the kernel flipped in both directions
and k and o exchanged (``flip_kernel``). With stride s a pixel at row r is reached by every s-th row of the kernel
only, by those rows i for which r − i is a multiple of s. So the pixels fall into s × s *phases*; each is a plain
convolution of δ with the part of the kernel that reaches it.

**Kernel gradient.** Chunks of images make partial sums, which ``add_partials`` adds up in order.

Borders: above and below the image there is nothing to add up, so the rows of the kernel that fall there are left out.
To the left and right the border is written out: the image's rows are copied into scratch memory of the worker, whose
border is zero and stays zero, one image (or one range of rows) at a time, so that the copy is still in the cache when
it is used. For backward the copy is also where δ = gy f'(y) is computed.

A dilated kernel does not see a contiguous run, so its columns are taken one by one and their sums added up.
"""

from __future__ import annotations

from omomi.engines.cpu.activation import CODES, activate, deactivate
from omomi.engines.cpu.contraction import contract, transpose
from omomi.engines.cpu.kernel import Images, Matrix, Real, Vector, kernel, share
from omomi.engines.cpu.launch import SERIAL, Array, Launch, aligned, empty, scratch
from omomi.engines.cpu.microkernel import ACCUMULATE, RELU
from omomi.engines.cpu.primitives import address, clear, itemsize, real, vector
from omomi.engines.cpu.sliding import add_border, slide, taps


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


@kernel()
def add_partials(partials: Matrix, total: Vector, flags: int, chunk: int, chunks: int) -> None:
    """total = Σ partials, row after row; added to what it holds if the flags say so."""
    start, stop = share(total.size, chunk, chunks)
    result = total[start:stop]
    first = partials[0, start:stop]
    for i in range(result.size):
        result[i] = result[i] + first[i] if flags & ACCUMULATE else first[i]
    for p in range(1, partials.shape[0]):
        part = partials[p, start:stop]
        for i in range(result.size):
            result[i] += part[i]


Pair = tuple[int, int]
Padding = tuple[Pair, Pair]

CHUNKS = 64  # forward is cut into at least so many, if the images have enough rows
PARTIALS = 16  # partial sums of gW, at most
NEAR_CACHE = 2**15  # bytes of the nearest cache that a band of δ and x may fill


def accepts(image: Pair, kernel: Pair, strides: Pair, dilation: Pair) -> bool:
    """Whether these kernels serve a convolution: not with strides and dilation along the same axis."""
    return min(*image, *kernel) > 0 and all(s == 1 or d == 1 for s, d in zip(strides, dilation, strict=True))


def forward(
    x: Array,
    W: Array,
    b: Array | None,
    y: Array,
    *,
    strides: Pair = (1, 1),
    padding: Padding = ((0, 0), (0, 0)),
    dilation: Pair = (1, 1),
    activation: str = "linear",
    alpha: float = 0.0,
) -> list[Launch]:
    """y = f(x * W + b), all C-contiguous and of one dtype.

    Args:
        x: (N, H, W, C_in).
        W: (KH, KW, C_in, C_out).
        b: (C_out,), or ``None``.
        y: (N, OH, OW, C_out), written.
        padding: ((top, bottom), (left, right)).
        activation: f, one of ``activation.CODES``.
        alpha: its slope or floor, if it has one.
    """
    (count, rows, columns, _), (kernel_rows, kernel_columns, channels, _) = y.shape, W.shape
    image_work = rows * columns * W.size
    groups = max(1, min(rows, -(-CHUNKS // count), image_work // SERIAL))
    code = CODES[activation]
    in_registers = code == CODES["relu"]
    room = empty(2, x.dtype)
    if any(padding[1]):
        width = (columns - 1) * strides[1] + (kernel_columns - 1) * dilation[1] + 1
        height = (-(-rows // groups) - 1) * strides[0] + (kernel_rows - 1) * dilation[0] + 1
        room = scratch(width * height * channels, x.dtype)
    return [
        Launch(
            convolution_forward,
            x,
            W,
            empty(1, x.dtype) if b is None else b,
            y,
            room,
            *strides,
            padding[0][0],
            padding[1][0],
            *dilation,
            groups,
            RELU if in_registers else 0,
            0 if in_registers else code,
            alpha,
            dtype=x.dtype.name,
            chunks=count * groups,
            work=count * image_work,
        )
    ]


def backward(
    x: Array,
    W: Array,
    gy: Array,
    *,
    gx: Array | None = None,
    gW: Array | None = None,
    gb: Array | None = None,
    strides: Pair = (1, 1),
    padding: Padding = ((0, 0), (0, 0)),
    dilation: Pair = (1, 1),
    y: Array | None = None,
    activation: str = "linear",
    alpha: float = 0.0,
    accumulate: bool = False,
) -> list[Launch]:
    """The gradients of ``forward`` from gy = ∂E/∂y; what is ``None`` is not wanted.

    Args:
        y: what forward returned, needed where there was an activation.
        accumulate: add to what gx, gW and gb hold instead of replacing it.
    """
    (count, height, width, channels), (kernel_rows, kernel_columns, _, outputs) = x.shape, W.shape
    _, rows, columns, _ = gy.shape
    dtype, flags = x.dtype.name, ACCUMULATE if accumulate else 0
    work = gy.size * W.size // outputs
    chunks = max(1, min(count, PARTIALS, 2**23 // W.size))
    launches = []
    flipped = empty(1, x.dtype)
    if gx is not None:
        flipped = aligned((W.size,), x.dtype)
        entries = kernel_rows * kernel_columns
        launches.append(Launch(flip_kernel, W, flipped, *strides, dtype=dtype, chunks=entries, work=W.size))
    before = (-(-kernel_columns // strides[1]) - 1) * dilation[1]
    delta_width = before + max(columns, (width - 1 + padding[1][0]) // strides[1] + 1)
    delta = scratch(rows * delta_width * outputs, x.dtype)
    bordered = (columns - 1) * strides[1] + (kernel_columns - 1) * dilation[1] + 1
    border = empty(2, x.dtype)
    if gW is not None and any(padding[1]):
        border = scratch(height * bordered * channels, x.dtype)
    band_bytes = (strides[0] * max(width, bordered) * channels + delta_width * outputs) * x.itemsize
    band = max(1, min(rows, NEAR_CACHE // band_bytes))
    kernel_sums = empty(2, x.dtype) if gW is None else aligned((chunks, W.size), x.dtype)
    bias_sums = empty(2, x.dtype) if gb is None else aligned((chunks, outputs), x.dtype)
    launches.append(
        Launch(
            convolution_backward,
            x,
            flipped,
            gy,
            gy if y is None else y,
            empty(4, x.dtype) if gx is None else gx,
            kernel_sums,
            bias_sums,
            delta,
            border,
            kernel_rows,
            kernel_columns,
            *strides,
            padding[0][0],
            padding[1][0],
            *dilation,
            band,
            flags,
            CODES[activation],
            alpha,
            dtype=dtype,
            chunks=chunks,
            work=work,
        )
    )
    for partials, total in ((kernel_sums, gW), (bias_sums, gb)):
        if total is not None:
            pieces = max(1, min(64, total.size // 2**12))
            launches.append(
                Launch(add_partials, partials, total.reshape(-1), flags, dtype=dtype, chunks=pieces, work=partials.size)
            )
    return launches
