"""Pictures of the ledger: a quantity over steps and layers, as a heat map and as curves."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from omomi.errors import DataError
from omomi.inspect.canvas import (
    BLUE,
    BODY,
    HEADING,
    INK,
    MARGIN,
    MUTED,
    PAGE,
    SHADE,
    SMALL,
    VERMILION,
    Sheet,
    blend,
    fit,
    style,
    widest,
)
from omomi.training.ledger import OF_LAYERS, OF_PARAMETERS, Ledger

__all__ = ["plot_ledger", "plot_ledger_curves"]

FilePath = str | os.PathLike[str]

_SHARES = ("saturated", "dead")
_TITLES = {
    "delta": "Delta per layer",
    "output_delta": "Delta of each layer's output",
    "input_delta": "Delta that each layer passes on",
    "saturated": "Saturated activations per layer",
    "dead": "Dead units per layer",
    "gradient": "Gradient per parameter",
    "weight": "Size of each parameter",
    "update": "Update relative to the weights",
}
_LIGHT = "#eaf1f8"  # of the lowest value; the highest is blue


@style()
def plot_ledger(ledger: Ledger, path: FilePath, quantity: str = "delta") -> Path:
    """Draw a quantity as a heat map: a column for each watched step, a row for each layer, the input's at the top.

    Norms are shown on a logarithmic scale, shares on one from 0 to 100 %.

    Args:
        ledger: with one row at least.
        path: the file to write, .png or .svg.
        quantity: of layers ("delta", "saturated", "dead", …) or of parameters ("gradient", "update", …).

    Raises:
        DataError: the ledger is empty, or has no such numbers.
        UnknownNameError: there is no such quantity.
    """
    names, values = _table(ledger, quantity)
    low, high = _limits(values, quantity)
    height = min(max(300.0 / len(names), 7.0), 26.0)
    label = min(widest([fit(name, 150, SMALL) for name in names], SMALL), 150.0)
    left, top = MARGIN + label + 8, HEADING + 4
    width = PAGE - left - 84
    page = Sheet(PAGE, top + len(names) * height + 52, _title(quantity))
    page.heading(_title(quantity), _line(ledger, quantity))

    axes = page.panel(left, top, width, len(names) * height)
    axes.imshow(_colours(values, low, high, quantity), aspect="auto", interpolation="nearest")
    axes.set_yticks([])
    ticks = _row_ticks(len(ledger))
    axes.set_xticks(ticks, [f"{ledger.steps[i]:,}" for i in ticks])
    axes.tick_params(length=2)
    for spine in axes.spines.values():
        spine.set_visible(False)
    every = math.ceil(11.5 / height)  # rows too low for a line of text are labelled now and then
    for i in range(0, len(names), every):
        middle = top + (i + 0.5) * height + 3.4
        page.text(left - 8, middle, fit(names[i], label, SMALL), size=SMALL, ha="right", color=MUTED)
    page.text(left + width / 2, top + len(names) * height + 32, "step", size=BODY, color=MUTED, ha="center")
    _scale(page, left + width + 16, top, min(len(names) * height, 150.0), low, high, quantity)
    key = [("0", VERMILION)] if quantity not in _SHARES and (values == 0).any() else []
    key += [("not finite", INK)] if np.isinf(values).any() else []
    if key:
        page.key(key, top + len(names) * height + 46)
    return page.save(path)


@style()
def plot_ledger_curves(ledger: Ledger, path: FilePath, quantity: str = "delta") -> Path:
    """Draw a quantity as curves over the steps: one for each layer, from the first in vermilion to the last in blue.

    Arguments and errors are those of :func:`plot_ledger`.
    """
    names, values = _table(ledger, quantity)
    shares = quantity in _SHARES
    label = min(widest([fit(name, 120, SMALL) for name in names], SMALL), 120.0) + 14
    page = Sheet(PAGE, 320, _title(quantity))
    page.heading(_title(quantity), _line(ledger, quantity))
    axes = page.panel(60, HEADING + 4, PAGE - 60 - label - 6, 320 - HEADING - 4 - 44)
    axes.grid(axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("step", fontsize=BODY)
    steps = np.array(ledger.steps)
    axes.set_xlim((steps[0], steps[-1]) if len(steps) > 1 else (steps[0] - 0.5, steps[0] + 0.5))
    if shares:
        axes.set_ylim(0, 1)
        axes.set_yticks(np.linspace(0, 1, 6), [f"{share:.0%}" for share in np.linspace(0, 1, 6)])
    else:
        low, high = _limits(values, quantity)
        axes.set_yscale("log")
        axes.minorticks_off()
        axes.set_ylim(10.0**low, 10.0**high)
        places, labels = _log_ticks(low, high)
        axes.set_yticks([10.0**p for p in places], labels)
    ends = []
    for i, (name, row) in enumerate(zip(names, values, strict=True)):
        colour = blend(VERMILION, BLUE, i / max(len(names) - 1, 1))
        known = np.isfinite(row) & ((row > 0) | shares)
        mark = "o-" if known.sum() <= 30 else "-"
        axes.plot(steps[known], row[known], mark, color=colour, lw=1.6, ms=3, clip_on=False)
        if known.any():
            ends.append((name, float(row[known][-1]), colour))
    _label_ends(page, axes, ends, label - 14)
    return page.save(path)


def _table(ledger: Ledger, quantity: str) -> tuple[list[str], Any]:
    names, values = ledger.table(quantity)
    if not len(ledger) or np.isnan(values).all():
        raise DataError(
            "the ledger has no such numbers to draw.",
            where=f"ledger, {quantity}",
            received=f"{len(ledger)} watched steps",
            fix="record one with fit(ledger=True)" if not len(ledger) else "draw another quantity",
        )
    return names, values


def _title(quantity: str) -> str:
    return _TITLES.get(quantity, quantity.replace("_", " ").capitalize())


def _line(ledger: Ledger, quantity: str) -> str:
    what = {**OF_LAYERS, **OF_PARAMETERS}[quantity].split(",")[0]
    steps = f"{len(ledger):,} steps watched" if len(ledger) > 1 else "one step watched"
    return f"{what}; {steps}"


def _limits(values: Any, quantity: str) -> tuple[float, float]:
    """The ends of the scale: 0 and 1 for shares, else powers of ten that hold all positive finite numbers."""
    if quantity in _SHARES:
        return 0.0, 1.0
    positive = values[np.isfinite(values) & (values > 0)]
    if not positive.size:
        return -1.0, 0.0
    low, high = math.log10(positive.min()), math.log10(positive.max())
    room = max(0.05 * (high - low), (1 - high + low) / 2)  # a decade at least: small differences stay small
    return low - room, high + room


def _colours(values: Any, low: float, high: float, quantity: str) -> Any:
    """The colour of each cell (rows, columns, 3): light to blue; vermilion for 0, ink for what is not finite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        place = values if quantity in _SHARES else np.log10(values)
        picture = blend(_LIGHT, BLUE, np.nan_to_num((place - low) / (high - low)))
    picture[np.isnan(values)] = blend(SHADE, SHADE, 0.0)
    picture[np.isinf(values)] = blend(INK, INK, 0.0)
    if quantity not in _SHARES:
        picture[values == 0] = blend(VERMILION, VERMILION, 0.0)
    return picture


