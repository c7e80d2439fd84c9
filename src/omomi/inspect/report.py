"""A training run as one page: ``report.html``, a single file that needs no network and no script."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from omomi.errors import DataError, NonFiniteError, ShapeError
from omomi.inspect.confusion import count_confusions, plot_confusion
from omomi.inspect.draw import draw_model, shape_words
from omomi.inspect.feature_maps import plot_feature_maps
from omomi.inspect.filters import plot_filters
from omomi.inspect.histograms import plot_weight_histograms
from omomi.inspect.html import drawn, inline_svg, write_page
from omomi.inspect.ledger_pictures import plot_ledger, plot_ledger_curves
from omomi.inspect.outputs import class_probabilities
from omomi.inspect.pictures import plot_errors, plot_history
from omomi.inspect.report_words import environment_rows, result_figures, title_of
from omomi.models.summary import size_of, summary_rows, width
from omomi.training.history import History
from omomi.training.ledger import Ledger

__all__ = ["Samples", "write_report"]

FilePath = str | os.PathLike[str]

_WORST = 12  # wrong predictions that are shown
_CLASSES = 40  # a confusion matrix of more has no readable cells
_FILTERS = 32
_MAPS = 16
_SHOWN_PARAMETERS = 24

_MISSING = {
    "diagnosis": "No verdicts: nothing was recorded or given that could be judged.",
    "history": "No curves: the run has no history.",
    "ledger": (
        "This run has no ledger. To record one: omomi train --ledger, or model.fit(..., ledger=True) and "
        "write_report(..., ledger=history.ledger)."
    ),
    "data": "No predictions: the data that the network was trained with was not given, or is not on this machine.",
    "gradients": "Not checked: the check needs some samples with their targets.",
}


class Samples(NamedTuple):
    """Labelled samples that a classifier is judged by.

    Attributes:
        x: inputs (N, …), as the model takes them.
        labels: class numbers (N,), or one-hot rows.
        classes: a name for each class; numbers unless given.
        probabilities: what the model says of them, (N, classes), if that is known already.
    """

    x: Any
    labels: Any
    classes: Sequence[str] | None = None
    probabilities: Any = None


def write_report(
    path: FilePath,
    model: Any,
    *,
    title: str | None = None,
    history: History | Mapping[str, Sequence[float]] | None = None,
    ledger: Ledger | None = None,
    test: Samples | None = None,
    diagnosis: Any = None,
    gradients: Any = None,
    graph: str | None = None,
    record: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> Path:
    """Write everything that is known of a trained network as one HTML file; what is not given is named as missing.

    Args:
        path: the file to write.
        model: a built model.
        title: of the page.
        history: what ``fit`` returned, or its dictionary of curves. Its ledger is taken unless ``ledger`` is given.
        ledger: what the watched steps showed.
        test: labelled samples, for the wrong predictions, the confusion matrix and the feature maps.
        diagnosis: what ``diagnose`` returned.
        gradients: what ``check_gradients`` returned.
        graph: the SVG of a trace, ``trace(...).to_svg()``.
        record: what the environment file of a run says (options, versions, result).
        notes: remarks that stand below the title.

    Raises:
        NotBuiltError: the model does not know its shapes yet.
        FileAccessError: the file cannot be written.
    """
    curves = history.history if isinstance(history, History) else dict(history or {})
    if ledger is None and isinstance(history, History):
        ledger = history.ledger
    record = record or {}
    rows = summary_rows(model)
    moved, fixed = sum(r.parameters for r in rows), sum(r.fixed for r in rows)
    judged, notes = None, list(notes)
    try:
        judged = None if test is None else _judge(model, test)
    except NonFiniteError as error:
        notes.append(f"Without predictions: {error.problem}")
    return write_page(
        path,
        "report.html",
        title=title or title_of(record, model.name),
        subtitle=str(record.get("started", "")),
        notes=notes,
        sections=_sections(bool(record)),
        missing=_MISSING,
        figures=result_figures(record, curves, moved + fixed, None if judged is None else judged.accuracy),
        diagnosis=diagnosis_view(diagnosis),
        curves=curve_pictures(curves),
        ledger=ledger_rows(ledger),
        ledger_pictures=ledger_pictures(ledger),
        layers=[(r.name, _kind(r), shape_words(r.output_shape), f"{r.parameters + r.fixed:,}") for r in rows],
        totals=f"{moved + fixed:,} parameters, {moved:,} of them trained; {size_of((moved + fixed) * width(model))}",
        drawing=drawn(draw_model, model, label="The layers of the network"),
        graph=None if graph is None else _graph(graph),
        gradients=gradients_view(gradients),
        environment=environment_rows(record),
        command=record.get("command", ""),
        **_pictures_of_weights(model, test),
        **_pictures_of_errors(judged),
    )


def _sections(environment: bool) -> list[tuple[str, str]]:
    names = [
        ("result", "Result"),
        ("verdicts", "Verdicts"),
        ("curves", "Curves"),
        ("ledger", "Ledger"),
        ("errors", "Predictions"),
        ("network", "Network"),
        ("weights", "Weights"),
        ("gradients", "Gradient check"),
        ("environment", "Environment"),
    ]
    return names if environment else names[:-1]


def _kind(row: Any) -> str:
    return f"{row.kind} · {row.detail}" if row.detail else row.kind


def _graph(svg: str) -> Any:
    return inline_svg(svg, "The computational graph of one training step", adapt=False)


# Pictures ----------------------------------------------------------------------------------------------------------


def curve_pictures(curves: Mapping[str, Sequence[float]]) -> list[Any]:
    """A picture for each metric of a history, training and validation together."""
    metrics = [name for name, values in curves.items() if not name.startswith("val_") and len(values)]
    return [drawn(plot_history, curves, name, label=f"{name} per epoch") for name in metrics]


def _pictures_of_weights(model: Any, test: Samples | None) -> dict[str, Any]:
    parameters = model.parameters()
    kernels = {path: p.array for path, p in parameters.items() if path.endswith("kernel") and p.array.ndim == 4}
    finite = {path: kernel for path, kernel in kernels.items() if np.isfinite(kernel).all()}
    filters = [
        drawn(plot_filters, kernel, title=path, limit=_FILTERS, label=f"Filters of {path}", adapt=False)
        for path, kernel in list(finite.items())[:2]
    ]
    maps = None
    if test is not None and finite and np.ndim(test.x) in (3, 4):
        try:
            maps = drawn(plot_feature_maps, model, test.x[0], limit=_MAPS, label="Feature maps", adapt=False)
        except (ShapeError, DataError):  # no layer with maps, or maps that are not finite
            maps = None
    shown = dict(list(parameters.items())[:_SHOWN_PARAMETERS])
    weights = drawn(plot_weight_histograms, shown, label="Histograms of the weights") if shown else None
    return {"filters": filters, "maps": maps, "weights": weights}


class _Judged(NamedTuple):
    samples: Samples
    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def accuracy(self) -> float:
        return float(np.mean(self.probabilities.argmax(axis=1) == self.labels))


def _judge(model: Any, test: Samples) -> _Judged:
    labels = np.asarray(test.labels)
    labels = labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(-1).astype(np.int64)
    found = class_probabilities(model, test.x) if test.probabilities is None else np.asarray(test.probabilities)
    return _Judged(test, labels, found)


def _pictures_of_errors(judged: _Judged | None) -> dict[str, Any]:
    if judged is None:
        return {"errors": None, "worst": [], "confusion": None}
    x, names = np.asarray(judged.samples.x), judged.samples.classes
    labels, p = judged.labels, judged.probabilities
    errors, worst = None, []
    if x.ndim == 3 or (x.ndim == 4 and x.shape[-1] in (1, 3)):
        errors = drawn(plot_errors, x, labels, p, class_names=names, limit=_WORST, label="Wrong predictions")
    else:
        wrong = np.flatnonzero(p.argmax(axis=1) != labels)
        order = wrong[np.argsort(p[wrong, labels[wrong]], kind="stable")][:_WORST]
        for i in order:
            read = int(p[i].argmax())
            said = [str(names[k]) if names is not None else str(k) for k in (int(labels[i]), read)]
            worst.append((int(i), *said, f"{p[i, read]:.1%}", f"{p[i, labels[i]]:.1%}"))
    confusion = None
    if p.shape[1] <= _CLASSES:
        matrix = count_confusions(labels, p, p.shape[1])
        confusion = drawn(plot_confusion, matrix, class_names=names, label="Confusion matrix", adapt=False)
    return {"errors": errors, "worst": worst, "confusion": confusion}


def ledger_rows(ledger: Ledger | None) -> list[tuple[str, ...]]:
    """A line for each layer: ‖δ‖ at the first and at the last watched step, saturated and dead shares at the last."""
    if ledger is None or not len(ledger):
        return []
    rows = []
    for path, facts in ledger.layers.items():
        deltas = ledger.get("delta", path)
        if np.isnan(deltas).all():
            continue  # no delta passes here: the layer stands before the first weights
        shares = [ledger.get(quantity, path)[-1] for quantity in ("saturated", "dead")]
        rows.append(
            (
                path,
                facts.activation or "–",
                *(_norm(v) for v in (deltas[0], deltas[-1])),
                *("–" if np.isnan(v) else f"{v:.0%}" for v in shares),
            )
        )
    return rows


def ledger_pictures(ledger: Ledger | None) -> list[Any]:
    """The deltas and the updates, as heat maps over steps and as curves; what the ledger does not hold is left out."""
    if ledger is None:
        return []
    found = []
    for plot, quantity in (
        (plot_ledger, "delta"),
        (plot_ledger_curves, "delta"),
        (plot_ledger_curves, "update"),
        (plot_ledger, "saturated"),
        (plot_ledger, "dead"),
    ):
        paths, values = ledger.table(quantity)
        if len(paths) and not np.isnan(values).all():
            found.append(drawn(plot, ledger, quantity=quantity, label=f"{quantity} of each layer over the steps"))
    return found


def _norm(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2e}"


# What others found, as the page shows it ---------------------------------------------------------------------------


def diagnosis_view(diagnosis: Any) -> dict[str, Any] | None:
    """The verdicts as the page shows them: name, what was seen, the numbers, the remedy."""
    if diagnosis is None:
        return None
    found = diagnosis.to_dict()
    verdicts = [
        {
            "name": v["name"] + (f" in {v['where']}" if v.get("where") else ""),
            "says": v["says"],
            "evidence": "; ".join(f"{name}: {_shown(value)}" for name, value in v["evidence"].items()),
            "remedy": v["remedy"],
        }
        for v in found["verdicts"]
    ]
    return {
        "healthy": found["healthy"],
        "summary": "Healthy: nothing conspicuous was found." if found["healthy"] else "",
        "ledger": found["summary"],
        "verdicts": verdicts,
        "judged": ", ".join(found["judged"]),
        "unjudged": sorted({f"{name}: {reason}" for name, reason in found["unjudged"].items()}),
    }


def gradients_view(report: Any) -> dict[str, Any] | None:
    """The gradient check as the page shows it."""
    if report is None:
        return None
    rows = [
        (
            e.name,
            " × ".join(map(str, e.shape)) or "1",
            e.verdict,
            f"{e.error:.1e}",
            e.method + (", beside a kink" if e.aside else ""),
        )
        for e in report.entries
    ]
    return {"passed": report.passed, "summary": report.summary, "rows": rows}


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
