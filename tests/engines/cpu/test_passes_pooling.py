"""Pooling passes against the rules."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import pooling
from omomi.engines.cpu.launch import Array, run
from omomi.engines.reference import xp
from omomi.ops.convolution import output_size
from omomi.ops.pooling import average_pooling_2d, max_pooling_2d
from tests.engines.cpu.passes import DTYPES, assert_near, check_bits, normal

# Shape of x, window, strides, padding.
CASES = [
    ((2, 6, 8, 32), (2, 2), (2, 2), ((0, 0), (0, 0))),
    ((1, 7, 5, 3), (2, 2), (2, 2), ((0, 0), (0, 0))),
    ((1, 7, 5, 33), (2, 2), (2, 2), ((0, 1), (1, 0))),
    ((3, 9, 7, 10), (3, 3), (2, 2), ((1, 1), (1, 1))),
    ((2, 5, 6, 7), (3, 2), (1, 1), ((1, 0), (0, 1))),
    ((2, 8, 8, 1), (2, 2), (3, 3), ((0, 0), (0, 0))),
    ((1, 2, 2, 1), (2, 2), (2, 2), ((0, 0), (0, 0))),
    ((4, 14, 14, 70), (2, 3), (2, 3), ((0, 0), (0, 0))),
]


def _arrays(case: tuple, dtype: str, seed: int = 1) -> tuple[Array, Array, dict]:
    shape, size, strides, padding = case
    x = normal(seed, *shape, dtype=dtype)
    attributes = {"size": size, "strides": strides, "padding": padding}
    oh, ow = output_size(shape[1:3], size, strides, padding)
    return x, normal(seed + 1, shape[0], oh, ow, shape[3], dtype=dtype), attributes


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_max_pooling(case: tuple, dtype: str) -> None:
    x, gy, attributes = _arrays(case, dtype)
    x = np.round(x)  # so that there are ties: the first entry gets the gradient
    given = x.copy(), gy.copy()
    y, argmax, gx = np.full_like(gy, 9), np.full(gy.shape, 99, np.uint8), np.full_like(x, 9)
    run([*pooling.max_forward(x, y, argmax, **attributes), *pooling.max_backward(argmax, gy, gx, **attributes)])
    expected, saved = max_pooling_2d.forward(xp, x, **attributes)
    np.testing.assert_array_equal(y, expected)
    assert_near(gx, max_pooling_2d.backward(xp, saved, gy, (True,), **attributes)[0])
    assert all(np.array_equal(a, b) for a, b in zip((x, gy), given, strict=True))


@pytest.mark.parametrize("padding", [((0, 0), (0, 0)), ((1, 1), (0, 1))])
@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_max_pooling_of_what_is_not_a_number(padding: tuple, bad: float) -> None:
    """NaN wins and gets no gradient; a border of −∞ wins against an image of −∞, and its gradient is lost."""
    x, gy, attributes = _arrays(((1, 4, 4, 3), (2, 2), (2, 2), padding), "float32")
    x[0, :3, 1:, :2] = bad
    y, argmax, gx = np.empty_like(gy), np.empty(gy.shape, np.uint8), np.empty_like(x)
    run([*pooling.max_forward(x, y, argmax, **attributes), *pooling.max_backward(argmax, gy, gx, **attributes)])
    expected, saved = max_pooling_2d.forward(xp, x, **attributes)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(gx, max_pooling_2d.backward(xp, saved, gy, (True,), **attributes)[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_average_pooling(case: tuple, dtype: str) -> None:
    x, gy, attributes = _arrays(case, dtype)
    y, gx = np.full_like(gy, 9), np.full_like(x, 9)
    run([*pooling.average_forward(x, y, **attributes), *pooling.average_backward(gy, gx, **attributes)])
    expected, saved = average_pooling_2d.forward(xp, x, **attributes)
    assert_near(y, expected)
    assert_near(gx, average_pooling_2d.backward(xp, saved, gy, (True,), **attributes)[0])


def test_bits_do_not_depend_on_threads() -> None:
    x, gy, attributes = _arrays(((5, 33, 31, 19), (3, 3), (2, 2), ((1, 1), (1, 1))), "float32")
    y, argmax, gx = np.empty_like(gy), np.empty(gy.shape, np.uint8), np.empty_like(x)
    assert pooling.max_forward(x, y, argmax, **attributes)[0].chunks > 4
    check_bits(lambda: pooling.max_forward(x, y, argmax, **attributes), y, argmax)
    check_bits(lambda: pooling.max_backward(argmax, gy, gx, **attributes), gx)
    check_bits(lambda: pooling.average_forward(x, y, **attributes), y)
    check_bits(lambda: pooling.average_backward(gy, gx, **attributes), gx)


def test_a_window_of_more_entries_than_a_byte_numbers_is_not_accepted() -> None:
    assert pooling.accepts_max((15, 17))
    assert not pooling.accepts_max((16, 16))
