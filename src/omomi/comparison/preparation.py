"""What happens to data before a learner sees it. Part of the pipeline: learned from training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, KernelPCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from omomi.comparison.names import REDUCTIONS, plain
from omomi.comparison.table import Table
from omomi.errors import ConfigurationError, UnknownNameError

LEARNER = "learner"  # the name of the pipeline's last step
SHARE = 0.95  # of the variance that PCA keeps unless a number of components is named
COMPONENTS = 10  # of kernel PCA unless named


def pipeline(table: Table, learner: Any, *, scaled: bool, reduction: str | None = None, seed: int = 0) -> Pipeline:
    """The learner behind the preparation that this table needs.

    Missing numbers become the column's median, categories one column each (a missing one is a category, one that
    training never saw is all zeros). For learners that compare distances or penalise weights, numbers get mean 0 and
    variance 1; pixels share one unit, so they stay as they are.

    Args:
        table: decides which steps there are, never with which numbers.
        learner: the scikit-learn estimator.
        scaled: whether it needs standardised numbers.
        reduction: "pca", "lda" or "kernel-pca", with a number of components after a colon if it matters.
        seed: of a reduction that draws.
    """
    steps = prepare_numbers(table, scaled=(scaled or reduction is not None) and table.image is None)
    if table.categories:
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        parts = [("categories", encoder, sorted(table.categories))]
        if table.numeric:
            parts.insert(0, ("numbers", Pipeline(steps) if steps else "passthrough", table.numeric))
        steps = [("columns", ColumnTransformer(parts))]
    if reduction is not None:
        steps = [*steps, ("reduce", reducer(reduction, table, seed))]
    return Pipeline([*steps, (LEARNER, learner)])


def prepare_numbers(table: Table, *, scaled: bool) -> list[tuple[str, Any]]:
    """The steps for columns of numbers."""
    steps: list[tuple[str, Any]] = []
    if np.isnan(table.x[:, table.numeric]).any():
        steps.append(("impute", SimpleImputer(strategy="median", keep_empty_features=True)))
    if scaled:
        steps.append(("scale", StandardScaler()))
    return steps


def parse_reduction(text: str) -> tuple[str, int | None]:
    """ "pca:10" as ("pca", 10).

    Raises:
        UnknownNameError, ConfigurationError: there is no such reduction, or the number is none.
    """
    name, colon, number = text.partition(":")
    if plain(name) not in REDUCTIONS:
        raise UnknownNameError("reduction", name, REDUCTIONS)
    if colon and (not number.isdecimal() or int(number) < 1):
        raise ConfigurationError(
            "the number of components is a positive whole number.", where="reduce", received=text, fix="pca:10"
        )
    return plain(name), int(number) if colon else None


def check_reduction(text: str, table: Table, smallest: int) -> None:
    """Refuse a reduction to more components than there can be; ``smallest`` is the smallest training part."""
    name, components = parse_reduction(text)
    most = min(encoded_width(table), smallest)
    if name == "lda":
        if not table.classes:
            raise ConfigurationError("LDA needs classes, and this target is a number.", where="reduce", fix="pca")
        most = min(most, len(table.classes) - 1)
    if components is not None and components > most:
        raise ConfigurationError(
            "there are not so many components.", where="reduce", expected=f"at most {most}", received=text
        )


def encoded_width(table: Table) -> int:
    """How many columns there are after one-hot encoding."""
    return len(table.numeric) + sum(map(len, table.categories.values()))


def reducer(text: str, table: Table, seed: int) -> Any:
    """The step that ``--reduce`` asks for."""
    name, components = parse_reduction(text)
    if name == "pca":
        return PCA(n_components=components or SHARE, svd_solver="full")
    if name == "lda":
        return LinearDiscriminantAnalysis(n_components=components)
    most = components or min(COMPONENTS, encoded_width(table))
    return KernelPCA(n_components=most, kernel="rbf", random_state=seed)
