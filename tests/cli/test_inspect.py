from __future__ import annotations

import shutil
from dataclasses import replace

from omomi.ops import RULES
from tests.cli.conftest import run


def test_check_gradients_of_a_run(finished):
    result = run("inspect", finished, "--check-gradients")
    assert result.exit_code == 0
    assert "gradients are right" in result.stdout.splitlines()[0]
    for name in ("conv2d/kernel", "dense_1/bias"):
        assert any(line.startswith(name) and " right " in line for line in result.stdout.splitlines())


def test_a_wrong_gradient_has_exit_code_1(finished, monkeypatch):
    rule = RULES["affine"]

    def backward(xp, saved, gy, wanted):
        gx, gW, gb = rule.backward(xp, saved, gy, wanted)
        return gx, gW, 1.01 * gb

    monkeypatch.setattr("omomi.graph.functions.arrays._linear.affine", replace(rule, backward=backward))
    result = run("inspect", finished, "--check-gradients")
    assert result.exit_code == 1
    assert "WRONG gradient of dense/bias, dense_1/bias" in result.stdout


def test_wrong_use(finished, tmp_path):
    assert run("inspect").exit_code == 2
    assert run("inspect", finished, finished).exit_code == 2
    result = run("inspect", tmp_path / "nothing", "--check-gradients")
    assert result.exit_code == 1
    assert "there is no run here" in result.stderr


def test_diagnose_a_run_without_and_with_a_ledger(finished):
    result = run("inspect", finished, "--diagnose")
    assert result.exit_code == 0
    assert "omomi train --ledger" in result.stderr
    assert "not judged" in result.stdout
    run("train", "--data", "iris", "--model", "mlp", "--epochs", 3, "--ledger", "--out", "run")
    result = run("inspect", "run", "--diagnose")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "not judged" not in result.stdout
    for name in ("vanishing", "labels shuffled", "over-fitting", "learning rate too low"):
        assert name in result.stdout


def test_diagnose_a_run_that_exploded():
    run("train", "--data", "iris", "--optimizer", "sgd", "--learning-rate", 1e6, "--ledger", "--out", "bad")
    result = run("inspect", "bad", "--diagnose")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split()[:3] == ["exploding", "at", "step"]


def test_a_damaged_history_or_ledger_is_named(finished, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder)
    (folder / "ledger.json").write_text('{"format": "omomi ledger"}')
    result = run("inspect", folder, "--diagnose")
    assert result.exit_code == 1
    assert "no ledger, or a damaged one" in result.stderr
    (folder / "ledger.json").unlink()
    (folder / "history.json").write_text('{"epoch": 3}')
    result = run("inspect", folder, "--diagnose")
    assert result.exit_code == 1
    assert "holds no history" in result.stderr
