"""The folder of a run: how it is named, what lies in it, and how it is opened again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from omomi.cli.digit_image import Frame
from omomi.datasets import Dataset, load
from omomi.errors import FileAccessError, FileFormatError
from omomi.files import check_writable, read_json
from omomi.models.loading import load_model
from omomi.models.model import Model

RUNS = Path("runs")
MODEL, HISTORY, RECORD = "model.safetensors", "history.json", "environment.json"
LEDGER, LEDGER_PICTURE = "ledger.json", "ledger.png"
CHECKPOINTS = "checkpoints"
REPORT, COMPARISON = "report.html", "comparison.html"
CONTENTS = {
    "accuracy.png": "accuracy per epoch",
    "loss.png": "loss per epoch",
    "samples.png": "samples of the training data",
    "errors.png": "wrong predictions with their probabilities",
    "confusion.png": "which classes are taken for which",
    "model.svg": "the network, drawn",
    "model.png": "the same as PNG",
    MODEL: "the trained network",
    HISTORY: "loss and accuracy of every epoch",
    RECORD: "versions, options, data, result",
    LEDGER: "the ledger: deltas, gradients and updates of the watched steps",
    LEDGER_PICTURE: "the deltas, drawn",
    REPORT: "all of it as one page",
    CHECKPOINTS: "the state of training, from which --resume goes on",
}


def check_out(out: str | None, contents: Iterable[str] = CONTENTS) -> None:
    """Prove that a run can be written to ``out``, or to a new folder in ``runs``, before anything else is done.

    ``contents`` are the files by which a run is recognised that lies there already.

    Raises:
        FileAccessError: it cannot be written to, or holds a run already.
    """
    folder = Path(RUNS if out is None else out)
    new = not folder.exists()
    check_writable(folder)
    if new:
        folder.rmdir()  # made again when there is something to write
    elif out is not None and any((folder / name).exists() for name in contents):
        raise FileAccessError(
            "the folder holds a run already, and nothing is overwritten.",
            where=out,
            fix="choose another folder, or remove this one",
        )


def make_run_folder(out: str | None, data: str, model: str) -> Path:
    """A new folder for a run: ``out``, or one in ``runs`` named by time, data and model."""
    if out is not None:
        return check_writable(out)
    check_writable(RUNS)
    time = datetime.now().strftime("%Y%m%d-%H%M%S")
    stem = "-".join((time, plain(data), plain(model)))
    number = 1
    while True:
        folder = RUNS / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir()  # fails if another run made it in the same second
        except FileExistsError:
            number += 1
        else:
            return folder


def plain(name: str) -> str:
    """The last part of a path, without its ending and without characters that a folder's name should not have."""
    stem = Path(name).resolve().name.removesuffix(".py")
    return re.sub(r"[^\w.-]+", "_", stem).strip("._-") or "data"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was trained before.

    Args:
        folder: where it lies.
        record: what its ``environment.json`` says.
        model: the network, compiled as it was trained.
    """

    folder: Path
    record: Mapping[str, Any]
    model: Model

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.record["data"]["classes"])

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return tuple(self.record["data"]["shape"])

    @property
    def frame(self) -> Frame | None:
        """How a digit lies in the images that the network was trained on."""
        given = self.record["data"]["frame"]
        return None if given is None else Frame.from_plain(given)

    def data(self) -> Dataset:
        """The data set that the run was trained with."""
        found = self.record["data"]
        return load(Path(found["folder"]) if found["folder"] else found["name"])


def record_of(path: str) -> tuple[Path, dict[str, Any]]:
    """The folder of a run that was begun (or of a file in it), and what its record says.

    Raises:
        FileAccessError: there is no run.
        FileFormatError: the record is damaged.
    """
    folder = Path(path)
    if folder.is_file():
        folder = folder.parent
    if not (folder / RECORD).is_file():
        raise FileAccessError(
            "there is no run here.",
            where=path,
            expected=f"a folder with {MODEL} and {RECORD}, as `omomi train` makes it",
            fix=nearest_run(),
        )
    record = read_json(folder / RECORD)
    if not isinstance(record, dict):
        raise FileFormatError("the file does not describe a run.", where=os.fspath(folder / RECORD))
    return folder, record


def open_run(path: str, custom_objects: Mapping[str, Any] | None = None) -> Run:
    """Read a run from its folder (or from the path of a file in it).

    Raises:
        FileAccessError: there is no run.
        FileFormatError: a file of it is damaged.
    """
    folder, record = record_of(path)
    if record.get("status") == "training" and not (folder / MODEL).exists():
        raise FileAccessError(
            "this run was left while it was training, and has no model yet.",
            where=path,
            fix=f"go on with it: omomi train --resume {folder}",
        )
    try:
        run = Run(folder, record, load_model(folder / MODEL, custom_objects))
        _ = run.classes, run.shape, run.frame, record["data"]["name"], record["data"]["folder"]
    except (KeyError, TypeError) as error:
        raise FileFormatError(
            "the file does not describe a run.",
            where=os.fspath(folder / RECORD),
            received=f"no entry {error}" if isinstance(error, KeyError) else str(error),
        ) from error
    return run


def nearest_run() -> str:
    """A hint: the latest run in ``runs``."""
    try:
        runs = [folder for folder in RUNS.iterdir() if (folder / RECORD).is_file()]
        latest = max(runs, key=lambda folder: (folder / RECORD).stat().st_mtime, default=None)
    except OSError:
        latest = None
    return f"the latest run is {latest}" if latest else "train one first: omomi train"
