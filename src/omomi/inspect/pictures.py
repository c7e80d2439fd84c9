"""Pictures of a training run: curves, samples, wrong predictions."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from omomi.errors import DataError, UnknownNameError
from omomi.inspect.canvas import (
    BLUE,
    BODY,
    FAINT,
    HEADING,
    MARGIN,
    MUTED,
    PAGE,
    SHADE,
    SMALL,
    TINY,
    VERMILION,
    Sheet,
    fit,
    round_ticks,
    style,
    widest,
)
from omomi.inspect.picture_data import (
    check_names,
    class_indices,
    class_name,
    grey_levels,
    image_stack,
    probability_rows,
    same_length,
)

__all__ = ["plot_errors", "plot_history", "plot_samples"]

FilePath = str | os.PathLike[str]

# Curves ------------------------------------------------------------------------------------------------------------

_LARGER_IS_BETTER = ("accuracy", "auc", "precision", "recall", "f1", "r2", "top_k")


@style()
def plot_history(history: Mapping[str, Sequence[float]], metric: str, path: FilePath) -> Path:
    """Draw a metric per epoch, in training and in validation, with the best epoch marked.

    Args:
        history: Keras's dictionary: a list per metric, one number per epoch; ``val_`` before a name is validation.
        metric: "loss", "accuracy" or another key of ``history``.
        path: the file to write, .png or .svg.
    """
    curves = _curves(history, metric)
    percent = "accuracy" in metric and all(np.all((v >= 0) & (v <= 1) | ~np.isfinite(v)) for v in curves.values())
    values = list(curves.values())[-1]  # validation where there is one
    best = _best_epoch(values, larger=any(word in metric for word in _LARGER_IS_BETTER))
    epochs = max(len(values) for values in curves.values())

    page = Sheet(PAGE, 290, f"{metric} per epoch")
    facts = [f"{name} {_number(values[-1], percent)}" for name, values in curves.items()]
    if best is not None:
        facts.append(f"best {_number(values[best], percent)}, epoch {best + 1}")
    page.heading(metric.replace("_", " ").capitalize(), " · ".join(facts))

    axes = page.panel(56, HEADING + 4, PAGE - 56 - 86, 290 - HEADING - 4 - 44)
    _prepare_axes(axes, curves, epochs, percent)
    ends: list[tuple[str, float, str]] = []
    for (name, values), colour in zip(curves.items(), (BLUE, VERMILION), strict=False):
        at = np.arange(1, len(values) + 1)
        finite = np.isfinite(values)
        dots = 3.5 if epochs <= 30 else 0
        axes.plot(at, np.where(finite, values, np.nan), "o-", color=colour, lw=2, ms=dots, clip_on=False)
        lonely = finite & ~np.roll(np.pad(finite, 1), 1)[1:-1] & ~np.roll(np.pad(finite, 1), -1)[1:-1]
        axes.plot(at[lonely], values[lonely], "o", color=colour, ms=5, clip_on=False)  # no neighbour, so no line
        floor = np.zeros(np.count_nonzero(~finite))
        axes.plot(at[~finite], floor, "x", color=colour, ms=6, clip_on=False, transform=axes.get_xaxis_transform())
        if finite.any():
            ends.append((name, float(values[finite][-1]), colour))
    if best is not None and epochs > 1:
        colour = ends[-1][2]
        axes.plot(best + 1, values[best], "o", ms=9, mfc="none", mec=colour, mew=1.6, clip_on=False)
    _label_ends(page, axes, ends)
    if any(not np.isfinite(values).all() for values in curves.values()):
        page.text(PAGE - 86, 290 - 14, "× not finite", size=SMALL, color=MUTED, ha="right")
    return page.save(path)


def _curves(history: Mapping[str, Sequence[float]], metric: str) -> dict[str, np.ndarray]:
    if metric not in history:
        raise UnknownNameError("metric in this history", metric, history)
    keys = {"training": metric, "validation": f"val_{metric}"}
    curves = {name: np.asarray(history[key], dtype=np.float64) for name, key in keys.items() if key in history}
    curves = {name: values for name, values in curves.items() if values.size}
    if not curves or any(values.ndim != 1 for values in curves.values()):
        raise DataError(
            "there is no curve to draw.",
            where=f"history[{metric!r}]",
            expected="one number per epoch",
            received=f"{np.size(history[metric])} epochs",
        )
    return curves


def _best_epoch(values: np.ndarray, *, larger: bool) -> int | None:
    if not np.isfinite(values).any():
        return None
    worst = -np.inf if larger else np.inf
    known = np.where(np.isfinite(values), values, worst)
    return int(np.argmax(known) if larger else np.argmin(known))


def _number(value: float, percent: bool) -> str:
    if not np.isfinite(value):
        return "not finite"
    return f"{100 * value:.2f} %" if percent else f"{value:.4g}"


def _prepare_axes(axes: Any, curves: Mapping[str, np.ndarray], epochs: int, percent: bool) -> None:
    axes.grid(axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks(_epoch_ticks(epochs))
    axes.set_xlim((1, epochs) if epochs > 1 else (0.5, 1.5))
    axes.set_xlabel("epoch", fontsize=SMALL)
    known = np.concatenate([values[np.isfinite(values)] for values in curves.values()])
    if known.size == 0:
        axes.set_ylim(0, 1)
        return
    if known.min() > 0 and known.max() > 1000 * known.min():  # a run that nearly diverged
        axes.set_yscale("log")
        lowest, highest = (math.floor(math.log10(value)) for value in (known.min(), known.max()))
        decades = range(lowest, highest + 1, 1 + (highest - lowest) // 7)
        axes.set_yticks([10.0**k for k in decades], labels=[f"{10.0**k:g}" for k in decades])
        axes.minorticks_off()
        axes.set_ylim(known.min() / 1.5, known.max() * 1.5)
        return
    pad = 0.06 * (known.max() - known.min()) or 0.05 * abs(known.max()) or 0.5
    low, high = known.min() - pad, known.max() + pad
    low, high = max(low, 0) if known.min() >= 0 else low, min(high, 1) if percent else high
    if percent:
        ticks, labels = round_ticks(100 * low, 100 * high)
        axes.set_yticks([tick / 100 for tick in ticks], labels=[f"{label} %" for label in labels])
    else:
        ticks, labels = round_ticks(low, high)
        axes.set_yticks(ticks, labels=labels)
    axes.set_ylim(low, high)


def _epoch_ticks(epochs: int) -> list[int]:
    """Every epoch of a short run; of a longer one the first and about five round numbers."""
    if epochs <= 10:
        return list(range(1, epochs + 1))
    step = next(n * 10**k for k in range(20) for n in (5, 10, 20) if n * 10**k * 6 >= epochs)
    return [1, *range(step, epochs + 1, step)]


def _label_ends(page: Sheet, axes: Any, ends: list[tuple[str, float, str]]) -> None:
    """Write each curve's name beside its last point, a line apart where the points lie closer."""
    line = 13.0
    box = axes.get_position()
    heights = [
        page.height * (1 - box.y0 - box.height * float(axes.transAxes.inverted().transform(point)[1]))
        for point in (axes.transData.transform((1, value)) for _, value, _ in ends)
    ]
    if len(heights) == 2 and abs(heights[0] - heights[1]) < line:
        middle, upper = sum(heights) / 2, int(heights[1] < heights[0])
        heights[upper], heights[1 - upper] = middle - line / 2, middle + line / 2
    for (name, _, colour), top in zip(ends, heights, strict=True):
        page.text(page.width * box.x1 + 9, top + 3.5, name, size=BODY, color=colour, weight="bold")


