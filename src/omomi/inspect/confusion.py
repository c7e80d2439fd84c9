"""The confusion matrix: which classes are taken for which."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from omomi.errors import DataError, ShapeError
from omomi.inspect.canvas import (
    BLUE,
    HEADING,
    MARGIN,
    MUTED,
    PAGE,
    PAPER,
    SHADE,
    SMALL,
    VERMILION,
    Sheet,
    blend,
    fit,
    style,
    widest,
)
from omomi.inspect.picture_data import check_names, class_indices, class_name, same_length

__all__ = ["count_confusions", "plot_confusion"]

_NUMBERED = 20  # classes; with more of them, shades alone are readable


def count_confusions(labels: Any, predictions: Any, classes: int | None = None) -> np.ndarray:
    """How often class i (row) was read as class j (column). Predictions are class numbers or probabilities."""
    truth, predicted = class_indices(labels), class_indices(predictions, where="predictions")
    same_length(labels=truth, predictions=predicted)
    seen = int(max(truth.max(initial=-1), predicted.max(initial=-1))) + 1
    width = np.shape(predictions)[1] if np.ndim(predictions) == 2 and np.shape(predictions)[1] > 1 else seen
    count = max(seen, width) if classes is None else classes
    if count < seen:
        raise DataError("a class number is too large.", where="labels", expected=f"below {count}", received=seen - 1)
    matrix = np.zeros((count, count), dtype=np.int64)
    np.add.at(matrix, (truth, predicted), 1)
    return matrix


@style()
def plot_confusion(
    matrix: Any,
    path: str | os.PathLike[str],
    class_names: Sequence[str] | None = None,
    *,
    title: str = "Confusion matrix",
) -> Path:
    """Draw a confusion matrix: rows are true classes, columns predicted ones.

    Errors are shaded by their number; the diagonal has a pale shade of its own, so that it does not drown them.

    Args:
        matrix: counts (classes, classes), as ``count_confusions`` gives them.
        path: the file to write, .png or .svg.
        class_names: one name per class; without them, classes are shown as numbers.
        title: written above.
    """
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.size == 0:
        raise ShapeError(
            "a confusion matrix is square.", where="matrix", expected="(classes, classes)", received=counts.shape
        )
    if counts.dtype.kind not in "biuf" or not np.all(np.isfinite(counts) & (counts >= 0)):
        raise DataError("a confusion matrix holds counts.", where="matrix", received=counts.dtype)
    check_names(class_names, len(counts))
    n, total = len(counts), counts.sum()
    right = np.trace(counts)
    numbered = n <= _NUMBERED

    width = PAGE if n <= 12 else 1.3 * PAGE
    names = [fit(class_name(i, class_names), 84, SMALL) for i in range(n)]
    longest = widest(names, SMALL)
    recall_width = 44.0 if numbered else 0.0
    left = MARGIN + 18 + longest + 6
    side = min(width - left - MARGIN - recall_width, max(46.0 * n, 120.0))
    cell = side / n
    every = max(1, math.ceil(13 / cell))  # a name needs 13 points of height
    upright = longest > every * cell - 3
    label_height = longest if upright else 8.0
    top = HEADING + 20 + label_height
    page = Sheet(width, top + side + 16, title)
    share = f", {100 * right / total:.2f} %" if total else ""
    page.heading(title, f"{right:.10g} of {total:.10g} right{share}; {total - right:.10g} errors")

    page.image(_shades(counts), left, top, side)
    if numbered:
        for i in range(1, n):
            page.box(left + i * cell - 0.6, top, 1.2, side, facecolor=PAPER, edgecolor="none")
            page.box(left, top + i * cell - 0.6, side, 1.2, facecolor=PAPER, edgecolor="none")
    page.text(left, top - label_height - 12, "predicted →", size=SMALL, color=MUTED)
    page.text(MARGIN + 4, top, "true →", size=SMALL, color=MUTED, rotation=-90, va="top", ha="center")
    for i in range(0, n, every):
        middle = (i + 0.5) * cell
        page.text(left - 6, top + middle + 3.4, names[i], size=SMALL, ha="right")
        turned: dict[str, Any] = {"rotation": 90, "va": "bottom"} if upright else {}
        page.text(left + middle, top - 5, names[i], size=SMALL, ha="center", **turned)
    if numbered:
        _write_counts(page, counts, left, top, cell)
    return page.save(path)


def _shades(counts: np.ndarray) -> np.ndarray:
    """Colours (classes, classes, 3): errors from paper to vermilion by number, the diagonal pale blue by recall."""
    n = len(counts)
    errors = counts * (1.0 - np.eye(n))
    colours = blend(SHADE, VERMILION, 0.85 * np.sqrt(errors / max(errors.max(), 1)))  # a root shows single errors
    recall = np.diag(counts) / np.maximum(counts.sum(axis=1), 1)
    colours[np.arange(n), np.arange(n)] = blend(SHADE, BLUE, 0.28 * recall)
    return colours


def _write_counts(page: Sheet, counts: np.ndarray, left: float, top: float, cell: float) -> None:
    n = len(counts)
    diagonal = np.eye(n, dtype=bool)
    sizes = {True: _type_size(counts[diagonal], cell), False: _type_size(counts[~diagonal], cell)}
    for i in range(n):
        baseline = top + (i + 0.5) * cell
        for j in range(n):
            size = sizes[i == j]
            if counts[i, j]:
                page.text(
                    left + (j + 0.5) * cell,
                    baseline + 0.36 * size,
                    _count(counts[i, j]),
                    size=size,
                    ha="center",
                    weight="bold" if i == j else "normal",
                )
        total = counts[i].sum()
        share = f"{100 * counts[i, i] / total:.1f} %" if total else "–"
        page.text(left + n * cell + 44, baseline + 3.4, share, size=SMALL, ha="right", color=MUTED)
    page.text(left + n * cell + 44, top - 5, "recall", size=SMALL, ha="right", color=MUTED)


def _type_size(counts: np.ndarray, cell: float) -> float:
    """The largest type, up to 12 points, in which every count fits its cell."""
    room = (cell - 2.5) / widest([_count(value) for value in counts], 1.0, weight="bold") if counts.size else 12.0
    return min(12.0, 0.45 * cell, room)


def _count(value: float) -> str:
    return f"{value:.6g}" if value < 100_000 else f"{value / 1000:.0f}k"
