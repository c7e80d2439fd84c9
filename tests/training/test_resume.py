"""Interrupted and resumed: what comes out is, bit for bit, what would have come out."""

from __future__ import annotations

import logging
import signal
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import omomi
from omomi import Checkpoints, Sequential, errors
from omomi.callbacks import Callback, EarlyStopping
from omomi.files import load_arrays, save_arrays
from omomi.layers import Dense, Dropout
from tests.training import lives

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 40)


class Killed(Exception):
    """Stands for the end of the process."""


class KillAfter(Callback):
    """Ends training after so many batches, in the middle of what follows."""

    skips_batches = True

    def __init__(self, batches):
        super().__init__()
        self.left = batches

    def on_train_batch_end(self, batch, logs):
        self.left -= 1
        if self.left < 0:
            raise Killed


def network(seed: int | None = 3, units=8, rate=0.1, **options):
    model = Sequential(
        [Dense(units, activation="relu", input_shape=(4,)), Dropout(0.4), Dense(3, activation="softmax")], seed=seed
    )
    optimizer = options.pop("optimizer", omomi.optimizers.SGD(rate, momentum=0.9))
    model.compile(optimizer, "sparse_categorical_crossentropy", **{"metrics": ["accuracy"], **options})
    return model


def fit(model, folder=None, *callbacks, epochs=3, **options):
    options = {"batch_size": 8, "verbose": 0, **options}
    if folder is not None:
        options = {"checkpoint": folder, "resume": True, **options}
    return model.fit(options.pop("x", X), options.pop("y", Y), epochs=epochs, callbacks=list(callbacks), **options)


def killed(model, folder, after, *callbacks, **options):
    """Train for so many batches, and be gone."""
    with pytest.raises(Killed):
        fit(model, folder, *callbacks, KillAfter(after), **options)


@pytest.fixture(params=["numpy", "numba"])
def engine(request):
    with omomi.use(request.param):
        yield request.param


@pytest.mark.parametrize("name", lives.RUNS)
def test_a_run_that_is_ended_again_and_again_is_the_run_that_was_never_ended(engine, name, tmp_path):
    expected = lives.live(name)
    checkpoints = Checkpoints(tmp_path, every=4)
    ends = 0
    for after in (0, 5, 4, 13, 6, 9, 21, 5, 30, 8):  # in the middle of epochs, at their ends, and before any checkpoint
        try:
            found = lives.live(name, KillAfter(after), checkpoint=checkpoints, resume=True)
        except Killed:
            ends += 1
    assert ends >= 5
    found = lives.live(name, checkpoint=checkpoints, resume=True)
    assert found == expected
    assert lives.live(name, checkpoint=checkpoints, resume=True) == expected  # at its end, nothing is done twice


def test_a_group_of_steps_is_not_cut(tmp_path):
    """On an engine that takes several steps in one call a checkpoint is written between two calls."""
    pytest.importorskip("jax")
    with omomi.use("jax"):
        expected = fit(network(steps_per_execution=3), batch_size=4, epochs=2)
        killed(network(steps_per_execution=3), Checkpoints(tmp_path, every=1), 5, batch_size=4, epochs=2)
        steps = [path.name for path in Checkpoints(tmp_path).files()]
        assert steps[0] == "checkpoint-000000013.safetensors"
        assert fit(network(steps_per_execution=3), tmp_path, batch_size=4, epochs=2).history == expected.history


def test_a_checkpoint_changes_nothing(tmp_path):
    plain, kept = network(), network()
    one, other = fit(plain), fit(kept, Checkpoints(tmp_path, every=1))
    assert one.history == other.history
    for a, b in zip(plain.get_weights(), kept.get_weights(), strict=True):
        assert_array_equal(a, b)
    assert [path.name for path in Checkpoints(tmp_path).files()] == [
        f"checkpoint-{step:09d}.safetensors" for step in (15, 14, 13)
    ]


