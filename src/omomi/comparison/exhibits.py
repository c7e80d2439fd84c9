"""What a report shows beside the scores: projections, coefficients, decision regions. From training rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import f_classif
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

from omomi.comparison.learners import Learner
from omomi.comparison.plan import Plan
from omomi.comparison.preparation import LEARNER, pipeline
from omomi.comparison.result import Comparison
from omomi.comparison.table import Table

MOST_ROWS = 2000  # that are learned from, or drawn
STRENGTHS = np.logspace(-3, 1, 17)  # C, the inverse of the penalty


@dataclass(frozen=True, slots=True)
class Projection:
    """Points of the plane.

    Args:
        points: (rows, 2); an axis without a name is only there to spread the points.
        y: the targets of the rows.
        axes: what the two axes are.
    """

    points: np.ndarray
    y: np.ndarray
    axes: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Paths:
    """Coefficients of a linear model under two penalties.

    Args:
        strengths: C, from strong to weak penalties.
        l1, l2: (strengths, columns).
        columns: the names of the columns after the preparation.
        what: which model it is.
    """

    strengths: np.ndarray
    l1: np.ndarray
    l2: np.ndarray
    columns: tuple[str, ...]
    what: str


@dataclass(frozen=True, slots=True)
class Regions:
    """Classifiers of the plane.

    Args:
        read: for each learner, a function from points (n, 2) to probabilities (n, classes).
        points, y: the test rows in that plane.
        axes: what the two axes are.
    """

    read: dict[str, Callable[[np.ndarray], np.ndarray]]
    points: np.ndarray
    y: np.ndarray
    axes: tuple[str, str]


def rows_shown(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Training rows and test rows of the first outer fold, at most 2,000 of each."""
    generator = np.random.default_rng(plan.options.seed)
    train, test = (
        rows if len(rows) <= MOST_ROWS else np.sort(generator.choice(rows, MOST_ROWS, replace=False))
        for rows in plan.division.outer[0]
    )
    return train, test


