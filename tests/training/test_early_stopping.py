"""Early stopping, on numbers that are given by hand."""

from __future__ import annotations

import logging

import numpy as np
import pytest

import omomi
from omomi import errors
from omomi.callbacks import EarlyStopping
from omomi.layers import Dense


class Listed:
    """A model whose weights are the number of its epoch."""

    def __init__(self):
        self.stop_training, self.epoch = False, -1

    def get_weights(self):
        return [self.epoch]

    def set_weights(self, weights):
        (self.epoch,) = weights


def run(values, name="val_loss", **options):
    """The epochs that happened, and the callback and the model after them."""
    stopping, model = EarlyStopping(name, **options), Listed()
    stopping.set_model(model)
    stopping.on_train_begin({})
    happened = 0
    for epoch, value in enumerate(values):
        model.epoch, happened = epoch, happened + 1
        stopping.on_epoch_end(epoch, {name: value})
        if model.stop_training:
            break
    stopping.on_train_end({})
    return happened, stopping, model


def test_patience_is_counted_from_the_best_epoch():
    happened, stopping, _ = run([3.0, 2.0, 2.5, 2.0, 1.0, 1.5], patience=2)
    assert happened == 4  # epoch 1 is the best; 2 and 3 are no better
    assert (stopping.best, stopping.best_epoch, stopping.stopped_epoch) == (2.0, 1, 3)
    assert run([3.0, 2.0, 2.5, 2.0, 1.0, 1.5], patience=3)[0] == 6


def test_a_small_change_is_no_improvement():
    assert run([1.0, 0.95, 0.9, 0.85], patience=2, min_delta=0.2)[0] == 3
    assert run([1.0, 0.95, 0.9, 0.85], patience=2)[0] == 4


def test_accuracy_is_better_when_it_is_larger():
    assert run([0.5, 0.6, 0.55], "val_accuracy", patience=1)[0] == 3
    assert run([0.5, 0.6, 0.7], "val_accuracy", patience=1, mode="min")[0] == 2


def test_the_best_weights_come_back():
    assert run([3.0, 1.0, 2.0, 2.0], patience=2, restore_best_weights=True)[2].epoch == 1
    assert run([3.0, 1.0, 2.0, 2.0], patience=2)[2].epoch == 3
    assert run([3.0, 1.0, 2.0], patience=5, restore_best_weights=True)[2].epoch == 1  # also without an early end


def test_a_baseline_has_to_be_reached():
    assert run([3.0, 2.5, 2.0, 1.5], patience=2, baseline=0.5)[0] == 2
    assert run([3.0, 0.4, 0.3, 0.5, 0.6], patience=2, baseline=0.5)[0] == 5


def test_a_copy_with_its_state_decides_as_the_first_one_would():
    """At every epoch the callback is replaced by a new one that is only told what the old one remembers."""
    values, options = [3.0, 2.0, 2.5, 1.8, 2.5, 1.9, 2.0, 2.0], {"patience": 2, "restore_best_weights": True}
    happened, expected, kept = run(values, **options)
    stopping, model = EarlyStopping("val_loss", **options), Listed()
    stopping.set_model(model)
    stopping.on_train_begin({})
    for epoch in range(happened):
        state, stopping = stopping.get_state(), EarlyStopping("val_loss", **options)
        stopping.set_model(model)
        stopping.on_train_begin({})
        stopping.set_state(state)
        assert not model.stop_training
        model.epoch = epoch
        stopping.on_epoch_end(epoch, {"val_loss": values[epoch]})
    assert model.stop_training
    stopping.on_train_end({})
    assert stopping.get_state() == expected.get_state()
    assert model.epoch == kept.epoch == 3


def test_first_epochs_can_be_left_out():
    happened, stopping, _ = run([0.1, 3.0, 2.0, 2.5], patience=1, start_from_epoch=1)
    assert (happened, stopping.best) == (4, 2.0)


def test_in_fit(capsys):
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    y = np.random.default_rng(1).normal(size=(40, 1)).astype(np.float32)  # nothing to learn: it must over-fit
    model = omomi.Sequential([Dense(64, activation="relu", input_shape=(3,)), Dense(1)], seed=0)
    model.compile(omomi.optimizers.Adam(0.02), "mse")
    stopping = EarlyStopping(patience=5, restore_best_weights=True, verbose=1)
    history = model.fit(x, y, epochs=200, validation_split=0.3, callbacks=[stopping], verbose=0)
    losses = history.history["val_loss"]
    assert len(losses) < 200
    assert stopping.best_epoch == int(np.argmin(losses)) == len(losses) - 6
    assert model.evaluate(x[28:], y[28:]) == pytest.approx(min(losses), rel=1e-5)
    assert "training ends early" in capsys.readouterr().out


def test_mistakes_are_named(caplog):
    with pytest.raises(errors.UnknownNameError, match="did you mean 'max'"):
        EarlyStopping(mode="maxx")
    with pytest.raises(errors.ConfigurationError, match="patience"):
        EarlyStopping(patience=-1)
    model = omomi.Sequential([Dense(1, input_shape=(2,))], seed=0)
    model.compile("sgd", "mse")
    x, y = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
    with pytest.raises(errors.UnknownNameError, match="did you mean 'loss'"):
        model.fit(x, y, callbacks=[EarlyStopping("los")], verbose=0)
    with caplog.at_level(logging.WARNING, "omomi"):
        model.fit(x, y, callbacks=[EarlyStopping()], verbose=0)
    assert "no validation data" in caplog.text
