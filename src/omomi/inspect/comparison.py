"""Several training runs side by side, as one page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from omomi.errors import ConfigurationError
from omomi.inspect.canvas import (
    HEADING,
    MARGIN,
    MUTED,
    PAGE,
    SERIES,
    SMALL,
    Sheet,
    fit,
    round_ticks,
    style,
)
from omomi.inspect.html import drawn, write_page
from omomi.inspect.report_words import flat, result_figures

__all__ = ["ComparedRun", "plot_runs", "write_comparison"]


class ComparedRun(NamedTuple):
    """One of the runs.

    Attributes:
        name: as the page calls it.
        record: what its environment file says; may be empty.
        curves: metric → one number for each epoch.
        parameters: how many the network has.
    """

    name: str
    record: Mapping[str, Any]
    curves: Mapping[str, Sequence[float]]
    parameters: int


def write_comparison(path: str | os.PathLike[str], runs: Sequence[ComparedRun]) -> Path:
    """Write a page with runs side by side: their results, in what they differ, and their curves over one another.

    Raises:
        ConfigurationError: there are fewer than two, or they were judged by different data, so that their results
            cannot be compared.
        FileAccessError: the file cannot be written.
    """
    if len(runs) < 2:
        raise ConfigurationError("one run compares with nothing.", where="comparison", expected="two runs or more")
    judged_by = {_judges(run): run.name for run in reversed(runs)}
    if len(judged_by) > 1:
        said = [f"{name}: {key[0]}" + (f" ({key[1][:8]})" if key[1] else "") for key, name in judged_by.items()]
        raise ConfigurationError(
            "the runs were judged by different data: their results cannot be compared.",
            where="comparison",
            expected="runs with the same test samples",
            received="; ".join(reversed(said)),
        )
    names = _told_apart([run.name for run in runs])
    metrics = list(dict.fromkeys(name for run in runs for name in run.curves if _shown_metric(name, runs)))
    plots = [
        drawn(
            plot_runs,
            {name: run.curves[metric] for name, run in zip(names, runs, strict=True) if metric in run.curves},
            metric,
            label=f"{metric} of all runs",
        )
        for metric in metrics
    ]
    figures = [dict(result_figures(run.record, run.curves, run.parameters, None)) for run in runs]
    options = [dict(_described(run.record)) for run in runs]
    return write_page(
        path,
        "comparison.html",
        title=f"{len(runs)} runs side by side",
        names=names,
        results=_rows(figures, [*dict.fromkeys(key for found in figures for key in found)]),
        differences=[row for row in _rows(options, sorted({k for o in options for k in o})) if row["differs"]],
        same=[row for row in _rows(options, sorted({k for o in options for k in o})) if not row["differs"]],
        plots=plots,
    )


def _judges(run: ComparedRun) -> tuple[str, str]:
    data = run.record.get("data")
    data = data if isinstance(data, Mapping) else {}
    return str(data.get("name", "?")), str(data.get("test_sha256") or "")


def _told_apart(names: Sequence[str]) -> list[str]:
    """Names with a number where two are the same."""
    return [f"{name} ({i + 1})" if names.count(name) > 1 else name for i, name in enumerate(names)]


def _shown_metric(name: str, runs: Sequence[ComparedRun]) -> bool:
    """Validation curves tell more than those of training, where there are any."""
    return name.startswith("val_") or not any(f"val_{name}" in run.curves for run in runs)


def _described(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    kept = ("options", "data", "engine", "device", "cores", "threads", "versions", "status", "started")
    return [line for key in kept if key in record for line in flat(key, record[key])]


def _rows(found: Sequence[Mapping[str, str]], keys: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for key in keys:
        values = [one.get(key, "–") for one in found]
        rows.append({"name": key, "values": values, "differs": len(set(values)) > 1})
    return rows


@style()
def plot_runs(curves: Mapping[str, Sequence[float]], metric: str, path: str | os.PathLike[str]) -> Path:
    """Draw one metric of several runs, epoch by epoch, in one picture.

    Args:
        curves: for each run's name, one number for each epoch; what is not finite is left out.
        metric: its name, e.g. "val_loss".
        path: the file to write, .png or .svg.
    """
    values = {name: np.asarray(v, dtype=np.float64) for name, v in curves.items()}
    known = np.concatenate([v[np.isfinite(v)] for v in values.values()] or [np.empty(0)])
    epochs = max((len(v) for v in values.values()), default=0)
    line, below = 15.0, 46.0
    page = Sheet(PAGE, HEADING + 210 + below + line * len(values), f"{metric} of several runs")
    words = metric.replace("val_", "validation ").replace("_", " ")
    page.heading(words[:1].upper() + words[1:], f"{len(values)} runs, up to {epochs} epochs")
    axes = page.panel(56, HEADING, PAGE - 56 - MARGIN, 210)
    axes.grid(axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("epoch", fontsize=SMALL)
    for i, (name, v) in enumerate(values.items()):
        colour = SERIES[i % len(SERIES)]
        dots, dashes = ("o" if epochs <= 30 else ""), ("-", "--", ":")[i // len(SERIES) % 3]
        axes.plot(
            np.arange(1, len(v) + 1), np.where(np.isfinite(v), v, np.nan), dashes + dots, color=colour, lw=2, ms=3
        )
        top = HEADING + 210 + below + i * line
        last = v[np.isfinite(v)]
        page.text(MARGIN, top, "■", color=colour)
        page.text(MARGIN + 14, top, fit(name, PAGE - 2 * MARGIN - 90, SMALL), size=SMALL)
        said = f"{last[-1]:.4g}" if last.size else "not finite"
        page.text(PAGE - MARGIN, top, said, size=SMALL, color=MUTED, ha="right")
    if known.size:
        pad = 0.06 * float(known.max() - known.min()) or 0.5
        low, high = float(known.min()) - pad, float(known.max()) + pad
        ticks, labels = round_ticks(low, high)
        axes.set_yticks(ticks, labels=labels)
        axes.set_ylim(low, high)
    ticks, labels = round_ticks(0.5, max(epochs, 1) + 0.5, 8)
    whole = [tick for tick in ticks if tick == round(tick)]
    axes.set_xticks(whole, labels=[f"{tick:.0f}" for tick in whole])
    axes.set_xlim(min(1, epochs) - 0.02 * epochs, max(epochs, 1) * 1.02)
    return page.save(path)
