"""Learning curves and validation curves: what more rows bring, and what holding a learner back brings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from omomi.comparison.fitting import Fit, Result
from omomi.comparison.plan import Plan
from omomi.comparison.result import Comparison, Outcome
from omomi.comparison.work import Workshop

SHARES = (0.1, 0.25, 0.5)  # of the training rows; the whole is known from the comparison
MOST_FOLDS = 3  # over which a curve is averaged
FEWEST_ROWS = 10
FEWEST_OF_CLASS = 2


@dataclass(frozen=True, slots=True)
class Curve:
    """Scores along something that is varied.

    Args:
        places: what is varied: numbers of rows, or values of a setting.
        test, training: (places, folds), the scores on rows that were not and that were learned from; NaN where a fit
            failed.
        setting: the setting that is varied; empty for numbers of rows.
        chosen: the value that the comparison used most often, if it is one of a validation curve.
    """

    places: tuple[Any, ...]
    test: np.ndarray
    training: np.ndarray
    setting: str = ""
    chosen: Any = None


def shares(plan: Plan) -> tuple[float, ...]:
    """The shares of the training rows that leave enough of every class."""
    train, _ = plan.division.outer[0]
    labels = plan.table.y[train]
    rarest = int(np.bincount(labels).min()) if plan.table.classes else len(train)
    least = max(FEWEST_ROWS, FEWEST_OF_CLASS * len(plan.table.classes))
    return tuple(
        share for share in SHARES if int(share * len(train)) >= least and int(share * rarest) >= FEWEST_OF_CLASS
    )


def outer_folds(plan: Plan) -> range:
    return range(min(MOST_FOLDS, len(plan.division.outer)))


def inner_folds(plan: Plan) -> range:
    return range(min(MOST_FOLDS, len(plan.division.inner[0])))


def counts(plan: Plan) -> Counter[str]:
    """Fits that the curves of each learner take."""
    learning = len(shares(plan)) * len(outer_folds(plan))
    return Counter(
        {name: learning + len(learner.curve[1]) * len(inner_folds(plan)) for name, learner in plan.learners.items()}
    )


def learning_curves(plan: Plan, workshop: Workshop, comparison: Comparison) -> dict[str, Curve]:
    """For each learner the score by the number of rows it learned from, with its usual settings.

    Judged on the test rows of the outer folds, which no setting is chosen by any more.
    """
    folds = [fold for fold in outer_folds(plan) if fold < len(comparison.best.judged)]
    parts = shares(plan)
    fits = {
        (one.name, share, fold): Fit(one.name, one.usual, fold, None, share, on_training=True)
        for share in parts
        for fold in folds
        for one in comparison.outcomes
    }
    results = dict(zip(fits, workshop.do(list(fits.values()), "learning curves"), strict=True))
    rows = len(plan.division.outer[0][0])
    places = (*(int(share * rows) for share in parts), rows)

    def curve(one: Outcome) -> Curve:
        found = [[results[one.name, share, fold] for fold in folds] for share in parts]
        return curve_of(places, [*found, [one.judged[fold] for fold in folds]])

    return {one.name: curve(one) for one in comparison.outcomes}


def validation_curves(plan: Plan, workshop: Workshop, comparison: Comparison) -> dict[str, Curve]:
    """For each learner the score by the setting that holds it back, the others as usual.

    Judged inside the training rows of the first outer fold: the test rows are not looked at.
    """
    folds = inner_folds(plan)
    fits: dict[tuple[str, int, int], Fit] = {}
    for one in comparison.outcomes:
        setting, values = plan.learners[one.name].curve
        for i, value in enumerate(values):
            for fold in folds:
                changed: Mapping[str, Any] = {**one.usual, setting: value}
                fits[one.name, i, fold] = Fit(one.name, changed, 0, fold, on_training=True)
    results = dict(zip(fits, workshop.do(list(fits.values()), "validation curves"), strict=True))
    curves = {}
    for one in comparison.outcomes:
        setting, values = plan.learners[one.name].curve
        found = [[results[one.name, i, fold] for fold in folds] for i in range(len(values))]
        curves[one.name] = curve_of(values, found, setting, usual_value(plan, one, setting))
    return curves


def usual_value(plan: Plan, one: Outcome, setting: str) -> Any:
    """The value of a setting that the comparison used most often; the learner's own if it was not tuned."""
    own = plan.learners[one.name].make(plan.options.seed).get_params()
    return one.usual.get(setting, own.get(setting))


def curve_of(places: tuple[Any, ...], found: list[list[Result]], setting: str = "", chosen: Any = None) -> Curve:
    """The scores of these results as a curve."""
    test = np.array([[result.score for result in row] for row in found])
    training = np.array([[np.nan if r.on_training is None else r.on_training for r in row] for row in found])
    return Curve(places, test, training, setting, chosen)