def test_a_finished_run_returns_its_history_at_once_and_more_epochs_go_on(tmp_path):
    longer = fit(network(), epochs=5)
    begun = []
    count = omomi.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    first = fit(network(), tmp_path, count)
    assert fit(network(), tmp_path, count).history == first.history
    assert begun == [0, 1, 2]
    assert fit(network(), tmp_path, count, epochs=5).history == longer.history
    assert begun == [0, 1, 2, 3, 4]


def test_a_run_that_was_stopped_early_stays_stopped(tmp_path):
    def run(folder, **options):
        model = network(rate=0.0)
        history = fit(model, folder, EarlyStopping("loss", patience=1, restore_best_weights=True), **options)
        return model.get_weights(), history.history

    weights, history = run(tmp_path, epochs=9)
    assert len(history["loss"]) < 9
    again, same = run(tmp_path, epochs=12)
    assert same == history
    for a, b in zip(weights, again, strict=True):
        assert_array_equal(a, b)


def test_ctrl_c_keeps_the_step_that_was_finished(tmp_path):
    class Press(Callback):
        def on_train_batch_end(self, batch, logs):
            if batch == 2:
                signal.raise_signal(signal.SIGINT)

    expected = fit(network()).history
    model = network()
    with pytest.raises(KeyboardInterrupt):
        fit(model, tmp_path, Press())
    (path,) = Checkpoints(tmp_path).files()
    assert path.name == "checkpoint-000000003.safetensors"
    assert fit(model, tmp_path).history == expected  # the same model goes on
    with pytest.raises(KeyboardInterrupt):
        fit(network(), tmp_path, Press(), epochs=4)
    assert fit(network(), tmp_path, epochs=4).history == fit(network(), epochs=4).history


@pytest.mark.parametrize("batch", [2, 4])
def test_a_request_to_end_is_followed_after_the_step(tmp_path, batch):
    class Ask(Callback):
        def on_train_batch_end(self, number, logs):
            if number == batch:
                signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit, match="143"):
        fit(network(), Checkpoints(tmp_path, every="1h"), Ask())
    assert [path.name for path in Checkpoints(tmp_path).files()] == [f"checkpoint-{batch + 1:09d}.safetensors"]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert fit(network(), tmp_path).history == fit(network()).history


def test_a_request_to_end_in_a_validation_waits_for_its_end(tmp_path):
    ask = omomi.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit):
        fit(network(), Checkpoints(tmp_path, every="1h"), ask)
    assert Checkpoints(tmp_path).latest().header["cursor"] == {"epoch": 1, "batch": 0, "begun": None}
    with pytest.raises(SystemExit):  # at the end of training, too, the process ends
        fit(network(), tmp_path, ask, epochs=2)
    assert fit(network(), tmp_path, epochs=2).history == fit(network(), epochs=2).history


def test_a_model_without_a_seed_goes_on_with_that_of_its_run(tmp_path):
    model = network(seed=None)
    killed(model, Checkpoints(tmp_path, every=4), 9)
    results = []
    for _ in range(2):
        other = network(seed=None)
        results.append((fit(other, tmp_path).history, other.seed))
        killed_again = Checkpoints(tmp_path)
        for path in killed_again.files()[:-1]:  # back to the first checkpoint
            path.unlink()
    assert results[0] == results[1]
    assert results[0][1] == model.seed


def test_where_training_goes_on_is_said(tmp_path, capsys):
    killed(network(), Checkpoints(tmp_path, every=4), 7, verbose=2)
    assert f"there is no checkpoint in {tmp_path} yet: training starts anew" in capsys.readouterr().err
    fit(network(), tmp_path, verbose=2)
    assert "checkpoint-000000004.safetensors: epoch 1, batch 5" in capsys.readouterr().err


