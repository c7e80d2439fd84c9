"""Batch normalisation against numbers worked by hand and against its step-by-step derivation."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.reference import xp
from omomi.ops.normalization import batch_normalization, batch_normalization_inference

EVERY = (True, True, True, False, False)


def test_a_batch_by_hand():
    """x = 1, 3 with γ = 2, β = 5, ε = 3 and m = 0.9:

    μ = 2    σ² = (1 + 1)/2 = 1    √(σ² + ε) = 2    x̂ = −½, ½    y = 4, 6
    running mean      0.9·10 + 0.1·2 = 9.2          running variance  0.9·20 + 0.1·1 = 18.1
    gy = 1, 0:  gγ = −½    gβ = 1
                ∂L/∂x̂  = 2, 0
                ∂L/∂σ² = 2·(−1)·(−½)·4^(−3/2) = 1/8
                ∂L/∂μ  = −(2 + 0)/2 + 0 = −1
                gx     = 2/2 + 1/8·2·(−1)/2 − 1/2,  0 + 1/8·2·1/2 − 1/2  =  3/8, −3/8
    """
    x, gamma, beta = np.array([[1.0], [3.0]]), np.array([2.0]), np.array([5.0])
    (y, mean, variance), saved = batch_normalization.forward(
        xp, x, gamma, beta, np.array([10.0]), np.array([20.0]), momentum=0.9, epsilon=3.0
    )
    assert y.tolist() == [[4], [6]]
    assert (mean.item(), variance.item()) == pytest.approx((9.2, 18.1), abs=1e-14)

    gy = (np.array([[1.0], [0.0]]), None, None)
    gx, g_gamma, g_beta, *rest = batch_normalization.backward(xp, saved, gy, EVERY, momentum=0.9, epsilon=3.0)
    assert gx.tolist() == [[3 / 8], [-3 / 8]]
    assert (g_gamma.item(), g_beta.item()) == (-0.5, 1)
    assert rest == [None, None]


def step_by_step(x, gamma, gy, epsilon):
    """The derivation above the rule, line by line: gx, gγ, gβ."""
    axes, count = tuple(range(x.ndim - 1)), x.size // x.shape[-1]
    mean, variance = x.mean(axes), x.var(axes)
    x_hat = (x - mean) / np.sqrt(variance + epsilon)
    g_x_hat = gy * gamma
    g_variance = (g_x_hat * (x - mean)).sum(axes) * -0.5 * (variance + epsilon) ** -1.5
    through_x_hat = -(g_x_hat / np.sqrt(variance + epsilon)).sum(axes)
    through_variance = g_variance * (-2 * (x - mean)).sum(axes) / count
    np.testing.assert_allclose(through_variance, 0, atol=1e-12)
    g_mean = through_x_hat + through_variance
    gx = g_x_hat / np.sqrt(variance + epsilon) + g_variance * 2 * (x - mean) / count + g_mean / count
    return gx, (gy * x_hat).sum(axes), gy.sum(axes)


@pytest.mark.parametrize("shape", [(7, 3), (4, 5, 3, 2)])
def test_the_closed_form_is_the_step_by_step_derivation(shape):
    rng = np.random.default_rng(0)
    x, gy = 3 * rng.standard_normal(shape) + 2, rng.standard_normal(shape)
    gamma, zeros = rng.uniform(0.5, 2, shape[-1]), np.zeros(shape[-1])
    _, saved = batch_normalization.forward(xp, x, gamma, zeros, zeros, zeros, epsilon=0.1)
    found = batch_normalization.backward(xp, saved, (gy, None, None), EVERY, epsilon=0.1)
    assert np.abs(found[0]).max() > 0.01  # the comparison below is not one of zeros
    for gradient, expected in zip(found, step_by_step(x, gamma, gy, 0.1), strict=False):
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-13)


def test_every_channel_comes_out_centred_and_scaled():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((8, 6, 6, 3), dtype=np.float32) * [1e-1, 1, 10] + np.array([-50, 0, 200])
    x = x.astype(np.float32)
    ones, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
    (y, mean, variance), _ = batch_normalization.forward(xp, x, ones, zeros, zeros, ones, momentum=0.0, epsilon=1e-6)
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(y.std((0, 1, 2)), 1, atol=1e-3)
    np.testing.assert_allclose(mean, x.astype(np.float64).mean((0, 1, 2)), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(variance, x.astype(np.float64).var((0, 1, 2)), rtol=1e-3)


def test_a_constant_channel_stays_finite():
    x, one, zero = np.full((4, 1), 7.0), np.ones(1), np.zeros(1)
    (y, *_), saved = batch_normalization.forward(xp, x, one, one, zero, one)
    assert y.tolist() == [[1]] * 4
    gx, *_ = batch_normalization.backward(xp, saved, (np.array([[1.0], [0], [0], [0]]), None, None), EVERY)
    assert np.isfinite(gx).all()


def test_inference_with_the_statistics_of_the_batch_gives_the_same():
    rng = np.random.default_rng(2)
    x, gamma, beta = rng.standard_normal((5, 4, 4, 3)), rng.standard_normal(3), rng.standard_normal(3)
    zeros = np.zeros(3)
    (y, mean, variance), _ = batch_normalization.forward(xp, x, gamma, beta, zeros, zeros, momentum=0.0)
    found, _ = batch_normalization_inference.forward(xp, x, gamma, beta, mean, variance)
    np.testing.assert_allclose(found, y, atol=1e-13)


def test_inference_by_hand():
    """x = 1, 3 with μ = 2, σ² = 1, ε = 3, γ = 2, β = 5: x̂ = −½, ½, y = 4, 6, and gx = gy γ/2 = gy."""
    arrays = [np.array(a) for a in ([[1.0], [3.0]], [2.0], [5.0], [2.0], [1.0])]
    y, saved = batch_normalization_inference.forward(xp, *arrays, epsilon=3.0)
    gx, g_gamma, g_beta, *_ = batch_normalization_inference.backward(
        xp, saved, np.array([[1.0], [4.0]]), EVERY, epsilon=3.0
    )
    assert y.tolist() == [[4], [6]]
    assert gx.tolist() == [[1], [4]]
    assert (g_gamma.item(), g_beta.item()) == (-0.5 + 2, 5)
