"""Depthwise convolution: a kernel of its own for each channel, none of which sees another channel.

Windows, strides, padding and dilation are those of the chapter on convolution. Followed by a convolution of one pixel,
which mixes the channels, it is a separable convolution: KH·KW + C_out multiplications for each pixel and channel
instead of KH·KW·C_out (Sifre 2014; Chollet 2017, arXiv:1610.02357).
"""

from __future__ import annotations

from itertools import product

from omomi.errors import ShapeError
from omomi.ops.convolution import Padding, Sizes, crop_image, fitting_size, geometry, pad_image
from omomi.ops.linear import rows
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# Depthwise convolution: D results for each channel k, beside one another: o = k D + q. The kernel has the shape
# (KH, KW, C, D).
#   forward   y[n, r, c, k D + q] = b[k D + q] + Σ_ij x[n, r s + i d, c s + j d, k] W[i, j, k, q]
#   backward  gx[n, r s + i d, c s + j d, k] ← Σ_q gy[n, r, c, k D + q] W[i, j, k, q]     added up over all r, c, i, j
#             gW[i, j, k, q] = Σ_nrc x[n, r s + i d, c s + j d, k] gy[n, r, c, k D + q]
#             gb[o] = Σ_nrc gy[n, r, c, o]
#
# Entry (i, j) of all windows at once is a strided slice of the images: one product of arrays for each entry.


def depthwise_convolution_2d_forward(
    xp: Namespace,
    x: Array,
    W: Array,
    b: Array | None = None,
    *,
    strides: Sizes | None = None,
    padding: Padding | None = None,
    dilation: Sizes | None = None,
) -> tuple[Array, Saved]:
    if x.ndim != 4 or W.ndim != 4 or x.shape[3] != W.shape[2]:
        raise ShapeError(
            "the images do not have the channels that the kernel reads.",
            where="depthwise_convolution_2d",
            expected=f"(N, H, W, {W.shape[2]}) for a kernel of shape {W.shape}",
            received=x.shape,
        )
    strides, padding, dilation = geometry(W, strides, padding, dilation)
    kh, kw, channels, multiplier = W.shape
    size = fitting_size(x.shape[1:3], (kh, kw), strides, padding, dilation)
    windows = xp.windows(pad_image(xp, x, padding), (kh, kw), strides, dilation)
    y = sum(windows[:, :, :, i, j, :, None] * W[i, j] for i, j in product(range(kh), range(kw)))
    y = y.reshape(x.shape[0], *size, channels * multiplier)
    return (y if b is None else y + b), (x, W)


def depthwise_convolution_2d_backward(
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
    strides, padding, dilation = geometry(W, strides, padding, dilation)
    kh, kw, channels, multiplier = W.shape
    entries = list(product(range(kh), range(kw)))
    bordered = pad_image(xp, x, padding)
    delta = gy.reshape(*gy.shape[:3], channels, multiplier)
    gx = gW = None
    if wanted[0]:
        shares = xp.stack([xp.einsum("nrckq,kq->nrck", delta, W[i, j]) for i, j in entries], axis=3)
        patches = shares.reshape(*gy.shape[:3], kh, kw, channels)
        gx = crop_image(xp.fold(patches, bordered.shape, strides, dilation), padding)
    if wanted[1]:
        windows = xp.windows(bordered, (kh, kw), strides, dilation)
        sums = [xp.einsum("nrck,nrckq->kq", windows[:, :, :, i, j], delta) for i, j in entries]
        gW = xp.stack(sums).reshape(W.shape)
    gb = rows(gy).sum(axis=0) if wanted[2:] == (True,) else None
    return (gx, gW, gb)[: len(wanted)]  # b is an input or not


depthwise_convolution_2d = Rule(
    "depthwise_convolution_2d",
    depthwise_convolution_2d_forward,
    depthwise_convolution_2d_backward,
    "y[…, k D + q] = b + Σ_ij x[n, r s + i d, c s + j d, k] W[i, j, k, q]",
    "gx = fold(Σ_q gy W), gW = Σ_nrc x gy, gb = Σ gy",
)
