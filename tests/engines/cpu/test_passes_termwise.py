"""The losses of single outputs against the rules in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import termwise
from omomi.engines.cpu.launch import run
from omomi.engines.reference import xp
from omomi.ops import loss as rules
from tests.engines.cpu.passes import DTYPES, assert_near, check_bits, normal

CASES = [
    *((name, {}) for name in termwise.CODES),
    ("huber", {"delta": 0.3}),
    ("binary_cross_entropy", {"epsilon": 0.1}),
    ("kl_divergence", {"epsilon": 0.1}),
    ("poisson", {"epsilon": 0.1}),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "attributes"), CASES)
@pytest.mark.parametrize("shape", [(1, 1), (32, 10), (9000, 3), (5, 3001)])
def test_against_the_rule(name: str, attributes: dict, shape: tuple[int, int], dtype: str) -> None:
    x, t = (2 * normal(seed, *shape, dtype=dtype) for seed in (1, 2))
    if name.endswith("cross_entropy"):
        t = (t > 0).astype(dtype)
    if name.startswith("binary"):
        x = np.clip(0.5 + 0.3 * x, 0.02, 0.98).astype(dtype)
    if name.endswith("hinge"):
        t = np.where(t > 0, 1, -1).astype(dtype)
    if name in ("kl_divergence", "poisson"):
        x, t = np.abs(0.4 * x) + np.asarray(0.01, dtype), np.abs(t)
    x[0, 0] = t[0, 0]
    w, gy = np.abs(normal(3, shape[0], dtype=dtype)), np.array([1.7], dtype)
    given = x.copy(), t.copy(), w.copy()
    error, gx = np.empty(1, dtype), np.empty_like(x)
    run(
        [
            *termwise.forward(name, x, t, w, error, **attributes),
            *termwise.backward(name, x, t, w, gy, gx, **attributes),
        ]
    )
    rule = getattr(rules, name)
    expected, saved = rule.forward(xp, *(a.astype(np.float64) for a in (x, t, w)), **attributes)
    assert_near(error, expected[None], scale=4)
    wanted = rule.backward(xp, saved, gy[0].astype(np.float64), (True, False, False), **attributes)[0]
    assert_near(gx, wanted, scale=10)
    assert all(np.array_equal(a, b) for a, b in zip((x, t, w), given, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
def test_binary_cross_entropy_of_certain_probabilities(dtype: str) -> None:
    """0 and 1 are clipped to what the dtype has beside them; there the slope is 0."""
    x, t, w = np.array([[0, 0, 1, 1]], dtype), np.array([[0, 1, 0, 1]], dtype), np.ones(1, dtype)
    error, gx = np.empty(1, dtype), np.empty_like(x)
    run(
        [
            *termwise.forward("binary_cross_entropy", x, t, w, error),
            *termwise.backward("binary_cross_entropy", x, t, w, w, gx),
        ]
    )
    assert_near(error, rules.binary_cross_entropy.forward(xp, x, t, w)[0][None])
    np.testing.assert_array_equal(gx, np.zeros_like(x))


def test_bits_do_not_depend_on_threads() -> None:
    x, t, w = normal(1, 40_000, 3, dtype="float32"), normal(2, 40_000, 3, dtype="float32"), np.ones(40_000, np.float32)
    error, gx = np.empty(1, np.float32), np.empty_like(x)
    check_bits(lambda: termwise.forward("log_cosh", x, t, w, error), error)
    check_bits(lambda: termwise.backward("log_cosh", x, t, w, error, gx), gx)
