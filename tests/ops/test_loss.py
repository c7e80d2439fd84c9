"""The losses against numbers worked by hand; their gradients are checked with those of all rules."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest

from omomi.engines.reference import xp
from omomi.ops import loss
from omomi.ops.rule import Rule

ONES = np.ones(2)


def value(rule: Rule, x, t, w=None, **attributes) -> float:
    x = np.asarray(x)
    return rule.forward(xp, x, np.asarray(t), np.ones(x.shape[:-1]) if w is None else np.asarray(w), **attributes)[0]


def gradients(rule: Rule, x, t, w=None, gy=1.0, wanted=(True, True, True), **attributes):
    x = np.asarray(x)
    w = np.ones(x.shape[:-1], x.dtype) if w is None else np.asarray(w)
    _, saved = rule.forward(xp, x, np.asarray(t), w, **attributes)
    return rule.backward(xp, saved, x.dtype.type(gy), wanted, **attributes)


# Two samples of two outputs: the differences d = x − t are (1, −2) and (3, 0).
X, T = [[2.0, 0.0], [4.0, 5.0]], [[1.0, 2.0], [1.0, 5.0]]


@pytest.mark.parametrize(
    ("rule", "attributes", "expected"),
    [
        (loss.squared_error, {}, ((1 + 4) / 2 + 9 / 2) / 2),  # (2.5 + 4.5)/2 = 3.5
        (loss.mean_squared_error, {}, ((1 + 4) / 2 + 9 / 2) / 2),  # the mean over two outputs is ½ Σ too
        (loss.mean_absolute_error, {}, ((1 + 2) / 2 + 3 / 2) / 2),
        (loss.huber, {}, ((0.5 + (2 - 0.5)) / 2 + (3 - 0.5) / 2) / 2),  # h = 0.5, 1.5; 2.5, 0
        (loss.huber, {"delta": 2.0}, ((0.5 + 2.0) / 2 + 2 * (3 - 1) / 2) / 2),  # h = 0.5, 2; 4, 0
        (loss.log_cosh, {}, np.log(np.cosh([1, 2, 3, 0])).sum() / 4),
    ],
)
def test_losses_of_the_difference(rule, attributes, expected):
    assert value(rule, X, T, **attributes) == pytest.approx(expected, rel=1e-14)


def test_squared_and_mean_squared_error_differ_where_there_are_three_outputs():
    x, t = [[1.0, 2.0, 3.0]], [[0.0, 0.0, 0.0]]  # squares 1, 4, 9
    assert value(loss.squared_error, x, t) == 7
    assert value(loss.mean_squared_error, x, t) == pytest.approx(14 / 3)
    np.testing.assert_allclose(gradients(loss.squared_error, x, t)[0], [[1, 2, 3]])
    np.testing.assert_allclose(gradients(loss.mean_squared_error, x, t)[0], [[2 / 3, 4 / 3, 2]])


def test_weights_multiply_each_sample_and_the_mean_stays_over_the_number_of_samples():
    # ℓ = 2.5 and 4.5, w = 2 and 0: E = (2·2.5 + 0·4.5)/2
    assert value(loss.squared_error, X, T, w=[2.0, 0.0]) == 2.5
    gx, gt, gw = gradients(loss.squared_error, X, T, w=[2.0, 0.0], gy=3.0)
    np.testing.assert_allclose(gx, [[3.0, -6.0], [0.0, 0.0]])  # gy w/N (x − t) = 3·2/2·(1, −2)
    np.testing.assert_allclose(gt, -gx)
    assert gw is None


def test_only_what_is_wanted_is_computed():
    gx, gt, _ = gradients(loss.squared_error, X, T, wanted=(False, True, False))
    assert gx is None
    assert gt is not None


def test_no_samples_give_zero():
    assert value(loss.squared_error, np.zeros((0, 3)), np.zeros((0, 3))) == 0
    assert value(loss.sparse_softmax_cross_entropy, np.zeros((0, 3)), np.zeros(0, int)) == 0


def test_softmax_cross_entropy_worked_by_hand():
    # x = (0, log 3): e^x = (1, 3), y = (¼, ¾). The target is the first class: ℓ = −log ¼ = log 4, y − t = (−¾, ¾).
    x, t = [[0.0, log(3)], [0.0, log(3)]], [[1.0, 0.0], [0.5, 0.5]]
    # soft target: ℓ = −½ log ¼ − ½ log ¾ = log 4 − ½ log 3, y − t = (−¼, ¼)
    assert value(loss.softmax_cross_entropy, x, t) == pytest.approx((log(4) + log(4) - log(3) / 2) / 2)
    gx, gt, gw = gradients(loss.softmax_cross_entropy, x, t)
    np.testing.assert_allclose(gx, np.array([[-0.75, 0.75], [-0.25, 0.25]]) / 2)  # (y − t)/N
    assert gt is None
    assert gw is None


def test_softmax_cross_entropy_of_targets_that_do_not_sum_to_one():
    # y = (¼, ¾), t = (1, 1): ∂ℓ/∂x = 2 y − t = (−½, ½)
    np.testing.assert_allclose(gradients(loss.softmax_cross_entropy, [[0.0, log(3)]], [[1.0, 1.0]])[0], [[-0.5, 0.5]])


def test_class_indices_mean_the_one_hot_rows():
    rng = np.random.default_rng(0)
    x, t, w = rng.standard_normal((5, 4)), rng.integers(0, 4, 5), rng.random(5)
    for dense, sparse, inputs in [
        (loss.softmax_cross_entropy, loss.sparse_softmax_cross_entropy, x),
        (loss.categorical_cross_entropy, loss.sparse_categorical_cross_entropy, np.exp(x)),
    ]:
        for dtype in (np.uint8, np.int64):
            assert value(sparse, inputs, t.astype(dtype), w) == pytest.approx(value(dense, inputs, np.eye(4)[t], w))
            np.testing.assert_allclose(
                gradients(sparse, inputs, t.astype(dtype), w)[0], gradients(dense, inputs, np.eye(4)[t], w)[0]
            )


def test_sigmoid_cross_entropy_worked_by_hand():
    # σ(log 3) = ¾, σ(−log 3) = ¼; targets 1 and 0.5: ℓ = −log ¾ and −½ log ¼ − ½ log ¾
    x, t = [[log(3)], [-log(3)]], [[1.0], [0.5]]
    assert value(loss.sigmoid_cross_entropy, x, t) == pytest.approx((-log(0.75) - (log(0.25) + log(0.75)) / 2) / 2)
    np.testing.assert_allclose(gradients(loss.sigmoid_cross_entropy, x, t)[0], [[-0.125], [-0.125]])  # (y − t)/2


def test_logits_and_probabilities_agree():
    rng = np.random.default_rng(1)
    x, t, w = rng.standard_normal((4, 3)), rng.random((4, 3)), rng.random(4)
    y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    assert value(loss.categorical_cross_entropy, y, t, w) == pytest.approx(
        value(loss.softmax_cross_entropy, x, t, w), rel=1e-12
    )
    sigmoid = 1 / (1 + np.exp(-x))
    assert value(loss.binary_cross_entropy, sigmoid, t, w) == pytest.approx(
        value(loss.sigmoid_cross_entropy, x, t, w), rel=1e-12
    )


@pytest.mark.parametrize("scale", [1e4, 1e30])
def test_huge_logits_stay_finite_in_float32(scale):
    x = np.array([[scale, -scale], [-scale, scale]], np.float32)
    one_hot, index = np.eye(2, dtype=np.float32), np.array([0, 1])
    swapped = one_hot[::-1]
    for rule, t in [
        (loss.softmax_cross_entropy, one_hot),
        (loss.sparse_softmax_cross_entropy, index),
        (loss.sigmoid_cross_entropy, one_hot),
    ]:
        assert value(rule, x, t, np.ones(2, np.float32)) == 0
    for rule, t, expected in [
        (loss.softmax_cross_entropy, swapped, 2 * scale),
        (loss.sparse_softmax_cross_entropy, 1 - index, 2 * scale),
        (loss.sigmoid_cross_entropy, swapped, scale),  # the mean of two outputs, each wrong by |x|
        (loss.log_cosh, np.zeros_like(x), scale),
    ]:
        e = value(rule, x, t, np.ones(2, np.float32))
        assert e.dtype == np.float32
        assert e == pytest.approx(expected, rel=1e-4)
        assert np.isfinite(gradients(rule, x, t)[0]).all()
    # far on the wrong side softmax's delta is ±1 over N
    np.testing.assert_allclose(gradients(loss.softmax_cross_entropy, x, swapped)[0], [[0.5, -0.5], [-0.5, 0.5]])


def test_probabilities_of_zero_and_one_are_clipped():
    # ε = 1e-7: −log ε = 16.118…
    worst = -log(1e-7)
    x, t = [[0.0, 1.0]], [[1.0, 0.0]]
    assert value(loss.categorical_cross_entropy, x, t) == pytest.approx(worst)
    assert value(loss.sparse_categorical_cross_entropy, x, [0]) == pytest.approx(worst)
    assert value(loss.binary_cross_entropy, x, t) == pytest.approx(worst)
    assert value(loss.kl_divergence, x, t) == pytest.approx(worst - 1e-7 * worst)  # t's zero is clipped too
    for rule in (loss.categorical_cross_entropy, loss.binary_cross_entropy, loss.kl_divergence):
        for dtype in (np.float32, np.float64):
            gx = gradients(rule, np.array(x, dtype), np.array(t, dtype))[0]
            assert gx.dtype == dtype
            assert np.isfinite(gx).all()


def test_categorical_cross_entropy_scales_its_rows():
    # x = (2, 6) has the shares (¼, ¾); target (1, 0): ℓ = log 4.
    # gp = (−4, 0), Σ gp p = −1, s = 8: ∂ℓ/∂x = ((−4 + 1)/8, 1/8); its product with x is 0, as scaling changes nothing
    assert value(loss.categorical_cross_entropy, [[2.0, 6.0]], [[1.0, 0.0]]) == pytest.approx(log(4))
    gx = gradients(loss.categorical_cross_entropy, [[2.0, 6.0]], [[1.0, 0.0]])[0]
    np.testing.assert_allclose(gx, [[-3 / 8, 1 / 8]])
    # the numbers of Keras's documentation
    each = [
        value(loss.sparse_categorical_cross_entropy, [row], [t])
        for row, t in zip([[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]], [1, 2], strict=True)
    ]
    np.testing.assert_allclose(each, [0.0513, 2.303], atol=5e-4)


def test_hinge_losses_worked_by_hand():
    # t x = 0.5 and −2 in the first sample (1 − t x = 0.5, 3), 2 and 1.5 in the second (beyond the margin)
    x, t = [[0.5, 2.0], [-2.0, 1.5]], [[1.0, -1.0], [-1.0, 1.0]]
    assert value(loss.hinge, x, t) == pytest.approx((3.5 / 2 + 0) / 2)
    assert value(loss.squared_hinge, x, t) == pytest.approx((9.25 / 2 + 0) / 2)
    np.testing.assert_allclose(gradients(loss.hinge, x, t)[0], np.array([[-1.0, 1.0], [0.0, 0.0]]) / 4)
    np.testing.assert_allclose(gradients(loss.squared_hinge, x, t)[0], np.array([[-1.0, 6.0], [0.0, 0.0]]) / 4)


def test_divergence_and_poisson_worked_by_hand():
    # t = (½, ½), x = (¼, ¾): Σ t log(t/x) = ½ log 2 + ½ log ⅔ = ½ log(4/3)
    assert value(loss.kl_divergence, [[0.25, 0.75]], [[0.5, 0.5]]) == pytest.approx(log(4 / 3) / 2)
    assert value(loss.kl_divergence, [[0.25, 0.75]], [[0.25, 0.75]]) == 0
    np.testing.assert_allclose(gradients(loss.kl_divergence, [[0.25, 0.75]], [[0.5, 0.5]])[0], [[-2, -2 / 3]])
    # x = (e, 1), t = (2, 0): ((e − 2) + 1)/2
    assert value(loss.poisson, [[exp(1), 1.0]], [[2.0, 0.0]]) == pytest.approx((exp(1) - 1) / 2, abs=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(dtype):
    x, t = np.array([[0.3, 0.7]], dtype), np.array([[1.0, 0.0]], dtype)
    for rule in [r for r in vars(loss).values() if isinstance(r, Rule)]:
        target = np.array([1]) if rule.name.startswith("sparse") else t
        assert value(rule, x, target, np.ones(1, dtype)).dtype == dtype, rule
        assert gradients(rule, x, target, np.ones(1, dtype))[0].dtype == dtype, rule
