"""Convolution of image batches, channels last: images (N, H, W, C), kernels (KH, KW, C_in, C_out).

What deep learning calls convolution is the cross-correlation of mathematics: the kernel slides over the image as it
is, not flipped. Since the kernel is learned, the flip would only rename its entries.

Padding is explicit, ((top, bottom), (left, right)), when it reaches a rule; ``resolve_padding`` turns the words
"valid" and "same" into it.
"""

from __future__ import annotations

from omomi.errors import ConfigurationError, ShapeError, UnknownNameError
from omomi.ops.linear import rows
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]
NO_PADDING: Padding = ((0, 0), (0, 0))


# How large is the result? A kernel of K entries with gaps of d − 1 between them covers K' = (K − 1) d + 1 pixels and
# is put down every s pixels (Dumoulin and Visin 2016, arXiv:1603.07285):
#
#   O = ⌊(H + top + bottom − K') / s⌋ + 1
#
#   "valid"  no padding: the kernel stays inside the image
#   "same"   O = ⌈H / s⌉: in all max((O − 1) s + K' − H, 0) zeros, half of them before; an odd one goes after


def reach(kernel: int, dilation: int) -> int:
    """K': how many pixels a dilated kernel covers along one axis."""
    return (kernel - 1) * dilation + 1


def resolve_padding(
    padding: str | Padding, image: Pair, kernel: Pair, strides: Pair, dilation: Pair = (1, 1)
) -> Padding:
    """Padding as ((top, bottom), (left, right)), from "valid", "same" or such a pair of pairs.

    Args:
        padding: the word, or the numbers themselves.
        image: height and width.
        kernel: height and width of the kernel or window.
        strides: how far it moves down and to the right.
        dilation: the distance between neighbouring entries of the kernel.
    """
    if padding == "valid":
        return NO_PADDING
    if padding == "same":
        rows, columns = (_same(*axis) for axis in zip(image, kernel, strides, dilation, strict=True))
        return rows, columns
    if isinstance(padding, str):
        raise UnknownNameError("padding", padding, ("valid", "same"))
    (top, bottom), (left, right) = padding
    if min(top, bottom, left, right) < 0:
        raise ConfigurationError(
            "padding cannot be negative.", expected="((top, bottom), (left, right))", received=padding
        )
    return (top, bottom), (left, right)


def causal_padding(kernel: int, dilation: int = 1) -> Pair:
    """Zeros before a sequence alone, so that an output sees its own time and what came before it.

    With stride 1 the length stays (van den Oord et al. 2016, arXiv:1609.03499).
    """
    return reach(kernel, dilation) - 1, 0


