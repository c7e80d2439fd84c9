"""What is finished is finished: after a real SIGKILL, after the time is over, after a fit that fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from omomi import compare
from omomi.comparison import learners
from omomi.comparison.progress import Bar, duration
from omomi.errors import DataError, FileAccessError, FileFormatError, OmomiError

SLOW = ["forest", "knn"]
SMALL = {"learners": SLOW, "folds": 3, "inner_folds": 2, "curves": False, "verbose": 0}


def stamps(folder):
    """When the result of each fit was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "fits").iterdir()}


def test_after_sigkill_finished_fits_are_not_repeated(tmp_path):
    folder = tmp_path / "run"
    code = f"import omomi; omomi.compare('iris', out={str(folder)!r}, **{SMALL!r})"
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(list(folder.glob("fits/*.json"))) < 12:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    before = stamps(folder)
    total = 3 * (2 * 2 + 1) + 3 * (2 * 8 + 1)
    assert 12 <= len(before) < total
    assert json.loads((folder / "comparison.json").read_text())["status"] == "running"

    found = compare(out=folder, resume=True, verbose=0)
    after = stamps(folder)
    assert {name: after[name] for name in before} == before
    assert len([name for name in after if name.endswith(".json")]) == total
    assert found.scores == compare("iris", **SMALL).scores
    assert json.loads((folder / "comparison.json").read_text())["status"] == "finished"


def test_after_sigkill_no_worker_is_left(tmp_path):
    code = f"import omomi; omomi.compare('digits', out={str(tmp_path / 'run')!r}, jobs=2, verbose=0)"
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(list(tmp_path.glob("run/fits/*.json"))) < 4:
        time.sleep(0.05)
    workers = [child for child in psutil.Process(process.pid).children() if "popen_loky" in " ".join(child.cmdline())]
    assert len(workers) == 2
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []


def test_the_time_budget_ends_a_comparison_between_folds(tmp_path, monkeypatch):
    now = [0.0]

    def clock():
        now[0] += 1
        return now[0]

    monkeypatch.setattr("omomi.comparison.work.time.monotonic", clock)
    monkeypatch.setattr("omomi.comparison.run.time.monotonic", clock)
    options = {"learners": ["knn", "tree"], "folds": 3, "inner_folds": 2, "curves": False, "verbose": 0}
    found = compare("iris", out=tmp_path / "run", time_budget=50, **options)  # a fold takes 2 · (8 + 6) + 2 fits
    assert {len(scores) for scores in found.scores.values()} == {1}
    assert any("over after 1 of 3" in note for note in found.notes)
    with pytest.raises(OmomiError, match="before one fold was judged"):
        compare("iris", time_budget=5, **options)
    whole = compare(out=tmp_path / "run", resume=True, verbose=0)
    assert whole.scores == compare("iris", **options).scores


class Moody:
    """A learner that cannot be used."""

    def get_params(self, deep=True):
        return {}

    def set_params(self, **settings):
        return self

    def fit(self, x, y):
        raise ValueError("not today")


def test_a_learner_that_fails_does_not_stop_the_others(monkeypatch):
    moody = learners.Learner(lambda _: Moody(), {}, {}, ("C", ()))
    monkeypatch.setitem(learners.CLASSIFIERS, "tree", moody)
    found = compare("iris", protocol="kfold", learners=["tree", "knn"], verbose=0)
    assert [one.name for one in found.outcomes] == ["knn"]
    assert "not today" in found.failed["tree"]
    assert any("decision tree failed" in note for note in found.notes)
    with pytest.raises(DataError, match="no learner could be judged"):
        compare("iris", protocol="kfold", learners=["tree"], verbose=0)


def test_only_the_same_comparison_is_continued(tmp_path, capsys):
    x, y = np.random.default_rng(0).standard_normal((40, 2)), np.arange(40) % 2
    options = {"protocol": "kfold", "learners": ["knn"], "folds": 2, "curves": False, "verbose": 0}
    first = compare((x, y), out=tmp_path / "run", **options)
    with pytest.raises(FileAccessError, match="nothing is overwritten"):
        compare((x, y), out=tmp_path / "run", **options)
    with pytest.raises(DataError, match="the data has changed"):
        compare((x + 1, y), out=tmp_path / "run", resume=True, verbose=0)
    assert compare((x, y), out=tmp_path / "run", resume=True, verbose=0).scores == first.scores
    with pytest.raises(FileAccessError, match="no comparison here"):
        compare((x, y), out=tmp_path / "other", resume=True, verbose=0)
    result = next((tmp_path / "run" / "fits").iterdir())
    result.write_text('{"result": {}}')
    with pytest.raises(FileFormatError, match="remove this file"):
        compare((x, y), out=tmp_path / "run", resume=True, verbose=0)


def test_progress_counts_every_fit_once_and_forecasts_to_zero(capsys):
    forecasts = []

    class Listening(Bar):
        def advance(self, remaining, *, repeated=False):
            forecasts.append(remaining)
            super().advance(remaining, repeated=repeated)

    from omomi.comparison.plan import Options
    from omomi.comparison.run import compare_in

    options = Options(learners=("knn", "tree"), folds=2, inner_folds=2)
    with Listening() as progress:
        compare_in("iris", options, folder=None, resume=False, jobs=1, budget=None, progress=progress)
    assert len(forecasts) == 2 * (2 * 8 + 1) + 2 * (2 * 6 + 1)
    assert forecasts[-1] == 0
    assert min(forecasts[:-1]) > 0
    assert "60 of 60 fits" in capsys.readouterr().err
    assert [duration(s) for s in (8.2, 200, 9000)] == ["8 s", "3 min", "2.5 h"]
