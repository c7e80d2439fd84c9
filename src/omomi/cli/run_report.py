"""What a run's folder holds, brought together for ``report.html`` and for pages that compare runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from omomi.cli.judge import targets_for
from omomi.cli.report import fingerprint
from omomi.cli.run_folder import HISTORY, LEDGER, REPORT, Run
from omomi.datasets import Dataset
from omomi.errors import DataError, FileFormatError, OmomiError
from omomi.files import read_json
from omomi.inspect.comparison import ComparedRun
from omomi.inspect.diagnosis import Diagnosis, diagnose
from omomi.inspect.model_check import GradientReport, check_gradients
from omomi.inspect.report import Samples, write_report
from omomi.inspect.tracing import trace
from omomi.training.history import History
from omomi.training.ledger import Ledger

CHECKED = 2  # samples of the gradient check: each is one more chance of a kink, and the derivative is the same


def report(run: Run, out: str | None = None) -> tuple[Path, list[str]]:
    """Write the report of a run, and return its path with remarks about what could not be shown.

    Raises:
        FileFormatError: the history or the ledger is damaged.
        FileAccessError: the file cannot be written.
    """
    curves, ledger = curves_of(run.folder), ledger_of(run.folder)
    notes = (
        [f"This run was {status}: what is shown is the state that was kept."] if (status := ended_early(run)) else []
    )
    test = gradients = diagnosis = graph = None
    try:
        data = run.data()
        if data.shape != run.shape or len(data.classes) != len(run.classes):
            raise DataError("the data is not what the run was trained with.", where=data.name)
        if fingerprint(data.test) != run.record["data"].get("test_sha256"):
            notes.append("The test data is not what it was when the run was trained.")
        test = Samples(data.test[0], data.test[1].astype(np.int64), data.classes)
        gradients = checked(run, data)
        diagnosis = diagnosed(run, data, curves, ledger)
        graph = traced(run, data)
    except OmomiError as error:
        notes.append(f"Without the data: {error.problem}")
    page = write_report(
        out or run.folder / REPORT,
        run.model,
        history=curves,
        ledger=ledger,
        test=test,
        diagnosis=diagnosis,
        gradients=gradients,
        graph=graph,
        record=run.record,
        notes=notes,
    )
    return page, notes


def checked(run: Run, data: Dataset | None = None) -> GradientReport:
    """The gradient check of a run's network, with its loss, on a few samples of its test data."""
    x, y = (samples[:CHECKED] for samples in (data or run.data()).test)
    return check_gradients(run.model, np.asarray(x), targets_for(run.model, np.asarray(y), len(run.classes)))


def diagnosed(run: Run, data: Dataset, curves: dict[str, list[float]], ledger: Ledger | None) -> Diagnosis:
    """What can be said of the run's training: by its curves, its ledger, and a look at some training samples."""
    history = History()
    history.history, history.ledger = curves, ledger
    history.epoch = list(range(max(map(len, curves.values()), default=0)))
    x, y = data.train
    return diagnose(run.model, history, data=(x, targets_for(run.model, y, len(run.classes))))


def traced(run: Run, data: Dataset) -> str:
    """The computational graph of one step on a few training samples, as SVG."""
    x, y = (np.asarray(samples[:CHECKED]) for samples in data.train)
    return trace(run.model, x, targets_for(run.model, y, len(run.classes))).to_svg()


def compared(run: Run) -> ComparedRun:
    """A run as a page of several runs shows it."""
    return ComparedRun(run.folder.resolve().name, run.record, curves_of(run.folder), run.model.count_params())


def ended_early(run: Run) -> str:
    """ "interrupted" or "failed", if training did not come to its end; "left while training" if nobody said so."""
    status = str(run.record.get("status", "trained"))
    return {"trained": "", "training": "left while training"}.get(status, status)


def curves_of(folder: Path) -> dict[str, list[float]]:
    """The learning curves of a run; empty if it has none.

    Raises:
        FileFormatError: the file is damaged.
    """
    path = folder / HISTORY
    if not path.is_file():
        return {}
    try:
        curves: Mapping[str, Any] = read_json(path)["history"]
        return {str(name): [float(v) for v in values] for name, values in curves.items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, OmomiError):
            raise
        raise FileFormatError(
            "the file holds no history.",
            where=os.fspath(path),
            expected="an entry history: a list of numbers for each metric",
            received=str(error),
        ) from error


def ledger_of(folder: Path) -> Ledger | None:
    """The ledger of a run, if one was recorded."""
    path = folder / LEDGER
    return Ledger.load(path) if path.is_file() else None
