"""Exponential, hyperbolic tangent and sigmoid, in arithmetic only, so that a loop over them runs in vectors.

The exponential of x is found by writing x = n ln 2 + r with a whole n and |r| ≤ ½ ln 2:

    eˣ = 2ⁿ eʳ            eʳ = 1 + r + r² (1/2! + r/3! + r²/4! + …)            Taylor's series, from its far end

For float32 the terms up to r⁷ suffice (the next is below 6·10⁻⁹), for float64 those up to r¹³ (below 5·10⁻¹⁸).
2ⁿ is made by writing n into the exponent bits of a number.

n is found without a conversion: x / ln 2 + 1.5·2ᵖ, with p the bits of the significand, has no bits left for a
fraction, so its last bits *are* n. That is also defined where x is not a number.
"""

from __future__ import annotations

import math

import numpy as np

from omomi.engines.cpu.kernel import helper
from omomi.engines.cpu.primitives import bits, fma, from_bits, itemsize, real

LOG2_E = 1 / math.log(2)
# ln 2 as a sum of two numbers of T: the first as near as T comes to it, the second the rest.
LN2_HIGH_32, LN2_HIGH_64 = float(np.float32(math.log(2))), math.log(2)
LN2_LOW_32, LN2_LOW_64 = math.log(2) - LN2_HIGH_32, 2.3190468138462996e-17
ROUND_32, ROUND_64 = 1.5 * 2.0**23, 1.5 * 2.0**52
ROUND_BITS_32, ROUND_BITS_64 = 0x4B400000, 0x4338000000000000  # the same two as bits


@helper
def _split(x):  # type: ignore[no-untyped-def]
    """n as bits and r, with x = n ln 2 + r."""
    if itemsize() == 4:
        shifted = fma(x, real(LOG2_E), real(ROUND_32))
        n = bits(shifted) - ROUND_BITS_32
        whole = shifted - real(ROUND_32)
        return n, fma(-whole, real(LN2_LOW_32), fma(-whole, real(LN2_HIGH_32), x))
    shifted = fma(x, real(LOG2_E), real(ROUND_64))
    n = bits(shifted) - ROUND_BITS_64
    whole = shifted - real(ROUND_64)
    return n, fma(-whole, real(LN2_LOW_64), fma(-whole, real(LN2_HIGH_64), x))


@helper
def _power_of_two(n):  # type: ignore[no-untyped-def]
    """2ⁿ, for an n that T's exponent can hold."""
    return from_bits((n + 127) << 23) if itemsize() == 4 else from_bits((n + 1023) << 52)


@helper
def _exp_minus_one(r):  # type: ignore[no-untyped-def]
    """eʳ − 1 for |r| ≤ ½ ln 2."""
    p = real(1 / 5040)
    if itemsize() == 8:
        p = real(1 / 6227020800)
        p = fma(p, r, real(1 / 479001600))
        p = fma(p, r, real(1 / 39916800))
        p = fma(p, r, real(1 / 3628800))
        p = fma(p, r, real(1 / 362880))
        p = fma(p, r, real(1 / 40320))
        p = fma(p, r, real(1 / 5040))
    p = fma(p, r, real(1 / 720))
    p = fma(p, r, real(1 / 120))
    p = fma(p, r, real(1 / 24))
    p = fma(p, r, real(1 / 6))
    p = fma(p, r, real(1 / 2))
    return fma(r * r, p, r)


@helper
def exp(x):  # type: ignore[no-untyped-def]
    """eˣ. Below the smallest normal number of T it is 0, above the largest it is infinite."""
    low, high = (real(-104), real(89)) if itemsize() == 4 else (real(-746), real(710))
    x = low if x < low else x
    x = high if x > high else x
    n, r = _split(x)
    half = n >> 1  # in two factors, since 2ⁿ alone may be too large or too small for T
    return (_exp_minus_one(r) + real(1)) * _power_of_two(half) * _power_of_two(n - half)


@helper
def expm1(x):  # type: ignore[no-untyped-def]
    """eˣ − 1 for x ≤ 0, exact near 0: 2ⁿ (eʳ − 1) + (2ⁿ − 1)."""
    low = real(-60)
    x = low if x < low else x
    n, r = _split(x)
    power = _power_of_two(n)
    return fma(power, _exp_minus_one(r), power - real(1))


@helper
def tanh(x):  # type: ignore[no-untyped-def]
    """tanh x = (1 − e) / (1 + e) with e = e^(−2|x|), and the sign of x."""
    size = abs(x)
    e = expm1(real(-2) * size)
    return math.copysign(-e / (real(2) + e), x)


@helper
def sigmoid(x):  # type: ignore[no-untyped-def]
    """1 / (1 + e⁻ˣ); with e = e^(−|x|), which does not overflow, 1 / (1 + e) for x ≥ 0 and e / (1 + e) below."""
    e = exp(-abs(x))
    return (real(1) if x >= 0 else e) / (real(1) + e)
