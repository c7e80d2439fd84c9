"""The metrics against counts made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.reference import xp
from omomi.ops import loss, metric

# Four samples of three classes; the largest outputs are those of classes 2, 0, 1, 0.
X = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.6, 0.1, 0.3]])
T = np.array([2, 1, 1, 1])  # right, wrong, right, wrong
W = np.array([1.0, 2.0, 3.0, 4.0])


def run(rule, *arrays, **attributes):
    y, _ = rule.forward(xp, *arrays, **attributes)
    return y


def test_accuracy_is_the_weighted_share_of_right_answers():
    for rule, t in [(metric.sparse_categorical_accuracy, T), (metric.categorical_accuracy, np.eye(3)[T])]:
        total, count = run(rule, X, t, W)
        assert (total, count) == (1 + 3, 10)
        assert total.dtype == count.dtype == np.float32
        assert total.shape == count.shape == ()


@pytest.mark.parametrize(("k", "right"), [(1, 4.0), (2, 6.0), (3, 10.0)])
def test_top_k(k, right):
    # the place of the true class: 1, 2, 1, 3
    assert run(metric.sparse_top_k_categorical_accuracy, X, T, W, k=k) == (right, 10)
    assert run(metric.top_k_categorical_accuracy, X, np.eye(3)[T], W, k=k) == (right, 10)


def test_top_k_of_equal_outputs_and_of_nan():
    x = np.array([[0.5, 0.5, 0.1], [np.nan, 0.2, 0.1]])
    assert run(metric.sparse_top_k_categorical_accuracy, x, np.array([1, 0]), np.ones(2), k=1) == (1, 2)


def test_binary_accuracy():
    x, t = np.array([[0.6, 0.4], [0.5, 0.1]]), np.array([[1.0, 1.0], [0.0, 0.0]])
    # shares ½ (0.4 is taken for 0) and 1 (0.5 does not exceed the threshold)
    assert run(metric.binary_accuracy, x, t, np.array([1.0, 2.0])) == (2.5, 3)
    assert run(metric.binary_accuracy, x, t, np.ones(2), threshold=0.3) == (1.5, 2)
    column = np.array([[0.9], [0.2]])
    assert run(metric.binary_accuracy, column, np.array([[1.0], [1.0]]), np.ones(2)) == (1, 2)


def test_confusion_counts_true_classes_in_rows():
    expected = [[0, 0, 0], [2 + 4, 3, 0], [0, 0, 1]]
    y = run(metric.confusion, X, T, W)
    np.testing.assert_array_equal(y, expected)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(run(metric.confusion, X.reshape(2, 2, 3), T.reshape(2, 2), W.reshape(2, 2)), expected)


def test_a_loss_as_metric_adds_up_over_batches():
    x, t = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.zeros((3, 2))
    w = np.array([1.0, 0.5, 2.0])
    # means of squares 2.5, 12.5, 30.5
    assert run(metric.mean_squared_error_metric, x, t, w) == (2.5 + 6.25 + 61, 3.5)
    assert run(metric.mean_absolute_error_metric, x, t, w) == (1.5 + 1.75 + 11, 3.5)
    one, two = (
        run(metric.mean_squared_error_metric, x[:1], t[:1], w[:1]),
        run(metric.mean_squared_error_metric, x[1:], t[1:], w[1:]),
    )
    assert (one[0] + two[0], one[1] + two[1]) == (69.75, 3.5)
    e, _ = loss.mean_squared_error.forward(xp, x, t, w)
    assert e == pytest.approx(69.75 / 3)
    assert run(metric.mean_squared_error_metric, x[:0], t[:0], w[:0]) == (0, 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_all_finite_finds_one_bad_number_anywhere(bad):
    for dtype in (np.float32, np.float64):
        good = np.arange(-5, 7, dtype=dtype).reshape(3, 4)
        assert run(metric.all_finite, good, np.zeros((0, 2), dtype), np.asarray(3.0, dtype), np.array([1, 2]))
        for position in range(good.size):
            spoiled = good.copy()
            spoiled.flat[position] = bad
            assert not run(metric.all_finite, spoiled, good)
            assert not run(metric.all_finite, good, spoiled)
    assert run(metric.all_finite)
    assert run(metric.all_finite, np.array([np.finfo(np.float32).max, np.finfo(np.float32).min]))
