"""What the tests of comparisons share: one thread, an empty folder, and small tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    with threadpool_limits(1):
        yield


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def passengers(tmp_path) -> Path:
    """A table as people have them: numbers, categories, missing cells, a name for every row, a constant column."""
    rng = np.random.default_rng(0)
    lines = ["name,age,sex,class,fare,ship,survived"]
    for i in range(120):
        sex = ("male", "female")[rng.integers(2)]
        age = "" if rng.random() < 0.15 else f"{rng.uniform(1, 70):.0f}"
        cabin = "" if rng.random() < 0.1 else ("first", "second", "third")[rng.integers(3)]
        survived = "yes" if rng.random() < (0.85 if sex == "female" else 0.15) else "no"
        lines.append(f'"Person, No. {i}",{age},{sex},{cabin},{rng.uniform(5, 80):.2f},Titanic,{survived}')
    path = tmp_path / "passengers.csv"
    path.write_text("\n".join(lines) + "\n")
    return path
