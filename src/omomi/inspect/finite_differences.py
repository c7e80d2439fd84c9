"""The slope of a function by finite differences, where the function may have kinks.

ReLU, max pooling, |x| and the like have kinks, and a difference across a kink is wrong although the gradient is right.
So a slope is believed only where differences of two lengths agree, and where the slopes to the right and to the left
approach each other as the step shrinks: a smooth function bends by h f'', a kink by the same amount however small h is.
In a network with many ReLUs some kink lies within any step that is not very short; the steps shrink until none does, or
until rounding would drown what is left.

The central difference D(h) = (f(h) − f(−h)) / 2h differs from f'(0) by c₂h² + c₄h⁴ + …; Richardson's extrapolation,
(100 D(h/10) − D(h)) / 99, removes the first term.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
_ROUNDING = 16 * 2.0**-52  # relative error of a value of f in float64, with room for the sums inside it
_AGREEMENT = 1e-7  # of two extrapolated slopes, relative to the scale of the slope


@dataclass(frozen=True, slots=True)
class Slope:
    """f'(0) as differences see it.

    Attributes:
        value: the slope.
        rounding: how far rounding may have moved it.
        doubt: how far off it may be if a kink hides where rounding drowns it; at least ``rounding``.
        decided: False where no two lengths agree: there is a kink at (or very near) the point.
        start: where in ``STEPS`` a neighbouring slope may start, since longer steps would meet kinks.
    """

    value: float
    rounding: float
    doubt: float
    decided: bool
    start: int = 0


class _Try(NamedTuple):
    """What one step h saw: the central difference, how much the two sides differ, and what rounding may do to it."""

    central: float
    bend: float
    rounding: float


def slope(f: Callable[[float], float], scale: float, magnitude: float, start: int = 0) -> Slope:
    """The slope of f at 0.

    Args:
        f: a function of one number, computed in float64.
        scale: a size of the slope that counts as large; differences far below it are agreement.
        magnitude: the size of the terms that f adds up, of which each is rounded.
        start: the first of ``STEPS`` to try, at most the last but two.
    """
    middle = f(0.0)
    tries: list[_Try] = []
    values: list[float] = []  # extrapolated from each step and the one before it
    for h in STEPS[start:]:
        ahead, behind = f(h), f(-h)
        right, left = (ahead - middle) / h, (middle - behind) / h
        rounding = _ROUNDING * max(magnitude, abs(middle), abs(ahead), abs(behind)) / h
        tries.append(_Try((right + left) / 2, abs(right - left), rounding))
        if len(tries) < 2:
            continue
        values.append((100 * tries[-1].central - tries[-2].central) / 99)
        if len(values) < 2:
            continue
        (_, long_bend, less), (_, bend, more) = tries[-2:]
        near = abs(values[-1] - values[-2]) <= _AGREEMENT * max(scale, abs(values[-1])) + more
        if near and bend <= long_bend / 3 + 4 * more:
            return Slope(values[-2], less, more, True, start + len(tries) - 3)
    last = min(range(1, len(values)), key=lambda k: abs(values[k] - values[k - 1]))
    return Slope(values[last], tries[last + 1].rounding, tries[last + 1].rounding, False)
