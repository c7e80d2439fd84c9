"""The folder of a finished comparison: comparison.html, its pictures, and the scores as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from omomi.comparison import exhibits
from omomi.comparison.curves import Curve
from omomi.comparison.names import LEARNERS, PROTOCOLS
from omomi.comparison.pictures import plot_learning_curves, plot_scores, plot_validation_curves
from omomi.comparison.plan import Plan
from omomi.comparison.planes import (
    plot_all_regions,
    plot_coefficients,
    plot_projections,
    plot_truth,
    plot_variance,
    predictions_of,
)
from omomi.comparison.result import Comparison, Outcome, capital, settings
from omomi.inspect.confusion import count_confusions, plot_confusion
from omomi.inspect.html import drawn, write_page

PAGE = "comparison.html"
MOST_CLASSES = 30  # whose confusions can be read


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the report.

    Args:
        name: of its file, without the ending.
        words: what it shows.
        plot: the function that draws it into the file ``path``.
        arguments: of that function.
        section: of the page it stands in.
        shaded: it has text over shades, and keeps its colours in the dark.
    """

    name: str
    words: str
    plot: Callable[..., Path]
    arguments: tuple[Any, ...]
    section: str
    shaded: bool = False


def pictures(
    plan: Plan, comparison: Comparison, learning: dict[str, Curve], validation: dict[str, Curve]
) -> Iterator[Picture]:
    """Every picture of a report, in the order of the page."""
    metric = comparison.metric
    yield Picture("scores", "scores of each learner, and their spread", plot_scores, (comparison,), "scores")
    if learning:
        words = "scores by the number of training rows"
        yield Picture("learning-curves", words, plot_learning_curves, (learning, metric), "curves")
    if validation:
        words = "scores by what holds a learner back"
        yield Picture("validation-curves", words, plot_validation_curves, (validation, metric), "curves")
    if not plan.table.classes:
        truth = {one.name: truth_of(plan, one) for one in comparison.outcomes}
        words = "predictions beside true values"
        yield Picture("predictions", words, plot_truth, (comparison, truth, metric), "errors")
    elif len(plan.table.classes) <= MOST_CLASSES:
        for one in comparison.outcomes:
            matrix = count_confusions(truth_of(plan, one), predictions_of(one).astype(int), len(plan.table.classes))
            words = f"which classes {one.words} takes for which"
            arguments = (matrix, plan.table.classes, capital(one.words))
            yield Picture(f"confusion-{one.name}", words, confusion, arguments, "errors", shaded=True)
    if plan.table.classes and len(plan.table.classes) <= MOST_CLASSES:
        regions = exhibits.regions(plan, comparison)
        words = "decision regions of each learner on two features"
        yield Picture("regions", words, plot_all_regions, (regions,), "plane", shaded=True)
    found = exhibits.projections(plan)
    if found:
        yield Picture(
            "projections", "the data in the planes of PCA and LDA", plot_projections, (found, plan.table), "plane"
        )
    yield Picture(
        "variance", "variance along principal components", plot_variance, (exhibits.variances(plan),), "linear"
    )
    words = "coefficients under L1 against L2"
    yield Picture("coefficients", words, plot_coefficients, (exhibits.coefficient_paths(plan),), "linear")


def confusion(matrix: np.ndarray, classes: tuple[str, ...], title: str, path: Path) -> Path:
    return plot_confusion(matrix, path, classes, title=title)


def truth_of(plan: Plan, one: Outcome) -> np.ndarray:
    """The targets of the test rows, fold after fold."""
    return np.concatenate([plan.table.y[test] for _, test in plan.division.outer[: len(one.judged)]])


def write_report(
    folder: Path, plan: Plan, comparison: Comparison, learning: dict[str, Curve], validation: dict[str, Curve]
) -> dict[str, str]:
    """Write the pictures and the page into the folder; returns what each file is."""
    files = {PAGE: "everything on one page, to open in a browser"}
    sections: dict[str, list[dict[str, Any]]] = {}
    for picture in pictures(plan, comparison, learning, validation):
        path = folder / f"{picture.name}.png"
        picture.plot(*picture.arguments, path=path)
        markup = drawn(picture.plot, *picture.arguments, label=picture.words, adapt=not picture.shaded)
        sections.setdefault(picture.section, []).append({"markup": markup, "shaded": picture.shaded})
        files[path.name] = picture.words
    write_page(folder / PAGE, "comparison.html", package="omomi.comparison", **page_of(plan, comparison, sections))
    return files


def page_of(plan: Plan, comparison: Comparison, sections: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What the template is filled with."""
    table, tests = plan.table, comparison.tests()
    kinds = f"{len(table.classes)} classes" if table.classes else "a quantity"
    best = comparison.rows()[0]
    return {
        "title": f"Learners compared on {table.name}",
        "subtitle": f"{capital(PROTOCOLS[comparison.protocol].words)}.",
        "verdict": comparison.verdict(),
        "sure": bool(tests) and all(test.p < 0.05 for test in tests.values()),
        "figures": [
            ("best learner", comparison.best.words),
            (comparison.metric.words, f"{best[1]} {best[2]}" if best[2] != "–" else best[1]),
            ("rows", f"{len(table.y):,}"),
            ("features", f"{len(table.features):,}"),
            ("target", f"{table.target}, {kinds}"),
        ],
        "head": comparison.head,
        "rows": comparison.rows(),
        "chosen": [
            (one.words, [settings(found) for found in one.settings]) for one in comparison.outcomes if any(one.settings)
        ],
        "failed": [(LEARNERS[name], error) for name, error in comparison.failed.items()],
        "notes": comparison.notes,
        "sections": sections,
        "options": [(name.replace("_", " "), value) for name, value in shown_options(plan)],
    }


def shown_options(plan: Plan) -> Iterator[tuple[str, str]]:
    """The options of the comparison that were given or that count."""
    for name, value in plan.options.to_plain().items():
        if value is not None and value != ():
            yield name, ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
