"""3×3 convolutions by Winograd's transforms: forward, input gradient and kernel gradient.

The tiles of all images are numbered, row by row, and taken in strips. For a strip the pixels are transformed into 16
or 36 planes, each a matrix of tiles × channels; each is multiplied with its plane of the transformed kernel; and the
products are transformed back. Everything in between stays in the cache. See winograd for the transforms; ``side`` is
how many rows and columns of results a tile has, 2 or 4.

A tile's rows and columns may lie outside of the image, in the border or beyond the last whole tile. Then the rows of
pixels that a row of tiles needs are laid out in scratch memory first, with zeros for what is not there.

2×2 is how most networks pool after a convolution, and a tile holds whole squares of 2×2 results. Then only the largest
of each four leaves the tile, and backward δ comes in as one number for four: the results before pooling are never in
memory.
"""

from __future__ import annotations

from omomi.engines.cpu.activation import activate, deactivate
from omomi.engines.cpu.contraction import contract, transpose
from omomi.engines.cpu.kernel import Bytes, Images, Matrix, Real, Vector, helper, kernel, share
from omomi.engines.cpu.microkernel import ACCUMULATE
from omomi.engines.cpu.pooling import largest_of_four
from omomi.engines.cpu.primitives import address, clear, copy, itemsize, real, vector
from omomi.engines.cpu.winograd import (
    deltas_to_planes_2,
    deltas_to_planes_4,
    kernel_to_planes_2,
    kernel_to_planes_4,
    pixels_to_planes_2,
    pixels_to_planes_4,
    planes_to_kernel_2,
    planes_to_kernel_4,
    planes_to_pixels_2,
    planes_to_pixels_4,
    planes_to_results_2,
    planes_to_results_4,
)

GAP = 16  # numbers between two planes: without it the planes compete for the same lines of the cache
UNIT = 16  # input channels: passes over a kernel are cut between so many


@helper
def planes_of(side: int) -> int:
    """How many planes there are: one for each pixel that a tile sees."""
    return (side + 2) * (side + 2)


@helper
def tiles_along(length: int, side: int) -> int:
    """How many tiles cover so many results."""
    return (length + side - 1) // side


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
def transform_pixels(x, top, left, down, across, side, first, count, planes, strip, room):  # type: ignore[no-untyped-def]
    """Bᵀ d B for tiles first … first + count − 1."""
    _, height, width, channels = x.shape
    size = itemsize()
    plane = plane_size(strip, channels)
    g = first
    while g < first + count:  # a run of tiles in one row
        t, r, n = g % across, g // across % down, g // (across * down)
        run = min(across - t, first + count - g)
        row, column, columns = side * r - top, side * t - left, side * run + 2
        image = address(x, n * height * width * channels)
        inside = row >= 0 and row + side + 2 <= height and column >= 0 and column + columns <= width
        if inside:
            corner, line = image + (row * width + column) * channels * size, width
        else:
            lay_out(image, height, width, channels, row, column, room, side + 2, columns)
            corner, line = room, columns
        target = planes + (g - first) * channels * size
        if side == 2:
            pixels_to_planes_2(
                corner, line * channels, channels, 2 * channels, target, plane, channels, run, channels, 0, 0
            )
        else:
            pixels_to_planes_4(
                corner, line * channels, channels, 4 * channels, target, plane, channels, run, channels, 0, 0
            )
        g += run


@helper
def largest_results(room, run, side, n, r, t, activation, alpha, y, argmax):  # type: ignore[no-untyped-def]
    """y = f of the largest of each 2×2 results of a run of tiles, and which of the four it was."""
    _, rows, columns, outputs = y.shape
    half, line = side // 2, side * run * outputs
    results = vector(room, side * line)
    if activation:
        activate(results, results, activation, alpha)
    for i in range(min(half, rows - half * r)):
        for c in range(min(half * run, columns - half * t)):
            upper = 2 * i * line + 2 * c * outputs
            lower = upper + line
            place = ((n * rows + half * r + i) * columns + half * t + c) * outputs
            largest_of_four(
                results[upper : upper + outputs], results[upper + outputs : upper + 2 * outputs],
                results[lower : lower + outputs], results[lower + outputs : lower + 2 * outputs],
                vector(address(y, place), outputs), argmax[place : place + outputs],
            )  # fmt: skip


