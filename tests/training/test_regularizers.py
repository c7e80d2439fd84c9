"""Regularisers: in the loss that is reported, in the gradient, in the recorded step and in the saved file."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import omomi
from omomi import Sequential, Variable, errors, regularizers
from omomi.layers import BatchNormalization, Conv2D, Dense, Flatten

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3)).astype(np.float32)
Y = RNG.normal(size=(12, 2)).astype(np.float32)


def network(optimizer="sgd", dtype="float64", **options):
    model = Sequential([Dense(4, activation="tanh", input_shape=(3,), **options), Dense(2)], seed=0, dtype=dtype)
    model.compile(optimizer, "mean_squared_error")
    return model


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_a_step_is_that_of_the_loss_and_its_penalties(engine):
    """One step of SGD with rate ½ moves W by −½ (∂E/∂W + l1 sign W + 2 l2 W), and b by −½ (∂E/∂b + 2 · 0.01 b)."""
    with omomi.use(engine):
        plain = network(omomi.optimizers.SGD(0.5))
        pulled = network(
            omomi.optimizers.SGD(0.5), kernel_regularizer=regularizers.L1L2(0.1, 0.2), bias_regularizer="l2"
        )
        W, b, *rest = plain.get_weights()
        b = b + 0.25
        for model in (plain, pulled):
            model.set_weights([W, b, *rest])
            model.train_on_batch(X, Y)
        W1, b1, *_ = plain.get_weights()
        W2, b2, *_ = pulled.get_weights()
    assert_allclose(W2, W1 - 0.5 * (0.1 * np.sign(W) + 2 * 0.2 * W), atol=1e-12)
    assert_allclose(b2, b1 - 0.5 * 2 * 0.01 * b, atol=1e-12)


def test_the_reported_loss_holds_the_penalties():
    plain, pulled = network(), network(kernel_regularizer=regularizers.L2(0.2))
    W = plain.get_weights()[0]
    penalty = 0.2 * (W**2).sum()
    assert_allclose(pulled.evaluate(X, Y), plain.evaluate(X, Y) + penalty, rtol=1e-12)
    first = pulled.fit(X, Y, batch_size="full", verbose=0).history["loss"][0]
    assert_allclose(first, plain.evaluate(X, Y) + penalty, rtol=1e-12)


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_activity_is_counted_per_sample(engine):
    with omomi.use(engine):
        plain, pulled = network(), network(activity_regularizer=regularizers.L1(0.3))
        z = np.tanh(X.astype(np.float64) @ plain.get_weights()[0])
        assert_allclose(pulled.evaluate(X, Y), plain.evaluate(X, Y) + 0.3 * np.abs(z).sum() / 12, rtol=1e-6)
        weights = pulled.get_weights()
        pulled.train_on_batch(X, Y)
        assert np.abs(pulled.get_weights()[0] - weights[0]).max() > 0
        assert pulled.predict(X).shape == (12, 2)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_engines_agree(optimizer):
    def trained(engine):
        with omomi.use(engine):
            model = network(optimizer, kernel_regularizer="l1_l2", bias_regularizer=regularizers.L1L2(0.1, 0.1),
                            activity_regularizer="l2")  # fmt: skip
            model.fit(X, Y, batch_size=5, epochs=3, verbose=0)
            return model.get_weights()

    for a, b in zip(trained("numpy"), trained("numba"), strict=True):
        assert_allclose(a, b, atol=1e-10)


def test_a_frozen_layer_has_no_penalty():
    model = network(kernel_regularizer=regularizers.L2(1.0))
    before = model.evaluate(X, Y)
    model.layers[0].trainable = False
    model.compile("sgd", "mean_squared_error")
    assert model.evaluate(X, Y) < before


def test_l1_takes_useless_weights_to_zero_and_l2_keeps_them_small():
    x = np.random.default_rng(1).normal(size=(200, 6)).astype(np.float32)
    y = (2 * x[:, :1] - x[:, 1:2]).astype(np.float32)  # the other four inputs are of no use

    def weights(regularizer):
        model = Sequential([Dense(1, input_shape=(6,), kernel_regularizer=regularizer)], seed=0)
        model.compile(omomi.optimizers.SGD(0.1), "mean_squared_error")
        model.fit(x, y, batch_size="full", epochs=100, verbose=0)
        return np.abs(model.get_weights()[0][:, 0])

    lasso, ridge, free = weights(regularizers.L1(0.2)), weights(regularizers.L2(0.2)), weights(None)
    assert lasso[2:].max() < 0.03
    assert (ridge[:2] < 0.95 * free[:2]).all()


def test_a_loss_of_a_layer_s_own():
    class Leaky(omomi.Layer):
        replayable = True

        def call(self, x):
            self.add_loss(omomi.functions.l2_penalty(x, 0.5))
            return x

    model = Sequential([Dense(2, input_shape=(3,)), Leaky()], seed=0, dtype="float64")
    model.compile("sgd", "mean_squared_error")
    y = model.predict(X)
    expected = ((y - Y) ** 2).mean() + 0.5 * (y**2).sum()
    assert_allclose(model.evaluate(X, Y), expected, rtol=1e-6)
    assert isinstance(model(X), Variable)  # outside a step there is nowhere to add


def test_a_saved_model_keeps_its_regularizers(tmp_path):
    model = Sequential(
        [
            Conv2D(2, 3, input_shape=(5, 5, 1), kernel_regularizer=regularizers.L1(0.5), activity_regularizer="l2"),
            BatchNormalization(gamma_regularizer="l2"),
            Flatten(),
            Dense(2, bias_regularizer=regularizers.L1L2(0.1, 0.2)),
        ],
        seed=0,
    )
    model.compile("sgd", "mean_squared_error")
    model.save(tmp_path / "model.safetensors")
    loaded = omomi.load_model(tmp_path / "model.safetensors")
    conv, norm, _, dense = loaded.layers
    assert conv.kernel_regularizer == regularizers.L1(0.5)
    assert conv.activity_regularizer == regularizers.L2()
    assert norm.gamma_regularizer == regularizers.L2()
    assert dense.bias_regularizer == regularizers.L1L2(0.1, 0.2)
    x = RNG.normal(size=(4, 5, 5, 1)).astype(np.float32)
    y = np.zeros((4, 2), np.float32)
    assert model.evaluate(x, y) == loaded.evaluate(x, y)
    assert model.evaluate(x, y) > np.mean(model.predict(x) ** 2) + 0.5 * np.abs(model.get_weights()[0]).sum()


def test_mistakes_are_named(tmp_path):
    with pytest.raises(errors.ConfigurationError, match="not negative"):
        regularizers.L2(-0.1)
    with pytest.raises(errors.ConfigurationError, match="finite"):
        regularizers.L1(float("nan"))
    with pytest.raises(errors.UnknownNameError, match="did you mean 'l1_l2'"):
        Dense(2, kernel_regularizer="l1l2x")
    with pytest.raises(errors.UnknownNameError, match="regularizer"):
        Dense(2, kernel_regularizer=0.01)

    class Own(regularizers.Regularizer):
        def __call__(self, x):
            return omomi.functions.sum(x)

    model = network(kernel_regularizer=Own())
    model.fit(X, Y, verbose=0)
    with pytest.raises(errors.ConfigurationError, match="of your own"):
        model.save(tmp_path / "model.safetensors")
