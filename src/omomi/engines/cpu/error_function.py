"""The error function, in arithmetic only, so that a loop over it runs in vectors. The formula: ``engines.special``."""

from __future__ import annotations

import math

from omomi.engines.cpu.elementary import exp
from omomi.engines.cpu.kernel import helper
from omomi.engines.cpu.primitives import fma, real
from omomi.engines.special import NEAR, P_FAR, P_NEAR, Q_FAR, Q_NEAR


@helper
def _quotient_of_fourth_degree(x, p, q):  # type: ignore[no-untyped-def]
    """P(x)/Q(x), by Horner's scheme."""
    above, below = real(p[0]), real(q[0])
    above, below = fma(above, x, real(p[1])), fma(below, x, real(q[1]))
    above, below = fma(above, x, real(p[2])), fma(below, x, real(q[2]))
    above, below = fma(above, x, real(p[3])), fma(below, x, real(q[3]))
    above, below = fma(above, x, real(p[4])), fma(below, x, real(q[4]))
    return above / below


@helper
def _quotient_of_eighth_degree(x, p, q):  # type: ignore[no-untyped-def]
    """P(x)/Q(x), by Horner's scheme."""
    above, below = real(p[0]), real(q[0])
    above, below = fma(above, x, real(p[1])), fma(below, x, real(q[1]))
    above, below = fma(above, x, real(p[2])), fma(below, x, real(q[2]))
    above, below = fma(above, x, real(p[3])), fma(below, x, real(q[3]))
    above, below = fma(above, x, real(p[4])), fma(below, x, real(q[4]))
    above, below = fma(above, x, real(p[5])), fma(below, x, real(q[5]))
    above, below = fma(above, x, real(p[6])), fma(below, x, real(q[6]))
    above, below = fma(above, x, real(p[7])), fma(below, x, real(q[7]))
    above, below = fma(above, x, real(p[8])), fma(below, x, real(q[8]))
    return above / below


@helper
def erf(x):  # type: ignore[no-untyped-def]
    """2/√π ∫₀ˣ exp(−t²) dt; both branches stay finite."""
    a = abs(x)
    a = real(6) if a > real(6) else a
    square = a * a
    near = a * _quotient_of_fourth_degree(square, P_NEAR, Q_NEAR)
    far = real(1) - exp(-square) * _quotient_of_eighth_degree(a, P_FAR, Q_FAR)
    return math.copysign(near if a < real(NEAR) else far, x)
