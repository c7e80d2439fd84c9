"""Convolution, channels last: sequences are images with one row, images (N, H, W, C), volumes (N, D, H, W, C).

What deep learning calls convolution is the cross-correlation of mathematics: the kernel slides over the image as it
is, not flipped. Since the kernel is learned, the flip would only rename its entries.

Everything here is written once for any number of axes: sizes, strides and dilation have one entry for each axis
between batch and channels. Padding is explicit, ((top, bottom), (left, right)), when it reaches a rule;
``resolve_padding`` turns the words "valid" and "same" into it.
"""

from __future__ import annotations

from math import prod

from omomi.errors import ConfigurationError, ShapeError, UnknownNameError
from omomi.ops.linear import rows
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

Pair = tuple[int, int]
Sizes = tuple[int, ...]  # one number for each axis
Padding = tuple[Pair, ...]  # zeros before and after, for each axis
NO_PADDING: Padding = ((0, 0), (0, 0))  # of images


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
    padding: str | Padding, image: Sizes, kernel: Sizes, strides: Sizes, dilation: Sizes | None = None
) -> Padding:
    """Padding as ((top, bottom), (left, right)), from "valid", "same" or such pairs.

    Args:
        padding: the word, or the numbers themselves.
        image: height and width, or the sizes of as many axes as there are.
        kernel: the sizes of the kernel or window.
        strides: how far it moves along each axis.
        dilation: the distance between neighbouring entries of the kernel; 1 unless given.
    """
    if padding == "valid":
        return ((0, 0),) * len(image)
    if padding == "same":
        return tuple(_same(*axis) for axis in zip(image, kernel, strides, dilation or ones(kernel), strict=True))
    if isinstance(padding, str):
        raise UnknownNameError("padding", padding, ("valid", "same"))
    if len(padding) != len(image) or any(len(zeros) != 2 or min(zeros) < 0 for zeros in padding):
        raise ConfigurationError(
            "padding is the number of zeros before and after, for each axis; it cannot be negative.",
            expected="((top, bottom), (left, right))" if len(image) == 2 else f"{len(image)} pairs (before, after)",
            received=padding,
        )
    return tuple((before, after) for before, after in padding)


def causal_padding(kernel: int, dilation: int = 1) -> Pair:
    """Zeros before a sequence alone, so that an output sees its own time and what came before it.

    With stride 1 the length stays (van den Oord et al. 2016, arXiv:1609.03499).
    """
    return reach(kernel, dilation) - 1, 0


def ones(sizes: Sizes) -> Sizes:
    """1 for each axis."""
    return (1,) * len(sizes)


