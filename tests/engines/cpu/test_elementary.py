"""Exponentials and activations against 80-bit arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import activation
from omomi.engines.cpu.elementary import exp, expm1, sigmoid, tanh
from omomi.engines.cpu.kernel import Vector, kernel
from omomi.engines.cpu.launch import Launch, run
from tests.engines.cpu.oracles import Array


@kernel()
def functions(x: Vector, e: Vector, m: Vector, t: Vector, s: Vector) -> None:
    for i in range(x.size):
        v = x[i]
        e[i], m[i], t[i], s[i] = exp(v), expm1(v), tanh(v), sigmoid(v)


def evaluate(x: Array) -> list[Array]:
    results = [np.empty_like(x) for _ in range(4)]
    run([Launch(functions, x, *results, dtype=x.dtype.name)])
    return results


def numbers(dtype: str, limit: float) -> Array:
    """Dense around 0, at all sizes down to the smallest, and out to the limit."""
    small = np.geomspace(np.finfo(dtype).tiny * 4, 1, 2000)
    return np.concatenate([-small, small, np.linspace(-limit, limit, 20001)]).astype(dtype)


def units(result: Array, exact: Array) -> float:
    """The largest error in units of the last place."""
    return float(np.max(np.abs(result - exact) / np.spacing(np.abs(exact).astype(result.dtype))))


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 87.0), ("float64", 700.0)])
def test_within_three_units_of_the_last_place(vectors: str, dtype: str, limit: float) -> None:
    x = numbers(dtype, limit)
    wide, negative = x.astype(np.longdouble), x <= 0
    e, m, t, s = evaluate(x)
    assert units(e, np.exp(wide)) < 2
    assert units(m[negative], np.expm1(wide[negative])) < 2
    assert units(t, np.tanh(wide)) < 3
    normal = 1 / (1 + np.exp(-wide)) > np.finfo(dtype).tiny
    assert units(s[normal], (1 / (1 + np.exp(-wide)))[normal]) < 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ends(vectors: str, dtype: str) -> None:
    """Nothing overflows where the result is finite, and a NaN stays one."""
    x = np.array([1e4, -1e4, np.inf, -np.inf, 0, np.nan], dtype)
    e, m, t, s = evaluate(x)
    np.testing.assert_array_equal(e, np.array([np.inf, 0, np.inf, 0, 1, np.nan], dtype))
    np.testing.assert_array_equal(m[[1, 3, 4, 5]], np.array([-1, -1, 0, np.nan], dtype))
    np.testing.assert_array_equal(t, np.array([1, -1, 1, -1, 0, np.nan], dtype))
    np.testing.assert_array_equal(s, np.array([1, 0, 1, 0, 0.5, np.nan], dtype))


def test_exponential_below_the_normal_numbers() -> None:
    """Kernels run with such numbers taken for 0; the last normal one is about e⁻⁸⁷."""
    (e, *_) = evaluate(np.array([-87.0, -88, -95, -103], np.float32))
    np.testing.assert_allclose(e[0], np.exp(-87.0), rtol=1e-6)
    np.testing.assert_array_equal(e[1:], 0)


@pytest.mark.parametrize("name", sorted(activation.CODES))
def test_activation_and_its_slope(vectors: str, name: str) -> None:
    """Forward by formula, backward by a difference quotient; y is all that backward needs."""
    x = np.linspace(-3, 3, 61)[np.abs(np.linspace(-3, 3, 61)) > 0.01]
    gy, y, gx, up, down = np.cos(x), *(np.empty_like(x) for _ in range(4))
    h = 1e-6
    for at, result in ((x, y), (x + h, up), (x - h, down)):
        run(activation.forward(at, result, name, alpha=0.25))
    run(activation.backward(gy, y, gx, name, alpha=0.25))
    np.testing.assert_allclose(gx, gy * (up - down) / (2 * h), rtol=1e-7, atol=1e-9)
    expected = {
        "linear": x,
        "relu": np.maximum(x, 0),
        "tanh": np.tanh(x),
        "sigmoid": 1 / (1 + np.exp(-x)),
        "leaky_relu": np.where(x > 0, x, 0.25 * x),
        "elu": np.where(x > 0, x, 0.25 * np.expm1(x)),
    }
    np.testing.assert_allclose(y, expected[name], rtol=1e-13)
