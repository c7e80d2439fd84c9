"""Noise: numbers drawn anew in every step, added to a layer's outputs or multiplied with them.

So nothing is learned by heart. Random numbers are a function of the draw's address, as in dropout.
"""

from __future__ import annotations

from math import pi, prod, sqrt
from typing import Any

from omomi.errors import ConfigurationError
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# Standard normal numbers from uniform ones (Box and Muller 1958): two independent uniform numbers u and v give length
# and direction of a point in the plane whose two coordinates are normal.
#   z₁ = r cos φ         z₂ = r sin φ         r = √(−2 ln u)         φ = 2π v
#
# u and v are random words, uniform on 0 … 2³² − 1, over 2³²; 1 is added to u's, since ln 0 is infinite. z₁ fills the
# first half of the array, z₂ the second.


def normal(xp: Namespace, address: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """Standard normal numbers of the draw at ``address``, computed in float32 at least."""
    wide = xp.promote_types(dtype, xp.float32)
    count = prod(shape)
    pairs = -(-count // 2)
    words = xp.random_bits(address, 2 * pairs).astype(wide)
    u, v = (words[:pairs] + 1) * 2.0**-32, words[pairs:] * 2.0**-32
    radius, angle = xp.sqrt(-2 * xp.log(u)), 2 * pi * v
    z = xp.concatenate([radius * xp.cos(angle), radius * xp.sin(angle)])
    return z[:count].reshape(shape).astype(dtype)


# Gaussian noise: a regression on noisy inputs is a smoother one (Bishop 1995, "Training with noise is equivalent to
# Tikhonov regularization", Neural Computation 7).
#   forward   y = x + σ z           z standard normal          backward   gx = gy


def gaussian_noise_forward(xp: Namespace, x: Array, address: Array, *, stddev: float) -> tuple[Array, Saved]:
    if stddev < 0:
        raise ConfigurationError(
            "a standard deviation is not negative.", where="gaussian_noise", expected="stddev ≥ 0", received=stddev
        )
    return x + stddev * normal(xp, address, x.shape, x.dtype), ()


def gaussian_noise_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, stddev: float
) -> tuple[Array | None, ...]:
    return gy, None


gaussian_noise = Rule(
    "gaussian_noise",
    gaussian_noise_forward,
    gaussian_noise_backward,
    "y = x + σ z, z standard normal",
    "gx = gy",
    constants=("address",),
)


# Gaussian dropout (Srivastava et al., JMLR 15, 2014, section 10): instead of 0 or 1/(1 − p), a unit is multiplied with
# a normal number of the same mean 1 and the same variance p/(1 − p).
#   forward   y = x n,  n = 1 + √(p/(1 − p)) z                 backward   gx = gy n


def gaussian_dropout_forward(xp: Namespace, x: Array, address: Array, *, rate: float) -> tuple[Array, Saved]:
    _check_rate("gaussian_dropout", rate)
    factor = 1 + sqrt(rate / (1 - rate)) * normal(xp, address, x.shape, x.dtype)
    return x * factor, (factor,)


def _check_rate(where: str, rate: float) -> None:
    if not 0 <= rate < 1:
        raise ConfigurationError(
            "the rate is the share of the units that is left out.", where=where, expected="0 ≤ rate < 1", received=rate
        )


def gaussian_dropout_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, rate: float
) -> tuple[Array | None, ...]:
    (factor,) = saved
    return gy * factor, None


gaussian_dropout = Rule(
    "gaussian_dropout",
    gaussian_dropout_forward,
    gaussian_dropout_backward,
    "y = x n, n normal with mean 1 and variance p/(1 − p)",
    "gx = gy n",
    constants=("address",),
)


# Alpha dropout (Klambauer et al. 2017, arXiv:1706.02515): for SELU, which keeps outputs at mean 0 and variance 1. What
# is left out takes SELU's lowest value α' = −λα, not 0, and an affine map brings mean and variance back to 0 and 1.
#   forward   y = a (x m + α' (1 − m)) + b          m = 1 for a unit that stays, 0 for one that is left out
#   backward  gx = gy a m
#             a = 1 / √((1 − p) (1 + p α'²))        since x m + α' (1 − m) has the variance (1 − p) (1 + p α'²)
#             b = −a p α'                           and the mean p α', for x of mean 0 and variance 1

LOWEST = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


def alpha_dropout_forward(
    xp: Namespace, x: Array, address: Array, *, rate: float, noise_shape: tuple[int, ...] | None = None
) -> tuple[Array, Saved]:
    _check_rate("alpha_dropout", rate)
    shape = x.shape if noise_shape is None else noise_shape
    threshold = min(round(rate * 2**32), 2**32 - 1)
    stays = (xp.random_bits(address, prod(shape)) >= xp.uint32(threshold)).reshape(shape).astype(x.dtype)
    a = ((1 - rate) * (1 + rate * LOWEST**2)) ** -0.5
    y = a * (x * stays + LOWEST * (1 - stays)) - a * rate * LOWEST
    return y, (a * stays,)


def alpha_dropout_backward(
    xp: Namespace,
    saved: Saved,
    gy: Array,
    wanted: Wanted,
    *,
    rate: float,
    noise_shape: tuple[int, ...] | None = None,
) -> tuple[Array | None, ...]:
    (factor,) = saved
    return gy * factor, None


alpha_dropout = Rule(
    "alpha_dropout",
    alpha_dropout_forward,
    alpha_dropout_backward,
    "y = a (x m + α' (1 − m)) + b, m = 1 with probability 1 − p, else 0",
    "gx = gy a m",
    constants=("address",),
)
