"""One short training that the tests of the other commands share."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from threadpoolctl import threadpool_limits

import omomi
from omomi.cli import main
from omomi.graph import randomness


@pytest.fixture(autouse=True, scope="session")
def _plain_engine():
    """The rules as written, on one thread: what is tested here is the command."""
    with threadpool_limits(1), omomi.use("numpy"):
        yield


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch, tmp_path):
    """Each test works in an empty folder and leaves no seed, path or variable behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(randomness, "_default_seed", None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("OMOMI_ENGINE", raising=False)


def run(*arguments: object) -> Result:
    """Run ``omomi`` with these arguments in this process."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="omomi")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def record_of(folder: str | Path, name: str = "environment.json") -> dict[str, Any]:
    """What a JSON file of a run says."""
    return json.loads((Path(folder) / name).read_text())


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> tuple[Path, Result]:
    """A run of the small CNN, three epochs, and what the command printed."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    return folder, run("train", "--epochs", 3, "--out", folder)


@pytest.fixture
def finished(trained) -> Path:
    """The folder of that run."""
    return trained[0]
