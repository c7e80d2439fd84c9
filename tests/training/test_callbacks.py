"""Callbacks: what they decide (beside Keras's), what they write, and what they say when they cannot."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import errors
from omomi.callbacks import (
    Callback,
    CallbackList,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ProgbarLogger,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from omomi.training.callbacks import MOMENTS
from tests.training.stand import Stand, X, Y, fit, network

ORACLE = Path(__file__).parents[1] / "oracles" / "keras_callbacks.npz"


# ---- decisions -------------------------------------------------------------------------------------------------------


def decisions(name, arguments, numbers, folder, interrupted=None):
    """What a callback decides; with ``interrupted``, an epoch after which another one goes on with its state."""
    model = Stand()

    def made():
        options = {"filepath": folder / "model", **arguments} if name == "ModelCheckpoint" else arguments
        callback = getattr(omomi.callbacks, name)(monitor="val_loss", **options)
        callback.set_model(model)
        callback.set_params({})
        callback.on_train_begin({})
        return callback

    callback = made()
    rates, written, epoch = [], [], 0
    for epoch, number in enumerate(numbers):
        model.epoch, model.files = epoch, []
        callback.on_epoch_begin(epoch, {})
        callback.on_epoch_end(epoch, {"val_loss": number})
        rates.append(model.optimizer.learning_rate)
        written.append(float(len(model.files)))
        if model.stop_training:
            break
        if epoch == interrupted:
            state = json.loads(json.dumps(callback.get_state()))
            callback = made()
            callback.set_state(state)
    callback.on_train_end({})
    if name == "EarlyStopping":
        return [epoch, model.epoch]
    return rates if name == "ReduceLROnPlateau" else written


def cases():
    with np.load(ORACLE) as file:
        return list(zip(json.loads(str(file["cases"])), file["answers"], strict=True))


@pytest.mark.parametrize("interrupted", [None, 1, 3])
def test_decisions_are_keras_s_also_after_a_resume(tmp_path, interrupted):
    for (name, arguments, numbers), answer in cases():
        decided = decisions(name, arguments, numbers, tmp_path, interrupted)
        assert_allclose(decided, answer[: len(decided)], rtol=1e-6, err_msg=f"{name} {arguments}")
        assert np.isnan(answer[len(decided) :]).all()


# ---- moments ---------------------------------------------------------------------------------------------------------


def test_every_moment_comes_and_in_order():
    seen = []
    moments = {m: (lambda *a, m=m: seen.append((m, *(x for x in a if isinstance(x, int))))) for m in MOMENTS}
    del moments["on_batch_begin"], moments["on_batch_end"], moments["on_non_finite"]
    callback = LambdaCallback(**moments)
    model = network()
    model.fit(X, Y, batch_size=16, verbose=0, validation_data=(X[:8], Y[:8]), callbacks=callback)
    test = [("on_test_begin",), ("on_test_batch_begin", 0), ("on_test_batch_end", 0), ("on_test_end",)]
    assert seen == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        ("on_train_batch_begin", 0),
        ("on_train_batch_end", 0),
        ("on_train_batch_begin", 1),
        ("on_train_batch_end", 1),
        *test,
        ("on_epoch_end", 0),
        ("on_train_end",),
    ]
    seen.clear()
    model.evaluate(X[:8], Y[:8], callbacks=[callback], verbose=0)
    assert seen == test
    seen.clear()
    model.predict(X[:8], callbacks=callback, verbose=0)
    assert [m for m, *_ in seen] == [f"on_predict_{m}" for m in ("begin", "batch_begin", "batch_end", "end")]


def test_logs_of_batches_and_outputs_of_predictions():
    logs = {}
    callback = LambdaCallback(
        on_test_batch_end=lambda batch, given: logs.update(test=given),
        on_test_end=lambda given: logs.update(end=given),
        on_predict_batch_end=lambda batch, given: logs.update(predict=given["outputs"]),
    )
    model = network()
    result = model.evaluate(X, Y, return_dict=True, callbacks=callback)
    assert logs["test"] == logs["end"] == result
    assert_array_equal(model.predict(X, callbacks=callback), logs["predict"])


def test_other_names_and_other_forms(caplog):
    seen = []

    class Old(Callback):
        def on_batch_end(self, batch, logs):
            seen.append(batch)

    fit(network(), Old())
    assert seen == [0, 1, 2]
    model = network()
    model.fit(X, Y, verbose=0, callbacks=CallbackList([Old()]))
    assert seen[3:] == [0]
    own = History()
    assert fit(model, own, epochs=2) is own.history
    assert fit(model, own) is own.history  # used again: begun anew
    assert own.epoch == [0]
    assert model.history is own
    with pytest.raises(errors.ConfigurationError, match=r"EarlyStopping\(…\)"):
        fit(model, EarlyStopping)
    with pytest.raises(errors.UnknownNameError, match="did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_ends=print)


def test_a_loop_of_ones_own_uses_a_list():
    seen = []
    several = CallbackList([LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs))], model=network())
    several.append(LambdaCallback(on_train_end=lambda logs: seen.append("end")))
    several.on_train_begin()
    several.on_epoch_end(0, {"loss": 1.0})
    several.on_train_end()
    assert seen == [{"loss": 1.0}, "end"]


def test_training_can_end_inside_an_epoch():
    model = network()

    class Stop(Callback):
        def on_train_batch_end(self, batch, logs):
            self.model.stop_training = batch == 1

    assert len(fit(model, Stop(), epochs=3)["loss"]) == 1
    assert int(model.optimizer.iterations.array) == 2


def test_whoever_has_begun_is_told_of_the_end_also_after_a_failure():
    told = []

    class Fails(Callback):
        def on_train_begin(self, logs):
            raise OSError("no place")

    class Ends(Callback):
        def on_train_end(self, logs):
            told.append("end")
            raise RuntimeError("at the end")

    with pytest.raises(RuntimeError, match="at the end") as caught:
        fit(network(), Ends(), Ends(), Fails(), Ends())
    assert isinstance(caught.value.__context__, OSError)
    assert told == ["end", "end"]


# ---- rates -----------------------------------------------------------------------------------------------------------


def test_a_schedule_by_epoch_and_by_rate(capsys):
    rates = fit(network(0.1), LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)), epochs=3)["learning_rate"]
    assert_allclose(rates, [0.1, 0.05, 0.1 / 3], rtol=1e-6)
    rates = fit(network(0.1), LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1), epochs=3)["learning_rate"]
    assert_allclose(rates, [0.05, 0.025, 0.0125], rtol=1e-6)
    assert "Epoch 3: the learning rate is 0.0125" in capsys.readouterr().out

    def wrong(epoch, rate):
        return None + rate  # an error of its own is not taken for a function of one argument

    with pytest.raises(TypeError, match="unsupported operand"):
        fit(network(), LearningRateScheduler(wrong))
    with pytest.raises(errors.ConfigurationError, match="return a rate"):
        fit(network(), LearningRateScheduler(lambda epoch: None))
    with pytest.raises(errors.ConfigurationError, match="not negative"):
        fit(network(), LearningRateScheduler(lambda epoch: -1.0))
    with pytest.raises(errors.ConfigurationError, match="is a function"):
        LearningRateScheduler(0.1)


def test_a_schedule_of_the_optimiser_s_own_is_named_before_training():
    model = network(omomi.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    for callback in (ReduceLROnPlateau("loss"), LearningRateScheduler(lambda epoch: 0.1)):
        with pytest.raises(errors.ConfigurationError, match="a schedule moves the learning rate"):
            fit(model, callback)
    assert int(model.optimizer.iterations.array) == 0


def test_rates_by_layer_are_reduced_each(capsys):
    model = network({"dense/kernel": 0.4, "": np.array([0.001])})
    plateau = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9, min_lr=0.001, verbose=1)
    history = fit(model, plateau, epochs=3)
    rates = model.optimizer.learning_rate
    assert_allclose(rates["dense/kernel"], 0.1, rtol=1e-6)
    assert_allclose(rates[""], [0.001], rtol=1e-6)
    assert "learning_rate" not in history  # there is more than one
    assert "is reduced to" in capsys.readouterr().out
    with pytest.raises(errors.ConfigurationError, match="smaller"):
        ReduceLROnPlateau(factor=1.0)


# ---- the rest --------------------------------------------------------------------------------------------------------


def test_a_number_that_is_not_finite_ends_training_without_an_error(caplog):
    model = network(1e18)
    stop, told = TerminateOnNaN(), []
    with caplog.at_level(logging.ERROR, "omomi"):
        history = fit(model, stop, LambdaCallback(on_train_end=lambda logs: told.append(logs)), epochs=9)
    assert len(history.get("loss", [])) < 9
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert isinstance(stop.error, errors.NonFiniteError)
    assert "the last good weights are kept" in caplog.text
    assert len(told) == 1
    with pytest.raises(errors.NonFiniteError):
        fit(network(1e18), epochs=9)


def test_the_bar_as_a_callback_is_not_doubled(capsys):
    network().fit(X, Y, epochs=2, verbose=2, callbacks=[ProgbarLogger()])
    assert len(re.findall(r"epoch \d/2", capsys.readouterr().err)) == 2
