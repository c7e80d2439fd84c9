"""The passes of layer and root mean square normalisation against the rules in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import row_normalization
from omomi.engines.cpu.launch import run
from omomi.engines.reference import xp
from omomi.ops import normalization as rules
from tests.engines.cpu.passes import DTYPES, TOLERANCE, assert_near, check_bits, normal

SHAPES = [(1, 3), (20, 1), (3000, 33), (40, 700)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("centred", [True, False])
def test_against_the_rule(shape: tuple[int, int], centred: bool, dtype: str) -> None:
    x, gy = (3 * normal(1, *shape) + 2).astype(dtype), normal(2, *shape, dtype=dtype)
    gamma, beta = normal(3, shape[1], dtype=dtype), normal(4, shape[1], dtype=dtype)
    y, gx, mean, inverse = np.empty_like(x), np.empty_like(x), *np.empty((2, shape[0]), dtype)
    g_gamma, g_beta = np.empty_like(gamma), np.empty_like(gamma)
    rule, given = (rules.layer_normalization, (x, gamma, beta)) if centred else (rules.rms_normalization, (x, gamma))
    expected, saved = rule.forward(xp, *(a.astype(np.float64) for a in given), epsilon=1e-2)
    wanted = rule.backward(xp, saved, gy.astype(np.float64), (True,) * 3, epsilon=1e-2)
    run(row_normalization.forward(x, gamma, beta, y, mean, inverse, epsilon=1e-2, centred=centred))
    assert_near(y, expected, scale=10)
    targets = {"gx": gx, "g_gamma": g_gamma, **({"g_beta": g_beta} if centred else {})}
    run(row_normalization.backward(x, gamma, mean, inverse, gy, centred=centred, **targets))
    assert_near(gx, wanted[0], scale=20)
    rounding = 20 * TOLERANCE[dtype] * np.abs(gy).sum(axis=0)
    for found, sums in zip(list(targets.values())[1:], wanted[1:], strict=True):
        assert (np.abs(found - sums) <= rounding).all()


def test_a_mean_far_from_zero_costs_no_more_digits_than_the_rule() -> None:
    x = (1000 + normal(1, 50, 2000)).astype(np.float32)
    ones, zeros = np.ones(2000, np.float32), np.zeros(2000, np.float32)
    y, mean, inverse = np.empty_like(x), *np.empty((2, 50), np.float32)
    run(row_normalization.forward(x, ones, zeros, y, mean, inverse, epsilon=1e-3, centred=True))
    exact = rules.layer_normalization.forward(xp, *(a.astype(np.float64) for a in (x, ones, zeros)))[0]
    of_rule = rules.layer_normalization.forward(xp, x, ones, zeros)[0]
    assert np.abs(y - exact).max() < 2 * np.abs(of_rule - exact).max() + 1e-5


def test_bits_do_not_depend_on_threads() -> None:
    x, gy = normal(1, 5001, 19, dtype="float32"), normal(2, 5001, 19, dtype="float32")
    gamma, beta = normal(3, 19, dtype="float32"), normal(4, 19, dtype="float32")
    y, gx, mean, inverse = np.empty_like(x), np.empty_like(x), *np.empty((2, 5001), np.float32)
    sums = np.empty_like(gamma), np.empty_like(beta)
    forward, backward = row_normalization.forward, row_normalization.backward
    check_bits(lambda: forward(x, gamma, beta, y, mean, inverse, epsilon=1e-3, centred=True), y, mean, inverse)
    wanted = {"gx": gx, "g_gamma": sums[0], "g_beta": sums[1]}
    check_bits(lambda: backward(x, gamma, mean, inverse, gy, centred=True, **wanted), gx, *sums)
