"""Pictures of the classical learners: impurities, learning by epochs, margins, projections."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from omomi.classic.checks import check_classes, check_samples
from omomi.classic.impurity import classification_error, entropy, gini
from omomi.classic.svm import LinearSVM
from omomi.errors import DataError, ShapeError
from omomi.inspect.canvas import (
    BLUE,
    BODY,
    FAINT,
    GREEN,
    HEADING,
    INK,
    MARGIN,
    MUTED,
    PAGE,
    PAPER,
    PURPLE,
    SMALL,
    TINY,
    VERMILION,
    Sheet,
    fit,
    round_ticks,
    style,
    width_of,
)
from omomi.inspect.regions import finish_plane, hue, window_of

__all__ = ["plot_epochs", "plot_impurities", "plot_margins", "plot_projections"]

FilePath = str | os.PathLike[str]

_INDENT, _GAP, _LABEL, _FOOT = 16.0, 26.0, 24.0, 30.0  # around a panel, in points


def _panels(
    page: Sheet, names: Sequence[str], remarks: Sequence[str], top: float, height: float
) -> Iterator[tuple[int, Any]]:
    """Axes in two columns, each under its name, with a remark at the right end of the same line."""
    columns = min(2, len(names))
    width = (PAGE - 2 * MARGIN - columns * _INDENT - (columns - 1) * _GAP) / columns
    for i, (name, remark) in enumerate(zip(names, remarks, strict=True)):
        left = MARGIN + _INDENT + i % columns * (width + _INDENT + _GAP)
        above = top + i // columns * (_LABEL + height + _FOOT)
        room = width - width_of(remark, SMALL) - 8
        page.text(left, above + 14, fit(name, room, BODY, weight="bold"), weight="bold")
        page.text(left + width, above + 14, remark, size=SMALL, color=MUTED, ha="right")
        yield i, page.panel(left, above + _LABEL, width, height)


def _sheet(title: str, line: str, panels: int, top: float, height: float) -> Sheet:
    """A sheet with room for the panels."""
    page = Sheet(PAGE, top + -(-panels // 2) * (_LABEL + height + _FOOT) - 4, title)
    page.heading(title, line)
    return page


@style()
def plot_impurities(path: FilePath) -> Path:
    """Draw the impurities of a node of two classes by the share p of the first.

    Args:
        path: the file to write, .png or .svg.
    """
    p = np.linspace(0, 1, 201)
    shares = np.column_stack([p, 1 - p])
    curves = [
        ("entropy", entropy(shares), BLUE, "-"),
        ("½ entropy", entropy(shares) / 2, PURPLE, "--"),
        ("Gini impurity", gini(shares), VERMILION, "-"),
        ("classification error", classification_error(shares), GREEN, "-"),
    ]
    page = Sheet(PAGE, 330, "Impurity of two classes")
    page.heading("Impurity of two classes", "0 where all samples are of one class, largest where half are of each")
    page.key([(name, colour) for name, _, colour, _ in curves], HEADING + 4)
    axes = page.panel(MARGIN + 26, HEADING + 20, PAGE - 2 * MARGIN - 26, 330 - HEADING - 62)
    axes.grid(axis="y")
    axes.spines["left"].set_visible(False)
    for _, values, colour, look in curves:
        axes.plot(p, values, look, color=colour, lw=2)
    axes.set(xlim=(0, 1), ylim=(0, 1.03))
    axes.set_xlabel("share p of one class", fontsize=SMALL)
    for which in ("x", "y"):
        ticks, labels = round_ticks(0, 1, 6)
        getattr(axes, f"set_{which}ticks")(ticks, labels=labels)
    axes.tick_params(axis="y", length=0)
    return page.save(path)


@style()
def plot_epochs(
    curves: Mapping[str, Sequence[float]], path: FilePath, *, title: str = "Learning", line: str = ""
) -> Path:
    """Draw how numbers change from epoch to epoch, one panel for each, from 0 up.

    Args:
        curves: for each panel's title, a number for each epoch.
        path: the file to write, .png or .svg.
        title, line: written above.
    """
    series = {name: np.asarray(values, dtype=np.float64) for name, values in curves.items()}
    for name, values in series.items():
        if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
            raise DataError("a curve is one finite number for each epoch.", where=f"curves[{name!r}]")
    if not series:
        raise DataError("there is no curve to draw.", where="curves")
    page = _sheet(title, line, len(series), HEADING, 120)
    remarks = [f"→ {values[-1]:.3g}" for values in series.values()]
    for i, axes in _panels(page, list(series), remarks, HEADING, 120):
        values = list(series.values())[i]
        epochs = np.arange(1, len(values) + 1)
        axes.grid(axis="y")
        axes.spines["left"].set_visible(False)
        look, width = ("o-", 1.8) if len(values) <= 40 else ("-", 1.8 if len(values) <= 200 else 0.8)
        axes.plot(epochs, values, look, color=BLUE, lw=width, ms=3.5, clip_on=False)
        highest = float(values.max()) * 1.08 or 1.0
        last = max(len(values), 2)
        axes.set(xlim=(1 - 0.03 * last, last), ylim=(min(0.0, float(values.min()) * 1.08), highest))
        low, high = axes.get_ylim()
        ticks, labels = round_ticks(low, high, 5)
        axes.set_yticks(ticks, labels=labels)
        ticks, labels = round_ticks(1, last, 6)
        whole = [(tick, label) for tick, label in zip(ticks, labels, strict=True) if tick == int(tick)]
        axes.set_xticks([tick for tick, _ in whole], labels=[str(int(tick)) for tick, _ in whole])
        axes.tick_params(labelsize=TINY, length=2.5, pad=2)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("epoch", fontsize=TINY, labelpad=2)
    return page.save(path)


@style()
def plot_margins(
    machines: Mapping[str, LinearSVM], X: Any, y: Any, path: FilePath, *, title: str = "Margin and support vectors"
) -> Path:
    """Draw the boundaries of support vector machines in the plane, their margins, and the samples that hold them.

    Args:
        machines: for each panel's title (as "C = 1"), a machine that was fitted to these samples, of two classes.
        X: the samples (n, 2).
        y: their classes (n,).
        path: the file to write, .png or .svg.
        title: written above.
    """
    X = check_samples(X, "plot_margins", features=2)
    classes, indices = check_classes(y, len(X), "plot_margins")
    if len(classes) != 2 or not machines:
        raise DataError("a margin lies between two classes.", where="plot_margins", received=f"{len(classes)} classes")
    window = window_of(X)
    height = 178 * (window[1][1] - window[1][0]) / (window[0][1] - window[0][0])
    height = float(np.clip(height, 110, 230))
    top = HEADING + 18
    page = _sheet(title, "○ support vectors; the line is u = 0, the dashes are u = ±1", len(machines), top, height)
    page.key([(str(name), hue(k)) for k, name in enumerate(classes)], HEADING + 4)
    remarks = [f"margin {m.margin_[0]:.2f}, {len(m.support_)} ○" for m in machines.values()]
    for i, axes in _panels(page, list(machines), remarks, top, height):
        machine = list(machines.values())[i]
        (a, b), c = machine.coef_[0], machine.intercept_[0]
        x1, x2 = np.meshgrid(np.linspace(*window[0], 60), np.linspace(*window[1], 60))
        u = a * x1 + b * x2 + c
        axes.contourf(x1, x2, u, levels=[-1, 1], colors=[FAINT], alpha=0.25)
        axes.contour(
            x1, x2, u, levels=[-1, 0, 1], colors=[INK], linewidths=[0.9, 1.6, 0.9], linestyles=["--", "-", "--"]
        )
        for k in (0, 1):
            axes.plot(*X[indices == k].T, "o", mfc=hue(k), mec=PAPER, mew=0.5, ms=4.5)
        axes.plot(*machine.support_vectors_.T, "o", mfc="none", mec=INK, mew=1.0, ms=8)
        finish_plane(axes, window)
    return page.save(path)


@style()
def plot_projections(
    projections: Mapping[str, Any],
    y: Any,
    path: FilePath,
    *,
    names: Sequence[str] | None = None,
    title: str = "Projections",
    line: str = "",
) -> Path:
    """Draw samples in the first two directions of several projections, in the colours of their classes.

    Args:
        projections: for each panel's title (as "PCA"), the samples in its directions: (n, 2) or more columns.
        y: their classes (n,).
        path: the file to write, .png or .svg.
        names: of the classes; the classes themselves unless given.
        title, line: written above.
    """
    points = {name: check_samples(Z, f"projections[{name!r}]") for name, Z in projections.items()}
    if not points:
        raise DataError("there is nothing to draw.", where="projections")
    for name, Z in points.items():
        if Z.shape[1] < 2:
            raise ShapeError("a plane has two directions.", where=f"projections[{name!r}]", received=f"shape {Z.shape}")
    classes, indices = check_classes(y, len(next(iter(points.values()))), "plot_projections")
    top = HEADING + 18
    page = _sheet(title, line, len(points), top, 150)
    shown = [str(name) for name in (classes if names is None else names)]
    page.key([(name, hue(k)) for k, name in enumerate(shown)], HEADING + 4)
    for i, axes in _panels(page, list(points), [""] * len(points), top, 150):
        Z = list(points.values())[i][:, :2]
        for k in range(len(classes)):
            axes.plot(*Z[indices == k].T, "o", mfc=hue(k), mec=PAPER, mew=0.4, ms=4)
        finish_plane(axes, window_of(Z))
    return page.save(path)