@kernel(uses=(contract, pixels_to_planes_2, pixels_to_planes_4, planes_to_results_2, planes_to_results_4))
def winograd_forward(
    x: Images,
    U: Matrix,
    b: Vector,
    y: Images,
    argmax: Bytes,
    scratch: Matrix,
    top: int,
    left: int,
    side: int,
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
    pool = 2 if pooled else 1
    down, across = tiles_along(pool * rows, side), tiles_along(pool * columns, side)
    first = chunk * strip
    tiles = min(strip, count * down * across - first)
    pixels = address(scratch, worker * scratch.shape[1])
    pixel_plane, product_plane = plane_size(strip, channels), plane_size(strip, outputs)
    products = pixels + planes_of(side) * pixel_plane * size
    room = products + planes_of(side) * product_plane * size
    transform_pixels(x, top, left, down, across, side, first, tiles, pixels, strip, room)
    for p in range(planes_of(side)):
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
        seen_rows, seen = min(side, rows - side * r), min(side * run, columns - side * t)
        inside = seen_rows == side and seen == side * run and not pooled
        corner, line = room, side * run * outputs
        if inside:
            corner, line = address(y, ((n * rows + side * r) * columns + side * t) * outputs), columns * outputs
        source = products + (g - first) * outputs * size
        if side == 2:
            planes_to_results_2(
                corner, line, outputs, 2 * outputs, source, product_plane, outputs, run, outputs, bias, flags
            )
        else:
            planes_to_results_4(
                corner, line, outputs, 4 * outputs, source, product_plane, outputs, run, outputs, bias, flags
            )
        if pooled:
            largest_results(room, run, side, n, r, t, activation, alpha, y, argmax)
        else:
            for i in range(seen_rows):
                target = address(y, ((n * rows + side * r + i) * columns + side * t) * outputs)
                if not inside:
                    copy(target, room + i * line * size, seen * outputs)
                if activation:
                    done = vector(target, seen * outputs)
                    activate(done, done, activation, alpha)
        g += run


@helper
def take_deltas(gy, y, activation, alpha, n, r, t, side, run, target, sums):  # type: ignore[no-untyped-def]
    """δ = gy f'(y) for a run of tiles, with zeros beyond the edge; ``sums`` grow by Σ δ."""
    _, rows, columns, outputs = gy.shape
    size = itemsize()
    seen_rows, seen = min(side, rows - side * r), min(side * run, columns - side * t)
    if seen_rows < side or seen < side * run:
        clear(target, side * side * run * outputs)
    for i in range(seen_rows):
        place = ((n * rows + side * r + i) * columns + side * t) * outputs
        delta = vector(target + i * side * run * outputs * size, seen * outputs)
        given = vector(address(gy, place), seen * outputs)
        deactivate(given, vector(address(y, place), seen * outputs) if activation else given, delta, activation, alpha)
        for c in range(seen if sums.size > 0 else 0):
            pixel = delta[c * outputs : (c + 1) * outputs]
            for o in range(outputs):
                sums[o] += pixel[o]


@helper
def take_pooled_deltas(gy, y, argmax, activation, alpha, n, r, t, side, run, target, sums):  # type: ignore[no-untyped-def]
    """The same where the results have been pooled: δ goes to the largest of its four results."""
    _, rows, columns, outputs = gy.shape
    size, half = itemsize(), side // 2
    seen_rows, seen = min(half, rows - half * r), min(half * run, columns - half * t)
    if seen_rows < half or seen < half * run:
        clear(target, side * side * run * outputs)
    deltas = vector(target + side * side * run * outputs * size, seen * outputs)
    for i in range(seen_rows):
        place = ((n * rows + half * r + i) * columns + half * t) * outputs
        given = vector(address(gy, place), seen * outputs)
        deactivate(given, vector(address(y, place), seen * outputs) if activation else given, deltas, activation, alpha)
        for c in range(seen):
            delta = deltas[c * outputs : (c + 1) * outputs]
            winner = argmax[place + c * outputs : place + (c + 1) * outputs]
            for entry in range(4):
                row, column = 2 * i + entry // 2, 2 * c + entry % 2
                result = vector(target + (row * side * run + column) * outputs * size, outputs)
                for o in range(outputs):
                    result[o] = delta[o] if winner[o] == entry else real(0)
            for o in range(sums.size):
                sums[o] += delta[o] if winner[o] < 4 else real(0)


@helper
def add_to_pixels(planes, plane, gx, n, row, column, side, run, room):  # type: ignore[no-untyped-def]
    """gx += B X Bᵀ for a run of tiles whose first pixel is (row, column), where there is an image."""
    _, height, width, channels = gx.shape
    size, patch = itemsize(), side * run + 2
    image = address(gx, n * height * width * channels)
    inside = row >= 0 and row + side + 2 <= height and column >= 0 and column + patch <= width
    corner, line = image + (row * width + column) * channels * size, width * channels
    if not inside:
        corner, line = room, patch * channels
        clear(room, (side + 2) * patch * channels)
    if side == 2:
        planes_to_pixels_2(corner, line, channels, 2 * channels, planes, plane, channels, run, channels, 0, 0)
    else:
        planes_to_pixels_4(corner, line, channels, 4 * channels, planes, plane, channels, run, channels, 0, 0)
    if not inside:
        low, high = max(column, 0), min(column + patch, width)
        for i in range(max(0, -row), min(side + 2, height - row)):
            pixels = vector(image + ((row + i) * width + low) * channels * size, (high - low) * channels)
            found = vector(room + (i * patch + low - column) * channels * size, pixels.size)
            for k in range(pixels.size):
                pixels[k] += found[k]


@kernel(
    uses=(
        contract,
        pixels_to_planes_2,
        pixels_to_planes_4,
        deltas_to_planes_2,
        deltas_to_planes_4,
        planes_to_pixels_2,
        planes_to_pixels_4,
    ),
    fastmath=("reassoc",),
)
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
    side: int,
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
        argmax: which of each 2×2 results is the largest, if they have been pooled; else empty.
        gx, gU, gb: what is empty is not wanted; gU and gb have one row of partial sums per chunk.
    """
    count, height, width, channels = x.shape
    _, rows, columns, outputs = gy.shape
    size = itemsize()
    pool = 2 if argmax.size > 0 else 1
    down, across = tiles_along(pool * rows, side), tiles_along(pool * columns, side)
    start, stop = share(count, chunk, chunks)
    pixels = address(scratch, worker * scratch.shape[1])
    pixel_plane, delta_plane = plane_size(strip, channels), plane_size(strip, outputs)
    deltas = pixels + planes_of(side) * pixel_plane * size
    room = deltas + planes_of(side) * delta_plane * size
    sums = vector(address(gb, chunk * outputs), outputs if gb.size > 0 else 0)
    sums[:] = real(0)
    if gx.size > 0 and flags & ACCUMULATE == 0:
        clear(address(gx, start * height * width * channels), (stop - start) * height * width * channels)
    for first in range(start * down * across, stop * down * across, strip):
        tiles = min(strip, stop * down * across - first)
        g = first
        while g < first + tiles:
            t, r, n = g % across, g // across % down, g // (across * down)
            run = min(across - t, first + tiles - g)
            if argmax.size > 0:
                take_pooled_deltas(gy, y, argmax, activation, alpha, n, r, t, side, run, room, sums)
            else:
                take_deltas(gy, y, activation, alpha, n, r, t, side, run, room, sums)
            line, target = side * run * outputs, deltas + (g - first) * outputs * size
            if side == 2:
                deltas_to_planes_2(room, line, outputs, 2 * outputs, target, delta_plane, outputs, run, outputs, 0, 0)
            else:
                deltas_to_planes_4(room, line, outputs, 4 * outputs, target, delta_plane, outputs, run, outputs, 0, 0)
            g += run
        if gU.size > 0:
            transform_pixels(x, top, left, down, across, side, first, tiles, pixels, strip, room)
            for p in range(planes_of(side)):
                contract(
                    pixels + p * pixel_plane * size, 1, 0, channels,
                    deltas + p * delta_plane * size, 0, outputs,
                    address(gU, chunk * gU.shape[1] + p * channels * outputs), outputs,
                    channels, outputs, 1, tiles, 0, ACCUMULATE if first > start * down * across else 0,
                )  # fmt: skip
        if gx.size > 0:
            for p in range(planes_of(side)):
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
                planes = pixels + (g - first) * channels * size
                add_to_pixels(planes, pixel_plane, gx, n, side * r - top, side * t - left, side, run, room)
                g += run


@kernel(uses=(kernel_to_planes_2, kernel_to_planes_4))
def transform_kernel(W: Images, U: Matrix, turned: Vector, side: int, chunk: int, chunks: int) -> None:
    """U = G g Gᵀ for a range of input channels. With room for it, each entry of the kernel is first transposed to
    (C_out, C_in), as the input gradient needs it."""
    _, _, channels, outputs = W.shape
    plane = channels * outputs
    first, last = share((channels + UNIT - 1) // UNIT, chunk, chunks)
    start, stop = first * UNIT, min(last * UNIT, channels)
    # Without transposing, the range is one run of numbers; with it, one run for each output channel.
    source, target, step, runs = address(W, start * outputs), address(U, start * outputs), 0, 1
    length = (stop - start) * outputs
    if turned.size > 0:
        for entry in range(9):
            place = entry * plane
            transpose(
                address(W, place + start * outputs), outputs,
                address(turned, place + start), channels, stop - start, outputs,
            )  # fmt: skip
        source, target, step, runs, length = address(turned, start), address(U, start), channels, outputs, stop - start
    if side == 2:
        kernel_to_planes_2(source, 3 * plane, plane, step, target, plane, step, runs, length, 0, 0)
    else:
        kernel_to_planes_4(source, 3 * plane, plane, step, target, plane, step, runs, length, 0, 0)


@kernel(uses=(planes_to_kernel_2, planes_to_kernel_4))
def finish_kernel(gU: Vector, gW: Images, side: int, flags: int, chunk: int, chunks: int) -> None:
    """gW = Gᵀ gU G for a range of its numbers."""
    plane = gW.shape[2] * gW.shape[3]
    start, stop = share(plane, chunk, chunks)
    target, source, length = address(gW, start), address(gU, start), stop - start
    if side == 2:
        planes_to_kernel_2(target, 3 * plane, plane, 0, source, plane, 0, 1, length, 0, flags)
    else:
        planes_to_kernel_4(target, 3 * plane, plane, 0, source, plane, 0, 1, length, 0, flags)
