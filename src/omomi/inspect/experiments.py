"""The textbook's experiments as pictures: optimisers on a bowl, the fit of a curve, penalties."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from omomi.errors import DataError, ShapeError
from omomi.inspect.canvas import (
    BLUE,
    BODY,
    FAINT,
    HEADING,
    INK,
    MARGIN,
    MUTED,
    PAGE,
    PAPER,
    RULE,
    SMALL,
    TINY,
    VERMILION,
    Sheet,
    fit,
    round_ticks,
    style,
    width_of,
)

__all__ = ["plot_error_by_units", "plot_fit", "plot_optimizer_paths", "plot_penalties"]

FilePath = str | os.PathLike[str]


# Optimisers --------------------------------------------------------------------------------------------------------


@style()
def plot_optimizer_paths(
    paths: Mapping[str, Any],
    function: Callable[[Any, Any], Any],
    path: FilePath,
    *,
    minimum: tuple[float, float] = (0.0, 0.0),
    title: str = "Paths to the minimum",
) -> Path:
    """Draw each optimiser's path over the contour lines of a function of two parameters.

    Args:
        paths: for each optimiser's name, the points (n, 2) it visited, the start first.
        function: from arrays of w₁ and w₂ to an array of losses.
        path: the file to write, .png or .svg.
        minimum: where the function is smallest.
        title: written above.
    """
    tracks = {name: np.asarray(points, dtype=np.float64) for name, points in paths.items()}
    for name, points in tracks.items():
        if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
            raise ShapeError(
                "a path is a list of points.", where=f"paths[{name!r}]", expected="(n, 2)", received=points.shape
            )
    if not tracks:
        raise DataError("there is no path to draw.", where="paths")
    x_range, y_range = _window(list(tracks.values()), minimum)
    grid_x, grid_y = np.meshgrid(np.linspace(*x_range, 160), np.linspace(*y_range, 160))
    losses = np.asarray(function(grid_x, grid_y), dtype=np.float64)

    columns = min(2, len(tracks))
    gap, label, foot = 22.0, 24.0, 26.0
    cell = min((PAGE - 2 * MARGIN - 14 - (columns - 1) * gap) / columns, 300.0)
    height = cell * 0.72
    rows = -(-len(tracks) // columns)
    page = Sheet(PAGE, HEADING + rows * (label + height + foot) + 6, title)
    page.heading(title, "lines of equal loss; ○ start, × minimum")
    for i, (name, points) in enumerate(tracks.items()):
        left = MARGIN + 14 + i % columns * (cell + gap)
        top = HEADING + i // columns * (label + height + foot)
        inside = points[np.isfinite(points).all(axis=1)]
        last = f"{len(points) - 1} steps"
        page.text(left, top + 14, fit(name, cell - width_of(last, SMALL) - 8, BODY, weight="bold"), weight="bold")
        page.text(left + cell, top + 14, last, size=SMALL, color=MUTED, ha="right")
        axes = page.panel(left, top + label, cell, height)
        _draw_contours(axes, grid_x, grid_y, losses)
        axes.plot(inside[:, 0], inside[:, 1], "-", color=BLUE, lw=1.4)
        axes.plot(inside[:, 0], inside[:, 1], "o", color=BLUE, ms=2.6)
        axes.plot(*inside[:1].T, "o", mfc=PAPER, mec=BLUE, mew=1.5, ms=7)
        axes.plot(*minimum, "x", color=VERMILION, ms=8, mew=2)
        axes.set(xlim=x_range, ylim=y_range)
        for which, limits in (("x", x_range), ("y", y_range)):
            ticks, labels = round_ticks(*limits, 5)
            getattr(axes, f"set_{which}ticks")(ticks, labels=labels)
        axes.tick_params(labelsize=TINY, length=2.5, pad=2)
    return page.save(path)


def _window(tracks: Sequence[np.ndarray], minimum: tuple[float, float]) -> list[tuple[float, float]]:
    """A window around the minimum that shows all paths, except what runs far past the start."""
    starts = np.stack([points[0] for points in tracks])
    if not np.isfinite(starts).all():
        raise DataError("a path starts at a point that is not finite.", where="paths")
    points = np.concatenate(tracks)
    points = points[np.isfinite(points).all(axis=1)]
    centre = np.asarray(minimum, dtype=np.float64)
    reach = np.abs(starts - centre).max(axis=0)
    reach = np.maximum(reach, 0.3 * reach.max()) + 1e-12
    low = np.clip(points.min(axis=0), centre - 1.5 * reach, centre - 0.4 * reach)
    high = np.clip(points.max(axis=0), centre + 0.4 * reach, centre + 1.5 * reach)
    pad = 0.1 * (high - low)
    return [(float(a), float(b)) for a, b in zip(low - pad, high + pad, strict=True)]


def _draw_contours(axes: Any, x: np.ndarray, y: np.ndarray, losses: np.ndarray) -> None:
    known = losses[np.isfinite(losses)]
    if known.size == 0 or known.min() == known.max():
        return
    # Loss grows with the square of the distance, so levels whose roots are equally spaced look evenly spaced.
    levels = known.min() + (known.max() - known.min()) * np.linspace(0, 1, 13)[1:-1] ** 2
    axes.contour(x, y, losses, levels=levels, colors=FAINT, linewidths=0.8)


# The fit of a curve ------------------------------------------------------------------------------------------------


@style()
def plot_fit(
    x: Any,
    y: Any,
    curves: Mapping[str, Any],
    path: FilePath,
    *,
    grid: Any = None,
    truth: Any = None,
    title: str = "Fit",
) -> Path:
    """Draw samples of a function of one variable and how networks fit them, one panel per network.

    Args:
        x, y: the samples (n,) or (n, 1).
        curves: for each panel's title (as "h = 3"), the network's output at ``grid``.
        path: the file to write, .png or .svg.
        grid: where the curves are known; ``x`` unless given.
        truth: the true function at ``grid``, if it is known.
        title: written above.
    """
    at, targets = _column(x, "x"), _column(y, "y")
    points = at if grid is None else _column(grid, "grid")
    outputs = {name: _column(values, f"curves[{name!r}]") for name, values in curves.items()}
    true = None if truth is None else _column(truth, "truth")
    pairs = [("y", at, targets), *((f"curves[{n!r}]", points, v) for n, v in outputs.items())]
    pairs += [] if true is None else [("truth", points, true)]
    for where, places, values in pairs:
        if len(places) != len(values):
            raise ShapeError("one value per place.", where=where, expected=len(places), received=len(values))
    if not outputs or not len(at) or not len(points):
        raise DataError("there is nothing to draw.", where="curves")

    order = np.argsort(points, kind="stable")
    reference = targets if true is None else true
    known = reference[np.isfinite(reference)]
    low, high = (known.min(), known.max()) if known.size else (-1.0, 1.0)
    pad = 0.18 * (high - low) or 1.0
    columns = min(2, len(outputs))
    gap, label, foot = 30.0, 24.0, 24.0
    cell = (PAGE - 2 * MARGIN - 18 - (columns - 1) * gap) / columns
    height = cell * 0.62
    rows = -(-len(outputs) // columns)
    page = Sheet(PAGE, HEADING + 22 + rows * (label + height + foot), title)
    page.heading(title, f"error: root mean square against {'the samples' if true is None else 'the true function'}")
    page.key([("samples", FAINT), ("network", BLUE), ("true function", INK)][: 2 if true is None else 3], HEADING + 6)
    for i, (name, values) in enumerate(outputs.items()):
        left, top = MARGIN + 18 + i % columns * (cell + gap), HEADING + 22 + i // columns * (label + height + foot)
        compared = np.interp(at, points[order], values[order]) - targets if true is None else values - true
        error = _root_mean_square(compared)
        page.text(left, top + 14, fit(name, cell - width_of(error, SMALL) - 8, BODY, weight="bold"), weight="bold")
        page.text(left + cell, top + 14, error, size=SMALL, color=MUTED, ha="right")
        axes = page.panel(left, top + label, cell, height)
        axes.grid(axis="y", color=RULE)
        axes.spines["left"].set_visible(False)
        axes.plot(at, targets, "o", color=FAINT, ms=3, mew=0)
        if true is not None:
            axes.plot(points[order], true[order], "--", color=INK, lw=1)
        axes.plot(points[order], values[order], "-", color=BLUE, lw=2)
        axes.set_ylim(low - pad, high + pad)
        ends = float(min(at.min(), points.min())), float(max(at.max(), points.max()))
        margin = 0.02 * (ends[1] - ends[0]) or 1.0
        axes.set_xlim(ends[0] - margin, ends[1] + margin)
        for which in ("x", "y"):
            low_end, high_end = getattr(axes, f"get_{which}lim")()
            ticks, labels = round_ticks(low_end, high_end, 5)
            getattr(axes, f"set_{which}ticks")(ticks, labels=labels)
        axes.tick_params(labelsize=TINY, length=2.5, pad=2)
        axes.tick_params(axis="y", length=0)
    return page.save(path)


def _root_mean_square(errors: np.ndarray) -> str:
    if not np.isfinite(errors).all():
        return "not finite"
    largest = float(np.abs(errors).max()) or 1.0  # taken out of the squares: they may overflow
    return f"error {largest * math.sqrt(float(np.mean(np.square(errors / largest)))):.3g}"


def _column(values: Any, where: str) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ShapeError("values of one variable.", where=where, expected="(n,) or (n, 1)", received=array.shape)
    return array


# Error and size ----------------------------------------------------------------------------------------------------


@style()
def plot_error_by_units(
    errors: Mapping[int, Sequence[float]], path: FilePath, *, title: str = "Error by number of hidden units"
) -> Path:
    """Draw how the error falls as hidden units are added: a dot for each training, a line through the medians.

    Args:
        errors: for each number of hidden units, the errors of one or more trainings; all positive.
        path: the file to write, .png or .svg.
        title: written above.

    Raises:
        DataError: there is nothing to draw, or an error is not a positive number.
    """
    runs = {units: np.asarray(values, dtype=np.float64).ravel() for units, values in sorted(errors.items())}
    known = np.concatenate([*runs.values(), np.empty(0)])
    if not known.size or not (np.isfinite(known) & (known > 0)).all() or not all(v.size for v in runs.values()):
        raise DataError("errors are positive numbers, at least one for each size.", where="errors", received=errors)
    page = Sheet(PAGE, 280, title)
    count = max(values.size for values in runs.values())
    page.heading(title, "one training each" if count == 1 else "a dot for each training, a line through the medians")
    axes = page.panel(58, HEADING, PAGE - 58 - MARGIN, 280 - HEADING - 46)
    axes.grid(axis="y", color=RULE)
    axes.spines["left"].set_visible(False)
    for units, values in runs.items():
        axes.plot(np.full(values.size, units), values, "o", color=FAINT, ms=4, mew=0)
    axes.plot(list(runs), [float(np.median(values)) for values in runs.values()], "o-", color=BLUE, lw=2, ms=5)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.set_xticks(list(runs), labels=[str(units) for units in runs])
    low, high = known.min() / 1.4, known.max() * 1.4
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [m * 10.0**k for k in powers for m in (1, 2, 5) if low <= m * 10.0**k <= high]
    axes.set_yticks(ticks, labels=[f"{tick:.4g}" for tick in ticks])
    axes.set_ylim(low, high)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("hidden units h", fontsize=SMALL)
    return page.save(path)


# Penalties ---------------------------------------------------------------------------------------------------------


@style()
def plot_penalties(
    function: Callable[[Any, Any], Any],
    path: FilePath,
    *,
    minimum: tuple[float, float],
    budget: float = 1.0,
    title: str = "A budget for the weights",
) -> Path:
    """Draw the diamond |w₁| + |w₂| ≤ t and the circle √(w₁² + w₂²) ≤ t over the lines of equal loss.

    The best point inside each is found on its edge, among 40,000 points. On the diamond it is often a corner, where
    one weight is exactly zero; on the circle hardly ever (Hastie, Tibshirani and Friedman 2009, figure 3.11).

    Args:
        function: from arrays of w₁ and w₂ to an array of losses.
        path: the file to write, .png or .svg.
        minimum: where the function is smallest; outside both shapes.
        budget: t.
        title: written above.

    Raises:
        DataError: the minimum lies inside the circle: nothing is given up there, and there is nothing to see.
    """
    if math.hypot(*minimum) <= budget:
        raise DataError(
            "the minimum lies inside the budget.",
            where="minimum",
            expected=f"a length above {budget}",
            received=minimum,
            fix="a smaller budget",
        )
    angle = np.linspace(0, 2 * np.pi, 40_001)
    circle = budget * np.stack([np.cos(angle), np.sin(angle)])
    diamond = budget * circle / np.abs(circle).sum(axis=0)
    centre = np.asarray(minimum, dtype=np.float64)
    low, high = np.minimum(-1.25 * budget, centre - 0.7 * budget), np.maximum(1.25 * budget, centre + 0.7 * budget)
    gap = 26.0
    cell = (PAGE - 2 * MARGIN - 14 - gap) / 2
    height = cell * float((high - low)[1] / (high - low)[0])
    page = Sheet(PAGE, HEADING + 24 + height + 34, title)
    page.heading(title, "lines of equal loss; × minimum, ● the best point that the budget allows")
    grid_x, grid_y = np.meshgrid(np.linspace(low[0], high[0], 200), np.linspace(low[1], high[1], 200))
    losses = np.asarray(function(grid_x, grid_y), dtype=np.float64)
    for i, (name, edge) in enumerate((("L1: |w₁| + |w₂| ≤ t", diamond), ("L2: w₁² + w₂² ≤ t²", circle))):
        left, top = MARGIN + 14 + i * (cell + gap), HEADING
        best = edge[:, np.argmin(function(*edge))]
        best[np.abs(best) < 1e-3 * budget] = 0.0  # between two points of the edge lies the corner
        page.text(left, top + 12, name, weight="bold")
        axes = page.panel(left, top + 22, cell, height)
        _draw_contours(axes, grid_x, grid_y, losses)
        axes.contour(grid_x, grid_y, losses, levels=[float(function(*best))], colors=VERMILION, linewidths=1.4)
        axes.fill(*edge, facecolor=BLUE, alpha=0.22, edgecolor=BLUE, lw=1.4)
        for line in (axes.axhline, axes.axvline):
            line(0, color=MUTED, lw=0.8, zorder=0.5)
        axes.plot(*minimum, "x", color=VERMILION, ms=8, mew=2)
        axes.plot(*best, "o", color=INK, ms=6.5)
        for which, limits in zip("xy", zip(low, high, strict=True), strict=True):
            ticks, labels = round_ticks(*limits, 5)
            getattr(axes, f"set_{which}ticks")(ticks, labels=labels)
            getattr(axes, f"set_{which}lim")(limits)
        axes.tick_params(labelsize=TINY, length=2.5, pad=2)
        words = ", ".join(f"w{j} = {value:.2f}".replace("-", "−") for j, value in zip("₁₂", best + 0.0, strict=True))
        page.text(left + cell, top + 22 + height + 26, words, size=SMALL, color=MUTED, ha="right")
    return page.save(path)
