"""``omomi run``: scripts run unchanged, to a sensible end; installed packages are left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from omomi.cli import main

SCRIPTS = Path(__file__).parents[2] / "examples" / "chainer_scripts"


def run(*arguments, folder):
    command = [sys.executable, "-m", "omomi", "run", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("name", "least"),
    [("own_loop", 0.9), ("convolution", 0.9)],
)
def test_chainer_scripts_run_to_their_end(name, least, tmp_path):
    done = run(SCRIPTS / f"{name}.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) > least


def test_a_recurrent_script_learns_its_text(tmp_path):
    done = run(SCRIPTS / "language_model.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "quick brown fox jumps over" in done.stdout.splitlines()[-1]


def test_the_mnist_example_trains(tmp_path):
    done = run("--small-data", SCRIPTS / "train_mnist.py", "-e", "3", "-u", "100", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1].split()[4]) > 0.85
    assert (tmp_path / "result" / "loss.png").exists()


def test_the_dialect_is_served_inside_alone(tmp_path):
    (tmp_path / "chainer.py").write_text("name = 'the installed one'\n")
    script = tmp_path / "script.py"
    script.write_text("import chainer.links as L\nimport sys\nprint(L.Linear.__module__, sys.argv[1:])\n")
    result = CliRunner().invoke(main, ["run", str(script), "--flag", "7"])
    assert result.exit_code == 0, result.output
    assert result.output == "omomi.dialects.chainer.links ['--flag', '7']\n"
    command = [sys.executable, "-c", "import chainer; print(chainer.name)"]
    outside = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert outside.stdout == "the installed one\n"
    assert "chainer" not in sys.modules


def test_a_module_or_name_that_is_missing_is_named(tmp_path):
    script = tmp_path / "script.py"
    for line, words in (
        ("import chainer.distributions.normal", "import chainer.distributions"),
        ("from chainer.links import NStepGRU", "omomi.layers.GRU"),
    ):
        script.write_text(line + "\n")
        result = CliRunner().invoke(main, ["run", str(script)])
        assert result.exit_code == 1
        assert words in result.output
