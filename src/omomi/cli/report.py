"""What a run leaves behind beside its model: pictures and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from omomi.cli.judge import Verdict
from omomi.cli.run_folder import LEDGER_PICTURE
from omomi.datasets import Dataset
from omomi.files import sha256_of
from omomi.inspect.confusion import count_confusions, plot_confusion
from omomi.inspect.draw import draw_model
from omomi.inspect.ledger_pictures import plot_ledger
from omomi.inspect.pictures import plot_errors, plot_history, plot_samples
from omomi.models.model import Model
from omomi.training.ledger import Ledger


def draw_network(folder: Path, model: Model) -> None:
    """``model.svg`` and ``model.png``."""
    for name in ("model.svg", "model.png"):
        draw_model(model, folder / name)


def draw_curves(folder: Path, history: Mapping[str, Sequence[float]]) -> None:
    """``accuracy.png`` and ``loss.png``."""
    for metric in ("accuracy", "loss"):
        plot_history(history, metric, folder / f"{metric}.png")


def draw_ledger(folder: Path, ledger: Ledger | None) -> None:
    """The deltas as a picture, if there is a ledger."""
    if ledger is not None:
        plot_ledger(ledger, folder / LEDGER_PICTURE)


def draw_data(folder: Path, data: Dataset, verdict: Verdict) -> None:
    """``confusion.png``; for images also ``samples.png`` and ``errors.png``."""
    names = data.classes
    plot_confusion(count_confusions(verdict.labels, verdict.probabilities, len(names)), folder / "confusion.png", names)
    if is_images(data):
        images, labels = data.train
        plot_samples(images, labels.astype(np.int64), folder / "samples.png", names)
        plot_errors(data.test[0], verdict.labels, verdict.probabilities, folder / "errors.png", names)


def is_images(data: Dataset) -> bool:
    """Whether a sample is an image, (H, W) or (H, W, 3)."""
    return len(data.shape) in (2, 3)


def in_words(data: Dataset, verdict: Verdict) -> list[tuple[str, str, str]]:
    """Test accuracy and loss, as rows of a table."""
    count, errors = len(verdict.labels), verdict.errors
    wrong = f"{errors:,} of {count:,} wrong"
    return [
        ("test accuracy", f"{100 * verdict.accuracy:.2f} %", f"{data.name}, {wrong}"),
        ("test loss", f"{verdict.loss:.4f}", ""),
    ]


def fingerprint(samples: tuple[np.ndarray, np.ndarray]) -> str:
    """SHA-256 of inputs and labels: whether a run is judged by the samples that it was judged by before."""
    return sha256_of(b"".join(np.ascontiguousarray(array).tobytes() for array in samples))
