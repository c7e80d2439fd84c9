"""3×3 convolutions by Winograd's transforms: which ones, and how they are cut into launches. See winograd."""

from __future__ import annotations

import numpy as np

from omomi.engines.cpu import partial_sums
from omomi.engines.cpu.activation import CODES
from omomi.engines.cpu.geometry import Geometry
from omomi.engines.cpu.launch import Array, Launch, aligned, empty, scratch
from omomi.engines.cpu.microkernel import RELU
from omomi.engines.cpu.winograd import LARGE, SMALL
from omomi.engines.cpu.winograd_passes import (
    UNIT,
    finish_kernel,
    plane_size,
    planes_of,
    tiles_along,
    transform_kernel,
    winograd_backward,
    winograd_forward,
)

LEAST_PIXELS = 4  # rows and columns of an image
LEAST_CHANNELS = 16  # on either side: below, the transforms cost more than they save
STRIP = 28  # tiles forward: two blocks of 14 rows, few enough for their planes to stay in a small cache
LONG_STRIP = {SMALL: 112, LARGE: 72}  # tiles backward: the sums of the kernel's gradient run over them
LEAST_TERMS = 256  # of a sum of gW
LARGEST = 2**19  # numbers of a kernel for which partial sums of gW are too much memory
PARTIALS = 16  # partial sums of the kernel's gradient, at most; half as many for a large kernel


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


def accepts_sums(W: Array, places: int) -> bool:
    """Whether they serve for gW too: it sums over many places, and its partial sums are not too much memory."""
    return places >= LEAST_TERMS and W.size <= LARGEST


def forward(
    x: Array,
    W: Array,
    b: Array,
    y: Array,
    geometry: Geometry,
    activation: str,
    alpha: float,
    argmax: Array | None = None,
) -> list[Launch]:
    """y = f(x * W + b); an empty b is none.

    Args:
        argmax: uint8, of y's shape: y is then the largest of every 2×2 results, and argmax which of them it is.
    """
    (count, _, _, outputs), channels, dtype = y.shape, W.shape[2], x.dtype
    side, down, across = _tiles(y, argmax)
    U, transformed = _transform_kernel(W, side, turned=False)
    tiles = count * down * across
    strip = min(tiles, STRIP)
    room = scratch(_numbers(strip, across, side, channels, outputs), dtype)
    finish = (RELU, 0, 0.0) if activation == "relu" else (0, CODES[activation], alpha)
    padding = (geometry.padding[0][0], geometry.padding[1][0])
    arguments = (x, U, b, y, _bytes(argmax), room, *padding, side, strip, *finish)
    chunks, work = -(-tiles // strip), y.size * channels * 9
    return [transformed, Launch(winograd_forward, *arguments, dtype=dtype.name, chunks=chunks, work=work)]


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
    argmax: Array | None = None,
) -> list[Launch]:
    """gx, gW and gb; what is ``None`` is not wanted. With an argmax, gy and y are of the pooled results."""
    (gx, gW, gb), (channels, outputs), dtype = gradients, W.shape[2:], x.dtype
    count, (side, down, across) = len(gy), _tiles(gy, argmax)
    launches = []
    U = empty(2, dtype)
    if gx is not None:
        U, transformed = _transform_kernel(W, side, turned=True)
        launches.append(transformed)
    chunks = min(count, PARTIALS if gW is None or W.size <= 2**16 else PARTIALS // 2)
    tiles = -(-count // chunks) * down * across
    longest = STRIP if gW is None else LONG_STRIP[side]
    strip = -(-tiles // -(-tiles // longest))  # strips of one length
    room = scratch(_numbers(strip, across, side, channels, outputs), dtype)
    gU = empty(2, dtype) if gW is None else aligned((chunks, planes_of(side) * channels * outputs), dtype)
    bias_sums = empty(2, dtype) if gb is None else aligned((chunks, outputs), dtype)
    results = (empty(4, dtype) if gx is None else gx, gU, bias_sums)
    padding = (geometry.padding[0][0], geometry.padding[1][0])
    given = (x, U, gy, gy if y is None else y, _bytes(argmax))
    arguments = (*given, *results, room, *padding, side, strip, flags, CODES[activation], alpha)
    work = count * down * across * side**2 * W.size
    launches.append(Launch(winograd_backward, *arguments, dtype=dtype.name, chunks=chunks, work=work))
    if gW is not None:
        total = aligned((gU.shape[1],), dtype)
        launches += partial_sums.add(gU, total, 0)
        pieces, work = max(1, W.size // 2**14), 4 * total.size
        launches.append(Launch(finish_kernel, total, gW, side, flags, dtype=dtype.name, chunks=pieces, work=work))
    if gb is not None:
        launches += partial_sums.add(bias_sums, gb, flags)
    return launches


def _transform_kernel(W: Array, side: int, turned: bool) -> tuple[Array, Launch]:
    """U, or U with each plane transposed, and the launch that makes it."""
    U = aligned((planes_of(side), W.shape[2] * W.shape[3]), W.dtype)
    room = aligned((W.size,), W.dtype) if turned else empty(1, W.dtype)
    chunks = max(1, min(-(-W.shape[2] // UNIT), W.size // 2**14))
    return U, Launch(transform_kernel, W, U, room, side, dtype=W.dtype.name, chunks=chunks, work=4 * U.size)


def _tiles(y: Array, argmax: Array | None) -> tuple[int, int, int]:
    """The side of a tile, and rows and columns of tiles: of the results y, or of those that y is pooled from.

    The larger tiles are taken unless so much of them lies beyond the edge that they have more planes in all.
    """
    pool = 1 if argmax is None else 2
    rows, columns = pool * y.shape[1], pool * y.shape[2]
    counts = {side: tiles_along(rows, side) * tiles_along(columns, side) for side in (SMALL, LARGE)}
    side = LARGE if counts[LARGE] * planes_of(LARGE) <= counts[SMALL] * planes_of(SMALL) else SMALL
    return side, tiles_along(rows, side), tiles_along(columns, side)


def _bytes(argmax: Array | None) -> Array:
    return np.empty(0, np.uint8) if argmax is None else argmax.reshape(-1)


def _numbers(strip: int, across: int, side: int, channels: int, outputs: int) -> int:
    """Scratch memory of one thread: the planes of a strip, and the pixels or the results of a row of tiles."""
    planes = planes_of(side) * (plane_size(strip, channels) + plane_size(strip, outputs))
    return planes + (side + 2) * (side * across + 2) * max(channels, outputs)
