"""Convolution by XLA's own primitive: forward and both gradients are one ``conv_general_dilated`` each.

The formulas are those of :mod:`omomi.ops.convolution`. For one axis, with K' = (K − 1) d + 1 and images of H pixels:

- gx is a convolution of the delta, its entries s apart with zeros between, and the flipped kernel whose channels
  change places: entry i of the kernel reaches back from r s + i d to r. K' − 1 − top zeros before make pixel 0 of
  gx the first place; as many after as make H places.
- gW is a convolution of the images, their channels taken for samples and their samples for channels, with the delta
  as kernel: its entries lie s apart (dilation s), and it moves by d from one entry of gW to the next (stride d).
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from omomi.engines.engine import Array, Attributes, Kernel

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]
IMAGES = ("NHWC", "HWIO", "NHWC")
NONE: Padding = ((0, 0), (0, 0))


def forward(
    x: Array, W: Array, b: Array | None = None, *, strides: Pair = (1, 1), padding: Padding = NONE,
    dilation: Pair = (1, 1),
) -> tuple[Array, tuple[Array, Array]]:  # fmt: skip
    """y = b + Σ x W. Shapes: (N, H, W, C_in), (KH, KW, C_in, C_out) → (N, OH, OW, C_out)."""
    y = jax.lax.conv_general_dilated(x, W, strides, padding, rhs_dilation=dilation, dimension_numbers=IMAGES)
    return (y if b is None else y + b), (x, W)


def backward(
    saved: tuple[Array, Array], gy: Array, wanted: tuple[bool, ...], *, strides: Pair = (1, 1),
    padding: Padding = NONE, dilation: Pair = (1, 1),
) -> tuple[Array | None, ...]:  # fmt: skip
    """gx, gW and (if there is a bias) gb."""
    x, W = saved
    gx = gW = None
    if wanted[0]:
        gx = jax.lax.conv_general_dilated(
            gy,
            jnp.flip(W, (0, 1)).swapaxes(2, 3),
            (1, 1),
            [_around_delta(x, W, gy, strides, padding, dilation, axis) for axis in (0, 1)],
            lhs_dilation=strides,
            rhs_dilation=dilation,
            dimension_numbers=IMAGES,
        )
    if wanted[1]:
        gW = jax.lax.conv_general_dilated(
            x,
            gy,
            dilation,
            [_around_images(x, W, gy, strides, padding, dilation, axis) for axis in (0, 1)],
            rhs_dilation=strides,
            dimension_numbers=("CHWN", "IHWO", "HWNC"),
        )
    gb = gy.sum(axis=(0, 1, 2)) if wanted[2:] == (True,) else None
    return (gx, gW, gb)[: len(wanted)]


def _around_delta(x: Array, W: Array, gy: Array, strides: Pair, padding: Padding, dilation: Pair, axis: int) -> Pair:
    """Zeros before and after the delta, so that its convolution has as many places as the image has pixels."""
    covered = (W.shape[axis] - 1) * dilation[axis] + 1
    spread = (gy.shape[1 + axis] - 1) * strides[axis] + 1
    before = covered - 1 - padding[axis][0]
    return before, x.shape[1 + axis] + covered - 1 - spread - before


def _around_images(x: Array, W: Array, gy: Array, strides: Pair, padding: Padding, dilation: Pair, axis: int) -> Pair:
    """Zeros before and after the images, so that the delta has as many places on them as the kernel has entries.

    A negative number leaves pixels out: those that no window reached.
    """
    spread = (gy.shape[1 + axis] - 1) * strides[axis] + 1
    before = padding[axis][0]
    return before, (W.shape[axis] - 1) * dilation[axis] + spread - x.shape[1 + axis] - before


def accepts(arrays: Sequence[Array], attributes: Attributes) -> bool:
    """Images and a kernel that fit and are not empty; the rule itself says what is wrong with others."""
    if set(attributes) - {"strides", "padding", "dilation"}:
        return False
    x, W = arrays[0], arrays[1]
    if x.ndim != 4 or x.shape[3] != W.shape[2] or 0 in x.shape or 0 in W.shape:
        return False
    padding, dilation = attributes.get("padding", NONE), attributes.get("dilation", (1, 1))
    return all(
        size + sum(zeros) >= (k - 1) * d + 1
        for size, zeros, k, d in zip(x.shape[1:3], padding, W.shape[:2], dilation, strict=True)
    )


KERNEL = Kernel("convolution_2d", forward, backward, accepts)
