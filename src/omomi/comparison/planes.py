"""Pictures of the data and of what linear models make of it: planes, regions, coefficients, variance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from omomi.comparison.exhibits import Paths, Projection, Regions
from omomi.comparison.names import LEARNERS, Metric
from omomi.comparison.pictures import FilePath, limits, panels
from omomi.comparison.result import Comparison, Outcome, number
from omomi.comparison.table import Table
from omomi.inspect.canvas import (
    BLUE,
    FAINT,
    HEADING,
    INK,
    MARGIN,
    MUTED,
    PAGE,
    PAPER,
    SERIES,
    SMALL,
    VERMILION,
    Sheet,
    blend,
    fit,
    round_ticks,
    style,
    width_of,
)
from omomi.inspect.regions import draw_regions, hue, window_of

SQUARE = 150.0  # the side of a panel that shows a plane
NAMED = 5  # coefficients that are named
KEYED = 12  # classes that a key names


@style()
def plot_projections(found: Mapping[str, Projection], table: Table, path: FilePath) -> Path:
    """Draw the test rows in the planes of PCA and LDA, in the colours of their classes (of a quantity: by its size)."""
    pitch = SQUARE + 70
    key = class_key(table) if table.classes else [[("small target", BLUE), ("large target", VERMILION)]]
    page = Sheet(PAGE, HEADING + 18 + len(key) * 15 + pitch - 16, "Projections")
    words = "directions of most variance" + (", and those that part the classes best" if "LDA" in found else "")
    page.heading("The data in a plane", f"test rows; {words}")
    for line, entries in enumerate(key):
        page.key(entries, HEADING + 2 + 15 * line)
    for i, axes in panels(page, list(found), HEADING + 16 + 15 * len(key), pitch, SQUARE):
        projection = list(found.values())[i]
        scatter(axes, projection, table)
        axes.set_xlabel(projection.axes[0], fontsize=SMALL, labelpad=3)
        axes.set_ylabel(projection.axes[1], fontsize=SMALL, labelpad=2)
        window = window_of(projection.points)
        axes.set(xlim=window[0], ylim=window[1])
        for which, limit in zip("xy", window, strict=True):
            ticks, labels = round_ticks(*limit, 5)
            getattr(axes, f"set_{which}ticks")(ticks, labels=labels)
        if not projection.axes[1]:
            axes.set_yticks([])
    return page.save(path)


def class_key(table: Table) -> list[list[tuple[str, str]]]:
    """The classes and their colours, in lines that fit the page; none for very many classes."""
    if len(table.classes) > KEYED:
        return []
    lines: list[list[tuple[str, str]]] = []
    room = 0.0
    for k, name in enumerate(table.classes):
        words = fit(name, 130, SMALL)
        width = 29 + width_of(words, SMALL)  # as Sheet.key sets them
        if width > room:
            lines.append([])
            room = PAGE - 2 * MARGIN
        lines[-1].append((words, hue(k)))
        room -= width
    return lines


def scatter(axes: Any, projection: Projection, table: Table) -> None:
    """Points in the colours of their classes; a class whose name is one character is drawn as that character."""
    if not table.classes:
        ranks = np.argsort(np.argsort(projection.y)) / max(len(projection.y) - 1, 1)
        axes.scatter(*projection.points.T, c=blend(BLUE, VERMILION, ranks), s=9, linewidths=0)
        return
    for k in np.unique(projection.y):
        points = projection.points[projection.y == k]
        name = table.classes[int(k)]
        if len(name) == 1 and name.isascii() and name.isalnum():
            axes.plot(points[:, 0], points[:, 1], ls="", marker=letter(name), color=hue(int(k)), ms=5, mew=0)
        else:
            axes.plot(points[:, 0], points[:, 1], "o", mfc=hue(int(k)), mec=PAPER, mew=0.4, ms=4)


def letter(name: str) -> Any:
    """A marker in the form of a character, centred on its point."""
    from matplotlib.path import Path as Outline
    from matplotlib.textpath import TextPath

    shape = TextPath((0, 0), name, size=1)
    return Outline(shape.vertices - shape.get_extents().get_points().mean(axis=0), shape.codes)


@style()
def plot_all_regions(regions: Regions, path: FilePath) -> Path:
    """Draw which class each learner gives to each point of a plane, with the test rows; wrong ones have a dark edge."""
    rows = -(-len(regions.read) // 2)
    pitch = SQUARE + 52
    page = Sheet(PAGE, HEADING + 20 + rows * pitch, "Decision regions")
    page.heading("Decision regions", "each learner on two features alone; test rows, and how many are right")
    right = [np.mean(read(regions.points).argmax(axis=1) == regions.y) for read in regions.read.values()]
    window = window_of(regions.points)
    names, remarks = [LEARNERS[name] for name in regions.read], [f"{100 * share:.0f} %" for share in right]
    for i, axes in panels(page, names, HEADING + 10, pitch, SQUARE, remarks=remarks):
        draw_regions(axes, list(regions.read.values())[i], regions.points, regions.y, window)
        axes.set_xlabel(fit(regions.axes[0], 150, SMALL), fontsize=SMALL, labelpad=2)
        axes.set_ylabel(fit(regions.axes[1], 150, SMALL), fontsize=SMALL, labelpad=2)
    return page.save(path)


@style()
def plot_coefficients(paths: Paths, path: FilePath) -> Path:
    """Draw how coefficients grow as the penalty weakens: under L1 one after another from exactly zero, under L2 all."""
    page = Sheet(PAGE, HEADING + 236, "Coefficients")
    page.heading("Coefficients under L1 and L2", paths.what)
    largest = np.argsort(-np.abs(paths.l1[-1]), kind="stable")[:NAMED]
    everything = np.concatenate([paths.l1.ravel(), paths.l2.ravel()])
    for i, axes in panels(page, ["L1: λ Σ |w|", "L2: λ Σ w²"], HEADING + 10, 190, SQUARE):
        values = (paths.l1, paths.l2)[i]
        axes.axhline(0, color=FAINT, lw=0.8)
        others = np.setdiff1d(np.arange(values.shape[1]), largest)
        if len(others):
            axes.plot(paths.strengths, values[:, others], color=FAINT, lw=0.7)
        for k, column in enumerate(largest):
            axes.plot(paths.strengths, values[:, column], color=SERIES[k % len(SERIES)], lw=1.6)
        axes.set_xscale("log")
        axes.set_xticks([1e-3, 1e-2, 1e-1, 1, 10], labels=["0.001", "0.01", "0.1", "1", "10"])
        axes.minorticks_off()
        limits(axes, "y", everything.tolist(), 6)
        zeros = int(np.count_nonzero(values[len(values) // 2] == 0))
        at = paths.strengths[len(values) // 2]
        label = f"C (weaker penalty →); at {at:.2g}: {zeros} of {values.shape[1]} are 0"
        axes.set_xlabel(label, fontsize=7.5, labelpad=3)
    for k, column in enumerate(largest):
        left = MARGIN + 16 + k % 3 * 136.0
        top = HEADING + 206 + k // 3 * 15
        page.text(left - 13, top, "■", color=SERIES[k % len(SERIES)])
        page.text(left, top, fit(paths.columns[column], 118, SMALL), size=SMALL, color=MUTED)
    return page.save(path)


@style()
def plot_variance(ratios: np.ndarray, path: FilePath) -> Path:
    """Draw the share of the variance along each principal component, and of the first so many together."""
    total = np.cumsum(ratios)
    enough = int(np.searchsorted(total, 0.95 - 1e-12)) + 1
    count = min(len(ratios), max(10, enough + enough // 4))
    page = Sheet(PAGE, 270, "Explained variance")
    page.heading("Principal components", f"{enough} of {len(ratios)} hold 95 % of the variance")
    axes = page.panel(52, HEADING + 18, PAGE - 52 - MARGIN, 270 - HEADING - 18 - 40)
    places = np.arange(1, count + 1)
    axes.bar(places, 100 * ratios[:count], color=BLUE, width=0.7)
    axes.plot(places, 100 * total[:count], "o-", color=VERMILION, lw=1.6, ms=3 if count > 20 else 4.5)
    axes.axhline(95, color=INK, lw=0.8, ls=(0, (3, 2)))
    axes.set_ylim(0, 102)
    axes.set_yticks([0, 25, 50, 75, 95], labels=["0 %", "25 %", "50 %", "75 %", "95 %"])
    step = max(1, count // 10)
    axes.set_xticks(range(step, count + 1, step))
    axes.set_xlabel("component", fontsize=SMALL)
    page.key([("of this component", BLUE), ("of all up to it", VERMILION)], HEADING + 4)
    return page.save(path)


@style()
def plot_truth(comparison: Comparison, y: Mapping[str, np.ndarray], metric: Metric, path: FilePath) -> Path:
    """Draw predictions over true values, for each learner; on the line a prediction is right.

    Args:
        comparison: of a regression.
        y: for each learner the true values of all its predictions, in their order.
        metric: what the number beside a name is.
        path: the file to write, .png or .svg.
    """
    outcomes = comparison.outcomes
    rows = -(-len(outcomes) // 2)
    pitch = SQUARE + 46
    page = Sheet(PAGE, HEADING + 14 + rows * pitch, "Predictions and truth")
    page.heading("Predictions and truth", f"{comparison.data}: every test row of every fold")
    span = np.concatenate([y[one.name] for one in outcomes])
    names, remarks = [one.words for one in outcomes], [number(metric.shown(one.mean)) for one in outcomes]
    for i, axes in panels(page, names, HEADING + 8, pitch, SQUARE, remarks=remarks):
        truth, predicted = y[outcomes[i].name], predictions_of(outcomes[i])
        axes.plot([span.min(), span.max()], [span.min(), span.max()], color=INK, lw=0.9)
        shown = np.linspace(0, len(truth) - 1, min(len(truth), 1000)).astype(int)
        axes.plot(truth[shown], predicted[shown], "o", mfc=BLUE, mec=PAPER, mew=0.3, ms=3.2)
        limits(axes, "x", [float(span.min()), float(span.max())], 5)
        limits(axes, "y", [float(span.min()), float(span.max())], 5)
        axes.set_xlabel("true", fontsize=SMALL, labelpad=2)
        axes.set_ylabel("predicted", fontsize=SMALL, labelpad=2)
    return page.save(path)


def predictions_of(one: Outcome) -> np.ndarray:
    """All predictions of a learner, fold after fold."""
    return np.concatenate([np.asarray(result.predictions) for result in one.judged])