def _same(size: int, kernel: int, stride: int, dilation: int) -> Pair:
    output = -(-size // stride)
    zeros = max((output - 1) * stride + reach(kernel, dilation) - size, 0)
    return zeros // 2, zeros - zeros // 2


def output_size(image: Sizes, kernel: Sizes, strides: Sizes, padding: Padding, dilation: Sizes | None = None) -> Sizes:
    """Height and width of the result; below 1 if the kernel does not fit into the padded image."""
    return tuple(
        (size + sum(zeros) - reach(k, d)) // s + 1
        for size, k, s, zeros, d in zip(image, kernel, strides, padding, dilation or ones(kernel), strict=True)
    )


def fitting_size(image: Sizes, kernel: Sizes, strides: Sizes, padding: Padding, dilation: Sizes | None = None) -> Sizes:
    """``output_size``, or an error if nothing is left."""
    size = output_size(image, kernel, strides, padding, dilation)
    if min(size) < 1:
        covered = (reach(k, d) for k, d in zip(kernel, dilation or ones(kernel), strict=True))
        raise ShapeError(
            "the image is smaller than the window that slides over it.",
            expected=f"at least {' × '.join(map(str, covered))} pixels with padding",
            received=f"{' × '.join(map(str, image))} pixels, padding {padding}",
            fix='use a smaller window, fewer strides before this layer, or padding="same"',
        )
    return size


def pad_image(xp: Namespace, x: Array, padding: Padding, value: float = 0.0) -> Array:
    """The images with a border of ``value``; the images themselves if there is no border."""
    if not any(map(any, padding)):
        return x
    return xp.pad(x, ((0, 0), *padding, (0, 0)), constant_values=value)


def crop_image(x: Array, padding: Padding) -> Array:
    """The images without their border: the adjoint of ``pad_image``."""
    inside = (slice(before, size - after) for (before, after), size in zip(padding, x.shape[1:-1], strict=True))
    return x[(slice(None), *inside)]


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


def convolution_forward(
    xp: Namespace,
    x: Array,
    W: Array,
    b: Array | None = None,
    *,
    strides: Sizes | None = None,
    padding: Padding | None = None,
    dilation: Sizes | None = None,
) -> tuple[Array, Saved]:
    if x.ndim != W.ndim or x.shape[-1] != W.shape[-2]:
        raise ShapeError(
            "the images do not have the channels that the kernel reads.",
            where=f"convolution_{W.ndim - 2}d",
            expected=f"(N, {'D, ' if W.ndim == 5 else ''}H, W, {W.shape[-2]}) for a kernel of shape {W.shape}",
            received=x.shape,
        )
    y = products(xp, x, W, *geometry(W, strides, padding, dilation))
    return (y if b is None else y + b), (x, W)


def convolution_backward(
    xp: Namespace,
    saved: Saved,
    gy: Array,
    wanted: Wanted,
    *,
    strides: Sizes | None = None,
    padding: Padding | None = None,
    dilation: Sizes | None = None,
) -> tuple[Array | None, ...]:
    x, W = saved
    placed = geometry(W, strides, padding, dilation)
    gradients = (
        input_gradient(xp, W, gy, x.shape[1:-1], *placed) if wanted[0] else None,
        kernel_gradient(xp, x, gy, W.shape, *placed) if wanted[1] else None,
        rows(gy).sum(axis=0) if wanted[2:] == (True,) else None,
    )
    return gradients[: len(wanted)]  # b is an input or not


def geometry(
    W: Array, strides: Sizes | None, padding: Padding | None, dilation: Sizes | None
) -> tuple[Sizes, Padding, Sizes]:
    """Strides, padding and dilation for each axis of a kernel: 1, none and 1 unless given."""
    one = ones(W.shape[:-2])
    return strides or one, padding or ((0, 0),) * len(one), dilation or one


def products(xp: Namespace, x: Array, W: Array, strides: Sizes, padding: Padding, dilation: Sizes) -> Array:
    """y = P W: the convolution without its bias."""
    *kernel, c_in, c_out = W.shape
    size = fitting_size(x.shape[1:-1], tuple(kernel), strides, padding, dilation)
    matrix = W.reshape(prod(kernel) * c_in, c_out)
    blocks = [
        _patches(xp, x[images], kernel, strides, padding, dilation) @ matrix
        for images in _blocks(x.shape[0], prod(size) * prod(kernel) * c_in)
    ]
    return _joined(xp, blocks).reshape(x.shape[0], *size, c_out)


def input_gradient(
    xp: Namespace, W: Array, gy: Array, image: Sizes, strides: Sizes, padding: Padding, dilation: Sizes
) -> Array:
    """gx = fold(gy Wᵀ), for images of the sizes ``image``."""
    *kernel, c_in, c_out = W.shape
    rank = len(kernel)
    matrices = W.reshape(prod(kernel), c_in, c_out).transpose(0, 2, 1)
    bordered = [size + sum(zeros) for size, zeros in zip(image, padding, strict=True)]
    # One product for each entry of the kernel: (KH·KW, N·OH·OW, C_in), and what fold adds up is contiguous.
    to_windows = (
        *range(rank, 2 * rank + 1),
        *range(rank),
        2 * rank + 1,
    )  # (KH, KW, N, OH, OW, C) → (N, OH, OW, KH, KW, C)
    gx = []
    for images in _blocks(gy.shape[0], prod(gy.shape[1:-1]) * prod(kernel) * c_in):
        delta = gy[images]
        gP = (rows(delta) @ matrices).reshape(*kernel, *delta.shape[:-1], c_in).transpose(to_windows)
        gx.append(crop_image(xp.fold(gP, (delta.shape[0], *bordered, c_in), strides, dilation), padding))
    return _joined(xp, gx)


def kernel_gradient(
    xp: Namespace, x: Array, gy: Array, shape: Sizes, strides: Sizes, padding: Padding, dilation: Sizes
) -> Array:
    """gW = Pᵀ gy, of the kernel's ``shape``."""
    *kernel, c_in, c_out = shape
    gW = xp.zeros((prod(kernel) * c_in, c_out), gy.dtype)
    for images in _blocks(x.shape[0], prod(gy.shape[1:-1]) * prod(kernel) * c_in):
        gW = gW + _patches(xp, x[images], kernel, strides, padding, dilation).T @ rows(gy[images])
    return gW.reshape(shape)


def _blocks(images: int, numbers: int) -> list[slice]:
    """The batch in runs of images: as many as fit into BLOCK numbers, ``numbers`` for each."""
    step = max(1, BLOCK // max(1, numbers))
    return [slice(start, start + step) for start in range(0, max(1, images), step)]


def _joined(xp: Namespace, blocks: list[Array]) -> Array:
    return blocks[0] if len(blocks) == 1 else xp.concatenate(blocks)


def _patches(xp: Namespace, x: Array, kernel: list[int], strides: Sizes, padding: Padding, dilation: Sizes) -> Array:
    """P: what the kernel sees at each place, one row per place. Shape (N·OH·OW, KH·KW·C_in)."""
    patches = xp.windows(pad_image(xp, x, padding), tuple(kernel), strides, dilation)
    columns = prod(kernel) * x.shape[-1]
    return patches.reshape(prod(patches.shape[: x.ndim - 1]), columns)


convolution_2d = Rule(
    "convolution_2d",
    convolution_forward,
    convolution_backward,
    "y = b + Σ_ijk x[n, r s + i d, c s + j d, k] W[i, j, k, o]",
    "gx = fold(gy Wᵀ), gW = Pᵀ gy, gb = Σ gy (P: one patch of x per row)",
)

convolution_3d = Rule(
    "convolution_3d",
    convolution_forward,
    convolution_backward,
    "y = b + Σ_hijk x[n, p s + h d, r s + i d, c s + j d, k] W[h, i, j, k, o]",
    "gx = fold(gy Wᵀ), gW = Pᵀ gy, gb = Σ gy (P: one patch of x per row)",
)


# Transposed convolution: a step from a coarse image to a finer one (Dumoulin and Visin 2016, chapter 4). It takes the
# way of a convolution backward, with the same kernel: what that convolution computes for its input gradient is here
# the forward pass, and what it computes forward is here the gradient of x. W is the kernel of the convolution that
# would lead from y to x, so its shape is (KH, KW, C_out, C_in), and ``size`` is the height and width of y.
#   forward   y[n, r s + i d, c s + j d, o] ← Σ_k x[n, r, c, k] W[i, j, o, k]      added up over all r, c, i, j
#   backward  gx[n, r, c, k] = Σ_ijo gy[n, r s + i d, c s + j d, o] W[i, j, o, k]            gy padded with zeros
#             gW[i, j, o, k] = Σ_nrc gy[n, r s + i d, c s + j d, o] x[n, r, c, k]


def transposed_size(
    image: Sizes,
    kernel: Sizes,
    strides: Sizes,
    padding: str,
    output_padding: Sizes | None = None,
    dilation: Sizes | None = None,
) -> Sizes:
    """Height and width of the result, of which several fit, since a convolution with strides leaves pixels over.

    "valid" makes (H − 1) s + max(K', s), "same" makes H s. With an ``output_padding`` e, as Keras defines it, it is
    (H − 1) s + K' + e and (H − 1) s + (K' mod 2) + e.

    Raises:
        UnknownNameError: the padding is neither "valid" nor "same".
        ConfigurationError: a convolution would not lead from a result of this size back to the image.
    """
    if padding not in ("valid", "same"):
        raise UnknownNameError("padding of a transposed convolution", padding, ("valid", "same"))
    sizes = []
    for i, (size, k, s, d) in enumerate(zip(image, kernel, strides, dilation or ones(kernel), strict=True)):
        covered = reach(k, d)
        if output_padding is None:
            sizes.append((size - 1) * s + (max(covered, s) if padding == "valid" else s))
            continue
        base, extra = covered if padding == "valid" else covered % 2, output_padding[i]
        lowest = 0 if base else 1
        if not lowest <= extra < s:
            raise ConfigurationError(
                "no convolution leads from a result of this size back to the image.",
                expected=f"output_padding smaller than the stride, {s}{', and not 0' if lowest else ''}",
                received=f"output_padding={output_padding}",
                fix="leave output_padding out, or make it one less than the strides",
            )
        sizes.append((size - 1) * s + base + extra)
    return tuple(sizes)


def transposed_convolution_forward(
    xp: Namespace,
    x: Array,
    W: Array,
    *,
    size: Sizes,
    strides: Sizes | None = None,
    padding: Padding | None = None,
    dilation: Sizes | None = None,
) -> tuple[Array, Saved]:
    placed = geometry(W, strides, padding, dilation)
    if x.ndim != W.ndim or x.shape[-1] != W.shape[-1] or output_size(size, W.shape[:-2], *placed) != x.shape[1:-1]:
        raise ShapeError(
            "no convolution with this kernel leads from the result back to the images.",
            where=f"transposed_convolution_{W.ndim - 2}d",
            expected=f"images of shape (N, {_listed(output_size(size, W.shape[:-2], *placed))}, {W.shape[-1]}) "
            f"for a result of {size} and a kernel of shape {W.shape}",
            received=x.shape,
        )
    return input_gradient(xp, W, x, size, *placed), (x, W)


def transposed_convolution_backward(
    xp: Namespace,
    saved: Saved,
    gy: Array,
    wanted: Wanted,
    *,
    size: Sizes,
    strides: Sizes | None = None,
    padding: Padding | None = None,
    dilation: Sizes | None = None,
) -> tuple[Array | None, ...]:
    x, W = saved
    placed = geometry(W, strides, padding, dilation)
    return (
        products(xp, gy, W, *placed) if wanted[0] else None,
        kernel_gradient(xp, gy, x, W.shape, *placed) if wanted[1] else None,
    )


def _listed(sizes: Sizes) -> str:
    return ", ".join(map(str, sizes))


transposed_convolution_2d = Rule(
    "transposed_convolution_2d",
    transposed_convolution_forward,
    transposed_convolution_backward,
    "y[n, r s + i d, c s + j d, o] = Σ x[n, r, c, k] W[i, j, o, k]",
    "gx = P W, gW = Pᵀ x (P: one patch of gy per row)",
)

transposed_convolution_3d = Rule(
    "transposed_convolution_3d",
    transposed_convolution_forward,
    transposed_convolution_backward,
    "y[n, p s + h d, r s + i d, c s + j d, o] = Σ x[n, p, r, c, k] W[h, i, j, o, k]",
    "gx = P W, gW = Pᵀ x (P: one patch of gy per row)",
)
