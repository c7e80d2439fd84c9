"""Scripts in the spellings of 2016 to 2025 run to their end, unchanged, and learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omomi.dialects.running import run_script
from omomi.dialects.spellings.versions import recognised

SCRIPTS = Path(__file__).parents[2] / "examples" / "keras_scripts"
# The version that each is written for, and the accuracy, or the share of explained variance, that it reaches.
EXPECTED = {
    "mnist_mlp_2016.py": ("keras1", 0.85),
    "mnist_cnn_2016.py": ("keras1", 0.75),
    "merge_2016.py": ("keras1", 0.9),
    "autoencoder_2016.py": ("keras1", 0.5),
    "lstm_text_2017.py": ("keras2", 0.85),
    "two_inputs_2017.py": ("keras2", 0.9),
    "augmentation_2017.py": ("keras2", 0.75),
    "callbacks_2018.py": ("keras2", 0.9),
    "sklearn_wrapper_2018.py": ("keras2", 0.9),
    "batch_normalization_2019.py": ("keras2", 0.9),
    "regression_2019.py": ("keras2", 0.7),
    "transfer_2020.py": ("tf_keras", 0.8),
    "custom_parts_2020.py": ("tf_keras", 0.95),
    "subclassed_2021.py": ("tf_keras", 0.9),
    "attention_2025.py": ("keras3", 0.95),
}


def run(name: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Any]:
    monkeypatch.chdir(folder)
    source = (SCRIPTS / name).read_text()
    assert ("tf_keras" if "tensorflow" in source else recognised(source)) == EXPECTED[name][0]
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
