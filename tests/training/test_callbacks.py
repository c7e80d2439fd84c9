"""Callbacks: what they decide (beside Keras's), what they write, and what they say when they cannot."""

from __future__ import annotations

import csv
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
    BackupAndRestore,
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    JSONLogger,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from omomi.layers import Dense
from omomi.training.callbacks import MOMENTS

ORACLE = Path(__file__).parents[1] / "oracles" / "keras_callbacks.npz"
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype(np.float32)
Y = X @ np.array([[1.0], [-1.0], [0.5]], np.float32)


def network(rate=0.05):
    model = omomi.Sequential([Dense(1, input_shape=(3,))], seed=0)
    model.compile(omomi.optimizers.SGD(rate), "mse", metrics=["mae"])
    return model


def fit(model, *callbacks, **options):
    return model.fit(X, Y, **{"verbose": 0, "batch_size": 8, **options}, callbacks=list(callbacks)).history


# ---- decisions -------------------------------------------------------------------------------------------------------


class Stand:
    """A model whose weights are the number of its epoch, and which writes down when it is saved."""

    def __init__(self):
        self.optimizer = omomi.optimizers.SGD(1.0)
        self.stop_training, self.epoch, self.files = False, 0, []

    def get_weights(self):
        return [self.epoch]

    def set_weights(self, weights):
        (self.epoch,) = weights

    def save(self, path):
        self.files.append(("model", path))

    def save_weights(self, path):
        self.files.append(("weights", path))


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


# ---- files -----------------------------------------------------------------------------------------------------------


def test_checkpoints_by_epoch_and_by_batch(tmp_path, capsys):
    model = network()
    path = tmp_path / "made" / "e{epoch:02d}-{val_loss:.3f}.model"
    losses = fit(model, ModelCheckpoint(path, verbose=1), epochs=2, validation_data=(X, Y))["val_loss"]
    names = sorted(p.name for p in path.parent.iterdir())
    assert names == [f"e{epoch:02d}-{loss:.3f}.model" for epoch, loss in zip((1, 2), losses, strict=True)]
    assert_array_equal(omomi.load_model(path.parent / names[1]).get_weights()[0], model.get_weights()[0])
    assert "Epoch 2: saved" in capsys.readouterr().out
    batches = ModelCheckpoint(tmp_path / "{epoch}-{batch}", save_freq=2)
    fit(model, batches, epochs=2)  # 3 batches in an epoch
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["1-2", "2-1", "2-3"]


def test_only_the_best_is_written(tmp_path, caplog):
    best = ModelCheckpoint(tmp_path / "best", "mae", save_best_only=True)
    model = network()
    history = fit(model, best, epochs=3)
    assert best.best == min(history["mae"])
    before = (tmp_path / "best").read_bytes()
    model.optimizer.learning_rate = 5.0  # from here on it gets worse
    fit(model, best, epochs=3)
    assert (tmp_path / "best").read_bytes() == before
    with caplog.at_level(logging.WARNING, "omomi"):
        fit(model, ModelCheckpoint(tmp_path / "none", save_best_only=True))
    assert "never saw val_loss" in caplog.text
    assert not (tmp_path / "none").exists()


def test_weights_alone(tmp_path):
    checkpoint, model = ModelCheckpoint(tmp_path / "w", save_weights_only=True), Stand()
    checkpoint.set_model(model)
    checkpoint.on_epoch_end(0, {})
    assert model.files == [("weights", str(tmp_path / "w"))]


def test_weights_of_the_best_epoch_come_back(tmp_path):
    model = network(0.3)
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.weights", "loss", save_best_only=True, save_weights_only=True)
    fit(model, checkpoint, epochs=3)
    other = network()
    other.load_weights(checkpoint.saved)
    if checkpoint.saved.endswith("3.weights"):
        assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    with pytest.raises(errors.FileFormatError):
        omomi.load_model(checkpoint.saved)  # weights alone are no model


def test_a_file_that_cannot_be_written_is_not_what_the_next_has_to_beat(tmp_path):
    class Full(Stand):
        def save(self, path):
            raise OSError("full")

    checkpoint = ModelCheckpoint(tmp_path / "best", save_best_only=True)
    checkpoint.set_model(Full())
    with pytest.raises(OSError, match="full"):
        checkpoint.on_epoch_end(0, {"val_loss": 1.0})
    assert checkpoint.best == float("inf")


