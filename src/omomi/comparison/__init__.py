"""L6: honest comparisons: the network beside classical learners, on the same rows, by one protocol.

scikit-learn is loaded with the first comparison, pandas with the first table.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omomi.errors import ConfigurationError

if TYPE_CHECKING:
    from omomi.comparison.result import Comparison

__all__ = ["compare"]


def compare(
    data: Any = None,
    target: str | None = None,
    *,
    protocol: str = "nested",
    learners: Sequence[str] | None = None,
    metric: str | None = None,
    reduce: str | None = None,
    folds: int = 5,
    inner_folds: int = 3,
    repeats: int = 1,
    candidates: int = 20,
    samples: int | None = None,
    task: str | None = None,
    categorical: Sequence[str] = (),
    drop: Sequence[str] = (),
    curves: bool = True,
    jobs: int = 1,
    time_budget: float | None = None,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    verbose: int = 1,
) -> Comparison:
    """Compare the network with classical learners on the same data.

    Each learner stands in a pipeline with the preparation it needs; all of the pipeline is learned from training rows
    only. The settings of a learner are chosen on rows that it is not judged on (but for ``protocol="kfold"``, where
    nothing is chosen).

    Args:
        data: the name of a data set (iris, wine, breast_cancer, digits, diabetes, moons, circles, spirals, xor, mnist,
            fashion-mnist), the path of a CSV or Parquet file or of a folder of images, a DataFrame, or the tuple (x, y)
            of features (n, features) and targets (n,).
        target: the column of a table that is predicted.
        protocol: "holdout", "kfold", "grid", "random" or "nested".
        learners: names (network, logistic, ridge, linear-svm, rbf-svm, tree, forest, knn, boosting); all that fit the
            task unless given.
        metric: accuracy (unless given), balanced-accuracy, f1, auc, log-loss; for numbers r2 (unless given), rmse, mae.
        reduce: "pca", "lda" or "kernel-pca", with a number of components as in "pca:10".
        folds: of the outer loop, or of a search.
        inner_folds: of the inner loop of nested cross-validation.
        repeats: how often the outer folds are drawn anew.
        candidates: how many settings a random search tries.
        samples: take so many rows at random.
        task: "classification" or "regression"; found by looking at the target unless given.
        categorical: columns whose numbers are names of categories.
        drop: columns to leave out.
        curves: learning and validation curves as well, if there is a folder for them.
        jobs: how many fits run at the same time, each with one thread.
        time_budget: in seconds; no fit begins after them.
        seed: of folds, learners and searches. The same seed gives the same scores, whatever ``jobs`` is.
        out: a folder for comparison.html, the pictures, the scores (JSON) and the results of all fits.
        resume: go on with the comparison in ``out``; its options are taken from there, and finished fits stay.
        verbose: 1 shows progress on stderr, 0 nothing.

    Raises:
        UnknownNameError: a name or a column does not exist; the message names the nearest.
        FileAccessError, FileFormatError: a file cannot be read, or is no table.
        DataError: learners cannot work with the data.
        ConfigurationError: options contradict each other.
    """
    from omomi.comparison.plan import Options  # scikit-learn is loaded here and not with omomi
    from omomi.comparison.progress import Bar, Progress
    from omomi.comparison.run import compare_in

    if resume and out is None:
        raise ConfigurationError("resume goes on with the comparison in a folder.", fix="out=FOLDER")
    if data is None and not resume:
        raise ConfigurationError("there is no data.", fix='compare("iris")')
    if jobs < 1 or (time_budget is not None and not time_budget > 0):
        raise ConfigurationError(
            "jobs and time are positive.", where="jobs, time_budget", received=f"{jobs}, {time_budget}"
        )
    options = Options(
        target=target,
        protocol=protocol,
        learners=None if learners is None else tuple(learners),
        metric=metric,
        reduce=reduce,
        folds=folds,
        inner_folds=inner_folds,
        repeats=repeats,
        candidates=candidates,
        samples=samples,
        task=task,
        categorical=tuple(categorical),
        drop=tuple(drop),
        curves=curves,
        seed=seed,
    )
    with Bar() if verbose else Progress() as progress:
        return compare_in(
            data,
            options,
            folder=None if out is None else Path(out),
            resume=resume,
            jobs=jobs,
            budget=time_budget,
            progress=progress,
        )
