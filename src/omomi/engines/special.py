"""Special functions that NumPy does not have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from omomi.engines.engine import Array

# Coefficients of the error function's rational approximations, highest power first.
# Source: W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969), 631–637.
NEAR = 0.46875
P_NEAR = (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2,
          3.20937758913846947e3)  # fmt: skip
Q_NEAR = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
P_FAR = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
         2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
         1.23033935479799725e3)  # fmt: skip
Q_FAR = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
         3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3)  # fmt: skip


def _polynomial(coefficients: Sequence[float], x: Array) -> Array:
    """Horner's scheme."""
    y = coefficients[0] * x + coefficients[1]
    for c in coefficients[2:]:
        y = y * x + c
    return y


def erf(x: Array) -> Array:
    """The error function erf x = 2/√π ∫₀ˣ exp(−t²) dt, entry by entry, to the last digits of x's dtype.

    With a = |x|: for small a, erf a = a P(a²)/Q(a²); beyond, erf a = 1 − exp(−a²) P(a)/Q(a). At a = 6 it is 1 in
    float64, so a is cut there and both branches stay finite.
    """
    a = np.minimum(np.abs(x), 6)
    square = a * a
    near = a * _polynomial(P_NEAR, square) / _polynomial(Q_NEAR, square)
    far = 1 - np.exp(-square) * _polynomial(P_FAR, a) / _polynomial(Q_FAR, a)
    return np.copysign(np.where(a < NEAR, near, far), x)
