"""Scripts in the spellings of 2016 to 2025 run to their end, unchanged, and learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omomi.dialects.running import run_script
from omomi.dialects.spellings.versions import recognised

SCRIPTS = Path(__file__).parents[2] / "examples" / "keras_scripts"
# What each is recognised as, and the accuracy (or the share of the error it began with) that it reaches.
EXPECTED = {
    "mnist_mlp_2016.py": ("keras1", 0.85),
}


def run(name: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Any]:
    monkeypatch.chdir(folder)
    assert recognised((SCRIPTS / name).read_text()) == EXPECTED[name][0]
    return run_script(SCRIPTS / name, small_data=True)


@pytest.mark.parametrize("name", EXPECTED)
def test_scripts_run_and_learn(name, monkeypatch, tmp_path, capsys):
    found = run(name, monkeypatch, tmp_path)
    assert found["score"][1] >= EXPECTED[name][1], capsys.readouterr().out


def test_every_script_is_expected():
    assert sorted(EXPECTED) == sorted(path.name for path in SCRIPTS.glob("*.py"))


def test_numpy_random_seed_at_the_head_fixes_the_result(monkeypatch, tmp_path):
    one, other = (run("mnist_mlp_2016.py", monkeypatch, tmp_path) for _ in range(2))
    assert one["history"].history == other["history"].history
