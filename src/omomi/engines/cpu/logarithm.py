"""The natural logarithm, in arithmetic only, so that a loop over it runs in vectors.

x = 2ᵉ m with √½ ≤ m < √2 is read off the bits of x, and with f = m − 1, s = f / (2 + f):

    ln x = e ln 2 + ln m             ln m = 2 artanh s = 2 s + ⅔ s³ + ⅖ s⁵ + …

The first term is 2 s = f − s f, so the series is added to a small correction of f, not to a rounded quotient:

    ln m = f − s (f − R)             R = ⅔ s² + ⅖ s⁴ + …

|s| is below 0.172. For float32 the terms up to s⁸ suffice (the next is below 5·10⁻⁹), for float64 those up to s²⁰.
"""

from __future__ import annotations

import math

from omomi.engines.cpu.elementary import LN2_HIGH_32, LN2_HIGH_64, LN2_LOW_32, LN2_LOW_64
from omomi.engines.cpu.kernel import helper
from omomi.engines.cpu.primitives import bits, fma, from_bits, itemsize, real

# The bits of √½. What is left above them, in whole powers of two, is the exponent e.
ROOT_HALF_32, ROOT_HALF_64 = 0x3F3504F3, 0x3FE6A09E667F3BCD
SIGNIFICAND_32, SIGNIFICAND_64 = 0x7FFFFF, 0xFFFFFFFFFFFFF


@helper
def log(x):  # type: ignore[no-untyped-def]
    """ln x for a number that is not below the smallest normal one; ln 0 is −∞, and below 0 it is not a number."""
    if itemsize() == 4:
        above = bits(x) - ROOT_HALF_32
        e = real(above >> 23)
        f = from_bits((above & SIGNIFICAND_32) + ROOT_HALF_32) - real(1)
        high, low = real(LN2_HIGH_32), real(LN2_LOW_32)
    else:
        above = bits(x) - ROOT_HALF_64
        e = real(above >> 52)
        f = from_bits((above & SIGNIFICAND_64) + ROOT_HALF_64) - real(1)
        high, low = real(LN2_HIGH_64), real(LN2_LOW_64)
    s = f / (real(2) + f)
    z = s * s
    p = real(2 / 9)
    if itemsize() == 8:
        p = real(2 / 21)
        p = fma(p, z, real(2 / 19))
        p = fma(p, z, real(2 / 17))
        p = fma(p, z, real(2 / 15))
        p = fma(p, z, real(2 / 13))
        p = fma(p, z, real(2 / 11))
        p = fma(p, z, real(2 / 9))
    p = fma(p, z, real(2 / 7))
    p = fma(p, z, real(2 / 5))
    p = fma(p, z, real(2 / 3))
    result = fma(e, high, f - fma(s, f - p * z, -e * low))
    result = result if x < real(math.inf) else x
    result = result if x > real(0) else -real(math.inf)
    return result if x >= real(0) else real(math.nan)


@helper
def log1p(x):  # type: ignore[no-untyped-def]
    """ln (1 + x) for finite x ≥ 0: ln of the rounded sum, and what rounding took off it."""
    above = real(1) + x
    return log(above) + (x - (above - real(1))) / above
