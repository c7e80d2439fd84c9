"""Reductions by hand."""

from __future__ import annotations

from math import log

import numpy as np

from omomi.ops import reduction
from tests.ops.running import run

X = [[1.0, 2.0, 6.0], [4.0, 0.0, 5.0]]


def test_sum_copies_the_delta() -> None:
    assert run(reduction.sum, X, gy=10.0) == (18, [[[10] * 3] * 2])
    assert run(reduction.sum, X, gy=[1.0, 2.0], axis=1) == ([9, 9], [[[1, 1, 1], [2, 2, 2]]])
    assert run(reduction.sum, X, gy=[[1.0, 2.0, 3.0]], axis=0, keepdims=True) == ([[5, 2, 11]], [[[1, 2, 3]] * 2])


def test_mean_divides_it() -> None:
    assert run(reduction.mean, X, gy=6.0) == (3, [[[1] * 3] * 2])
    assert run(reduction.mean, X, gy=[3.0, 6.0], axis=-1) == ([3, 3], [[[1, 1, 1], [2, 2, 2]]])


def test_variance_by_hand() -> None:
    # row 1: distances −2, −1, 3, squares 4, 1, 9; row 2: 1, −3, 2, squares 1, 9, 4. gx = gy 2/3 (x − μ)
    y, (gx,) = run(reduction.variance, X, gy=[3.0, 6.0], axis=1)
    np.testing.assert_allclose(y, [14 / 3, 14 / 3], rtol=1e-15)
    np.testing.assert_allclose(gx, [[-4, -2, 6], [4, -12, 8]], rtol=1e-15)


def test_the_extremum_receives_the_delta_and_equal_ones_share_it() -> None:
    assert run(reduction.max, X, gy=[1.0, 2.0], axis=1) == ([6, 5], [[[0, 0, 1], [0, 0, 2]]])
    assert run(reduction.min, X, gy=10.0) == (0, [[[0, 0, 0], [0, 10, 0]]])
    assert run(reduction.max, [[3.0, 1.0], [3.0, 3.0]], gy=6.0) == (3, [[[2, 0], [2, 2]]])


def test_logsumexp_by_hand_and_far_out() -> None:
    # ln(1 + 2 + 5) = ln 8; the gradient is the softmax
    y, (gx,) = run(reduction.logsumexp, [log(1), log(2), log(5)], gy=8.0)
    np.testing.assert_allclose(y, log(8), rtol=1e-15)
    np.testing.assert_allclose(gx, [1, 2, 5], rtol=1e-14)
    far = np.array([1e4, 1e4, -1e4], np.float32)
    y, (gx,) = run(reduction.logsumexp, far, gy=np.float32(1))
    np.testing.assert_allclose(y, 1e4 + log(2), rtol=1e-6)
    np.testing.assert_allclose(gx, [0.5, 0.5, 0], atol=1e-3)
