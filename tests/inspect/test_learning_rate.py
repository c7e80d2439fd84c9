"""The sweep of the learning rate."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import omomi
from omomi import errors, find_learning_rate
from omomi.layers import BatchNormalization, Dense, Dropout

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 4)).astype(np.float32)
Y = X @ np.array([[1.0], [-1.0], [0.5], [2.0]], np.float32)


def linear(rate=0.01):
    model = omomi.Sequential([Dense(1, input_shape=(4,), use_bias=False)], seed=0)
    model.compile(omomi.optimizers.SGD(rate), "mse")
    return model


def test_it_ends_where_gradient_descent_becomes_unstable():
    """The loss is a quadratic form of curvature 2 XᵀX / N: steps larger than 2 / λ_max diverge."""
    stable = 2 / np.linalg.eigvalsh(2 * X.T @ X / len(X)).max()
    sweep = find_learning_rate(linear(), X, Y, batch_size="full", highest=100.0, steps=120)
    assert sweep.diverged
    assert sweep.rates[-1] > stable
    assert stable / 100 < sweep.suggestion < stable
    assert sweep.rates[np.argmin(sweep.smoothed)] > sweep.suggestion
    assert "begin with" in str(sweep)
    model = linear(sweep.suggestion)
    losses = model.fit(X, Y, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < 0.05 * losses[0]


def test_everything_is_as_before_bit_for_bit():
    def made(rate):
        model = omomi.Sequential(
            [Dense(8, activation="relu", input_shape=(4,)), BatchNormalization(), Dropout(0.3), Dense(1)], seed=0
        )
        model.compile(omomi.optimizers.Adam(rate), "mse", metrics=["mae"])
        model.fit(X, Y, verbose=0)
        return model

    for rate in (0.01, {"dense": 0.02, "": 0.01}):
        plain, swept = made(rate), made(rate)
        find_learning_rate(swept, X, Y, steps=30)
        assert swept.optimizer.learning_rate == plain.optimizer.learning_rate
        one, other = (model.fit(X, Y, verbose=0).history for model in (plain, swept))
        assert one == other
        for a, b in zip(plain.get_weights(), swept.get_weights(), strict=True):
            assert_array_equal(a, b)


def test_sources_pictures_and_a_loss_that_never_falls(tmp_path):
    batches = [(X[:64], Y[:64]), (X[64:128], Y[64:128])]
    sweep = find_learning_rate(linear(), batches.__iter__, steps=20, highest=0.1)
    assert len(sweep.rates) == 20
    assert not sweep.diverged
    assert sweep.plot(tmp_path / "rates.svg").read_text().startswith("<?xml")
    flat = find_learning_rate(linear(), X[:32] * 0, Y[:32] * 0 + 1, steps=10)
    assert flat.suggestion is None
    assert "never fell" in str(flat)
    assert flat.plot(tmp_path / "flat.png").stat().st_size > 0


def test_mistakes_are_named():
    with pytest.raises(errors.ConfigurationError, match="grow from the lowest"):
        find_learning_rate(linear(), X, Y, lowest=1.0, highest=0.1)
    model = linear(omomi.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    with pytest.raises(errors.ConfigurationError, match="a schedule moves"):
        find_learning_rate(model, X, Y)
    with pytest.raises(errors.NotBuiltError, match="compile"):
        find_learning_rate(omomi.Sequential([Dense(1, input_shape=(4,))]), X, Y)
