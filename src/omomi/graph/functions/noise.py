"""Noise. The formulas stand in ``omomi.ops.noise``; what draws, and when, in ``omomi.graph.randomness``.

``address``: of the draw (see omomi.engines.random); the next one of the layer that runs unless given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omomi.graph.randomness import draw_address
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import noise as _noise

Input = Any  # a Variable, an array, or numbers


def gaussian_noise(x: Input, stddev: float, address: Input | None = None) -> Variable:
    """x + σ z with z standard normal."""
    return apply(_noise.gaussian_noise, as_variable(x), _or_next(address), stddev=float(stddev))


def gaussian_dropout(x: Input, rate: float = 0.5, address: Input | None = None) -> Variable:
    """x multiplied with normal numbers of mean 1 and variance ``rate`` / (1 − ``rate``)."""
    return apply(_noise.gaussian_dropout, as_variable(x), _or_next(address), rate=float(rate))


def alpha_dropout(
    x: Input, rate: float = 0.5, address: Input | None = None, *, noise_shape: Sequence[int] | None = None
) -> Variable:
    """Dropout for SELU: what is left out takes its lowest value, and mean 0 and variance 1 are kept.

    Args:
        noise_shape: the shape of the mask, which broadcasts against x; that of x unless given.
    """
    shape = None if noise_shape is None else tuple(int(d) for d in noise_shape)
    return apply(_noise.alpha_dropout, as_variable(x), _or_next(address), rate=float(rate), noise_shape=shape)


def _or_next(address: Input | None) -> Input:
    return draw_address() if address is None else address