def _same(size: int, kernel: int, stride: int, dilation: int) -> Pair:
    output = -(-size // stride)
    zeros = max((output - 1) * stride + reach(kernel, dilation) - size, 0)
    return zeros // 2, zeros - zeros // 2


def output_size(image: Pair, kernel: Pair, strides: Pair, padding: Padding, dilation: Pair = (1, 1)) -> Pair:
    """Height and width of the result; below 1 if the kernel does not fit into the padded image."""
    height, width = (
        (size + sum(zeros) - reach(k, d)) // s + 1
        for size, k, s, zeros, d in zip(image, kernel, strides, padding, dilation, strict=True)
    )
    return height, width


def fitting_size(image: Pair, kernel: Pair, strides: Pair, padding: Padding, dilation: Pair = (1, 1)) -> Pair:
    """``output_size``, or an error if nothing is left."""
    size = output_size(image, kernel, strides, padding, dilation)
    if min(size) < 1:
        height, width = reach(kernel[0], dilation[0]), reach(kernel[1], dilation[1])
        raise ShapeError(
            "the image is smaller than the window that slides over it.",
            expected=f"at least {height} × {width} pixels with padding",
            received=f"{image[0]} × {image[1]} pixels, padding {padding}",
            fix='use a smaller window, fewer strides before this layer, or padding="same"',
        )
    return size


def pad_image(xp: Namespace, x: Array, padding: Padding, value: float = 0.0) -> Array:
    """The images with a border of ``value``; the images themselves if there is no border."""
    if padding == NO_PADDING:
        return x
    return xp.pad(x, ((0, 0), *padding, (0, 0)), constant_values=value)


def crop_image(x: Array, padding: Padding) -> Array:
    """The images without their border: the adjoint of ``pad_image``."""
    (top, bottom), (left, right) = padding
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


# Convolution
#   forward   y[n, r, c, o] = b[o] + Σ_ijk x[n, r s + i d, c s + j d, k] W[i, j, k, o]       x padded with zeros
#   backward  gx[n, r s + i d, c s + j d, k] ← Σ_o gy[n, r, c, o] W[i, j, k, o]     added up over all r, c, i, j
#             gW[i, j, k, o] = Σ_nrc x[n, r s + i d, c s + j d, k] gy[n, r, c, o]
#             gb[o] = Σ_nrc gy[n, r, c, o]
#
# Written as a matrix product (Chellapilla, Puri, Simard 2006), it is the affine rule: lay each patch that the kernel
# sees into one row of P (N·OH·OW, KH·KW·C_in); then y = P W + b, gW = Pᵀ gy and gP = gy Wᵀ, with W as a matrix of
# KH·KW·C_in rows. A pixel lies in many patches, so gx adds up what each of them sends back (``fold``). For stride 1
# that sum is again a convolution: of the delta, with zeros around it, and the flipped kernel.
#
# P repeats each pixel up to KH·KW times, so it is never whole in memory: it is cut for a few images at a time, and
# cut anew in backward. Two copies cost less than one array that is too large for the caches.

BLOCK = 2**20  # at most so many numbers of P at a time, unless one image has more


def convolution_2d_forward(
    xp: Namespace,
    x: Array,
    W: Array,
    b: Array | None = None,
    *,
    strides: Pair = (1, 1),
    padding: Padding = NO_PADDING,
    dilation: Pair = (1, 1),
) -> tuple[Array, Saved]:
    kh, kw, c_in, c_out = W.shape
    if x.ndim != 4 or x.shape[3] != c_in:
        raise ShapeError(
            "the images do not have the channels that the kernel reads.",
            where="convolution_2d",
            expected=f"(N, H, W, {c_in}) for a kernel of shape {W.shape}",
            received=x.shape,
        )
    n, oh, ow = x.shape[0], *fitting_size(x.shape[1:3], (kh, kw), strides, padding, dilation)
    matrix = W.reshape(kh * kw * c_in, c_out)
    blocks = []
    for images in _blocks(n, oh * ow * kh * kw * c_in):
        y = _patches(xp, x[images], (kh, kw), strides, padding, dilation) @ matrix
        blocks.append(y if b is None else y + b)
    return _joined(xp, blocks).reshape(n, oh, ow, c_out), (x, W)


def convolution_2d_backward(
    xp: Namespace,
    saved: Saved,
    gy: Array,
    wanted: Wanted,
    *,
    strides: Pair = (1, 1),
    padding: Padding = NO_PADDING,
    dilation: Pair = (1, 1),
) -> tuple[Array | None, ...]:
    x, W = saved
    kh, kw, c_in, c_out = W.shape
    (top, bottom), (left, right) = padding
    height, width = x.shape[1] + top + bottom, x.shape[2] + left + right
    gx, gW = [], xp.zeros((kh * kw * c_in, c_out), W.dtype)
    for images in _blocks(x.shape[0], gy.shape[1] * gy.shape[2] * kh * kw * c_in):
        delta = gy[images]
        if wanted[0]:
            # One product per kernel entry, (KH, KW, N·OH·OW, C_in): what fold adds up is then contiguous.
            gP = (rows(delta) @ W.transpose(0, 1, 3, 2)).reshape(kh, kw, *delta.shape[:3], c_in)
            bordered = (delta.shape[0], height, width, c_in)
            gx.append(crop_image(xp.fold(gP.transpose(2, 3, 4, 0, 1, 5), bordered, strides, dilation), padding))
        if wanted[1]:
            gW = gW + _patches(xp, x[images], (kh, kw), strides, padding, dilation).T @ rows(delta)
    gradients = (
        _joined(xp, gx) if wanted[0] else None,
        gW.reshape(W.shape) if wanted[1] else None,
        xp.einsum("nrco->o", gy) if wanted[2:] == (True,) else None,
    )
    return gradients[: len(wanted)]  # b is an input or not


def _blocks(images: int, numbers: int) -> list[slice]:
    """The batch in runs of images: as many as fit into BLOCK numbers, ``numbers`` for each."""
    step = max(1, BLOCK // max(1, numbers))
    return [slice(start, start + step) for start in range(0, max(1, images), step)]


def _joined(xp: Namespace, blocks: list[Array]) -> Array:
    return blocks[0] if len(blocks) == 1 else xp.concatenate(blocks)


def _patches(xp: Namespace, x: Array, kernel: Pair, strides: Pair, padding: Padding, dilation: Pair) -> Array:
    """P: what the kernel sees at each place, one row per place. Shape (N·OH·OW, KH·KW·C_in)."""
    patches = xp.windows(pad_image(xp, x, padding), kernel, strides, dilation)
    n, oh, ow, kh, kw, c = patches.shape
    return patches.reshape(n * oh * ow, kh * kw * c)


convolution_2d = Rule(
    "convolution_2d",
    convolution_2d_forward,
    convolution_2d_backward,
    "y = b + Σ_ijk x[n, r s + i d, c s + j d, k] W[i, j, k, o]",
    "gx = fold(gy Wᵀ), gW = Pᵀ gy, gb = Σ gy (P: one patch of x per row)",
)
