"""The command as a whole: help, version, exit codes, what is loaded and what is not; ``omomi data``."""

from __future__ import annotations

import subprocess
import sys

import pytest

from omomi import __version__
from omomi.cli import main, screen
from omomi.errors import OmomiError
from tests.cli.conftest import run


def test_help_lists_the_commands_in_the_order_of_use():
    result = run("--help")
    assert result.exit_code == 0
    found = [line.split()[0] for line in result.stdout.partition("Commands:")[2].splitlines() if line.strip()]
    assert found == ["train", "evaluate", "predict", "draw", "inspect", "compare", "run", "data", "doctor"]


@pytest.mark.parametrize("command", list(main.commands))
def test_every_command_has_help_with_an_example(command):
    result = run(command, "-h")
    assert result.exit_code == 0
    assert f"  omomi {command}" in result.stdout


def test_version():
    assert run("--version").stdout == f"omomi, version {__version__}\n"


def test_an_unknown_command():
    result = run("trian")
    assert result.exit_code == 2
    assert "No such command 'trian'" in result.stderr


def test_help_loads_nothing_heavy():
    code = "import sys; import omomi.cli; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"matplotlib", "sklearn", "scipy", "pandas", "pyarrow", "numba", "jax", "pooch", "threadpoolctl"}
    assert not heavy & set(loaded)
    done = subprocess.run([sys.executable, "-m", "omomi", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: omomi ")


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (OmomiError("it is broken.", where="here", fix="mend it"), 1, "Error: here: it is broken.\n  fix: mend it\n"),
        (MemoryError("9 GiB"), 1, "Error: this machine has not enough memory (9 GiB)"),
        (KeyboardInterrupt(), 130, "Error: interrupted."),
    ],
)
def test_expected_errors_are_messages_and_exit_codes(monkeypatch, raised, code, said):
    def fail(*_, **__):
        raise raised

    monkeypatch.setattr(main.commands["data"], "callback", fail)
    result = run("data")
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


def test_data_lists_every_data_set(monkeypatch, tmp_path):
    monkeypatch.setenv("OMOMI_DATA", str(tmp_path / "sets"))
    result = run("data")
    assert result.exit_code == 0
    for word in (
        "digits",
        "iris",
        "wine",
        "breast-cancer",
        "mnist",
        "xor, spirals, moons, circles",
        str(tmp_path / "sets"),
    ):
        assert word in result.stdout


@pytest.mark.mnist
def test_data_says_where_mnist_lies(monkeypatch):
    line = next(line for line in run("data").stdout.splitlines() if line.startswith("mnist"))
    assert "MB)" in line


def test_a_table_keeps_long_paths_whole(capsys):
    path = "/".join(["folder"] * 40)
    screen.table([(path, "what it is"), ("short", "[brackets] stay")])
    printed = capsys.readouterr().out.splitlines()
    assert printed == [f"{path}  what it is", f"{'short':<{len(path)}}  [brackets] stay"]
