"""Resizing, batch normalisation and dropout. The formulas and their derivatives stand in ``omomi.ops``."""

from __future__ import annotations

from typing import Any

from omomi.errors import ShapeError
from omomi.graph.randomness import draw_address
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import dropout as _dropout
from omomi.ops import normalization as _normalization
from omomi.ops import resampling as _resampling

Input = Any  # a Variable, an array, or numbers


def batch_normalization(
    x: Input,
    gamma: Input,
    beta: Input,
    running_mean: Input,
    running_variance: Input,
    *,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
) -> tuple[Variable, Variable, Variable]:
    """x normalised by the statistics of its batch, and the new running mean and variance. (N, …, C), per channel."""
    inputs = (as_variable(v) for v in (x, gamma, beta, running_mean, running_variance))
    y, mean, variance = apply(_normalization.batch_normalization, *inputs, momentum=momentum, epsilon=epsilon)
    return y, mean, variance


def batch_normalization_inference(
    x: Input, gamma: Input, beta: Input, mean: Input, variance: Input, *, epsilon: float = 1e-3
) -> Variable:
    """x normalised by given statistics."""
    inputs = (as_variable(v) for v in (x, gamma, beta, mean, variance))
    return apply(_normalization.batch_normalization_inference, *inputs, epsilon=epsilon)


def dropout(x: Input, rate: float = 0.5, address: Input | None = None) -> Variable:
    """Each value dropped with probability ``rate``, the rest scaled by 1/(1 − rate).

    Args:
        address: of the draw (see omomi.engines.random); the next one of the layer that runs unless given.
    """
    return apply(_dropout.dropout, as_variable(x), draw_address() if address is None else address, rate=float(rate))


def resampling(x: Input, *, axis: int, size: int, interpolation: str = "bilinear") -> Variable:
    """One axis with another number of entries, each a weighted mean of the old ones around it.

    Args:
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
    """
    return apply(_resampling.resampling, as_variable(x), axis=axis, size=size, interpolation=interpolation)


def resize(x: Input, size: tuple[int, int], *, interpolation: str = "bilinear") -> Variable:
    """Images of another size: (N, H, W, C) → (N, *size, C). Smaller images are not smoothed first.

    Args:
        size: height and width.
        interpolation: as for :func:`resampling`.

    Raises:
        ShapeError: no batch of images.
    """
    x = as_variable(x)
    if x.ndim != 4:
        raise ShapeError("a batch of images is resized.", where="resize", expected="(N, H, W, C)", received=x.shape)
    rows = resampling(x, axis=1, size=size[0], interpolation=interpolation)
    return resampling(rows, axis=2, size=size[1], interpolation=interpolation)