def test_samples_per_second_count_from_where_training_went_on(tmp_path):
    seen = []
    note = omomi.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append((note.params["seen"], note.params["seen_before"]))
    )
    killed(network(), Checkpoints(tmp_path, every=2), 3)
    fit(network(), tmp_path, note, epochs=2)
    assert seen == [(24, 16), (32, 16), (40, 16), (8, 0), (16, 0), (24, 0), (32, 0), (40, 0)]


OTHERS = [
    (lambda f: fit(network(units=9), f), r"layers / dense / config / units: 8\n.*units: 9"),
    (lambda f: fit(network(seed=4), f), r"seed: 3\n.*seed: 4"),
    (lambda f: fit(network(optimizer="adam"), f), r"optimizer / class_name: SGD"),
    (lambda f: fit(network(optimizer=omomi.optimizers.SGD(0.1)), f), r"optimizer / config / momentum: 0.9"),
    (lambda f: fit(network(rate=0.2), f), r"learning rate: 0.1.*\n.*learning rate: 0.2"),
    (lambda f: fit(network(metrics=[]), f), r"metrics"),
    (lambda f: fit(network(), f, batch_size=4), r"data / batch size: 8\n.*data / batch size: 4"),
    (lambda f: fit(network(), f, x=X[:39], y=Y[:39]), r"data / samples: 40\n.*data / samples: 39"),
    (lambda f: fit(network(), f, x=X + 1), r"data / content / x"),
    (lambda f: fit(network(), f, shuffle=False), r"fit / shuffle: True"),
    (lambda f: fit(network(steps_per_execution=2), f), r"fit / steps_per_execution: None\n.*steps_per_execution: 2"),
    (lambda f: fit(network(), f, validation_split=0.5), r"data / samples: 40"),
    (lambda f: fit(network(), f, validation_data=(X, Y)), r"validation: None"),
]


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    folder = tmp_path_factory.mktemp("used")
    fit(network(), folder, epochs=1)
    return folder


@pytest.mark.parametrize(("act", "message"), OTHERS)
def test_a_checkpoint_of_another_run_is_refused_and_the_difference_named(act, message, used):
    before = {path: path.read_bytes() for path in used.iterdir()}
    with pytest.raises(errors.ConfigurationError, match=message) as caught:
        act(used)
    assert "another run" in str(caught.value)
    assert {path: path.read_bytes() for path in used.iterdir()} == before


def test_a_folder_with_checkpoints_is_not_used_for_another_run(used):
    with pytest.raises(errors.FileAccessError, match="resume=True"):
        fit(network(), used, resume=False)
    with pytest.raises(errors.ConfigurationError, match="nowhere to resume from"):
        fit(network(), resume=True)


def test_two_processes_do_not_train_into_one_folder(tmp_path):
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with Checkpoints(tmp_path).held():
            entered.set()
            leave.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert entered.wait(30)
        with pytest.raises(errors.FileAccessError, match="another training"):
            fit(network(), tmp_path)
    finally:
        leave.set()
        thread.join()
    fit(network(), tmp_path)


@pytest.mark.parametrize("every", [0, -1, 2.5, True, "often", "0s", "10", None])
def test_how_often_is_checked(every):
    with pytest.raises(errors.ConfigurationError, match="how often"):
        Checkpoints("x", every=every)
    with pytest.raises(errors.ConfigurationError, match="keep"):
        Checkpoints("x", keep=0)


def test_times_are_understood():
    assert [Checkpoints("x", every=e).seconds for e in ("30s", "1.5 min", "2h")] == [30.0, 90.0, 7200.0]


def test_by_the_clock(tmp_path):
    fit(network(), Checkpoints(tmp_path, every="1h"))
    assert [path.name for path in Checkpoints(tmp_path).files()] == ["checkpoint-000000015.safetensors"]  # the end


# ---- files that are not as they were ----------------------------------------------------------------------------