def prepared(table: Table, train: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Training rows and other rows as learners see them (standardised), and the names of the columns."""
    steps = pipeline(table, None, scaled=True).steps[:-1]
    names = np.array(table.features)
    if not steps:
        return table.x[train], table.x[other], tuple(names)
    prepare = Pipeline(steps).fit(table.x[train])
    if table.categories:
        names = np.array([encoded_name(table, str(name)) for name in prepare.get_feature_names_out(names)])
    return prepare.transform(table.x[train]), prepare.transform(table.x[other]), tuple(map(str, names))


def encoded_name(table: Table, name: str) -> str:
    """ "sex = female" for scikit-learn's "categories__sex_0.0"."""
    part, _, rest = name.partition("__")
    if part != "categories":
        return rest
    column, _, code = rest.rpartition("_")
    texts = table.categories[table.features.index(column)]
    return f"{column} = {'missing' if code == 'nan' else texts[int(float(code))]}"


def variances(plan: Plan) -> np.ndarray:
    """The share of the variance along each principal component of the training rows."""
    train, test = rows_shown(plan)
    x, _, _ = prepared(plan.table, train, test)
    ratios: np.ndarray = PCA().fit(x).explained_variance_ratio_
    return ratios


def projections(plan: Plan) -> dict[str, Projection]:
    """The test rows in the plane of PCA and, of classes, in that of LDA."""
    train, test = rows_shown(plan)
    x, other, _ = prepared(plan.table, train, test)
    y = plan.table.y[test]
    found = {}
    if x.shape[1] >= 2:
        pca = PCA(2).fit(x)
        first, second = (f"component {i + 1}, {100 * r:.0f} %" for i, r in enumerate(pca.explained_variance_ratio_))
        found["PCA"] = Projection(pca.transform(other), y, (first, second))
    if plan.table.classes:
        lda = LinearDiscriminantAnalysis().fit(x, plan.table.y[train])
        points = lda.transform(other)[:, :2]
        axes = ("discriminant 1", "discriminant 2")
        if points.shape[1] == 1:  # two classes: one direction; height is chance
            height = np.random.default_rng(plan.options.seed).uniform(-1, 1, len(points))
            points, axes = np.column_stack([points, height]), ("discriminant 1", "")
        found["LDA"] = Projection(points, y, axes)
    return found


def coefficient_paths(plan: Plan) -> Paths:
    """The coefficients of a linear model under L1 and under L2, from strong to weak penalties.

    Logistic regression of one class against the others (of two classes, of the second against the first), or least
    squares with C = 1/(penalty).
    """
    table = plan.table
    train, test = rows_shown(plan)
    x, _, names = prepared(table, train, test)
    y = table.y[train]
    l1, l2 = [], []
    if table.classes:
        shown = 1 if len(table.classes) == 2 else int(np.bincount(y).argmax())
        what = f"logistic regression of {table.classes[shown]} against " + (
            table.classes[0] if len(table.classes) == 2 else "the other classes"
        )
        for strength in STRENGTHS:
            # liblinear penalises the intercept as a weight of a constant input; a large constant makes that cheap
            sparse = LogisticRegression(
                C=strength, l1_ratio=1.0, solver="liblinear", intercept_scaling=10.0, random_state=plan.options.seed
            )
            dense = LogisticRegression(C=strength, max_iter=2000)
            l1.append(sparse.fit(x, y == shown).coef_[0])
            l2.append(dense.fit(x, y == shown).coef_[0])
        return Paths(STRENGTHS, np.array(l1), np.array(l2), names, what)
    scaled = (y - y.mean()) / y.std()
    for strength in STRENGTHS:
        l1.append(Lasso(alpha=1 / (strength * len(y)), max_iter=20_000).fit(x, scaled).coef_)
        l2.append(Ridge(alpha=1 / strength).fit(x, scaled).coef_)
    return Paths(STRENGTHS, np.array(l1), np.array(l2), names, "least squares, target of variance 1")


def regions(plan: Plan, comparison: Comparison) -> Regions:
    """Every learner, with its usual settings, on two features alone.

    If there are more than two, on the two numbers that differ most between the classes (by the F statistic); of images
    and of data with less than two columns of numbers, on the first two principal components.
    """
    table = plan.table
    train, test = rows_shown(plan)
    if table.image is None and len(table.numeric) >= 2:
        x = table.x[:, table.numeric]
        middle = np.nanmedian(x[train], axis=0)
        filled = np.where(np.isnan(x), middle, x)
        with np.errstate(all="ignore"):
            strength = np.nan_to_num(f_classif(filled[train], table.y[train])[0], nan=0.0, posinf=np.inf)
        two = np.sort(np.argsort(-strength, kind="stable")[:2])
        points = filled[:, two]
        first, second = (table.features[table.numeric[i]] for i in two)
    else:
        x, _, _ = prepared(table, train, test)
        _, everything, _ = prepared(table, train, np.arange(len(table.y)))
        points = PCA(2).fit(x).transform(everything)
        first, second = "principal component 1", "principal component 2"
    flat = Table(table.name, points.astype(np.float64), table.y, (first, second), table.classes)
    readers = {
        one.name: reader(plan.learners[one.name], one.usual, flat, train, plan.options.seed)
        for one in comparison.outcomes
    }
    return Regions(readers, points[test], table.y[test], (first, second))


def reader(
    learner: Learner, settings: Any, table: Table, train: np.ndarray, seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    """The learner, fitted to the plane, as a function from points to probabilities; certain where it tells none."""
    fitted = pipeline(table, learner.make(seed), scaled=learner.scaled)
    fitted.set_params(**{f"{LEARNER}__{name}": value for name, value in settings.items()})
    fitted.fit(table.x[train], table.y[train])

    seen: dict[bytes, np.ndarray] = {}  # a picture is drawn twice, as PNG and into the page

    def read(points: np.ndarray) -> np.ndarray:
        key = points.tobytes()
        if key not in seen:
            certain = not learner.probabilities
            seen[key] = np.eye(len(table.classes))[fitted.predict(points)] if certain else fitted.predict_proba(points)
        return seen[key]

    return read
