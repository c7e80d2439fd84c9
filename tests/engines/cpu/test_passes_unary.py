"""Functions of one number against the rules in double precision, near 0, far out and at the ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from omomi.engines.cpu import unary
from omomi.engines.cpu.error_function import erf
from omomi.engines.cpu.kernel import Vector, kernel
from omomi.engines.cpu.launch import Array, Launch, run
from omomi.engines.reference import xp
from omomi.ops import RULES
from tests.engines.cpu.passes import DTYPES, assert_near, check_bits, normal

POSITIVE = ("sqrt", "log", "log1p")


def _rule(name: str) -> tuple[Any, dict[str, Any], dict[str, float]]:
    """The rule, its attributes, and those that the kernel takes: the ends of a clip."""
    if name == "gelu_tanh":
        return RULES["gelu"], {"approximate": True}, {}
    ends = {"low": -0.5, "high": 2.0} if name == "clip" else {}
    return RULES[name], ends, ends


@kernel()
def error_function(x: Vector, y: Vector) -> None:
    for i in range(x.size):
        y[i] = erf(x[i])


@pytest.mark.parametrize("dtype", DTYPES)
def test_error_function(vectors: str, dtype: str) -> None:
    x = np.concatenate([np.linspace(-7, 7, 4001), np.geomspace(1e-30, 1, 200)]).astype(dtype)
    y = np.empty_like(x)
    run([Launch(error_function, x, y, dtype=dtype)])
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_array_less(np.abs(y - expected), 4 * np.spacing(np.abs(expected).astype(dtype)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", list(unary.CODES))
def test_against_the_rule(vectors: str, name: str, dtype: str) -> None:
    rule, attributes, ends = _rule(name)
    x = np.concatenate([normal(1, 4099), np.geomspace(1e-20, 30, 300), -np.geomspace(1e-20, 30, 300)]).astype(dtype)
    x = np.abs(x) if name in POSITIVE else x
    gy = normal(2, x.size, dtype=dtype)
    given = x.copy(), gy.copy()
    y, gx = np.empty_like(x), np.empty_like(x)
    run(unary.forward(name, x, y, **ends))
    run(unary.backward(name, gy, y if name in unary.OF_OUTPUT else x, gx, **ends))
    expected, saved = rule.forward(xp, x.astype(np.float64), **attributes)
    (slope,) = rule.backward(xp, saved, gy.astype(np.float64), (True,), **attributes)
    assert_near(y, expected, scale=4)
    # where the slope is a small difference of large numbers, its error is that of these numbers
    assert_near(gx, slope, scale=20)
    assert all(np.array_equal(a, b) for a, b in zip((x, gy), given, strict=True))
    run(unary.forward(name, x, x, **ends))
    np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", list(unary.CODES))
def test_ends(name: str, dtype: str) -> None:
    """At ±10⁴, 0, infinity and NaN what the rule gives: no overflow on the way, and a NaN stays one."""
    rule, attributes, ends = _rule(name)
    x = np.array([1e4, -1e4, 0, np.inf, -np.inf, np.nan, 90, -90], dtype)
    y, gx, gy = np.empty_like(x), np.empty_like(x), np.ones_like(x)
    run(unary.forward(name, x, y, **ends))
    run(unary.backward(name, gy, y if name in unary.OF_OUTPUT else x, gx, **ends))
    with np.errstate(all="ignore"):
        expected, saved = rule.forward(xp, x, **attributes)
        (slope,) = rule.backward(xp, saved, gy, (True,), **attributes)
    tiny = 100 * np.finfo(dtype).tiny  # factors below the smallest normal number are 0 in kernels
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=tiny)
    np.testing.assert_allclose(gx, slope, rtol=1e-5, atol=tiny)


def test_bits_do_not_depend_on_threads() -> None:
    x, gy = normal(1, 200_001, dtype="float32"), normal(2, 200_001, dtype="float32")
    y: Array = np.empty_like(x)
    check_bits(lambda: unary.forward("gelu", x, y), y)
    check_bits(lambda: unary.backward("mish", gy, x, y), y)
