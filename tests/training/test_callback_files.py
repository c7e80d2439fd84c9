"""Callbacks that write: checkpoints, logs, and what goes on after an interruption."""

from __future__ import annotations

import csv
import json
import logging

import pytest
from numpy.testing import assert_array_equal

import omomi
from omomi import errors
from omomi.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    JSONLogger,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from tests.training.stand import Stand, X, Y, fit, network


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