def _row_ticks(rows: int) -> list[int]:
    """At most six columns whose steps are written."""
    return sorted({round(i) for i in np.linspace(0, rows - 1, min(rows, 6))})


def _log_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Round numbers between two logarithms, as logarithms and as text: powers of ten; 1, 2, 5 where these are few."""
    first, last = math.ceil(low), math.floor(high)
    if last - first >= 2:
        powers = list(range(first, last + 1, math.ceil((last - first + 1) / 7)))
        return [float(p) for p in powers], [_power(p) for p in powers]
    numbers = [m * 10.0**p for p in range(first - 1, last + 1) for m in (1, 2, 5)]
    numbers = [n for n in numbers if low <= math.log10(n) <= high]
    return [math.log10(n) for n in numbers], [f"{n:.3g}" for n in numbers]


def _power(exponent: int) -> str:
    """A power of ten as one reads it: 0.01, 10⁻⁶."""
    if -3 <= exponent <= 3:
        return f"{10.0**exponent:g}"
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _scale(page: Sheet, left: float, top: float, height: float, low: float, high: float, quantity: str) -> None:
    """The colours and what they mean, from the highest value down."""
    axes = page.panel(left, top, 10, height)
    axes.imshow(blend(_LIGHT, BLUE, np.linspace(1, 0, 64))[:, None], aspect="auto", extent=(0, 1, low, high))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    if quantity in _SHARES:
        axes.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    else:
        axes.set_yticks(*_log_ticks(low, high))
        axes.set_ylim(low, high)
    axes.tick_params(length=2)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _label_ends(page: Sheet, axes: Any, ends: Sequence[tuple[str, float, Any]], room: float) -> None:
    """Each curve's name beside its last point, in the order of the points, a line apart; at most as many as fit."""
    line, box = 11.0, axes.get_position()
    top, bottom = page.height * (1 - box.y1), page.height * (1 - box.y0)
    most = int((bottom - top) // line)
    if len(ends) > most:
        ends = [ends[i] for i in sorted({round(i) for i in np.linspace(0, len(ends) - 1, most)})]
    points = [axes.transAxes.inverted().transform(axes.transData.transform((1, value)))[1] for _, value, _ in ends]
    wanted = sorted(zip([bottom - (bottom - top) * float(p) for p in points], range(len(ends)), strict=True))
    heights: list[float] = []
    for height, _ in wanted:
        heights.append(max(height, heights[-1] + line) if heights else height)
    for i in range(len(heights) - 1, -1, -1):
        heights[i] = min(heights[i], heights[i + 1] - line if i + 1 < len(heights) else bottom + line / 2)
    for (_, i), height in zip(wanted, heights, strict=True):
        name, _, colour = ends[i]
        page.text(page.width * box.x1 + 9, height + 3.4, fit(name, room, SMALL), size=SMALL, color=colour)
