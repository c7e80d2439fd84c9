"""Weights averaged over epochs, and averages that are judged while training goes on without them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import errors, optimizers
from omomi.callbacks import LambdaCallback, StochasticWeightAveraging, SwapEMAWeights
from omomi.layers import BatchNormalization, Dense

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X @ RNG.normal(size=(3, 1))


def made(normalized=False, optimizer=None):
    middle = [BatchNormalization()] if normalized else []
    model = omomi.Sequential([Dense(4, "tanh", input_shape=(3,)), *middle, Dense(1)], seed=0, dtype="float64")
    model.compile(optimizer or optimizers.SGD(0.1), "mse")
    return model


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_mean_of_the_weights_of_the_last_epochs(engine):
    seen = []
    with omomi.use(engine):
        model = made()
        look = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()))
        model.fit(X, Y, epochs=5, verbose=0, callbacks=[look, StochasticWeightAveraging(2)])
        for i, found in enumerate(model.get_weights()):
            assert_allclose(found, np.mean([weights[i] for weights in seen[2:]], axis=0), rtol=1e-12)
        model.fit(X, Y, epochs=1, verbose=0, callbacks=[StochasticWeightAveraging(5)])  # nothing to average: no harm


@pytest.mark.parametrize("engine", ["numpy", "numba", "jax"])
def test_statistics_are_measured_with_the_mean(engine):
    with omomi.use(engine):
        model = made(normalized=True)
        averaging = StochasticWeightAveraging(1, batch_norm_data=X, batch_size=16)
        model.fit(X, Y, epochs=4, verbose=0, callbacks=[averaging])
        first, normalization = model.layers[0], model.layers[1]
        hidden = np.tanh(X @ first.kernel.numpy() + first.bias.numpy())
        assert_allclose(normalization.moving_mean.numpy(), hidden.mean(axis=0), rtol=1e-10)
        assert_allclose(normalization.moving_variance.numpy(), hidden.var(axis=0), rtol=1e-10)
        assert normalization.momentum == 0.99


def test_averaging_goes_on_from_a_checkpoint():
    whole = made()
    whole.fit(X, Y, epochs=6, shuffle=False, verbose=0, callbacks=[StochasticWeightAveraging(2)])
    kept = StochasticWeightAveraging(2)
    state, weights = {}, []

    def stop(epoch, logs):
        if epoch == 3:
            state.update(kept.get_state(), means=dict(kept.means))
            weights.extend(half.get_weights())
            half.stop_training = True

    half = made()
    half.fit(X, Y, epochs=6, shuffle=False, verbose=0, callbacks=[kept, LambdaCallback(on_epoch_end=stop)])
    again, other = made(), StochasticWeightAveraging(2)
    again.set_weights(weights)
    restore = LambdaCallback(on_train_begin=lambda logs: other.set_state(state))
    again.fit(X, Y, epochs=6, initial_epoch=4, shuffle=False, verbose=0, callbacks=[other, restore])
    for found, expected in zip(again.get_weights(), whole.get_weights(), strict=True):
        assert_allclose(found, expected, rtol=1e-12)


def test_averages_are_judged_and_training_goes_on_without_them():
    plain = made(optimizer=optimizers.Adam(0.1, use_ema=True, ema_momentum=0.9))
    plain.fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y))
    model = made(optimizer=optimizers.Adam(0.1, use_ema=True, ema_momentum=0.9))
    history = model.fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y), callbacks=[SwapEMAWeights()]).history
    for found, expected in zip(model.get_weights(), plain.get_weights(), strict=True):
        assert_array_equal(found, expected)
    assert history["val_loss"] != plain.history.history["val_loss"]
    assert history["loss"] == plain.history.history["loss"]
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(X, Y))  # the end of fit put the averages in


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: StochasticWeightAveraging(-1), "start_epoch is a whole number from 0 on"),
        (
            lambda: made(normalized=True).fit(X, Y, verbose=0, callbacks=[StochasticWeightAveraging(0)]),
            "batch_norm_data=x",
        ),
        (lambda: made().fit(X, Y, verbose=0, callbacks=[SwapEMAWeights()]), "use_ema=True"),
    ],
)
def test_mistakes_are_named(act, message):
    with pytest.raises(errors.ConfigurationError, match=message):
        act()
