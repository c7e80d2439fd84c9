"""The textbook's experiments as pictures: initial weights, optimisers on a bowl, the fit of a curve."""

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

__all__ = ["plot_activation_histograms", "plot_fit", "plot_optimizer_paths"]

FilePath = str | os.PathLike[str]


# Activations per layer ---------------------------------------------------------------------------------------------


@style()
def plot_activation_histograms(
    activations: Mapping[str, Sequence[Any]], path: FilePath, *, title: str = "Activations per layer", bins: int = 40
) -> Path:
    """Draw how the activations of each layer are distributed: one row per initialisation, one column per layer.

    All rows share one range if their values are of one magnitude; otherwise each row has its own, as its ticks say.

    Args:
        activations: for each row's title, the arrays of its layers in order; all rows have the same layers.
        path: the file to write, .png or .svg.
        title: written above.
        bins: of each histogram.
    """
    rows = {name: [_finite(values) for values in layers] for name, layers in activations.items()}
    depths = {len(layers) for layers in rows.values()}
    if len(depths) != 1 or depths == {0}:
        raise DataError(
            "every row shows the same layers.",
            where="activations",
            expected="one list of arrays per title, all equally long",
            received=", ".join(f"{name}: {len(layers)}" for name, layers in rows.items()) or "nothing",
        )
    depth = depths.pop()
    ranges = _ranges(list(rows.values()))

    gap, row_height, label = 10.0, 74.0, 27.0
    page_width = max(PAGE, MARGIN * 2 + depth * 60)
    cell = (page_width - 2 * MARGIN - (depth - 1) * gap) / depth
    pitch = label + row_height + 30
    page = Sheet(page_width, HEADING + 16 + len(rows) * pitch, title)
    page.heading(title, "share of values per bin; σ is the standard deviation")
    for j in range(depth):
        left = MARGIN + j * (cell + gap)
        words = f"layer {j + 1}" if cell > 50 else str(j + 1)
        page.text(left + cell / 2, HEADING + 6, words, size=SMALL, color=MUTED, ha="center")
    for i, ((name, layers), limits) in enumerate(zip(rows.items(), ranges, strict=True)):
        top = HEADING + 16 + i * pitch
        page.text(MARGIN, top + 13, fit(name, page_width - 2 * MARGIN, BODY, weight="bold"), weight="bold")
        for j, values in enumerate(layers):
            left = MARGIN + j * (cell + gap)
            _histogram(page, values, limits, bins, left, top + label, cell, row_height)
    return page.save(path)


def _finite(values: Any) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64).ravel()
    return np.asarray(array[np.isfinite(array)])


def _ranges(rows: Sequence[Sequence[np.ndarray]]) -> list[tuple[float, float]]:
    """The range of each row: a common one unless magnitudes differ by more than 20."""
    spans = []
    for layers in rows:
        values = np.concatenate(layers)
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        spans.append((min(low, 0.0), max(high, 0.0)))
    sizes = [max(high, -low) for low, high in spans]
    if max(sizes) <= 20 * min(sizes):
        spans = [(min(low for low, _ in spans), max(high for _, high in spans))] * len(spans)
    return [(low, high) if high > low else (-1.0, 1.0) for low, high in spans]


def _histogram(
    page: Sheet,
    values: np.ndarray,
    limits: tuple[float, float],
    bins: int,
    left: float,
    top: float,
    width: float,
    height: float,
) -> None:
    axes = page.panel(left, top, width, height)
    axes.spines["left"].set_visible(False)
    counts, edges = np.histogram(values, bins=bins, range=limits)
    shares = counts / max(values.size, 1)
    # One bin may hold nearly everything (the zeros of a ReLU); the others stay visible below it.
    highest, second = np.sort(shares)[[-1, -2]] if len(shares) > 1 else (shares[0], shares[0])
    ceiling = max(min(highest, 4 * second), 1e-9) if second > 0 else max(highest, 1e-9)
    axes.stairs(np.minimum(shares, ceiling), edges, fill=True, color=BLUE)
    axes.set(xlim=limits, ylim=(0, ceiling * 1.25), xticks=[], yticks=[])
    low, high = limits
    for value, align in ((low, "left"), (0.0, "center"), (high, "right")):
        if low < value < high or align != "center":
            at = left + (value - low) / (high - low) * width
            page.text(at, top + height + 11, _short(value), size=TINY, color=MUTED, ha=align)
    if highest > ceiling:  # say how far the bar would go on, on the side where there is room
        at = (float(np.argmax(shares)) + 0.5) / bins
        side, align = (4, "left") if at < 0.5 else (-4, "right")
        page.text(left + at * width + side, top + 24, f"{100 * highest:.0f} %", size=TINY, color=MUTED, ha=align)
    spread = f"σ {_short(values.std())}" if values.size else "not finite"
    page.text(left + width, top + 5, spread, size=TINY, color=INK, ha="right")


def _short(value: float) -> str:
    """Two digits, or whole numbers from 100 to a million."""
    return (f"{value:.0f}" if 100 <= abs(value) < 1e6 else f"{value:.2g}").replace("-", "−", 1 if value < 0 else 0)


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
