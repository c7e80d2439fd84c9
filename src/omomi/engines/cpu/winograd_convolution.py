"""3×3 convolutions by Winograd's transforms: forward, input gradient and kernel gradient.

The tiles of all images are numbered, row by row, and taken in strips. For a strip the pixels are transformed into 16
planes, each a matrix of tiles × channels; each is multiplied with its plane of the transformed kernel; and the products
are transformed back. Everything in between stays in the cache. See winograd for the transforms.

A tile's rows and columns may lie outside of the image, in the border or beyond an odd edge. Then the rows of pixels
that a row of tiles needs are laid out in scratch memory first, with zeros for what is not there.
"""

from __future__ import annotations

from omomi.engines.cpu import partial_sums
from omomi.engines.cpu.activation import CODES, activate, deactivate
from omomi.engines.cpu.contraction import contract, transpose
from omomi.engines.cpu.geometry import Geometry
from omomi.engines.cpu.kernel import Images, Matrix, Real, Vector, helper, kernel, share
from omomi.engines.cpu.launch import Array, Launch, aligned, empty, scratch
from omomi.engines.cpu.microkernel import ACCUMULATE, RELU
from omomi.engines.cpu.primitives import address, clear, copy, itemsize, real, vector
from omomi.engines.cpu.winograd import (
    deltas_to_planes,
    kernel_to_planes,
    pixels_to_planes,
    planes_to_kernel,
    planes_to_pixels,
    planes_to_results,
)

PLANES = 16
LEAST_PIXELS = 4  # rows and columns of an image
LEAST_CHANNELS = 16  # on either side: below, the transforms cost more than they save
STRIP = 28  # tiles forward: two blocks of 14 rows, few enough for their planes to stay in a small cache
LONG_STRIP = 112  # tiles backward: the sums of the kernel's gradient run over them
GAP = 16  # numbers between two planes: without it the 16 planes compete for the same lines of the cache
LEAST_TERMS = 256  # of a sum of gW
LARGE = 2**19  # numbers of a kernel for which partial sums of gW are too much memory
UNIT = 16  # input channels: passes over a kernel are cut between so many
PARTIALS = 16  # partial sums of the kernel's gradient, at most; half as many for a large kernel


@helper
def lay_out(image, height, width, channels, row, column, target, rows, columns):  # type: ignore[no-untyped-def]
    """A piece of an image from (row, column) on, with zeros where there is no image; all in pixels."""
    size = itemsize()
    first, last = max(column, 0), min(column + columns, width)
    for i in range(rows):
        line = target + i * columns * channels * size
        if 0 <= row + i < height and first < last:
            clear(line, (first - column) * channels)
            source = image + ((row + i) * width + first) * channels * size
            copy(line + (first - column) * channels * size, source, (last - first) * channels)
            clear(line + (last - column) * channels * size, (column + columns - last) * channels)
        else:
            clear(line, columns * channels)


@helper
def plane_size(strip: int, channels: int) -> int:
    """Numbers from one plane of a strip to the next."""
    return strip * channels + GAP


@helper
def transform_pixels(x, top, left, down, across, first, count, planes, strip, room):  # type: ignore[no-untyped-def]
    """Bᵀ d B for tiles first … first + count − 1."""
    _, height, width, channels = x.shape
    size = itemsize()
    g = first
    while g < first + count:  # a run of tiles in one row
        t, r, n = g % across, g // across % down, g // (across * down)
        run = min(across - t, first + count - g)
        row, column, columns = 2 * r - top, 2 * t - left, 2 * run + 2
        image = address(x, n * height * width * channels)
        inside = row >= 0 and row + 4 <= height and column >= 0 and column + columns <= width
        if inside:
            corner, line = image + (row * width + column) * channels * size, width
        else:
            lay_out(image, height, width, channels, row, column, room, 4, columns)
            corner, line = room, columns
        pixels_to_planes(
            corner, line * channels, channels, 2 * channels,
            planes + (g - first) * channels * size, plane_size(strip, channels), channels, run, channels, 0, 0,
        )  # fmt: skip
        g += run


