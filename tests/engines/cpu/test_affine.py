"""The dense layer's products against sums in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omomi.engines.cpu import affine, threads
from omomi.engines.cpu.launch import run
from tests.engines.cpu.oracles import Array, assert_sum

# Sizes on both sides of every edge: lanes, panels of 32 columns, slabs of 256 terms, few and many samples.
SAMPLES = st.sampled_from([1, 2, 3, 7, 14, 15, 33, 64, 129, 200])
INPUTS = st.sampled_from([1, 3, 10, 31, 112, 113, 257, 1030])
OUTPUTS = st.sampled_from([1, 3, 7, 10, 16, 17, 32, 33, 70])
EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def draw(n: int, inputs: int, outputs: int, dtype: str) -> tuple[Array, Array, Array, Array]:
    rng = np.random.default_rng(n * inputs + outputs)
    shapes = ((n, inputs), (inputs, outputs), (outputs,), (n, outputs))
    x, W, b, gy = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    return x, W, b, gy


def assert_product(result: Array, a: Array, b: Array, added: Array | float = 0.0) -> None:
    """result = a b + added."""
    a, b, added = (np.asarray(x, np.float64) for x in (a, b, added))
    assert_sum(result, a @ b + added, a.shape[1], abs(a) @ abs(b) + abs(added))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(n=SAMPLES, inputs=INPUTS, outputs=OUTPUTS, with_bias=st.booleans())
@EXAMPLES
def test_forward(vectors: str, dtype: str, n: int, inputs: int, outputs: int, with_bias: bool) -> None:
    x, W, b, y = draw(n, inputs, outputs, dtype)
    run(affine.forward(x, W, b if with_bias else None, y))
    assert_product(y, x, W, b if with_bias else 0.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(n=SAMPLES, inputs=INPUTS, outputs=OUTPUTS)
@EXAMPLES
def test_backward(vectors: str, dtype: str, n: int, inputs: int, outputs: int) -> None:
    x, W, b, gy = draw(n, inputs, outputs, dtype)
    gx, gW, gb = (np.full_like(a, np.nan) for a in (x, W, b))
    run(affine.backward(x, W, gy, gx=gx, gW=gW, gb=gb))
    assert_product(gx, gy, W.T)
    assert_product(gW, x.T, gy)
    assert_product(gb[None], np.ones((1, n)), gy)
    before = gx.copy(), gW.copy(), gb.copy()
    run(affine.backward(x, W, gy, gx=gx, gW=gW, gb=gb, accumulate=True))
    for twice, once in zip((gx, gW, gb), before, strict=True):
        np.testing.assert_allclose(twice, 2 * once, rtol=1e-4 if dtype == "float32" else 1e-11, atol=1e-4)


@pytest.mark.parametrize(("n", "inputs"), [(5, 40), (5, 1500), (130, 1500)])
@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid", "leaky_relu", "elu"])
def test_activation_is_fused(n: int, inputs: int, name: str) -> None:
    x, W, b, y = draw(n, inputs, 33, "float64")
    u = x @ W + b
    run(affine.forward(x, W, b, y, activation=name, alpha=0.5))
    expected = {
        "relu": np.maximum(u, 0),
        "tanh": np.tanh(u),
        "sigmoid": 1 / (1 + np.exp(-u)),
        "leaky_relu": np.where(u > 0, u, 0.5 * u),
        "elu": np.where(u > 0, u, 0.5 * np.expm1(np.minimum(u, 0))),
    }
    np.testing.assert_allclose(y, expected[name], rtol=1e-11, atol=1e-12)


def test_by_hand() -> None:
    x, W, b = np.array([[1.0, 2]]), np.array([[3.0, 4], [5, 6]]), np.array([10.0, -20])
    y, gy = np.empty((1, 2)), np.array([[1.0, -1]])
    run(affine.forward(x, W, b, y, activation="relu"))
    np.testing.assert_array_equal(y, [[1 * 3 + 2 * 5 + 10, 0]])  # 1·4 + 2·6 − 20 is below 0
    gx, gW, gb = np.empty_like(x), np.empty_like(W), np.empty_like(b)
    run(affine.backward(x, W, gy, gx=gx, gW=gW, gb=gb))
    np.testing.assert_array_equal(gx, [[3 - 4, 5 - 6]])
    np.testing.assert_array_equal(gW, [[1, -1], [2, -2]])
    np.testing.assert_array_equal(gb, [1, -1])


@pytest.mark.parametrize("n", [20, 160])
def test_same_bits_for_any_number_of_threads(n: int) -> None:
    x, W, b, gy = draw(n, 1600, 40, "float32")
    before, results = threads.pool().threads, set()
    for count in (1, 2, 4):
        threads.set_threads(count)
        y, gx, gW, gb = (np.empty_like(a) for a in (gy, x, W, b))
        launches = affine.forward(x, W, b, y, activation="tanh")
        launches += affine.backward(x, W, gy, gx=gx, gW=gW, gb=gb)
        for _ in range(3):
            run(launches)
        results.add(b"".join(a.tobytes() for a in (y, gx, gW, gb)))
    threads.set_threads(before)
    assert len(results) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(n=SAMPLES, inputs=INPUTS, outputs=OUTPUTS)
@settings(EXAMPLES, max_examples=15)
def test_descend(vectors: str, dtype: str, n: int, inputs: int, outputs: int) -> None:
    """The parameters move by −η times their gradients."""
    x, W, b, gy = draw(n, inputs, outputs, dtype)
    before_W, before_b = W.copy(), b.copy()
    run(affine.descend(x, gy, W, b, np.array([0.5], dtype)))
    assert_product(W, -0.5 * x.T, gy, before_W)
    assert_product(b[None], np.full((1, n), -0.5), gy, before_b[None])


def test_input_gradient_of_many_samples() -> None:
    """Few panels: the samples are cut as well."""
    x, W, _, gy = draw(700, 40, 33, "float64")
    gx = np.empty_like(x)
    (launch,) = affine.backward(x, W, gy, gx=gx)
    assert launch.chunks > 2
    run([launch])
    np.testing.assert_allclose(gx, gy @ W.T, rtol=1e-10, atol=1e-12)
