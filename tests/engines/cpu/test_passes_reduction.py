"""Reductions, repetitions and rows against NumPy in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import broadcasting, reduction
from omomi.engines.cpu.launch import run
from omomi.engines.cpu.lowerings.reductions import Cut, cut
from omomi.engines.reference import xp
from omomi.ops import activation
from omomi.ops import reduction as rules
from tests.engines.cpu.passes import DTYPES, assert_near, check_bits, normal

SHAPES = [(1, 7, 1), (1, 1, 5), (1, 900, 40), (3, 1, 4), (5, 33, 1), (20, 30, 70), (4000, 6, 3), (1, 3, 50_000)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_and_means(shape: tuple[int, int, int], dtype: str) -> None:
    _, n, inner = shape
    x = normal(1, *shape, dtype=dtype)
    y = np.empty(x.size // n, dtype)
    for factor in (1.0, 1 / n):
        run(reduction.sums(x.reshape(-1), y, n, inner, factor=factor))
        assert_near(y.reshape(shape[0], inner), factor * x.sum(axis=1, dtype=np.float64), scale=4 * np.sqrt(n))
        run(reduction.repeated(y, x.reshape(-1), n, inner, factor=factor))
        expected = np.repeat(y.reshape(shape[0], 1, inner) * np.asarray(factor, dtype), n, axis=1)
        np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("shape", SHAPES)
def test_extremes(shape: tuple[int, int, int], name: str, dtype: str) -> None:
    """With ties, which share the delta, and a number that is none, which wins."""
    outer, n, inner = shape
    x, gy = np.round(normal(1, *shape, dtype=dtype)), normal(2, outer, inner, dtype=dtype)
    x[0, n // 2, 0] = np.nan
    y, gx = np.empty(gy.size, dtype), np.empty_like(x)
    run(reduction.extremes(x.reshape(-1), y, n, inner, largest=name == "max"))
    run(reduction.extremes_gradient(x.reshape(-1), y, gy.reshape(-1), gx.reshape(-1), n, inner))
    with np.errstate(all="ignore"):
        expected, saved = getattr(rules, name).forward(xp, x, axis=1)
        (wanted,) = rules.extremum_backward(xp, saved, gy, (True,), axis=1)
    np.testing.assert_array_equal(y.reshape(expected.shape), expected)
    np.testing.assert_array_equal(gx, wanted)


def test_how_axes_cut_a_shape() -> None:
    shape = (4, 5, 6, 7)
    assert cut(shape, [1, 2]) == Cut(30, 7)
    assert cut(shape, range(4)) == Cut(840, 1)
    assert cut(shape, [3]) == Cut(7, 1)
    assert cut(shape, []) == Cut(1, 840)
    assert cut(shape, [0, 2]) is None
    assert cut((4, 1, 6), [0, 2]) == Cut(24, 1)  # an axis of length 1 separates nothing
    assert cut((1, 1), [0]) == Cut(1, 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
@pytest.mark.parametrize("shape", [(1, 3), (50, 2), (33, 700)])
def test_rows(shape: tuple[int, int], name: str, dtype: str) -> None:
    x, row = normal(1, *shape, dtype=dtype), normal(2, shape[1], dtype=dtype)
    y = np.empty_like(x)
    function = getattr(np, name)
    run(broadcasting.combine(name, x, row, y))
    np.testing.assert_array_equal(y, function(x, row))
    run(broadcasting.combine(name, row, x, y))
    np.testing.assert_array_equal(y, function(row, x))
    expected = function(x, row)
    run(broadcasting.combine(name, x, row, x))
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("slopes", ["one", "row"])
def test_prelu(slopes: str, dtype: str) -> None:
    x, gy = normal(1, 40, 33, dtype=dtype), normal(2, 40, 33, dtype=dtype)
    alpha = normal(3, 1 if slopes == "one" else 33, dtype=dtype)
    x[0, 0], x[1, 1] = 0, np.nan
    y, gx, g_alpha = (np.empty_like(x) for _ in range(3))
    run([*broadcasting.prelu(x, alpha, y), *broadcasting.prelu_gradient(x, alpha, gy, gx)])
    run(broadcasting.prelu_slope_gradient(x, gy, g_alpha))
    expected, saved = activation.prelu.forward(xp, x, alpha)
    np.testing.assert_array_equal(y, expected)
    for received, wanted in zip((gx, g_alpha), activation.prelu.backward(xp, saved, gy, (True, True)), strict=True):
        np.testing.assert_array_equal(received, wanted)


def test_bits_do_not_depend_on_threads() -> None:
    x, y = normal(1, 40, 300, 40, dtype="float32").reshape(-1), np.empty(1600, np.float32)
    check_bits(lambda: reduction.sums(x, y, 300, 40), y)
    wide = y[:1200]
    check_bits(lambda: reduction.sums(x, wide, 400, 1200), wide)
    check_bits(lambda: reduction.extremes(x, y, 300, 40, largest=True), y)
    gx = np.empty_like(x)
    check_bits(lambda: reduction.extremes_gradient(x, y, y, gx, 300, 40), gx)