@kernel(uses=(contract, pixels_to_planes, planes_to_results))
def winograd_forward(
    x: Images,
    U: Matrix,
    b: Vector,
    y: Images,
    scratch: Matrix,
    top: int,
    left: int,
    strip: int,
    flags: int,
    activation: int,
    alpha: Real,
    chunk: int,
    worker: int,
) -> None:
    """y = f(x * W + b) for one strip of tiles. An empty b is none."""
    count, _, _, channels = x.shape
    _, rows, columns, outputs = y.shape
    size = itemsize()
    down, across = (rows + 1) // 2, (columns + 1) // 2
    first = chunk * strip
    tiles = min(strip, count * down * across - first)
    pixels = address(scratch, worker * scratch.shape[1])
    pixel_plane, product_plane = plane_size(strip, channels), plane_size(strip, outputs)
    products = pixels + PLANES * pixel_plane * size
    room = products + PLANES * product_plane * size
    transform_pixels(x, top, left, down, across, first, tiles, pixels, strip, room)
    for p in range(PLANES):
        contract(
            pixels + p * pixel_plane * size, channels, 0, 1,
            address(U, p * channels * outputs), 0, outputs,
            products + p * product_plane * size, outputs,
            tiles, outputs, 1, channels, 0, 0,
        )  # fmt: skip
    bias = address(b, 0) if b.size > 0 else 0
    g = first
    while g < first + tiles:
        t, r, n = g % across, g // across % down, g // (across * down)
        run = min(across - t, first + tiles - g)
        seen_rows, seen = min(2, rows - 2 * r), min(2 * run, columns - 2 * t)
        corner = address(y, ((n * rows + 2 * r) * columns + 2 * t) * outputs)
        inside = seen_rows == 2 and seen == 2 * run
        planes_to_results(
            corner if inside else room, (columns if inside else 2 * run) * outputs, outputs, 2 * outputs,
            products + (g - first) * outputs * size, product_plane, outputs, run, outputs, bias, flags,
        )  # fmt: skip
        for i in range(seen_rows):
            line = corner + i * columns * outputs * size
            if not inside:
                copy(line, room + i * 2 * run * outputs * size, seen * outputs)
            if activation:
                done = vector(line, seen * outputs)
                activate(done, done, activation, alpha)
        g += run


