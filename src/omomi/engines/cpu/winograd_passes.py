"""3×3 convolutions by Winograd's transforms: forward, input gradient and kernel gradient.

The tiles of all images are numbered, row by row, and taken in strips. For a strip the pixels are transformed into 16
planes, each a matrix of tiles × channels; each is multiplied with its plane of the transformed kernel; and the products
are transformed back. Everything in between stays in the cache. See winograd for the transforms.

A tile's rows and columns may lie outside of the image, in the border or beyond an odd edge. Then the rows of pixels
that a row of tiles needs are laid out in scratch memory first, with zeros for what is not there.

A tile has 2×2 results, and 2×2 is how most networks pool after a convolution. Then only the largest of the four leaves
the tile, and backward δ comes in as one number for four: the results before pooling are never in memory.
"""

from __future__ import annotations

from omomi.engines.cpu.activation import activate, deactivate
from omomi.engines.cpu.contraction import contract, transpose
from omomi.engines.cpu.kernel import Bytes, Images, Matrix, Real, Vector, helper, kernel, share
from omomi.engines.cpu.microkernel import ACCUMULATE
from omomi.engines.cpu.pooling import largest_of_four
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
GAP = 16  # numbers between two planes: without it the 16 planes compete for the same lines of the cache
UNIT = 16  # input channels: passes over a kernel are cut between so many


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
    argmax: Bytes,
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
    """y = f(x * W + b) for one strip of tiles; or its largest numbers and which they are, if there is an argmax.

    An empty b is none.
    """
    count, _, _, channels = x.shape
    _, rows, columns, outputs = y.shape
    size, pooled = itemsize(), argmax.size > 0
    down, across = (rows, columns) if pooled else ((rows + 1) // 2, (columns + 1) // 2)
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
        inside = seen_rows == 2 and seen == 2 * run and not pooled
        planes_to_results(
            corner if inside else room, (columns if inside else 2 * run) * outputs, outputs, 2 * outputs,
            products + (g - first) * outputs * size, product_plane, outputs, run, outputs, bias, flags,
        )  # fmt: skip
        if pooled:
            results = vector(room, 4 * run * outputs)
            if activation:
                activate(results, results, activation, alpha)
            for c in range(run):
                upper, lower = 2 * c * outputs, 2 * (run + c) * outputs
                place = (g + c) * outputs
                largest_of_four(
                    results[upper : upper + outputs], results[upper + outputs : upper + 2 * outputs],
                    results[lower : lower + outputs], results[lower + outputs : lower + 2 * outputs],
                    vector(address(y, place), outputs), argmax[place : place + outputs],
                )  # fmt: skip
            g += run
            continue
        for i in range(seen_rows):
            line = corner + i * columns * outputs * size
            if not inside:
                copy(line, room + i * 2 * run * outputs * size, seen * outputs)
            if activation:
                done = vector(line, seen * outputs)
                activate(done, done, activation, alpha)
        g += run


@helper
def take_deltas(gy, y, activation, alpha, first, across, run, target, sums):  # type: ignore[no-untyped-def]
    """δ = gy f'(y) for a run of tiles, two rows of results, with zeros beyond an odd edge; ``sums`` grow by Σ δ."""
    _, rows, columns, outputs = gy.shape
    size = itemsize()
    t, r, n = first % across, first // across % ((rows + 1) // 2), first // (across * ((rows + 1) // 2))
    seen = min(2 * run, columns - 2 * t)
    clear(target, 4 * run * outputs)
    for i in range(min(2, rows - 2 * r)):
        place = ((n * rows + 2 * r + i) * columns + 2 * t) * outputs
        delta = vector(target + i * 2 * run * outputs * size, seen * outputs)
        given = vector(address(gy, place), seen * outputs)
        deactivate(given, vector(address(y, place), seen * outputs) if activation else given, delta, activation, alpha)
        for c in range(seen if sums.size > 0 else 0):
            pixel = delta[c * outputs : (c + 1) * outputs]
            for o in range(outputs):
                sums[o] += pixel[o]


@helper
def take_pooled_deltas(gy, y, argmax, activation, alpha, first, run, target, sums):  # type: ignore[no-untyped-def]
    """The same where each tile has been pooled: δ goes to the largest of its four results."""
    outputs = gy.shape[3]
    size = itemsize()
    place = first * outputs
    given = vector(address(gy, place), run * outputs)
    deltas = vector(target + 4 * run * outputs * size, run * outputs)
    deactivate(given, vector(address(y, place), run * outputs) if activation else given, deltas, activation, alpha)
    for c in range(run):
        delta = deltas[c * outputs : (c + 1) * outputs]
        winner = argmax[place + c * outputs : place + (c + 1) * outputs]
        for entry in range(4):
            result = vector(target + ((entry // 2 * run + c) * 2 + entry % 2) * outputs * size, outputs)
            for o in range(outputs):
                result[o] = delta[o] if winner[o] == entry else real(0)
        for o in range(sums.size):
            sums[o] += delta[o] if winner[o] < 4 else real(0)


@kernel(uses=(contract, pixels_to_planes, deltas_to_planes, planes_to_pixels), fastmath=("reassoc",))
def winograd_backward(
    x: Images,
    U: Matrix,
    gy: Images,
    y: Images,
    argmax: Bytes,
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
        argmax: which of each tile's results is the largest, if the tiles have been pooled; else empty.
        gx, gU, gb: what is empty is not wanted; gU and gb have one row of partial sums per chunk.
    """
    count, height, width, channels = x.shape
    _, rows, columns, outputs = gy.shape
    size = itemsize()
    pooled = argmax.size > 0
    down, across = (rows, columns) if pooled else ((rows + 1) // 2, (columns + 1) // 2)
    start, stop = share(count, chunk, chunks)
    pixels = address(scratch, worker * scratch.shape[1])
    pixel_plane, delta_plane = plane_size(strip, channels), plane_size(strip, outputs)
    deltas = pixels + PLANES * pixel_plane * size
    room = deltas + PLANES * delta_plane * size
    sums = vector(address(gb, chunk * outputs), outputs if gb.size > 0 else 0)
    sums[:] = real(0)
    if gx.size > 0 and flags & ACCUMULATE == 0:
        clear(address(gx, start * height * width * channels), (stop - start) * height * width * channels)
    for first in range(start * down * across, stop * down * across, strip):
        tiles = min(strip, stop * down * across - first)
        g = first
        while g < first + tiles:
            run = min(across - g % across, first + tiles - g)
            if argmax.size > 0:
                take_pooled_deltas(gy, y, argmax, activation, alpha, g, run, room, sums)
            else:
                take_deltas(gy, y, activation, alpha, g, across, run, room, sums)
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