def test_mistakes_of_checkpoints(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.FileAccessError, match="cannot be written to"):
        fit(network(), ModelCheckpoint(tmp_path / "file" / "best"))
    with pytest.raises(errors.UnknownNameError, match="did you mean 'val_loss'"):
        ModelCheckpoint("{val_los}").path({"val_loss": 1.0}, 0, None)
    with pytest.raises(errors.ConfigurationError, match="number of batches"):
        ModelCheckpoint("m", save_freq="batch")
    with pytest.raises(errors.UnknownNameError, match="did you mean 'mae'"):
        fit(network(), ModelCheckpoint(tmp_path / "m", "maee", save_best_only=True))


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_comma_separated_values(tmp_path):
    path = tmp_path / "new" / "log.csv"
    history = fit(network(), CSVLogger(path), epochs=3, validation_data=(X, Y), validation_freq=2)
    table = rows(path)
    assert list(table[0]) == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    assert [float(row["loss"]) for row in table] == history["loss"]
    assert [row["val_loss"] for row in table] == ["NA", repr(history["val_loss"][0]), "NA"]
    fit(network(), CSVLogger(path, append=True), epochs=2)
    assert [row["epoch"] for row in rows(path)] == ["0", "1", "2", "0", "1"]
    before = path.read_bytes()
    with pytest.raises(errors.FileFormatError, match="other columns"):
        fit(network(), CSVLogger(path, append=True), LearningRateScheduler(lambda e: 0.1), CSVLogger(path, append=True))
    assert path.read_bytes().startswith(before)
    fit(network(), CSVLogger(path, separator=";"))
    assert path.read_text().splitlines()[0] == "epoch;loss;mae"
    with pytest.raises(errors.ConfigurationError, match="one character"):
        CSVLogger(path, separator=", ")


def test_lines_of_json(tmp_path):
    path = tmp_path / "log.jsonl"
    history = fit(network(), JSONLogger(path), epochs=2)
    fit(network(), JSONLogger(path, append=True))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [0, 1, 0]
    assert [line["loss"] for line in lines[:2]] == history["loss"]
    assert lines[0]["seconds"] >= 0


def test_a_log_goes_on_where_its_state_was_taken(tmp_path):
    path = tmp_path / "log.csv"
    log = CSVLogger(path)
    fit(network(), log, epochs=2)
    state, whole = log.get_state(), path.read_text()
    log.on_epoch_end(2, {"loss": 1.0, "mae": 1.0})
    again = CSVLogger(path)  # as a program that is started again makes it
    again.on_train_begin({})
    again.set_state(state)
    assert path.read_text() == whole
    again.on_epoch_end(2, {"loss": 2.0, "mae": 1.0})
    assert [row["loss"] for row in rows(path)][2] == "2.0"


def test_a_log_that_cannot_be_written_is_said_first(tmp_path):
    (tmp_path / "file").write_text("")
    model = network()
    with pytest.raises(errors.FileAccessError):
        fit(model, CSVLogger(tmp_path / "file" / "log.csv"))
    assert int(model.optimizer.iterations.array) == 0
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(errors.FileFormatError, match="no text file"):
        fit(model, JSONLogger(tmp_path / "bytes", append=True))


# ---- going on after an interruption ----------------------------------------------------------------------------------


@pytest.mark.parametrize("save_freq", ["epoch", 2])
def test_a_script_that_is_run_again_ends_as_one_that_was_not_interrupted(tmp_path, save_freq):
    def script(*callbacks, folder=tmp_path / "backup"):
        model = network()
        plateau = ReduceLROnPlateau("loss", patience=1, min_delta=0.5, factor=0.5)
        log = CSVLogger(tmp_path / f"{folder.name}.csv")
        history = fit(model, BackupAndRestore(folder, save_freq), plateau, log, *callbacks, epochs=6)
        return model, history, (tmp_path / f"{folder.name}.csv").read_text()

    whole = script(folder=tmp_path / "whole")

    class Stop(Callback):
        steps = 0

        def on_train_batch_end(self, batch, logs):
            self.steps += 1
            if self.steps == 10:
                raise OSError("the machine is needed elsewhere")

    with pytest.raises(OSError, match="elsewhere"):
        script(Stop())
    assert list((tmp_path / "backup").iterdir())
    again = script()
    assert again[1:] == whole[1:]
    for a, b in zip(again[0].get_weights(), whole[0].get_weights(), strict=True):
        assert_array_equal(a, b)
    assert not (tmp_path / "backup").exists()


def test_backups_that_stay_and_mistakes(tmp_path):
    fit(network(), BackupAndRestore(tmp_path / "b", delete_checkpoint=False, double_checkpoint=True), epochs=3)
    assert len(list((tmp_path / "b").glob("*.safetensors"))) == 2
    with pytest.raises(errors.ConfigurationError, match="kept twice"):
        fit(network(), BackupAndRestore(tmp_path / "c"), checkpoint=tmp_path / "d")
    with pytest.raises(errors.ConfigurationError):
        BackupAndRestore(tmp_path, save_freq=False)


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
