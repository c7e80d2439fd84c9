"""Chainer's initialisers: Omomi's, with kernels whose shape is (out, in, …). NumPy's generator seeds each draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.engines import random
from omomi.errors import UnknownNameError
from omomi.layers import initializers as named
from omomi.layers.initializers import Initializer

Array = Any


class Scaled(Initializer):
    """One of Omomi's, times ``factor``, for kernels that lie the other way round."""

    def __init__(self, kind: Any, factor: float = 1.0, **options: Any) -> None:
        self.kind, self.factor, self.options = kind, factor, options

    def __call__(self, shape: tuple[int, ...], address: Array) -> Array:
        # Omomi counts the inputs of a unit along the last axis but one, Chainer along all but the first.
        turned = (*shape[2:], shape[1], shape[0]) if len(shape) > 1 else shape
        return self.factor * self.kind(**self.options)(turned, address).transpose().reshape(shape)


def Zero(dtype: Any = None) -> Initializer:
    return named.Zeros()


def One(dtype: Any = None) -> Initializer:
    return named.Ones()


def Constant(fill_value: Any, dtype: Any = None) -> Initializer:
    if np.ndim(fill_value) == 0:
        return named.Constant(float(fill_value))
    return Given(np.array(fill_value))


class Given(Initializer):
    """An array."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def __call__(self, shape: tuple[int, ...], address: Array) -> Array:
        return np.broadcast_to(self.values, shape).copy()


def Normal(scale: float = 0.05, dtype: Any = None) -> Initializer:
    return named.RandomNormal(0.0, scale)


def Uniform(scale: float = 0.05, dtype: Any = None) -> Initializer:
    return named.RandomUniform(-scale, scale)


def LeCunNormal(scale: float = 1.0, dtype: Any = None) -> Initializer:
    """Normal numbers of variance 1/fan-in: not truncated, as Chainer has them."""
    return Scaled(named.VarianceScaling, scale, scale=1.0, mode="fan_in", distribution="untruncated_normal")


def LeCunUniform(scale: float = 1.0, dtype: Any = None) -> Initializer:
    return Scaled(named.LecunUniform, scale)


def GlorotNormal(scale: float = 1.0, dtype: Any = None) -> Initializer:
    return Scaled(named.VarianceScaling, scale, scale=1.0, mode="fan_avg", distribution="untruncated_normal")


def GlorotUniform(scale: float = 1.0, dtype: Any = None) -> Initializer:
    return Scaled(named.GlorotUniform, scale)


def HeNormal(scale: float = 1.0, dtype: Any = None) -> Initializer:
    return Scaled(named.VarianceScaling, scale, scale=2.0, mode="fan_in", distribution="untruncated_normal")


def HeUniform(scale: float = 1.0, dtype: Any = None) -> Initializer:
    return Scaled(named.HeUniform, scale)


def Orthogonal(scale: float = 1.1, dtype: Any = None) -> Initializer:
    return Scaled(named.Orthogonal, 1.0, gain=scale)


def get(initializer: Any) -> Initializer:
    """An initialiser from one, a number, an array, or ``None`` (LeCun's normal numbers)."""
    if initializer is None:
        return LeCunNormal()
    if isinstance(initializer, Initializer):
        return initializer
    if np.isscalar(initializer) or isinstance(initializer, (np.ndarray, list)):
        return Constant(initializer)
    raise UnknownNameError("initializer", initializer, ("Normal", "LeCunNormal", "HeNormal", "GlorotUniform"))


def draw(initializer: Initializer, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
    """The first numbers. ``numpy.random.seed`` at the head of a script fixes them."""
    address = random.address(int(np.random.randint(2**31)), "")
    return np.asarray(initializer(shape, address)).astype(dtype)
