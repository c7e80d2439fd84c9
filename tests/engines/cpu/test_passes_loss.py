"""Softmax, its logarithm and its losses against the rules in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import loss, probability_loss
from omomi.engines.cpu.kernel import Vector, kernel
from omomi.engines.cpu.launch import Array, Launch, run
from omomi.engines.cpu.logarithm import log, log1p
from omomi.engines.reference import xp
from omomi.ops import activation
from omomi.ops import loss as rules
from tests.engines.cpu.passes import DTYPES, assert_near, check_bits, normal

SHAPES = [(1, 1), (1, 3), (32, 10), (7, 33), (40, 1000)]


def _data(shape: tuple[int, int], dtype: str, sparse: bool) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(3)
    x, w = 4 * normal(1, *shape, dtype=dtype), rng.uniform(0, 2, shape[0]).astype(dtype)
    t = rng.integers(0, shape[1], shape[0]) if sparse else rng.uniform(0, 1, shape).astype(dtype)
    return x, t, w


def _doubles(*arrays: Array) -> list[Array]:
    return [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]


@kernel()
def logarithms(x: Vector, y: Vector, z: Vector) -> None:
    for i in range(x.size):
        y[i] = log(x[i])
        z[i] = log1p(x[i])


@pytest.mark.parametrize("dtype", DTYPES)
def test_logarithm(dtype: str) -> None:
    x = np.concatenate([np.exp(20 * normal(1, 5000)), 1 + 0.4 * np.tanh(normal(2, 5000)), [1, 0.5]]).astype(dtype)
    y, z = np.empty_like(x), np.empty_like(x)
    run([Launch(logarithms, x, y, z, dtype=dtype)])
    wide = x.astype(np.longdouble)
    for received, expected in ((y, np.log(wide)), (z, np.log1p(wide))):
        np.testing.assert_array_less(np.abs(received - expected), 1.3 * np.spacing(np.abs(expected).astype(dtype)))
    special = np.array([0, -1, np.nan, np.inf], dtype)
    run([Launch(logarithms, special, y[:4], z[:4], dtype=dtype)])
    np.testing.assert_array_equal(y[:4], [-np.inf, np.nan, np.nan, np.inf])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_softmax(shape: tuple[int, int], dtype: str) -> None:
    x, gy = 4 * normal(1, *shape, dtype=dtype), normal(2, *shape, dtype=dtype)
    y, gx = np.empty_like(x), np.empty_like(x)
    given = x.copy(), gy.copy()
    run([*loss.softmax(x, y), *loss.softmax_gradient(y, gy, gx)])
    expected, saved = activation.softmax.forward(xp, *_doubles(x))
    assert_near(y, expected)
    assert_near(gx, activation.softmax.backward(xp, saved, *_doubles(gy), (True,))[0])
    assert all(np.array_equal(a, b) for a, b in zip((x, gy), given, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy(shape: tuple[int, int], sparse: bool, dtype: str) -> None:
    x, t, w = _data(shape, dtype, sparse)
    given = x.copy(), t.copy(), w.copy()
    y, gx, error, gy = np.empty_like(x), np.empty_like(x), np.empty(1, dtype), np.array([1.7], dtype)
    run([*loss.cross_entropy(x, t, w, y, error), *loss.cross_entropy_gradient(y, t, w, gy, gx)])
    rule = rules.sparse_softmax_cross_entropy if sparse else rules.softmax_cross_entropy
    expected, saved = rule.forward(xp, *_doubles(x, t, w))
    assert_near(error, expected[None], scale=4)
    assert_near(gx, rule.backward(xp, saved, gy[0].astype(np.float64), (True, False, False))[0], scale=4)
    assert all(np.array_equal(a, b) for a, b in zip((x, t, w), given, strict=True))


def test_cross_entropy_of_extreme_scores() -> None:
    """Far apart, equal to −∞, and a class that there is not: no overflow, and never a read outside of the row."""
    x = np.array([[1e4, -1e4, 0], [-np.inf, 0, 0], [1, 2, 3], [1, 2, 3]], np.float32)
    w, error, y = np.ones(1, np.float32), np.empty(1, np.float32), np.empty((1, 3), np.float32)
    for row, t, expected in (
        (0, 0, 0),
        (0, 1, 2e4),
        (1, 1, np.log(2)),
        (1, 0, np.inf),
        (2, 3, np.nan),
        (3, -1, np.nan),
    ):
        run(loss.cross_entropy(x[row : row + 1], np.array([t]), w, y, error))
        np.testing.assert_allclose(error, [expected], rtol=1e-6)


def test_bits_do_not_depend_on_threads() -> None:
    for sparse in (False, True):
        x, t, w = _data((9000, 33), "float32", sparse)
        y, error, gx = np.empty_like(x), np.empty(1, np.float32), np.empty_like(x)
        assert loss.cross_entropy(x, t, w, y, error)[0].chunks > 4
        check_bits(lambda: loss.cross_entropy(x, t, w, y, error), y, error)  # noqa: B023
        rule = rules.sparse_softmax_cross_entropy if sparse else rules.softmax_cross_entropy
        assert_near(error, rule.forward(xp, *_doubles(x, t, w))[0][None])
        check_bits(lambda: loss.cross_entropy_gradient(y, t, w, error, gx), gx)  # noqa: B023


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_log_softmax(shape: tuple[int, int], dtype: str) -> None:
    x, gy = 4 * normal(1, *shape, dtype=dtype), normal(2, *shape, dtype=dtype)
    y, gx = np.empty_like(x), np.empty_like(x)
    run([*loss.log_softmax(x, y), *loss.log_softmax_gradient(y, gy, gx)])
    expected, saved = activation.log_softmax.forward(xp, *_doubles(x))
    assert_near(y, expected, scale=4)
    assert_near(gx, activation.log_softmax.backward(xp, saved, *_doubles(gy), (True,))[0], scale=20)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy_of_probabilities(shape: tuple[int, int], sparse: bool, dtype: str) -> None:
    """Rows that do not sum to one, some entries of which are clipped."""
    x, t, w = _data(shape, dtype, sparse)
    x = np.abs(x)
    x[0, -1] = 0
    gy, error, gx = np.array([1.7], dtype), np.empty(1, dtype), np.empty_like(x)
    if shape == (1, 1):
        x[...] = 1  # the only class: p = 1, which is clipped
    run([*probability_loss.forward(x, t, w, error), *probability_loss.backward(x, t, w, gy, gx)])
    rule = rules.sparse_categorical_cross_entropy if sparse else rules.categorical_cross_entropy
    expected, saved = rule.forward(xp, *_doubles(x, t, w))
    assert_near(error, expected[None], scale=10)
    wanted = rule.backward(xp, saved, gy[0].astype(np.float64), (True, False, False))[0]
    assert_near(gx, wanted, scale=10 * max(1, np.abs(wanted).max()))


def test_a_class_that_there_is_not_has_no_probability() -> None:
    """It is no number, and nothing outside of the row is read or written."""
    x, w, gy = np.full((1, 3), 1 / 3, np.float32), np.ones(1, np.float32), np.ones(1, np.float32)
    error, gx = np.empty(1, np.float32), np.empty((1, 3), np.float32)
    for t in (3, -1):
        run(probability_loss.forward(x, np.array([t]), w, error))
        run(probability_loss.backward(x, np.array([t]), w, gy, gx))
        assert np.isnan(error[0])
        assert np.isnan(gx).all()
