"""Pictures of scores: each learner's folds, and curves."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from omomi.comparison.curves import Curve
from omomi.comparison.names import LEARNERS, Metric
from omomi.comparison.result import Comparison, number, setting
from omomi.inspect.canvas import (
    BLUE,
    BODY,
    FAINT,
    HEADING,
    INK,
    MARGIN,
    MUTED,
    PAGE,
    SMALL,
    TINY,
    VERMILION,
    Sheet,
    fit,
    round_ticks,
    style,
    widest,
    width_of,
)

FilePath = str | os.PathLike[str]

LINE = 26.0  # from a learner to the next
PANEL = 104.0  # the height of one of several small panels
PITCH = PANEL + 56


@style()
def plot_scores(comparison: Comparison, path: FilePath) -> Path:
    """Draw each learner's score in every outer fold, their mean and one standard deviation to both sides.

    Args:
        comparison: what is drawn, best first.
        path: the file to write, .png or .svg.
    """
    metric, outcomes = comparison.metric, comparison.outcomes
    names = [one.words for one in outcomes]
    left = MARGIN + widest(names, BODY) + 12
    right = 58.0
    page = Sheet(PAGE, HEADING + LINE * len(names) + 52, "Scores")
    folds = len(comparison.best.scores)
    facts = f"{folds} folds, their mean and standard deviation" if folds > 1 else "on one test set"
    page.heading(f"{metric.words[:1].upper()}{metric.words[1:]}", f"{comparison.data}, {comparison.protocol}: {facts}")
    axes = page.panel(left, HEADING, PAGE - left - right, LINE * len(names))
    values = [[metric.shown(score) for score in one.scores] for one in outcomes]
    for row, (one, scores) in enumerate(zip(outcomes, values, strict=True)):
        colour = VERMILION if row == 0 else BLUE
        mean = metric.shown(one.mean)
        axes.axhline(row, color=FAINT, lw=0.5)
        if not math.isnan(one.deviation):
            axes.plot([mean - one.deviation, mean + one.deviation], [row, row], color=colour, lw=5, alpha=0.3)
        if folds > 1:
            axes.plot(scores, [row] * folds, "o", ms=4, mfc="none", mec=colour, mew=1)
        axes.plot([mean], [row], "|" if folds > 1 else "o", color=colour, ms=14 if folds > 1 else 6, mew=2.4)
        top = HEADING + LINE * (row + 0.5) + 3.5
        page.text(left - 8, top, one.words, ha="right", weight="bold" if row == 0 else "normal")
        page.text(PAGE - MARGIN, top, number(mean), ha="right", color=colour if row == 0 else MUTED, size=SMALL)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    flat = [v for scores in values for v in scores]
    spread = [
        metric.shown(one.mean) + sign * one.deviation
        for one in outcomes
        for sign in (-1, 1)
        if not math.isnan(one.deviation)
    ]
    limits(axes, "x", [*flat, *spread])
    better = "smaller is better" if metric.loss else "larger is better"
    page.text(PAGE - right, HEADING + LINE * len(names) + 38, better, size=SMALL, color=MUTED, ha="right")
    return page.save(path)


def limits(axes: Any, which: str, values: Sequence[float], count: int = 6) -> None:
    """Let an axis span these values, with round ticks."""
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    pad = 0.05 * (max(known) - min(known)) or 0.02 * abs(max(known)) or 0.5
    low, high = min(known) - pad, max(known) + pad
    ticks, labels = round_ticks(low, high, count)
    getattr(axes, f"set_{which}ticks")(ticks, labels=labels)
    getattr(axes, f"set_{which}lim")(low, high)


def panels(
    page: Sheet, names: Sequence[str], top: float, pitch: float, height: float, *, remarks: Sequence[str] = ()
) -> Iterator[tuple[int, Any]]:
    """Small panels in two columns, each under its name and a short remark; yields their numbers and axes."""
    gap, indent = 22.0, 34.0
    width = (PAGE - 2 * MARGIN - gap - 2 * indent) / 2
    for i, name in enumerate(names):
        left = MARGIN + indent + i % 2 * (width + gap + indent)
        above = top + i // 2 * pitch
        remark = remarks[i] if remarks else ""
        page.text(left + width, above, remark, size=SMALL, color=MUTED, ha="right")
        page.text(
            left, above, fit(name, width - width_of(remark, SMALL), SMALL, weight="bold"), size=SMALL, weight="bold"
        )
        axes = page.panel(left, above + 8, width, height)
        axes.tick_params(labelsize=TINY, length=2.5, pad=2)
        yield i, axes


@style()
def plot_learning_curves(curves: Mapping[str, Curve], metric: Metric, path: FilePath) -> Path:
    """Draw for each learner the score by the number of rows learned from, on those rows and on the test rows."""
    page, top = sheet_of_curves(curves, "What more rows bring", f"{metric.words} by the number of training rows")
    span = all_values(curves, metric)
    for i, axes in panels(page, [LEARNERS[name] for name in curves], top, PITCH, PANEL):
        curve = list(curves.values())[i]
        draw_curve(axes, np.array(curve.places, dtype=float), curve, metric)
        axes.set_xlim(0, max(curve.places) * 1.03)
        axes.set_xticks(*round_ticks(0, max(curve.places) * 1.03, 4))
        limits(axes, "y", span, 5)
    return page.save(path)


@style()
def plot_validation_curves(curves: Mapping[str, Curve], metric: Metric, path: FilePath) -> Path:
    """Draw for each learner the score by the setting that holds it back; a line marks the usual value."""
    page, top = sheet_of_curves(curves, "What holding back brings", f"{metric.words} by the setting named")
    span = all_values(curves, metric)
    for i, axes in panels(page, [LEARNERS[name] for name in curves], top, PITCH, PANEL):
        curve = list(curves.values())[i]
        draw_curve(axes, np.arange(len(curve.places), dtype=float), curve, metric)
        every = -(-len(curve.places) // 5)
        axes.set_xticks(
            range(0, len(curve.places), every), labels=[setting(float_or(v)) for v in curve.places[::every]]
        )
        axes.set_xlim(-0.3, len(curve.places) - 0.7)
        axes.set_xlabel(curve.setting.removeprefix("regressor__").replace("_", " "), fontsize=SMALL, labelpad=2)
        if curve.chosen in curve.places:
            axes.axvline(curve.places.index(curve.chosen), color=INK, lw=0.9, ls=(0, (3, 2)))
        limits(axes, "y", span, 5)
    return page.save(path)


def float_or(value: Any) -> Any:
    """A number as a float, so that 0.001 and 1000.0 are written alike."""
    return float(value) if isinstance(value, int | float) else value


def sheet_of_curves(curves: Mapping[str, Curve], title: str, words: str) -> tuple[Sheet, float]:
    """A page for small panels, with its heading and its key."""
    rows = -(-len(curves) // 2)
    page = Sheet(PAGE, HEADING + 26 + rows * PITCH - 4, title)
    page.heading(title, words)
    page.key([("rows not learned from", VERMILION), ("rows learned from", BLUE)], HEADING)
    return page, HEADING + 26


def draw_curve(axes: Any, places: np.ndarray, curve: Curve, metric: Metric) -> None:
    """Means over folds as lines, one standard deviation as a band."""
    for values, colour in ((curve.training, BLUE), (curve.test, VERMILION)):
        shown = -values if metric.loss else values
        known = np.isfinite(shown).all(axis=1)
        if not known.any():
            continue
        mean, deviation = shown[known].mean(axis=1), shown[known].std(axis=1)
        axes.fill_between(places[known], mean - deviation, mean + deviation, color=colour, alpha=0.15, lw=0)
        axes.plot(places[known], mean, "o-", color=colour, lw=1.6, ms=3)


def all_values(curves: Mapping[str, Curve], metric: Metric) -> list[float]:
    """The values that every panel's axis spans: those of the middle 98 %, so that one bad fit does not flatten all."""
    both = np.concatenate([np.concatenate([c.test.ravel(), c.training.ravel()]) for c in curves.values()])
    known = both[np.isfinite(both)]
    if not known.size:
        return []
    shown = -known if metric.loss else known
    return [float(v) for v in np.percentile(shown, [2, 100] if not metric.loss else [0, 98])]
