from __future__ import annotations

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
    assert run("inspect", finished).exit_code == 2
    result = run("inspect", tmp_path / "nothing", "--check-gradients")
    assert result.exit_code == 1
    assert "there is no run here" in result.stderr
