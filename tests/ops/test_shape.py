"""Shape operations by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from omomi.errors import DtypeError
from omomi.ops import shape
from tests.ops.running import run

X = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def test_transposition_returns_the_delta_to_its_axes() -> None:
    assert run(shape.transpose, X, gy=[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])[1] == [[[1, 3, 5], [2, 4, 6]]]
    x = np.arange(24.0).reshape(2, 3, 4)
    y, (gx,) = run(shape.transpose, x, gy=x.transpose(1, 2, 0), axes=(1, 2, 0))
    np.testing.assert_array_equal(y, x.transpose(1, 2, 0))
    np.testing.assert_array_equal(gx, x)


def test_sum_to_and_broadcast_to_undo_each_other() -> None:
    assert run(shape.sum_to, X, gy=[1.0, 2.0, 3.0], shape=(3,)) == ([5, 7, 9], [[[1, 2, 3], [1, 2, 3]]])
    assert run(shape.sum_to, X, gy=[[1.0], [2.0]], shape=(2, 1)) == ([[6], [15]], [[[1, 1, 1], [2, 2, 2]]])
    assert run(shape.sum_to, X, gy=1.0, shape=()) == (21, [[[1] * 3] * 2])
    assert run(shape.broadcast_to, [1.0, 2.0, 3.0], gy=X, shape=(2, 3))[0] == [[1, 2, 3], [1, 2, 3]]


def test_concatenate_and_split_undo_each_other() -> None:
    y, gxs = run(shape.concatenate, [[1.0], [4.0]], [[2.0, 3.0], [5.0, 6.0]], gy=X, axis=1)
    assert y == X
    assert gxs == [[[1], [4]], [[2, 3], [5, 6]]]
    assert run(shape.split, X, gy=(None, [[7.0, 8.0], [9.0, 10.0]]), sections=(1,), axis=1) == (
        [[[1], [4]], [[2, 3], [5, 6]]],
        [[[0, 7, 8], [0, 9, 10]]],
    )


def test_stack_and_pad_and_flip() -> None:
    assert run(shape.stack, [1.0, 2.0], [3.0, 4.0], gy=[[1.0, 2.0], [3.0, 4.0]], axis=1) == (
        [[1, 3], [2, 4]],
        [[1, 3], [2, 4]],
    )
    padded = run(shape.pad, [1.0, 2.0], gy=[5.0, 6.0, 7.0, 8.0], widths=((1, 1),), value=9.0)
    assert padded == ([9, 1, 2, 9], [[6, 7]])
    assert run(shape.flip, X, gy=X, axis=1) == ([[3, 2, 1], [6, 5, 4]], [[[3, 2, 1], [6, 5, 4]]])


def test_what_an_index_leaves_out_has_no_delta() -> None:
    index = shape.static_index((slice(None), slice(2, None, -2)))
    assert run(shape.getitem, X, gy=[[10.0, 20.0], [30.0, 40.0]], index=index) == (
        [[3, 1], [6, 4]],
        [[[20, 0, 10], [40, 0, 30]]],
    )


def test_an_index_becomes_hashable() -> None:
    index = shape.static_index((np.int64(1), slice(None, -1), None, ...))
    assert index == (1, (None, -1, None), None, Ellipsis)
    assert hash(index) == hash(shape.static_index((1, slice(None, np.int32(-1)), None, ...)))


@pytest.mark.parametrize("index", [[0, 1], np.array([0, 1]), True, np.array([True, False]), 1.5, (0, "a")])
def test_other_indices_are_refused_with_a_way_out(index: Any) -> None:
    with pytest.raises(DtypeError, match="take"):
        shape.static_index(index)


def test_a_row_that_is_taken_twice_receives_both_deltas() -> None:
    taken = run(shape.take, X, [1, 0, -1], gy=[[1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [100.0, 200.0, 300.0]])
    assert taken == ([X[1], X[0], X[1]], [[[10, 20, 30], [101, 202, 303]], None])


def test_a_cast_and_its_way_back() -> None:
    x = np.array([1.0, 0.1])
    y, saved = shape.cast.forward(np, x, dtype="float32")
    assert y.dtype == np.float32
    assert shape.cast.backward is not None
    (gx,) = shape.cast.backward(np, saved, y, (True,), dtype="float32")
    assert gx.dtype == np.float64
    np.testing.assert_allclose(gx, x, rtol=1e-7)
