"""``omomi train``: what lies in the folder afterwards, what is said, and what is kept when training is cut short."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from omomi import datasets, load_model
from omomi.cli.judge import judge
from omomi.cli.run_folder import CONTENTS, LEDGER, LEDGER_PICTURE, REPORT, make_run_folder, open_run, plain
from omomi.cli.run_report import ledger_of
from omomi.cli.setup import Options, hold_out, set_up
from omomi.training.interruption import Interruption
from omomi.training.ledger import PERIOD
from tests.cli.conftest import record_of, run

ALWAYS = set(CONTENTS) - {LEDGER, LEDGER_PICTURE, REPORT}  # what a run has that was trained without further options


def options(**given):
    """Options of ``omomi train``, not given unless named."""
    names = ("data", "model", "epochs", "batch_size", "optimizer", "learning_rate")
    return Options(**{**dict.fromkeys(names), "data": "digits", "seed": 0, **given})


def test_every_file_is_there_and_named(trained):
    folder, result = trained
    assert result.exit_code == 0
    assert {path.name for path in folder.iterdir()} == ALWAYS
    for name in ALWAYS:
        assert str(folder / name) in result.stdout
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            image.verify()
            assert min(image.size) > 500
    assert ElementTree.parse(folder / "model.svg").getroot().tag.endswith("svg")
    assert b"conv2d_1" in (folder / "model.svg").read_bytes()


def test_the_record_says_what_was_done(trained):
    folder, result = trained
    record = record_of(folder)
    assert record["status"] == "trained"
    assert record["options"] == {
        "data": "digits", "model": "cnn", "epochs": 3, "batch_size": 32, "optimizer": "Adam",
        "learning_rate": 0.001, "seed": 0,
    }  # fmt: skip
    assert record["engine"] == "numpy"
    assert record["versions"]["numpy"] == np.__version__
    assert record["data"]["training"] + record["data"]["validation"] + record["data"]["test"] == 1797
    accuracy = record["result"]["test_accuracy"]
    assert accuracy > 0.8
    assert f"{100 * accuracy:.2f} %" in result.stdout
    # the model in the folder is the one that was judged
    model, (x, y) = load_model(folder / "model.safetensors"), datasets.load("digits").test
    assert np.mean(model.predict(x).argmax(axis=1) == y) == pytest.approx(accuracy)


def test_the_history_has_every_epoch(finished):
    saved = record_of(finished, "history.json")
    assert saved["epoch"] == [0, 1, 2]
    assert set(saved["history"]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert saved["history"]["loss"] == sorted(saved["history"]["loss"], reverse=True)


def test_progress_goes_to_stderr_line_by_line(trained):
    _, result = trained
    assert [line.split()[1] for line in result.stderr.splitlines() if line.startswith("epoch")] == ["1/3", "2/3", "3/3"]
    assert "epoch 1" not in result.stdout


@pytest.mark.slow
def test_the_default_run_reaches_its_accuracy():
    assert run("train").exit_code == 0
    (folder,) = os.listdir("runs")
    assert folder.endswith("-digits-cnn")
    record = record_of(f"runs/{folder}")
    assert record["result"]["test_accuracy"] >= 0.975


def test_the_same_seed_gives_the_same_network():
    for folder in "ab":
        arguments = ("--data", "iris", "--epochs", 1, "--seed", 3, "--out", folder)
        assert run("train", *arguments).exit_code == 0
    first, second = (load_model(f"{folder}/model.safetensors").get_weights() for folder in "ab")
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    start, other = (set_up(options(data="iris", seed=seed)).model.get_weights() for seed in (3, 4))
    assert not all(np.array_equal(a, b) for a, b in zip(start, other, strict=True))


def test_options_replace_the_recipe():
    setup = set_up(options(model="mlp", epochs=2, batch_size="full", optimizer="momentum", learning_rate=0.02))
    assert (setup.epochs, setup.batch_size, type(setup.model.optimizer).__name__) == (2, "full", "Momentum")
    assert setup.model.optimizer.learning_rate == pytest.approx(0.02)
    assert set_up(options(model="mlp")).model.optimizer.learning_rate == pytest.approx(0.1)
    assert set_up(options(model="mlp", optimizer="adam")).model.optimizer.learning_rate == pytest.approx(0.001)
    assert set_up(options(model="mlp", learning_rate=0.3)).model.optimizer.learning_rate == pytest.approx(0.3)


def test_validation_samples_come_from_the_training_part():
    data = datasets.load("digits")
    training, validation = hold_out(data)
    everything = np.concatenate([training[0], validation[0]]).reshape(-1, 64)
    assert sorted(map(bytes, everything)) == sorted(map(bytes, data.train[0].reshape(-1, 64)))
    assert np.bincount(validation[1]).tolist() == [round(0.1 * n) for n in np.bincount(data.train[1])]


def test_without_images_there_are_no_pictures_of_samples():
    assert run("train", "--data", "iris", "--epochs", 2, "--out", "iris").exit_code == 0
    assert ALWAYS - set(os.listdir("iris")) == {"samples.png", "errors.png"}


# ---- wrong usage and unusable places --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--data", "digts"), "did you mean 'digits'"),
        (("--model", "cnnn"), "did you mean 'cnn'"),
        (("--optimizer", "adm"), "did you mean 'adam'"),
        (("--engine", "nunpy"), "did you mean 'numpy'"),
        (("--learning-rate", "-1"), "finite and not negative"),
        (("--learning-rate", "nan"), "finite and not negative"),
        (("--batch-size", "0"), "positive whole number"),
        (("--batch-size", "all"), "positive whole number"),
        (("--epochs", "0"), "x>=1"),
        (("--seed", "-1"), "-1"),
    ],
)
def test_wrong_usage(arguments, said):
    result = run("train", *arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.stderr
    assert said in result.stderr
    assert not os.listdir()


def test_a_folder_that_cannot_be_written_is_said_before_training():
    open("file", "w").close()
    result = run("train", "--out", "file/run", "--data", "no-such-data")
    assert result.exit_code == 1
    assert "cannot be written to: not a directory" in result.stderr
    assert "epoch" not in result.stderr
    assert result.stdout == ""


def test_a_run_is_never_overwritten(finished):
    before = {path: path.read_bytes() for path in finished.rglob("*.*")}
    result = run("train", "--out", finished)
    assert result.exit_code == 1
    assert "holds a run already" in result.stderr
    assert before == {path: path.read_bytes() for path in finished.rglob("*.*")}


def test_nothing_is_left_behind_when_training_cannot_begin():
    assert run("train", "--data", "iris", "--model", "cnn", "--out", "run").exit_code == 1
    assert not os.listdir()


def test_runs_of_one_second_have_different_folders():
    folders = [make_run_folder(None, "digits", "cnn") for _ in range(3)]
    assert len({*folders}) == 3
    assert plain("/home/me/my photos/") == "my_photos"
    assert plain("nets/wide.py") == "wide"


# ---- training that is cut short -------------------------------------------------------------------------------------


def test_ctrl_c_keeps_model_and_history():
    command = [sys.executable, "-m", "omomi", "train", "--epochs", "100000", "--model", "mlp", "--out", "run"]
    surroundings = {**os.environ, "OMOMI_ENGINE": "numpy", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=surroundings
    ) as process:
        for line in process.stderr:
            if line.startswith("epoch 2/"):
                process.send_signal(signal.SIGINT)
                break
        rest, printed = process.stderr.read(), process.stdout.read()
    assert process.returncode == 130
    assert "interrupted after" in rest
    assert "Traceback" not in rest
    assert printed == ""
    assert set(os.listdir("run")) == {"model.safetensors", "history.json", "environment.json", "checkpoints"}
    assert "omomi train --resume run" in rest
    history = record_of("run", "history.json")
    assert len(history["history"]["loss"]) == len(history["epoch"]) >= 2
    opened = open_run("run")
    assert opened.record["status"] == "interrupted"
    assert judge(opened.model, *opened.data().test, 10).accuracy > 0.5
    assert opened.model.optimizer.iterations.array > 0


def test_ctrl_c_lets_the_step_finish_and_pressed_again_it_does_not():
    before = signal.getsignal(signal.SIGINT)
    interruption = Interruption()
    interruption.on_train_begin({})
    signal.raise_signal(signal.SIGINT)  # inside a step: nothing happens yet
    with pytest.raises(KeyboardInterrupt):
        interruption.on_train_batch_begin(1, {})
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    interruption.on_train_end({})
    assert signal.getsignal(signal.SIGINT) is before


def test_numbers_that_are_not_finite_end_training_and_the_last_good_weights_are_kept():
    result = run("train", "--model", "mlp", "--optimizer", "sgd", "--learning-rate", "1e38", "--out", "run")
    assert result.exit_code == 1
    assert "not finite" in result.stderr
    assert "run/model.safetensors" in result.stderr
    opened = open_run("run")
    assert opened.record["status"] == "failed"
    assert all(np.isfinite(array).all() for array in opened.model.get_weights())
    assert set(os.listdir("run")) == {"model.safetensors", "history.json", "environment.json", "checkpoints"}


def test_a_ledger_on_request():
    result = run("train", "--data", "iris", "--model", "mlp", "--epochs", 2, "--ledger", "--out", "one")
    assert result.exit_code == 0
    assert "ledger: delta" in result.stderr
    ledger = ledger_of(Path("one"))
    assert ledger.period == PERIOD
    assert ledger.epochs == [0, 1]
    assert "one/ledger.png" in result.stdout
    with Image.open("one/ledger.png") as image:
        image.verify()
    run("train", "--data", "iris", "--model", "mlp", "--epochs", 1, "--ledger=2", "--seed", 1, "--out", "two")
    assert ledger_of(Path("two")).steps[:3] == [0, 2, 4]
    assert run("train", "--ledger=0").exit_code == 2
    assert open_run("one").record["options"]["seed"] == 0


def test_a_run_that_fails_keeps_its_ledger():
    result = run("train", "--model", "mlp", "--optimizer", "sgd", "--learning-rate", 1e38, "--ledger", "--out", "bad")
    assert result.exit_code == 1
    assert "bad/ledger.json" in result.stderr
    ledger = ledger_of(Path("bad"))
    assert ledger.failure.step == ledger.steps[-1]
