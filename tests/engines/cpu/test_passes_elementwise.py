"""Elementwise passes and sums against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import elementwise
from omomi.engines.cpu.launch import run
from tests.engines.cpu.passes import DTYPES, assert_near, check_bits, normal

SIZES = [1, 3, 33, 70_001]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
@pytest.mark.parametrize("size", SIZES)
def test_combine(name: str, size: int, dtype: str) -> None:
    a, b = normal(1, size, dtype=dtype), normal(2, size, dtype=dtype)
    y = np.empty_like(a)
    for left, right in ((a, b), (a, b[:1]), (a[:1], b)):
        run(elementwise.combine(name, left, right, y))
        np.testing.assert_array_equal(y, getattr(np, name)(left, right))
    expected = getattr(np, name)(a, b)
    if name in ("add", "multiply"):
        over_b = b.copy()
        run(elementwise.combine(name, a, over_b, over_b))
        np.testing.assert_array_equal(over_b, expected)
    else:
        with pytest.raises(ValueError, match="in place of a"):
            elementwise.combine(name, a, b, b)
    run(elementwise.combine(name, a, b, a))
    np.testing.assert_array_equal(a, expected)
    run(elementwise.combine(name, b, b, b))
    np.testing.assert_array_equal(b, getattr(np, name)(*2 * [normal(2, size, dtype=dtype)]))


def test_step_numbers_are_added() -> None:
    step = np.array([2**32 - 2], np.uint32)
    run(elementwise.combine("add", step, np.array([1], np.uint32), step))
    assert step[0] == 2**32 - 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_scale_copy_fill(size: int, dtype: str) -> None:
    x, y = normal(1, size, dtype=dtype), np.empty(size, dtype)
    run(elementwise.scale(x, y, factor=-2, offset=0.5))
    assert_near(y, -2 * x + 0.5)
    run(elementwise.copy(x, y))
    np.testing.assert_array_equal(y, x)
    run(elementwise.fill(x[:1], y))
    np.testing.assert_array_equal(y, np.full(size, x[0]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("source", ["uint8", "int64", "float32", "float64"])
def test_cast(source: str, dtype: str) -> None:
    x, y = np.abs(40 * normal(1, 1001)).astype(source), np.empty(1001, dtype)
    run(elementwise.cast(x, y))
    np.testing.assert_array_equal(y, x.astype(dtype))
    run(elementwise.cast(x, y, factor=1 / 255, offset=-0.5))
    assert_near(y, x.astype(np.float64) / 255 - 0.5)


@pytest.mark.parametrize("source", ["uint8", "int32"])
def test_widen(source: str) -> None:
    x, y = np.array([3, 200, 0], source), np.empty(3, np.int64)
    run(elementwise.widen(x, y))
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_total(size: int, dtype: str) -> None:
    x, y = normal(1, size, dtype=dtype), np.empty(1, dtype)
    run(elementwise.total(x, y))
    assert_near(y, x.sum(dtype=np.float64)[None])


def test_bits_do_not_depend_on_threads() -> None:
    x, y = normal(1, 200_001, dtype="float32"), np.empty(1, np.float32)
    check_bits(lambda: elementwise.total(x, y), y)
    check_bits(lambda: elementwise.scale(x, x, factor=1.1, offset=2), x)
