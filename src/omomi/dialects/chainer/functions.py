"""``chainer.functions``: Chainer's names and layout, (N, C, H, W), over Omomi's functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from omomi import functions as F
from omomi.dialects.chainer.configuration import config
from omomi.dialects.chainer.images import average_pooling_2d as average_pooling_2d
from omomi.dialects.chainer.images import batch_normalization as batch_normalization
from omomi.dialects.chainer.images import convolution_2d as convolution_2d
from omomi.dialects.chainer.images import deconvolution_2d as deconvolution_2d
from omomi.dialects.chainer.images import fixed_batch_normalization as fixed_batch_normalization
from omomi.dialects.chainer.images import global_average_pooling_2d as global_average_pooling_2d
from omomi.dialects.chainer.images import max_pooling_2d as max_pooling_2d
from omomi.dialects.chainer.losses import absolute_error as absolute_error
from omomi.dialects.chainer.losses import accuracy as accuracy
from omomi.dialects.chainer.losses import bernoulli_nll as bernoulli_nll
from omomi.dialects.chainer.losses import binary_accuracy as binary_accuracy
from omomi.dialects.chainer.losses import gaussian_kl_divergence as gaussian_kl_divergence
from omomi.dialects.chainer.losses import hinge as hinge
from omomi.dialects.chainer.losses import huber_loss as huber_loss
from omomi.dialects.chainer.losses import mean_absolute_error as mean_absolute_error
from omomi.dialects.chainer.losses import mean_squared_error as mean_squared_error
from omomi.dialects.chainer.losses import sigmoid_cross_entropy as sigmoid_cross_entropy
from omomi.dialects.chainer.losses import softmax_cross_entropy as softmax_cross_entropy
from omomi.dialects.chainer.losses import squared_error as squared_error
from omomi.dialects.chainer.variable import Variable, as_variable, speaking, spoken
from omomi.dialects.hook import missing
from omomi.engines import random
from omomi.errors import ConfigurationError

Input = Any
Axis = int | tuple[int, ...] | None

# Functions that are the same here and there.
relu, sigmoid, tanh, elu, selu = spoken(F.relu), spoken(F.sigmoid), spoken(F.tanh), spoken(F.elu), spoken(F.selu)
identity, exp, log, sqrt = spoken(F.identity), spoken(F.exp), spoken(F.log), spoken(F.sqrt)
square, absolute, sin, cos = spoken(F.square), spoken(F.absolute), spoken(F.sin), spoken(F.cos)
expm1, log1p = spoken(F.expm1), spoken(F.log1p)
maximum, minimum, add = spoken(F.maximum), spoken(F.minimum), spoken(F.add)
reshape, broadcast_to = spoken(F.reshape), spoken(F.broadcast_to)
softsign = spoken(F.softsign)


def leaky_relu(x: Input, slope: float = 0.2) -> Variable:
    return speaking(F.leaky_relu(as_variable(x), slope))


def clipped_relu(x: Input, z: float = 20.0) -> Variable:
    """min(max(x, 0), z)."""
    return clip(x, 0.0, z)


def hard_sigmoid(x: Input) -> Variable:
    """0.2 x + 0.5, cut at 0 and 1."""
    return clip(as_variable(x) * 0.2 + 0.5, 0.0, 1.0)


def softplus(x: Input, beta: float = 1.0) -> Variable:
    """log(1 + e^(β x)) / β."""
    return speaking(F.softplus(as_variable(x) * beta)) / beta


def softmax(x: Input, axis: int = 1) -> Variable:
    return _along(F.softmax, x, axis)


def log_softmax(x: Input, axis: int = 1) -> Variable:
    return _along(F.log_softmax, x, axis)


def _along(function: Any, x: Input, axis: int) -> Variable:
    """A function of the last axis along another one."""
    x = as_variable(x)
    if axis % x.ndim == x.ndim - 1:
        return speaking(function(x))
    return swapaxes(speaking(function(swapaxes(x, axis, -1))), axis, -1)


def clip(x: Input, x_min: float, x_max: float) -> Variable:
    return speaking(F.clip(as_variable(x), x_min, x_max))


# ---- sums and shapes --------------------------------------------------------------------------------------------


def sum(x: Input, axis: Axis = None, keepdims: bool = False) -> Variable:
    return as_variable(x).sum(axis, keepdims)


def mean(x: Input, axis: Axis = None, keepdims: bool = False) -> Variable:
    return as_variable(x).mean(axis, keepdims)


average = mean


def max(x: Input, axis: Axis = None, keepdims: bool = False) -> Variable:
    return speaking(F.max(as_variable(x), axis, keepdims))


def min(x: Input, axis: Axis = None, keepdims: bool = False) -> Variable:
    return speaking(F.min(as_variable(x), axis, keepdims))


def logsumexp(x: Input, axis: Axis = None) -> Variable:
    return speaking(F.logsumexp(as_variable(x), axis))


def argmax(x: Input, axis: int | None = None) -> Variable:
    return Variable(np.argmax(as_variable(x).array, axis).astype(np.int32), requires_grad=False)


def argmin(x: Input, axis: int | None = None) -> Variable:
    return Variable(np.argmin(as_variable(x).array, axis).astype(np.int32), requires_grad=False)


def transpose(x: Input, axes: Sequence[int] | None = None) -> Variable:
    return as_variable(x).transpose(*(axes or ()))


def swapaxes(x: Input, axis1: int, axis2: int) -> Variable:
    axes = list(range(as_variable(x).ndim))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return transpose(x, axes)


def flatten(x: Input) -> Variable:
    return reshape(x, (-1,))


def expand_dims(x: Input, axis: int) -> Variable:
    shape = list(as_variable(x).shape)
    shape.insert(axis if axis >= 0 else len(shape) + 1 + axis, 1)
    return reshape(x, shape)


def squeeze(x: Input, axis: Axis = None) -> Variable:
    x = as_variable(x)
    drop = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else np.atleast_1d(axis) % x.ndim
    return reshape(x, [n for i, n in enumerate(x.shape) if i not in drop])


def concat(xs: Sequence[Input], axis: int = 1) -> Variable:
    return speaking(F.concatenate([as_variable(x) for x in xs], axis))


def hstack(xs: Sequence[Input]) -> Variable:
    return concat(xs, 0 if as_variable(xs[0]).ndim == 1 else 1)


def vstack(xs: Sequence[Input]) -> Variable:
    return concat(xs, 0)


def stack(xs: Sequence[Input], axis: int = 0) -> Variable:
    return speaking(F.stack([as_variable(x) for x in xs], axis))


def split_axis(x: Input, indices_or_sections: Any, axis: int, force_tuple: bool = True) -> Any:
    parts: tuple[Variable, ...] = speaking(F.split(as_variable(x), indices_or_sections, axis))
    return parts if force_tuple or len(parts) > 1 else parts[0]


def separate(x: Input, axis: int = 0) -> tuple[Variable, ...]:
    """The slices along an axis."""
    x = as_variable(x)
    parts = split_axis(x, x.shape[axis], axis)
    return tuple(squeeze(part, axis) for part in parts)


def get_item(x: Input, slices: Any) -> Variable:
    return as_variable(x)[slices]


def broadcast(*xs: Input) -> tuple[Variable, ...]:
    shape = np.broadcast_shapes(*(as_variable(x).shape for x in xs))
    return tuple(broadcast_to(x, shape) for x in xs)


def where(condition: Input, x: Input, y: Input) -> Variable:
    return speaking(F.where(as_variable(condition), as_variable(x), as_variable(y)))


def cast(x: Input, typ: Any) -> Variable:
    return speaking(F.cast(as_variable(x), typ))


def pad(x: Input, pad_width: Any, mode: str = "constant", constant_values: float = 0.0) -> Variable:
    if mode != "constant":
        raise ConfigurationError("a border is constant.", where="pad", received=f"mode={mode!r}")
    x = as_variable(x)
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    return speaking(F.pad(x, widths, constant_values))


# ---- products ---------------------------------------------------------------------------------------------------


def matmul(a: Input, b: Input, transa: bool = False, transb: bool = False) -> Variable:
    a, b = as_variable(a), as_variable(b)
    a, b = swapaxes(a, -1, -2) if transa else a, swapaxes(b, -1, -2) if transb else b
    return speaking(F.matmul(a, b))


def linear(x: Input, W: Input, b: Input | None = None, n_batch_axes: int = 1) -> Variable:
    """x Wᵀ + b: x (N, …), flattened to (N, in), W (out, in), b (out,) → (N, out)."""
    x, W = as_variable(x), as_variable(W)
    lead = x.shape[:n_batch_axes]
    if x.ndim != 2:
        x = reshape(x, (int(np.prod(lead)), -1))
    y = speaking(F.affine(x, W.T, b))
    return y if n_batch_axes == 1 else reshape(y, (*lead, W.shape[0]))


def embed_id(x: Input, W: Input, ignore_label: int | None = None) -> Variable:
    """The rows of W at the indices x; zeros where x is ``ignore_label``."""
    indices = np.asarray(as_variable(x).array)
    if ignore_label is None:
        return speaking(F.take(as_variable(W), indices))
    kept = indices != ignore_label
    rows = speaking(F.take(as_variable(W), np.where(kept, indices, 0)))
    return rows * kept[..., None].astype(rows.dtype)


def lstm(c_prev: Input, x: Input) -> tuple[Variable, Variable]:
    """One step of LSTM cells: c (N, units) and what reaches the gates, (N, 4 units) → the new c and h.

    The columns of x are those of a, i, f, o for the first unit, then for the second, as Chainer has them:
    c ← tanh(a) σ(i) + c σ(f), h = tanh(c) σ(o).
    """
    c_prev, x = as_variable(c_prev), as_variable(x)
    gates = reshape(x, (len(x), -1, 4))
    a, i, f, o = (squeeze(part, 2) for part in split_axis(gates, 4, 2))
    c = tanh(a) * sigmoid(i) + c_prev * sigmoid(f)
    return c, tanh(c) * sigmoid(o)


# ---- noise ------------------------------------------------------------------------------------------------------


def dropout(x: Input, ratio: float = 0.5, **_: Any) -> Variable:
    """Each value dropped with probability ``ratio`` in training; NumPy's generator says which draw it is."""
    if not config.train or ratio == 0:
        return as_variable(x)
    address = random.address(int(np.random.randint(2**31)), "dropout")
    return speaking(F.dropout(as_variable(x), ratio, address))


def gaussian(mean: Input, ln_var: Input) -> Variable:
    """A sample of N(mean, e^ln_var)."""
    mean, ln_var = as_variable(mean), as_variable(ln_var)
    noise = random.normal(random.address(int(np.random.randint(2**31)), "gaussian"), mean.size).reshape(mean.shape)
    return mean + exp(ln_var * 0.5) * noise.astype(mean.dtype)


__getattr__ = missing(
    "chainer.functions",
    {
        "local_response_normalization": "omomi.layers.BatchNormalization, which took its place",
        "n_step_lstm": "omomi.layers.LSTM, over whole sequences with masks",
        "n_step_gru": "omomi.layers.GRU, over whole sequences with masks",
        "layer_normalization": "omomi.functions.layer_normalization",
        "group_normalization": "omomi.functions.group_normalization",
        "spatial_pyramid_pooling_2d": "poolings of several sizes and concat",
        "connectionist_temporal_classification": "nothing here does it",
    },
)
