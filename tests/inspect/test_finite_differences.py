"""Slopes by differences: exact for smooth functions, undecided at kinks, and never fooled by one nearby."""

from __future__ import annotations

from math import exp, sin

import pytest

from omomi.inspect.finite_differences import slope


@pytest.mark.parametrize(
    ("f", "expected"),
    [(lambda h: 3 * h + h * h, 3.0), (lambda h: exp(2 * h), 2.0), (lambda h: sin(h) - 5, 1.0), (lambda h: 7.0, 0.0)],
)
def test_smooth(f, expected):
    found = slope(f, 1.0, 1.0)
    assert found.decided
    assert found.value == pytest.approx(expected, abs=1e-8)


def test_a_kink_at_the_point_is_seen():
    assert not slope(abs, 1.0, 1.0).decided  # the central difference is 0 at every step
    assert not slope(lambda h: max(h, 0.0), 1.0, 1.0).decided


@pytest.mark.parametrize("distance", [3e-3, -3e-4, 3e-5, 3e-6])
def test_a_kink_beside_the_point_does_not_matter(distance):
    # f(h) = max(h − d, 0) + 2h: slope 2 where the kink lies to the right of 0, and 3 where it lies to the left
    found = slope(lambda h: max(h - distance, 0.0) + 2 * h, 1.0, 1.0)
    assert found.decided
    assert found.value == pytest.approx(2 if distance > 0 else 3, abs=1e-6)
    assert found.start > 0


def test_a_slope_below_rounding_has_a_large_rounding():
    found = slope(lambda h: 1e6 + 1e-9 * h, 1e-9, 1e6)
    assert found.rounding > 1e-9
