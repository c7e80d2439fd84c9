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

**Kernel gradient.** Chunks of images make partial sums, which are added up in order: while an image's δ is in the cache
for gx, it serves for gW too. If the kernel is large, so many partial sums take too much memory, and gW is a pass of its
own (``kernel_gradient``).

Borders: above and below the image there is nothing to add up, so the rows of the kernel that fall there are left out.
To the left and right the border is written out: the image's rows are copied into scratch memory of the worker, whose
border is zero and stays zero, one image (or one range of rows) at a time, so that the copy is still in the cache when
it is used. For backward the copy is also where δ = gy f'(y) is computed.

A kernel of one pixel is a dense layer for each pixel, and is left to ``affine``.

A dilated kernel does not see a contiguous run, so its columns are taken one by one and their sums added up.
"""

from __future__ import annotations

from omomi.engines.cpu import affine, kernel_gradient, partial_sums, winograd_convolution
from omomi.engines.cpu.activation import CODES
from omomi.engines.cpu.activation import backward as backward_of_activation
from omomi.engines.cpu.convolution_gradients import convolution_backward, flip_kernel
from omomi.engines.cpu.geometry import NO_PADDING, Geometry, Padding, Pair
from omomi.engines.cpu.launch import SERIAL, Array, Launch, aligned, empty, scratch
from omomi.engines.cpu.microkernel import ACCUMULATE, RELU
from omomi.engines.cpu.sliding import convolution_forward

CHUNKS = 64  # forward is cut into at least so many, if the images have enough rows
PARTIALS = 16  # partial sums of gW, at most
LARGE = 2**16  # numbers of a kernel for which partial sums by images are too much memory
NEAR_CACHE = 2**15  # bytes of the nearest cache that a band of δ and x may fill
TERMS = 128  # of each sum that a band has at least, lest the registers be filled and emptied too often


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
    padding: Padding = NO_PADDING,
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
    geometry = Geometry(strides, padding, dilation)
    if geometry.is_product(W.shape):
        flat = (x.reshape(-1, channels), W.reshape(channels, -1), b, y.reshape(-1, y.shape[3]))
        return affine.forward(*flat, activation=activation, alpha=alpha)
    bias = empty(1, x.dtype) if b is None else b
    if winograd_convolution.accepts(x.shape[1:3], W, geometry):
        return winograd_convolution.forward(x, W, bias, y, geometry, activation, alpha)
    image_work = rows * columns * W.size
    groups = max(1, min(rows, -(-CHUNKS // count), image_work // SERIAL))
    room = empty(2, x.dtype)
    if any(padding[1]):
        width = (columns - 1) * strides[1] + (kernel_columns - 1) * dilation[1] + 1
        height = (-(-rows // groups) - 1) * strides[0] + (kernel_rows - 1) * dilation[0] + 1
        room = scratch(width * height * channels, x.dtype)
    # ReLU is done in registers, the other activations in a pass over what was just written.
    finish = (RELU, 0, 0.0) if activation == "relu" else (0, CODES[activation], alpha)
    arguments = (x, W, bias, y, room, *geometry.numbers, groups, *finish)
    chunks, work = count * groups, count * image_work
    return [Launch(convolution_forward, *arguments, dtype=x.dtype.name, chunks=chunks, work=work)]


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
    geometry = Geometry(strides, padding, dilation)
    flags = ACCUMULATE if accumulate else 0
    product, transforms = geometry.is_product(W.shape), winograd_convolution.accepts(x.shape[1:3], W, geometry)
    together = not product and (gW is None or W.size <= LARGE)
    if transforms:
        together = gW is None or winograd_convolution.accepts_sums(W, gy[..., 0].size)
    pass_by_image = winograd_convolution.backward if transforms else _by_image
    if together:
        return pass_by_image(x, W, gy, (gx, gW, gb), geometry, flags, y, activation, alpha)
    launches, delta = [], gy
    if activation != "linear":
        assert y is not None
        delta = aligned(gy.shape, gy.dtype)
        launches += backward_of_activation(gy.reshape(-1), y.reshape(-1), delta.reshape(-1), activation, alpha)
    if product and gx is not None:
        flat = (x.reshape(-1, x.shape[3]), W.reshape(W.shape[2:]), delta.reshape(-1, W.shape[3]))
        launches += affine.backward(*flat, gx=gx.reshape(flat[0].shape), accumulate=accumulate)
        gx = None
    if gx is not None or gb is not None:
        launches += pass_by_image(x, W, delta, (gx, None, gb), geometry, flags)
    if gW is not None:
        launches += kernel_gradient.gradient(x, delta, gW, geometry, flags)
    return launches


def accepts_pooled(
    x: Array, W: Array, pooled: tuple[int, ...], *, strides: Pair, padding: Padding, dilation: Pair
) -> bool:
    """Whether ``pooled_forward`` and ``pooled_backward`` serve a convolution and the 2×2 max pooling after it.

    Args:
        pooled: the shape of the pooled results.
    """
    places = 4 * pooled[0] * pooled[1] * pooled[2]
    geometry = Geometry(strides, padding, dilation)
    return winograd_convolution.accepts(x.shape[1:3], W, geometry) and winograd_convolution.accepts_sums(W, places)


def pooled_forward(
    x: Array,
    W: Array,
    b: Array | None,
    y: Array,
    argmax: Array,
    *,
    padding: Padding = NO_PADDING,
    activation: str = "linear",
    alpha: float = 0.0,
) -> list[Launch]:
    """y = the largest of each 2×2 of f(x * W + b), and argmax which of the four, uint8 of y's shape.

    f must not fall: the largest of f is f of the largest.
    """
    bias = empty(1, x.dtype) if b is None else b
    return winograd_convolution.forward(x, W, bias, y, Geometry(padding=padding), activation, alpha, argmax)


def pooled_backward(
    x: Array,
    W: Array,
    gy: Array,
    argmax: Array,
    *,
    gx: Array | None = None,
    gW: Array | None = None,
    gb: Array | None = None,
    padding: Padding = NO_PADDING,
    y: Array | None = None,
    activation: str = "linear",
    alpha: float = 0.0,
    accumulate: bool = False,
) -> list[Launch]:
    """The gradients of ``pooled_forward``; the arguments as for ``backward``."""
    geometry, flags = Geometry(padding=padding), ACCUMULATE if accumulate else 0
    return winograd_convolution.backward(x, W, gy, (gx, gW, gb), geometry, flags, y, activation, alpha, argmax)


def _by_image(
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
    """gx, gW and gb in chunks of images, with partial sums of gW and gb."""
    (gx, gW, gb), (strides, padding, dilation) = gradients, geometry
    (count, height, width, channels), (kernel_rows, kernel_columns, _, outputs) = x.shape, W.shape
    _, rows, columns, _ = gy.shape
    dtype, work = x.dtype, gy.size * W.size // outputs
    launches, flipped = [], empty(1, dtype)
    if gx is not None:
        flipped = aligned((W.size,), dtype)
        entries = kernel_rows * kernel_columns
        launches.append(Launch(flip_kernel, W, flipped, *strides, dtype=dtype.name, chunks=entries, work=W.size))
    before = (-(-kernel_columns // strides[1]) - 1) * dilation[1]
    delta_width = before + max(columns, (width - 1 + padding[1][0]) // strides[1] + 1)
    bordered = (columns - 1) * strides[1] + (kernel_columns - 1) * dilation[1] + 1
    needs_border = gW is not None and any(padding[1])
    rooms = (
        scratch(rows * delta_width * outputs, dtype),
        scratch(height * bordered * channels, dtype) if needs_border else empty(2, dtype),
    )
    band_bytes = (strides[0] * max(width, bordered) * channels + delta_width * outputs) * dtype.itemsize
    band = min(rows, max(1, NEAR_CACHE // band_bytes, -(-TERMS // columns)))
    chunks = min(count, PARTIALS)
    sums = [empty(2, dtype) if total is None else aligned((chunks, total.size), dtype) for total in (gW, gb)]
    results = (empty(4, dtype) if gx is None else gx, *sums)
    arguments = (x, flipped, gy, gy if y is None else y, *results, *rooms, *W.shape[:2], *geometry.numbers, band, flags)
    launches.append(
        Launch(convolution_backward, *arguments, CODES[activation], alpha, dtype=dtype.name, chunks=chunks, work=work)
    )
    for partials, total in zip(sums, (gW, gb), strict=True):
        if total is not None:
            launches += partial_sums.add(partials, total, flags)
    return launches
