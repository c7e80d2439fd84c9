"""How numbers are distributed: activations layer by layer, weights parameter by parameter."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from omomi.errors import DataError
from omomi.inspect.canvas import BLUE, BODY, HEADING, INK, MARGIN, MUTED, PAGE, SMALL, TINY, Sheet, fit, style

__all__ = ["plot_activation_histograms", "plot_weight_histograms"]

FilePath = str | os.PathLike[str]


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


@style()
def plot_weight_histograms(
    parameters: Mapping[str, Any], path: FilePath, *, title: str = "Weights", bins: int = 40
) -> Path:
    """Draw how the numbers of every parameter are distributed, each on its own range.

    Args:
        parameters: for each path ("dense/kernel"), its array; ``model.parameters()`` will do.
        path: the file to write, .png or .svg.
        title: written above.
        bins: of each histogram.

    Raises:
        DataError: there is no parameter.
    """
    arrays = {name: np.asarray(getattr(values, "array", values)) for name, values in parameters.items()}
    if not arrays:
        raise DataError("there is no weight to draw.", where="parameters", fix="build the model first.")
    columns, gap, label, foot, height = min(3, len(arrays)), 16.0, 30.0, 28.0, 62.0
    cell = (PAGE - 2 * MARGIN - (columns - 1) * gap) / columns
    pitch = label + height + foot
    page = Sheet(PAGE, HEADING + -(-len(arrays) // columns) * pitch, title)
    page.heading(title, "share of values per bin; σ is the standard deviation")
    for i, (name, values) in enumerate(arrays.items()):
        left, top = MARGIN + i % columns * (cell + gap), HEADING + i // columns * pitch
        page.text(left, top + 8, fit(name, cell, SMALL, weight="bold"), size=SMALL, weight="bold")
        page.text(left, top + 20, " × ".join(map(str, values.shape)) or "1", size=TINY, color=MUTED)
        known = _finite(values)
        _histogram(page, known, _ranges([[known]])[0], bins, left, top + label, cell, height)
    return page.save(path)
