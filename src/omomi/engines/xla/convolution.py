"""Convolution by XLA's own primitive: forward and both gradients are one ``conv_general_dilated`` each.

The formulas are those of :mod:`omomi.ops.convolution`. For one axis, with K' = (K − 1) d + 1 and images of H pixels:

- gx is a convolution of the delta, its entries s apart with zeros between, and the flipped kernel whose channels
  change places: entry i of the kernel reaches back from r s + i d to r. K' − 1 − top zeros before make pixel 0 of
  gx the first place; as many after as make H places.
- gW is a convolution of the images, their channels taken for samples and their samples for channels, with the delta
  as kernel: its entries lie s apart (dilation s), and it moves by d from one entry of gW to the next (stride d).

A transposed convolution is the same three, forward and the gradient of x having changed places. Of a depthwise one the
channels are XLA's groups, forward and for gx. For its gW XLA has groups too, of the batch, but on a processor they are
computed number by number; a sum of products for each entry of the kernel takes a hundredth of that.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from omomi.engines.engine import Array, Attributes, Kernel
from omomi.engines.xla.namespace import windows

Sizes = tuple[int, ...]  # one number for each axis
Padding = tuple[tuple[int, int], ...]
# The axes of images and kernels, by their number.
LETTERS = {4: "HW", 5: "DHW"}


def forward(
    x: Array, W: Array, b: Array | None = None, *, strides: Sizes | None = None, padding: Padding | None = None,
    dilation: Sizes | None = None,
) -> tuple[Array, tuple[Array, Array]]:  # fmt: skip
    """y = b + Σ x W. Shapes: (N, H, W, C_in), (KH, KW, C_in, C_out) → (N, OH, OW, C_out)."""
    y = products(x, W, *geometry(W, strides, padding, dilation))
    return (y if b is None else y + b), (x, W)


def backward(
    saved: tuple[Array, Array], gy: Array, wanted: tuple[bool, ...], *, strides: Sizes | None = None,
    padding: Padding | None = None, dilation: Sizes | None = None,
) -> tuple[Array | None, ...]:  # fmt: skip
    """gx, gW and (if there is a bias) gb."""
    x, W = saved
    placed = geometry(W, strides, padding, dilation)
    gx = input_gradient(W, gy, x.shape[1:-1], *placed) if wanted[0] else None
    gW = kernel_gradient(x, gy, W.shape[:-2], *placed) if wanted[1] else None
    gb = gy.sum(axis=tuple(range(gy.ndim - 1))) if wanted[2:] == (True,) else None
    return (gx, gW, gb)[: len(wanted)]


def transposed_forward(
    x: Array, W: Array, *, size: Sizes, strides: Sizes | None = None, padding: Padding | None = None,
    dilation: Sizes | None = None,
) -> tuple[Array, tuple[Array, Array]]:  # fmt: skip
    """y ← Σ x W. Shapes: (N, H, W, C_in), (KH, KW, C_out, C_in) → (N, *size, C_out)."""
    return input_gradient(W, x, size, *geometry(W, strides, padding, dilation)), (x, W)


def transposed_backward(
    saved: tuple[Array, Array], gy: Array, wanted: tuple[bool, ...], *,
    size: Sizes,  # noqa: ARG001 (the rule's attribute; here gy has it)
    strides: Sizes | None = None,
    padding: Padding | None = None, dilation: Sizes | None = None,
) -> tuple[Array | None, ...]:  # fmt: skip
    """gx and gW."""
    x, W = saved
    placed = geometry(W, strides, padding, dilation)
    return (
        products(gy, W, *placed) if wanted[0] else None,
        kernel_gradient(gy, x, W.shape[:-2], *placed) if wanted[1] else None,
    )


def geometry(
    W: Array, strides: Sizes | None, padding: Padding | None, dilation: Sizes | None
) -> tuple[Sizes, Padding, Sizes]:
    """Strides, padding and dilation for each axis of a kernel: 1, none and 1 unless given."""
    ones = (1,) * (W.ndim - 2)
    return strides or ones, padding or ((0, 0),) * len(ones), dilation or ones


def products(x: Array, W: Array, strides: Sizes, padding: Padding, dilation: Sizes) -> Array:
    """The convolution without its bias."""
    axes = LETTERS[x.ndim]
    numbers = (f"N{axes}C", f"{axes}IO", f"N{axes}C")
    return jax.lax.conv_general_dilated(x, W, strides, padding, rhs_dilation=dilation, dimension_numbers=numbers)


def input_gradient(W: Array, gy: Array, image: Sizes, strides: Sizes, padding: Padding, dilation: Sizes) -> Array:
    """gx, for images of the sizes ``image``."""
    axes = LETTERS[gy.ndim]
    return jax.lax.conv_general_dilated(
        gy,
        jnp.flip(W, tuple(range(len(axes)))),
        (1,) * len(axes),
        around_delta(image, W.shape, gy.shape[1:-1], strides, padding, dilation),
        lhs_dilation=strides,
        rhs_dilation=dilation,
        dimension_numbers=(f"N{axes}C", f"{axes}OI", f"N{axes}C"),
    )


def kernel_gradient(x: Array, gy: Array, kernel: Sizes, strides: Sizes, padding: Padding, dilation: Sizes) -> Array:
    """gW, for a kernel of the sizes ``kernel``."""
    axes = LETTERS[x.ndim]
    return jax.lax.conv_general_dilated(
        x,
        gy,
        dilation,
        around_images(x.shape[1:-1], kernel, gy.shape[1:-1], strides, padding, dilation),
        rhs_dilation=strides,
        dimension_numbers=(f"C{axes}N", f"I{axes}O", f"{axes}NC"),
    )


def around_delta(
    image: Sizes, kernel: Sizes, places: Sizes, strides: Sizes, padding: Padding, dilation: Sizes
) -> list[tuple[int, int]]:
    """Zeros before and after the delta, so that its convolution has as many places as the image has pixels."""
    zeros = []
    for size, k, o, s, (before, _), d in zip(image, kernel, places, strides, padding, dilation, strict=False):
        covered, spread = (k - 1) * d + 1, (o - 1) * s + 1
        first = covered - 1 - before
        zeros.append((first, size + covered - 1 - spread - first))
    return zeros


def around_images(
    image: Sizes, kernel: Sizes, places: Sizes, strides: Sizes, padding: Padding, dilation: Sizes
) -> list[tuple[int, int]]:
    """Zeros before and after the images, so that the delta has as many places on them as the kernel has entries.

    A negative number leaves pixels out: those that no window reached.
    """
    zeros = []
    for size, k, o, s, (before, _), d in zip(image, kernel, places, strides, padding, dilation, strict=False):
        zeros.append((before, (k - 1) * d + (o - 1) * s + 1 - size - before))
    return zeros


def accepts(arrays: Sequence[Array], attributes: Attributes) -> bool:
    """Images and a kernel that fit and are not empty; the rule itself says what is wrong with others."""
    x, W = arrays[0], arrays[1]
    if x.ndim != W.ndim or x.ndim not in LETTERS or x.shape[-1] != W.shape[-2] or 0 in x.shape or 0 in W.shape:
        return False
    return min(places(x.shape[1:-1], W, attributes)) > 0


def transposed_accepts(arrays: Sequence[Array], attributes: Attributes) -> bool:
    """The same for images that a convolution with this kernel would lead to."""
    x, W = arrays[0], arrays[1]
    if x.ndim != W.ndim or x.ndim not in LETTERS or x.shape[-1] != W.shape[-1] or 0 in x.shape or 0 in W.shape:
        return False
    return places(attributes["size"], W, attributes) == x.shape[1:-1]


def places(image: Sizes, W: Array, attributes: Attributes) -> Sizes:
    """How many places the kernel has along each axis of images of these sizes."""
    given = (attributes.get(name) for name in ("strides", "padding", "dilation"))
    axes = zip(image, W.shape, *geometry(W, *given), strict=False)
    return tuple((size + sum(zeros) - (k - 1) * d - 1) // s + 1 for size, k, s, zeros, d in axes)


def depthwise_forward(
    x: Array, W: Array, b: Array | None = None, *, strides: Sizes | None = None, padding: Padding | None = None,
    dilation: Sizes | None = None,
) -> tuple[Array, tuple[Array, Array]]:  # fmt: skip
    """y = b + Σ x W, each channel for itself. Shapes: (N, H, W, C), (KH, KW, C, D) → (N, OH, OW, C·D)."""
    strides, padding, dilation = geometry(W, strides, padding, dilation)
    channels, flat = W.shape[2], W.reshape(*W.shape[:2], 1, -1)
    y = jax.lax.conv_general_dilated(
        x, flat, strides, padding, rhs_dilation=dilation, dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=channels,
    )  # fmt: skip
    return (y if b is None else y + b), (x, W)


def depthwise_backward(
    saved: tuple[Array, Array], gy: Array, wanted: tuple[bool, ...], *, strides: Sizes | None = None,
    padding: Padding | None = None, dilation: Sizes | None = None,
) -> tuple[Array | None, ...]:  # fmt: skip
    """gx, gW and (if there is a bias) gb."""
    x, W = saved
    strides, padding, dilation = geometry(W, strides, padding, dilation)
    channels, gx, gW = W.shape[2], None, None
    if wanted[0]:
        gx = jax.lax.conv_general_dilated(
            gy,
            jnp.flip(W, (0, 1)),
            (1, 1),
            around_delta(x.shape[1:3], W.shape[:2], gy.shape[1:3], strides, padding, dilation),
            lhs_dilation=strides,
            rhs_dilation=dilation,
            dimension_numbers=("NHWC", "HWOI", "NHWC"),
            feature_group_count=channels,
        )
    if wanted[1]:
        bordered = jnp.pad(x, ((0, 0), *padding, (0, 0)))
        seen = windows(bordered, W.shape[:2], strides, dilation)
        delta = gy.reshape(*gy.shape[:3], *W.shape[2:])
        entries = np.ndindex(*W.shape[:2])
        gW = jnp.stack([(seen[:, :, :, i, j, :, None] * delta).sum(axis=(0, 1, 2)) for i, j in entries])
        gW = gW.reshape(W.shape)
    gb = gy.sum(axis=(0, 1, 2)) if wanted[2:] == (True,) else None
    return (gx, gW, gb)[: len(wanted)]


def depthwise_accepts(arrays: Sequence[Array], attributes: Attributes) -> bool:
    """Images and a kernel that fit and are not empty."""
    x, W = arrays[0], arrays[1]
    if x.ndim != 4 or W.ndim != 4 or x.shape[3] != W.shape[2] or 0 in x.shape or 0 in W.shape:
        return False
    return min(places(x.shape[1:3], W, attributes)) > 0


KERNELS = (
    Kernel("depthwise_convolution_2d", depthwise_forward, depthwise_backward, depthwise_accepts),
    *(Kernel(f"convolution_{rank}d", forward, backward, accepts) for rank in (2, 3)),
    *(
        Kernel(f"transposed_convolution_{rank}d", transposed_forward, transposed_backward, transposed_accepts)
        for rank in (2, 3)
    ),
)