# Samples -----------------------------------------------------------------------------------------------------------


@style()
def plot_samples(
    images: Any, labels: Any, path: FilePath, class_names: Sequence[str] | None = None, *, limit: int = 30
) -> Path:
    """Draw the first ``limit`` images with their labels below.

    Args:
        images: (N, H, W), (N, H, W, 1) or (N, H, W, 3), of any numeric dtype and range.
        labels: class numbers (N,) or (N, 1), or one-hot rows.
        path: the file to write, .png or .svg.
        class_names: one name per class; without them, labels are shown as numbers.
    """
    stack, classes = image_stack(images), class_indices(labels)
    same_length(images=stack, labels=classes)
    check_names(class_names, int(classes.max()) + 1)
    shown = grey_levels(stack[:limit])

    columns, gap, caption = min(6, len(shown)), 8.0, 19.0
    cell = min((PAGE - 2 * MARGIN - (columns - 1) * gap) / columns, 120.0)
    rows = -(-len(shown) // columns)
    page = Sheet(PAGE, HEADING + rows * (cell + caption) + 12, "Samples with their labels")
    count = f"the first {len(shown)} of {len(stack)}" if len(shown) < len(stack) else str(len(stack))
    kind = "colour" if stack.ndim == 4 else "grey"
    page.heading("Samples", f"{count} images, {stack.shape[1]} × {stack.shape[2]} pixels, {kind}")
    for i, (image, label) in enumerate(zip(shown, classes[:limit], strict=True)):
        left, top = MARGIN + i % columns * (cell + gap), HEADING + i // columns * (cell + caption)
        page.image(image, left, top, cell)
        text = fit(class_name(label, class_names), cell + gap - 2, BODY)
        page.text(left + cell / 2, top + cell + 12, text, ha="center")
    return page.save(path)


# Wrong predictions -------------------------------------------------------------------------------------------------


@style()
def plot_errors(
    images: Any,
    labels: Any,
    probabilities: Any,
    path: FilePath,
    class_names: Sequence[str] | None = None,
    *,
    limit: int = 20,
) -> Path:
    """Draw the wrong predictions, worst first, with the probabilities of the likeliest classes and the true one.

    The worst error is the one that gives its true class the least probability, so the largest cross-entropy.
    Without any error the least certain right predictions are drawn.

    Args:
        images: (N, H, W), (N, H, W, 1) or (N, H, W, 3), of any numeric dtype and range.
        labels: class numbers (N,) or (N, 1), or one-hot rows.
        probabilities: (N, classes); or (N,), the probability of class 1 of two.
        path: the file to write, .png or .svg.
        class_names: one name per class; without them, classes are shown as numbers.
    """
    stack, truth, rows = image_stack(images), class_indices(labels), probability_rows(probabilities)
    same_length(images=stack, labels=truth, probabilities=rows)
    if truth.max() >= rows.shape[1]:
        raise DataError(
            "a label has no probability.",
            where="labels",
            expected=f"class numbers below {rows.shape[1]}",
            received=int(truth.max()),
        )
    check_names(class_names, rows.shape[1])
    predicted = rows.argmax(axis=1)
    of_truth = np.take_along_axis(rows, truth[:, None], axis=1)[:, 0]
    wrong = np.flatnonzero(predicted != truth)
    candidates = wrong if len(wrong) else np.arange(len(stack))
    chosen = candidates[np.lexsort((-rows.max(axis=1)[candidates], of_truth[candidates]))][:limit]

    gap, row_height = 16.0, 96.0
    cell = (PAGE - 2 * MARGIN - gap) / 2
    page = Sheet(PAGE, HEADING + 26 + -(-len(chosen) // 2) * row_height, "Wrong predictions")
    total = len(stack)
    if len(wrong):
        which = "all shown, worst first" if len(chosen) == len(wrong) else f"the {len(chosen)} worst, worst first"
        page.heading(f"{len(wrong)} of {total} wrong", f"{_percentage(len(wrong) / total)} errors; {which}")
    else:
        page.heading("No errors", f"all {total} predictions are right; the least certain ones are shown")
    kinds = [("true class", BLUE), ("predicted wrongly", VERMILION), ("other", FAINT)]
    page.key(kinds if len(wrong) else kinds[::2], HEADING + 6)
    levels = grey_levels(stack[chosen])
    listed = [_listed(rows[index], int(truth[index])) for index in chosen]
    names = {c: fit(class_name(c, class_names), 58, SMALL) for c in {c for order in listed for c in order}}
    indent = widest(list(names.values()), SMALL) + 5
    for i, (index, image) in enumerate(zip(chosen, levels, strict=True)):
        left, top = MARGIN + i % 2 * (cell + gap), HEADING + 26 + i // 2 * row_height
        caption = class_name(truth[index], class_names)
        if len(wrong):
            caption += f", read as {class_name(predicted[index], class_names)}"
        page.text(left, top + 8, fit(caption, cell, BODY, weight="bold"), weight="bold")
        page.image(image, left, top + 16, 62)
        lines = [(names[c], float(rows[index, c]), _colour(c, truth[index], predicted[index])) for c in listed[i]]
        _bars(page, lines, left + 70, top + 16, cell - 70, indent)
    return page.save(path)


def _listed(row: np.ndarray, truth: int) -> list[int]:
    """The three likeliest classes, and the true one if it is not among them."""
    order = [int(c) for c in np.argsort(-row, kind="stable")[:3]]
    return order if truth in order else [*order, truth]


def _colour(index: int, truth: int, predicted: int) -> str:
    return BLUE if index == truth else VERMILION if index == predicted else FAINT


def _bars(
    page: Sheet, lines: list[tuple[str, float, str]], left: float, top: float, width: float, indent: float
) -> None:
    """Lines of class name, probability as a bar, and as a percentage."""
    height, numbers = 15.5, 30.0
    start, room = left + indent, width - indent - numbers
    for i, (name, probability, colour) in enumerate(lines):
        middle = top + (i + 0.5) * height
        page.box(start, middle - 4.3, room, 8.6, facecolor=SHADE, edgecolor="none")
        bar = min(max(probability, 0.012), 1) * room
        page.box(start, middle - 4.3, bar, 8.6, facecolor=colour, edgecolor="none")
        page.text(start - 5, middle + 3.4, name, size=SMALL, ha="right")
        page.text(left + width, middle + 3.4, _percentage(probability), size=TINY, ha="right", color=MUTED)


def _percentage(p: float) -> str:
    if p >= 0.0995:
        return f"{100 * p:.0f} %"
    return f"{100 * p:.1f} %" if p >= 0.0005 else "<.1 %"
