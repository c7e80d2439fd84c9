"""``omomi inspect``: a run as one page, and several runs side by side."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import record_of, run

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of the run that a test may change."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def change(folder: Path, **entries) -> None:
    record = record_of(folder)
    for key, value in entries.items():
        record[key] = {**record[key], **value} if isinstance(value, dict) else value
    (folder / "environment.json").write_text(json.dumps(record), encoding="utf-8")


def test_the_report_holds_everything_and_needs_nothing(copied: Path):
    result = run("inspect", copied)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(copied / "report.html")
    page = (copied / "report.html").read_text("utf-8")
    accuracy = record_of(copied)["result"]["test_accuracy"]
    for said in (
        f"{100 * accuracy:.2f} %",
        "conv2d_1",
        "76,522",
        "omomi train --ledger",
        "gradients are right",
        "numpy",
    ):
        assert said in page
    assert page.count("<svg") >= 7
    assert "<script" not in page
    loaded = re.findall(r'(?:src|href)="(?!#|data:)([^"]*)"', page)
    assert loaded == []
    assert len(page) < 3_000_000


def test_an_unknown_folder_and_a_half_written_run_are_errors(copied: Path, tmp_path: Path):
    missing = run("inspect", tmp_path / "nothing")
    assert missing.exit_code == 1
    assert "there is no run here" in missing.stderr
    (copied / "model.safetensors").unlink()
    half = run("inspect", copied)
    assert half.exit_code == 1
    assert "model.safetensors" in half.stderr
    assert not (copied / "report.html").exists()


def test_a_run_without_history_or_data_or_end_says_so(copied: Path):
    (copied / "history.json").unlink()
    change(copied, status="interrupted", data={"name": "no-such-data"})
    result = run("inspect", copied)
    assert result.exit_code == 0, result.stderr
    page = (copied / "report.html").read_text("utf-8")
    for said in ("the run has no history", "This run was interrupted", "Without the data", "No predictions"):
        assert said in page
    assert "note:" in result.stderr


def test_a_damaged_history_is_an_error(copied: Path):
    (copied / "history.json").write_text('{"history": 3}')
    result = run("inspect", copied)
    assert result.exit_code == 1
    assert "holds no history" in result.stderr


def test_hostile_names_are_escaped(copied: Path):
    change(copied, options={"model": HOSTILE}, data={"classes": [HOSTILE, *map(str, range(1, 10))]}, command=HOSTILE)
    assert run("inspect", copied).exit_code == 0
    page = (copied / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_runs_side_by_side(copied: Path, finished: Path, tmp_path: Path):
    change(copied, options={"seed": 7}, result={"test_accuracy": 0.125})
    out = tmp_path / "page.html"
    result = run("inspect", "--compare", finished, copied, "--out", out)
    assert result.exit_code == 0, result.stderr
    page = out.read_text("utf-8")
    differing = page.split("In what they differ")[1].split("What is the same")[0]
    assert "options, seed" in differing
    assert "options, epochs" not in differing
    assert "12.50 %" in page
    assert "Validation accuracy" in page


def test_runs_on_different_data_are_not_compared(copied: Path, finished: Path):
    change(copied, data={"test_sha256": "0" * 64})
    result = run("inspect", "--compare", finished, copied)
    assert result.exit_code == 1
    assert "judged by different data" in result.stderr
    assert not list(Path().glob("*.html"))


@pytest.mark.parametrize("options", [["--compare"], ["--compare", "--check-gradients"]])
def test_wrong_usage_is_said(options: list[str], finished: Path):
    result = run("inspect", *options, finished)
    assert result.exit_code == 2
    assert run("inspect", finished, finished).exit_code == 2
