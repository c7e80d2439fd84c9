"""Batch normalisation and dropout. The formulas and their derivatives stand in ``omomi.ops``."""

from __future__ import annotations

from typing import Any

from omomi.graph.randomness import draw_address
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import dropout as _dropout
from omomi.ops import normalization as _normalization

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
