"""Arithmetic and elementary functions: numbers by hand, and what happens at kinks and ties."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.ops import arithmetic, elementary
from tests.ops.running import run


def test_divide_by_hand() -> None:
    # 6/4 = 1.5; ga = gy/4, gb = −gy · 6/16
    assert run(arithmetic.divide, [6.0], [4.0], gy=[8.0]) == ([1.5], [[2.0], [-3.0]])


def test_subtract_and_negative_by_hand() -> None:
    assert run(arithmetic.subtract, [6.0], [4.0], gy=[8.0]) == ([2.0], [[8.0], [-8.0]])
    assert run(arithmetic.negative, [6.0], gy=[8.0]) == ([-6.0], [[-8.0]])


@pytest.mark.parametrize(
    ("exponent", "y", "slope"),
    [(3.0, 8.0, 12.0), (2.0, 4.0, 4.0), (1.0, 2.0, 1.0), (0.0, 1.0, 0.0), (-1.0, 0.5, -0.25)],
)
def test_power_by_hand(exponent: float, y: float, slope: float) -> None:
    assert run(arithmetic.power, [2.0], gy=[1.0], exponent=exponent) == ([y], [[slope]])


def test_power_at_zero() -> None:
    assert run(arithmetic.power, [0.0], gy=[1.0], exponent=0.0) == ([1.0], [[0.0]])
    assert run(arithmetic.power, [0.0], gy=[1.0], exponent=1.0) == ([0.0], [[1.0]])
    assert run(arithmetic.power, [0.0], gy=[1.0], exponent=2.0) == ([0.0], [[0.0]])


def test_exponentiation_by_hand() -> None:
    # 2³ = 8: ga = 3 · 2², gb = 8 ln 2
    y, (ga, gb) = run(arithmetic.exponentiation, [2.0], [3.0], gy=[1.0])
    assert y == [8.0]
    assert ga == [12.0]
    np.testing.assert_allclose(gb, 8 * np.log(2), rtol=1e-15)


def test_the_larger_wins_and_equal_ones_share() -> None:
    a, b, gy = [1.0, 5.0, 2.0], [3.0, 4.0, 2.0], [10.0, 20.0, 30.0]
    assert run(arithmetic.maximum, a, b, gy=gy) == ([3, 5, 2], [[0, 20, 15], [10, 0, 15]])
    assert run(arithmetic.minimum, a, b, gy=gy) == ([1, 4, 2], [[10, 0, 15], [0, 20, 15]])


def test_where_sends_the_delta_to_the_chosen_one() -> None:
    chosen = run(arithmetic.where, [True, False], [1.0, 2.0], [3.0, 4.0], gy=[10.0, 20.0])
    assert chosen == ([1, 4], [None, [10, 0], [0, 20]])


def test_absolute_has_slope_zero_at_its_kink() -> None:
    assert run(elementary.absolute, [-2.0, 0.0, 3.0], gy=[10.0, 20.0, 30.0]) == ([2, 0, 3], [[-10, 0, 30]])


def test_clip_passes_the_delta_at_its_ends() -> None:
    x, gy = [-2.0, -1.0, 0.0, 1.0, 2.0], [1.0] * 5
    assert run(elementary.clip, x, gy=gy, low=-1.0, high=1.0) == ([-1, -1, 0, 1, 1], [[0, 1, 1, 1, 0]])
    assert run(elementary.clip, x, gy=gy, low=-1.0) == ([-1, -1, 0, 1, 2], [[0, 1, 1, 1, 1]])
    assert run(elementary.clip, x, gy=gy) == (x, [[1, 1, 1, 1, 1]])


def test_expm1_and_log1p_keep_small_numbers() -> None:
    assert run(elementary.expm1, [1e-20], gy=[1.0]) == ([1e-20], [[1.0]])
    assert run(elementary.log1p, [1e-20], gy=[1.0]) == ([1e-20], [[1.0]])