def test_a_damaged_checkpoint_is_passed_over(tmp_path, caplog):
    expected = fit(network()).history
    killed(network(), Checkpoints(tmp_path, every=2), 9)
    files = Checkpoints(tmp_path).files()
    content = bytearray(files[0].read_bytes())
    content[-3] ^= 4
    files[0].write_bytes(content)
    files[1].write_bytes(files[1].read_bytes()[:-100])
    (tmp_path / ".omomi-0123456789abcdef.tmp").write_bytes(b"half a file")
    with caplog.at_level(logging.WARNING, "omomi"):
        assert fit(network(), tmp_path).history == expected
    assert f"{files[0].name} is passed over: the file is damaged" in caplog.text
    assert f"goes on from {files[2]}" in caplog.text
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.endswith((".damaged", ".tmp"))) == [
        "checkpoint-000000006.safetensors.damaged",
        "checkpoint-000000008.safetensors.damaged",
    ]


@pytest.mark.parametrize(
    "changes",
    [{"cursor": {"epoch": "x"}}, {"cursor": {"epoch": -1, "batch": 0, "begun": None}}, {"run": 3}, {"seed": ""}],
)
def test_a_header_that_makes_no_sense_is_refused(used, changes, tmp_path):
    (path,) = Checkpoints(used).files()
    arrays, header = load_arrays(path)
    save_arrays(tmp_path / path.name, arrays, {**header, **changes})
    with pytest.raises(errors.FileFormatError, match="where training stood"):
        fit(network(), tmp_path, epochs=2)
    save_arrays(tmp_path / path.name, arrays, {**header, "kind": "model"})
    with pytest.raises(errors.FileFormatError, match="no checkpoint that this version"):
        fit(network(), tmp_path, epochs=2)
    save_arrays(tmp_path / path.name, {k: v for k, v in arrays.items() if "kernel" not in k}, header)
    model = network()
    before = model.get_weights()
    with pytest.raises(errors.FileFormatError, match="does not fit this run"):
        fit(model, tmp_path, epochs=2)
    for a, b in zip(before, model.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_if_none_can_be_read_nothing_begins_anew(tmp_path):
    fit(network(), tmp_path, epochs=1)
    (path,) = Checkpoints(tmp_path).files()
    path.write_bytes(b"")
    with pytest.raises(errors.FileFormatError, match="none of the checkpoints can be read"):
        fit(network(), tmp_path)


def test_a_checkpoint_that_cannot_be_written_does_not_end_training(tmp_path, caplog, monkeypatch):
    expected = fit(network()).history
    tried = []
    write = Checkpoints.write

    def full(self, step, arrays, header):
        tried.append(step)
        if step >= 10:
            raise errors.FileAccessError("cannot be written: no space left on device.", where=str(self.folder))
        return write(self, step, arrays, header)

    monkeypatch.setattr(Checkpoints, "write", full)
    with caplog.at_level(logging.WARNING, "omomi"):
        assert fit(network(), tmp_path).history == expected
    assert tried == [5, 10, 15, 15]
    assert "no checkpoint of step 10, training goes on without it" in caplog.text
    monkeypatch.undo()
    assert fit(network(), tmp_path).history == expected


# ---- callbacks --------------------------------------------------------------------------------------------------


def test_callbacks_that_come_or_go_are_named(tmp_path, caplog):
    fit(network(), tmp_path, EarlyStopping("loss", patience=5), epochs=1)
    with caplog.at_level(logging.WARNING, "omomi"):
        fit(network(), tmp_path, lives.Shrinking(), epochs=2)
    assert "Shrinking is not in the checkpoint" in caplog.text
    assert "remembers what EarlyStopping saw" in caplog.text


def test_what_a_callback_remembers_must_fit_into_a_file(tmp_path):
    class Bad(Callback):
        def get_state(self):
            return {"model": self.model}

    with pytest.raises(errors.ConfigurationError, match="callbacks/1/model"):
        fit(network(), tmp_path, Bad())
