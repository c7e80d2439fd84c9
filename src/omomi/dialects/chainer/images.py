"""Functions of images in Chainer's layout, (N, C, H, W), with kernels (out, in, KH, KW).

Omomi's rules have the channels last: each function turns its images there and back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi import functions as F
from omomi.dialects.chainer.variable import Variable, as_variable, speaking
from omomi.errors import ConfigurationError, ShapeError

Input = Any
Pair = tuple[int, int]


def pair(value: Any) -> Pair:
    """One number for both axes, or one for each."""
    return (int(value), int(value)) if np.ndim(value) == 0 else (int(value[0]), int(value[1]))


def last(x: Input, where: str) -> Variable:
    """Images with the channels last."""
    x = as_variable(x)
    if x.ndim != 4:
        raise ShapeError(
            "Chainer's images have four axes.",
            where=where,
            expected="(N, C, H, W)",
            received=f"shape {x.shape}",
            fix="x.reshape(-1, 1, 28, 28), or get_mnist(ndim=3)" if x.ndim in (2, 3) else None,
        )
    return x.transpose(0, 2, 3, 1)


def first(x: Any) -> Variable:
    """Images with the channels first."""
    return speaking(x.transpose(0, 3, 1, 2))


def around(pad: Any) -> tuple[Pair, Pair]:
    """As many rows before as after."""
    vertical, horizontal = pair(pad)
    return (vertical, vertical), (horizontal, horizontal)


def convolution_2d(
    x: Input,
    W: Input,
    b: Input | None = None,
    stride: Any = 1,
    pad: Any = 0,
    cover_all: bool = False,
    *,
    dilate: Any = 1,
    groups: int = 1,
) -> Variable:
    """x (N, C, H, W), kernel (out, C / groups, KH, KW), bias (out,) → (N, out, OH, OW)."""
    if cover_all:
        raise ConfigurationError("a convolution with cover_all is not offered.", fix="a larger pad")
    kernel = as_variable(W).transpose(2, 3, 1, 0)
    y = F.convolution_2d(
        last(x, "convolution_2d"),
        kernel,
        b,
        strides=pair(stride),
        padding=around(pad),
        dilation=pair(dilate),
        groups=groups,
    )
    return first(y)


def deconvolution_2d(
    x: Input, W: Input, b: Input | None = None, stride: Any = 1, pad: Any = 0, outsize: Pair | None = None
) -> Variable:
    """The way back of a convolution: x (N, C, H, W), kernel (C, out, KH, KW) → (N, out, OH, OW)."""
    kernel = as_variable(W).transpose(2, 3, 1, 0)
    (step, cut), size = (pair(stride), pair(pad)), kernel.shape[:2]
    images = last(x, "deconvolution_2d")
    y = F.transposed_convolution_2d(images, kernel, b, strides=step, output_padding=(0, 0))
    whole = [s * (n - 1) + k for s, n, k in zip(step, images.shape[1:3], size, strict=True)]
    wanted = outsize or tuple(n - 2 * p for n, p in zip(whole, cut, strict=True))
    if any(p + n > w for p, n, w in zip(cut, wanted, whole, strict=True)):
        raise ShapeError(
            "outsize reaches beyond what the windows write.", where="deconvolution_2d", received=f"outsize={outsize}"
        )
    return first(y[:, cut[0] : cut[0] + wanted[0], cut[1] : cut[1] + wanted[1]])


def max_pooling_2d(x: Input, ksize: Any, stride: Any = None, pad: Any = 0, cover_all: bool = True) -> Variable:
    """The largest value in each window. With ``cover_all``, Chainer's way, a last window may reach over the edge."""
    size, border = pair(ksize), around(pad)
    step = size if stride is None else pair(stride)
    if cover_all:
        border = tuple((before, after + s - 1) for (before, after), s in zip(border, step, strict=True))  # type: ignore[assignment]
    return first(F.max_pooling_2d(last(x, "max_pooling_2d"), size, strides=step, padding=border))


def average_pooling_2d(x: Input, ksize: Any, stride: Any = None, pad: Any = 0) -> Variable:
    """The mean of each window; the border counts as zeros, as Chainer has it."""
    size = pair(ksize)
    images = F.pad(last(x, "average_pooling_2d"), ((0, 0), *around(pad), (0, 0)))
    return first(F.average_pooling_2d(images, size, strides=size if stride is None else pair(stride)))


def global_average_pooling_2d(x: Input) -> Variable:
    """The mean of each channel: (N, C, H, W) → (N, C, 1, 1)."""
    return as_variable(x).mean((2, 3), keepdims=True)


def batch_normalization(
    x: Input,
    gamma: Input,
    beta: Input,
    eps: float = 2e-5,
    running_mean: Any = None,
    running_var: Any = None,
    decay: float = 0.9,
) -> Variable:
    """x normalised by the statistics of its batch, per channel (axis 1). The running ones change in place.

    As Chainer has it, the running variance is that of a sample, n/(n − 1) times the batch's.
    """
    x = as_variable(x)
    channels = x.shape[1]
    nothing = np.zeros(channels, x.dtype)
    values = last(x, "batch_normalization") if x.ndim == 4 else x
    y, mean, variance = F.batch_normalization(values, gamma, beta, nothing, nothing, momentum=0.0, epsilon=eps)
    count = x.size // channels
    for running, now in ((running_mean, mean.numpy()), (running_var, variance.numpy() * count / max(count - 1, 1))):
        if running is not None:
            running *= decay
            running += (1 - decay) * now
    return first(y) if x.ndim == 4 else speaking(y)


def fixed_batch_normalization(
    x: Input, gamma: Input, beta: Input, mean: Input, var: Input, eps: float = 2e-5
) -> Variable:
    """x normalised by given statistics, per channel (axis 1)."""
    x = as_variable(x)
    values = last(x, "fixed_batch_normalization") if x.ndim == 4 else x
    y = F.batch_normalization_inference(values, gamma, beta, mean, var, epsilon=eps)
    return first(y) if x.ndim == 4 else speaking(y)
