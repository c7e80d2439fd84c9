"""``omomi train --resume``: a run that was cut short ends as one that was not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from omomi.cli.run_folder import CHECKPOINTS
from omomi.files import write_json
from tests.cli.conftest import record_of, run

OPTIONS = ("--data", "iris", "--epochs", 15, "--seed", 3, "--ledger=4", "--batch-size", 16)
OF_TIMES = ("started", "seconds", "command", "resumed")  # of the record: what differs between two equal runs


def cut_short(folder, number):
    """Train, and send the process a signal after the second epoch."""
    command = [
        sys.executable,
        "-m",
        "omomi",
        "train",
        *map(str, OPTIONS),
        "--out",
        str(folder),
        "--checkpoint-every",
        "3",
    ]
    surroundings = {**os.environ, "OMOMI_ENGINE": "numpy", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=surroundings) as process:
        for line in process.stderr:
            if line.startswith("epoch 2/"):
                process.send_signal(number)
                break
        process.communicate(timeout=60)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGKILL: -9}[number]


def contents(folder):
    """The files of a run; of its record, what is the same in every run of its kind."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}
    record = {name: value for name, value in record_of(folder).items() if name not in OF_TIMES}
    found["environment.json"] = {**record, "given": {**record["given"], "checkpoint_every": None}}
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody has cut short."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert run("train", *OPTIONS, "--out", folder).exit_code == 0
    return folder


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_cut_short_ends_like_one_that_was_not(whole, number):
    cut_short("run", number)
    record = record_of("run")
    assert record["status"] == ("interrupted" if number == signal.SIGINT else "training")
    if number == signal.SIGKILL:
        said = run("evaluate", "run")
        assert said.exit_code == 1
        assert "omomi train --resume run" in said.stderr
    os.mkdir("elsewhere")
    os.chdir("elsewhere")
    result = run("train", "--resume", "../run")
    assert result.exit_code == 0, result.stderr
    assert "training goes on from" in result.stderr
    found, expected = contents("../run"), contents(whole)
    assert set(found) == set(expected)
    assert [name for name in found if found[name] != expected[name]] == []
    assert len(record_of("../run")["resumed"]) == 1


def test_a_finished_run_can_be_given_more_epochs(whole):
    shutil.copytree(whole, "run")
    assert run("train", "--resume", "run").exit_code == 0
    assert contents("run") == contents(whole)
    assert run("train", "--resume", "run", "--epochs", 17).exit_code == 0
    longer = record_of("run", "history.json")["history"]
    assert {name: values[:15] for name, values in longer.items()} == record_of(whole, "history.json")["history"]
    assert len(longer["loss"]) == record_of("run")["options"]["epochs"] == 17


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_anew(whole):
    shutil.copytree(whole, "run")
    shutil.rmtree(Path("run") / CHECKPOINTS)
    result = run("train", "--resume", "run")
    assert "training starts anew" in result.stderr
    assert contents("run") == contents(whole)


def test_what_cannot_go_on_is_said(whole, monkeypatch):
    result = run("train", "--resume", "nowhere")
    assert result.exit_code == 1
    assert "there is no run here" in result.stderr
    result = run("train", "--resume", whole, "--data", "wine", "--batch-size", 4)
    assert result.exit_code == 2
    assert "leave out --data, --batch-size" in result.stderr
    assert run("train", "--checkpoint-every", "often").exit_code == 2

    shutil.copytree(whole, "run")
    record = record_of("run")
    write_json("run/environment.json", {**record, "data": {**record["data"], "test_sha256": "0"}})
    result = run("train", "--resume", "run")
    assert result.exit_code == 1
    assert "the data is not what the run was begun with" in result.stderr
    write_json("run/environment.json", {name: value for name, value in record.items() if name != "given"})
    assert "how the run was begun" in run("train", "--resume", "run").stderr
    write_json("run/environment.json", {**record, "given": {**record["given"], "batch_size": 8}})
    before = {path: path.read_bytes() for path in Path("run").rglob("*.safetensors")}
    result = run("train", "--resume", "run")
    assert result.exit_code == 1
    assert "batch size: 16" in result.stderr
    assert {path: path.read_bytes() for path in Path("run").rglob("*.safetensors")} == before


def test_the_files_of_a_run_may_be_named_by_a_path_that_is_relative():
    Path("photos").mkdir()
    for kind in ("dark", "bright"):
        (Path("photos") / kind).mkdir()
        for i in range(6):
            Image.fromarray(np.full((8, 8), 200 * (kind == "bright") + i, np.uint8)).save(f"photos/{kind}/{i}.png")
    Path("net.py").write_text(
        "import omomi\n"
        "from omomi.layers import Dense, Flatten, Rescaling\n"
        "def build_model(shape, classes):\n"
        "    return omomi.Sequential([Rescaling(1 / 255, input_shape=shape), Flatten(),"
        " Dense(classes, activation='softmax')])\n"
    )
    assert run("train", "--data", "photos", "--model", "net.py", "--epochs", 2, "--out", "run").exit_code == 0
    before = contents("run")
    os.mkdir("elsewhere")
    os.chdir("elsewhere")
    result = run("train", "--resume", "../run")
    assert result.exit_code == 0, result.stderr
    assert contents("../run")["model.safetensors"] == before["model.safetensors"]