@kernel(uses=(contract, pixels_to_planes, deltas_to_planes, planes_to_pixels), fastmath=("reassoc",))
def winograd_backward(
    x: Images,
    U: Matrix,
    gy: Images,
    y: Images,
    gx: Images,
    gU: Matrix,
    gb: Matrix,
    scratch: Matrix,
    top: int,
    left: int,
    strip: int,
    flags: int,
    activation: int,
    alpha: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """gx, and this chunk's part of the transformed kernel's gradient gU and of gb, for a range of images.

    Args:
        U: the transformed kernel, each plane transposed to (C_out, C_in).
        y: what forward returned, read only where there is an activation.
        gx, gU, gb: what is empty is not wanted; gU and gb have one row of partial sums per chunk.
    """
    count, height, width, channels = x.shape
    _, rows, columns, outputs = gy.shape
    size = itemsize()
    down, across = (rows + 1) // 2, (columns + 1) // 2
    start, stop = share(count, chunk, chunks)
    pixels = address(scratch, worker * scratch.shape[1])
    pixel_plane, delta_plane = plane_size(strip, channels), plane_size(strip, outputs)
    deltas = pixels + PLANES * pixel_plane * size
    room = deltas + PLANES * delta_plane * size
    if gb.size > 0:
        gb[chunk, :] = real(0)
    if gx.size > 0 and flags & ACCUMULATE == 0:
        clear(address(gx, start * height * width * channels), (stop - start) * height * width * channels)
    for first in range(start * down * across, stop * down * across, strip):
        tiles = min(strip, stop * down * across - first)
        g = first
        while g < first + tiles:
            t, r, n = g % across, g // across % down, g // (across * down)
            run = min(across - t, first + tiles - g)
            seen_rows, seen = min(2, rows - 2 * r), min(2 * run, columns - 2 * t)
            clear(room, 4 * run * outputs)
            for i in range(seen_rows):
                place = ((n * rows + 2 * r + i) * columns + 2 * t) * outputs
                delta = vector(room + i * 2 * run * outputs * size, seen * outputs)
                given = vector(address(gy, place), seen * outputs)
                result = vector(address(y, place), seen * outputs) if activation else given
                deactivate(given, result, delta, activation, alpha)
                if gb.size > 0:
                    sums = gb[chunk]
                    for c in range(seen):
                        pixel = delta[c * outputs : (c + 1) * outputs]
                        for o in range(outputs):
                            sums[o] += pixel[o]
            deltas_to_planes(
                room, 2 * run * outputs, outputs, 2 * outputs,
                deltas + (g - first) * outputs * size, delta_plane, outputs, run, outputs, 0, 0,
            )  # fmt: skip
            g += run
        if gU.size > 0:
            transform_pixels(x, top, left, down, across, first, tiles, pixels, strip, room)
            for p in range(PLANES):
                contract(
                    pixels + p * pixel_plane * size, 1, 0, channels,
                    deltas + p * delta_plane * size, 0, outputs,
                    address(gU, chunk * gU.shape[1] + p * channels * outputs), outputs,
                    channels, outputs, 1, tiles, 0, ACCUMULATE if first > start * down * across else 0,
                )  # fmt: skip
        if gx.size > 0:
            for p in range(PLANES):
                contract(
                    deltas + p * delta_plane * size, outputs, 0, 1,
                    address(U, p * channels * outputs), 0, channels,
                    pixels + p * pixel_plane * size, channels,
                    tiles, channels, 1, outputs, 0, 0,
                )  # fmt: skip
            g = first
            while g < first + tiles:
                t, r, n = g % across, g // across % down, g // (across * down)
                run = min(across - t, first + tiles - g)
                row, column, patch = 2 * r - top, 2 * t - left, 2 * run + 2
                image = address(gx, n * height * width * channels)
                inside = row >= 0 and row + 4 <= height and column >= 0 and column + patch <= width
                if not inside:
                    clear(room, 4 * patch * channels)
                planes_to_pixels(
                    image + (row * width + column) * channels * size if inside else room,
                    (width if inside else patch) * channels, channels, 2 * channels,
                    pixels + (g - first) * channels * size, pixel_plane, channels, run, channels, 0, ACCUMULATE,
                )  # fmt: skip
                if not inside:
                    low, high = max(column, 0), min(column + patch, width)
                    for i in range(max(0, -row), min(4, height - row)):
                        line = vector(image + ((row + i) * width + low) * channels * size, (high - low) * channels)
                        found = vector(room + (i * patch + low - column) * channels * size, line.size)
                        for k in range(line.size):
                            line[k] += found[k]
                g += run


@kernel(uses=(kernel_to_planes,))
def transform_kernel(W: Images, U: Matrix, turned: Vector, chunk: int, chunks: int) -> None:
    """U = G g Gᵀ for a range of input channels. With room for it, each entry of the kernel is first transposed to
    (C_out, C_in), as the input gradient needs it."""
    _, _, channels, outputs = W.shape
    plane = channels * outputs
    first, last = share((channels + UNIT - 1) // UNIT, chunk, chunks)
    start, stop = first * UNIT, min(last * UNIT, channels)
    if turned.size == 0:
        source, target, count = address(W, start * outputs), address(U, start * outputs), (stop - start) * outputs
        kernel_to_planes(source, 3 * plane, plane, 0, target, plane, 0, 1, count, 0, 0)
        return
    for entry in range(9):
        source = address(W, entry * plane + start * outputs)
        transpose(source, outputs, address(turned, entry * plane + start), channels, stop - start, outputs)
    kernel_to_planes(
        address(turned, start), 3 * plane, plane, channels,
        address(U, start), plane, channels, outputs, stop - start, 0, 0,
    )  # fmt: skip


@kernel(uses=(planes_to_kernel,))
def finish_kernel(gU: Vector, gW: Images, flags: int, chunk: int, chunks: int) -> None:
    """gW = Gᵀ gU G for a range of its numbers."""
    plane = gW.shape[2] * gW.shape[3]
    start, stop = share(plane, chunk, chunks)
    planes_to_kernel(address(gW, start), 3 * plane, plane, 0, address(gU, start), plane, 0, 1, stop - start, 0, flags)


def accepts(image: tuple[int, int], W: Array, geometry: Geometry) -> bool:
    """Whether the transforms serve a convolution, and pay.

    Every entry of the kernel meets the image and every place sees pixels of it: a sum over zeros alone would be exactly
    zero, but not with the transforms, which round.
    """
    return (
        W.shape[:2] == (3, 3)
        and min(W.shape[2:]) >= LEAST_CHANNELS
        and geometry.strides == (1, 1)
        and geometry.dilation == (1, 1)
        and max(*geometry.padding[0], *geometry.padding[1]) <= 1
        and min(image) >= LEAST_PIXELS
    )


def accepts_kernel_gradient(W: Array, gy: Array) -> bool:
    """Whether they serve for gW too: its sums are long, and its partial sums are not too much memory."""
    return gy[..., 0].size >= LEAST_TERMS and W.size <= LARGE


def forward(x: Array, W: Array, b: Array, y: Array, geometry: Geometry, activation: str, alpha: float) -> list[Launch]:
    """y = f(x * W + b); an empty b is none."""
    (count, rows, columns, outputs), channels, dtype = y.shape, W.shape[2], x.dtype
    U, transformed = _transform_kernel(W, turned=False)
    tiles = count * _halves(rows) * _halves(columns)
    strip = min(tiles, STRIP)
    room = scratch(_numbers(strip, columns, channels, outputs), dtype)
    finish = (RELU, 0, 0.0) if activation == "relu" else (0, CODES[activation], alpha)
    arguments = (x, U, b, y, room, geometry.padding[0][0], geometry.padding[1][0], strip, *finish)
    return [
        transformed,
        Launch(winograd_forward, *arguments, dtype=dtype.name, chunks=-(-tiles // strip), work=y.size * channels * 9),
    ]


def backward(
    x: Array,
    W: Array,
    gy: Array,
    gradients: tuple[Array | None, Array | None, Array | None],
    geometry: Geometry,
    flags: int,
    y: Array | None = None,
    activation: str = "linear",
    alpha: float = 0.0,
) -> list[Launch]:
    """gx, gW and gb; what is ``None`` is not wanted."""
    (gx, gW, gb), (channels, outputs), dtype = gradients, W.shape[2:], x.dtype
    count, rows, columns, _ = gy.shape
    launches = []
    U = empty(2, dtype)
    if gx is not None:
        U, transformed = _transform_kernel(W, turned=True)
        launches.append(transformed)
    chunks = min(count, PARTIALS if gW is None or W.size <= 2**16 else PARTIALS // 2)
    tiles = -(-count // chunks) * _halves(rows) * _halves(columns)
    strip = min(tiles, STRIP if gW is None else LONG_STRIP)
    room = scratch(_numbers(strip, columns, channels, outputs), dtype)
    gU = empty(2, dtype) if gW is None else aligned((chunks, PLANES * channels * outputs), dtype)
    bias_sums = empty(2, dtype) if gb is None else aligned((chunks, outputs), dtype)
    results = (empty(4, dtype) if gx is None else gx, gU, bias_sums)
    padding = (geometry.padding[0][0], geometry.padding[1][0])
    arguments = (x, U, gy, gy if y is None else y, *results, room, *padding, strip, flags)
    work = gy.size * channels * 9
    launches.append(
        Launch(winograd_backward, *arguments, CODES[activation], alpha, dtype=dtype.name, chunks=chunks, work=work)
    )
    if gW is not None:
        total = aligned((gU.shape[1],), dtype)
        launches += partial_sums.add(gU, total, 0)
        launches.append(
            Launch(
                finish_kernel, total, gW, flags, dtype=dtype.name, chunks=max(1, W.size // 2**14), work=4 * total.size
            )
        )
    if gb is not None:
        launches += partial_sums.add(bias_sums, gb, flags)
    return launches


def _transform_kernel(W: Array, turned: bool) -> tuple[Array, Launch]:
    """U, or U with each plane transposed, and the launch that makes it."""
    U = aligned((PLANES, W.shape[2] * W.shape[3]), W.dtype)
    room = aligned((W.size,), W.dtype) if turned else empty(1, W.dtype)
    chunks = max(1, min(-(-W.shape[2] // UNIT), W.size // 2**14))
    return U, Launch(transform_kernel, W, U, room, dtype=W.dtype.name, chunks=chunks, work=4 * U.size)


def _halves(length: int) -> int:
    return (length + 1) // 2


def _numbers(strip: int, columns: int, channels: int, outputs: int) -> int:
    """Scratch memory of one thread: the planes of a strip, and four rows of pixels or two of results."""
    line = 2 * _halves(columns) + 2
    return PLANES * (plane_size(strip, channels) + plane_size(strip, outputs)) + 4 * line * max(channels, outputs)
