"""One fit: a pipeline learns from some rows and is judged on others. The unit of work, of progress and of resuming."""

from __future__ import annotations

import os
import pickle
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from threading import Thread
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.pipeline import Pipeline

from omomi.files import sha256_of, to_json

LONGEST_MESSAGE = 300  # characters of an error or a warning that are kept


@dataclass(frozen=True, slots=True)
class Fit:
    """What is fitted to what.

    Args:
        learner: its name.
        settings: what differs from the learner's usual settings.
        outer: the number of the outer fold.
        inner: the number of the inner fold; ``None`` for a fit to the whole training part, judged on its test rows.
        share: how much of the training rows is learned from.
        on_training: also judged on the rows that were learned from.
    """

    learner: str
    settings: Mapping[str, Any]
    outer: int
    inner: int | None
    share: float = 1.0
    on_training: bool = False

    @property
    def judged(self) -> bool:
        """Whether this fit is one by which learners are compared."""
        return self.inner is None and self.share == 1

    @property
    def key(self) -> str:
        """A name for the file with its result: equal for equal fits, whatever is run beside them."""
        identity = [dict(sorted(self.settings.items())), self.share, self.on_training]
        place = "test" if self.inner is None else str(self.inner)
        return f"{self.learner}-{self.outer}-{place}-{sha256_of(to_json(identity).encode())[:12]}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a fit.

    Args:
        score: on the rows it is judged on, larger is better; NaN if it failed.
        fit_seconds, predict_seconds: of learning, and of predicting the rows it is judged on.
        size: bytes of the fitted pipeline, serialised.
        on_training: the score on the rows that were learned from, if it was asked for.
        predictions: of a fit that is judged: class numbers or numbers, one for each test row.
        warnings: what the learner had to say.
        error: why it failed.
    """

    score: float
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    size: int = 0
    on_training: float | None = None
    predictions: list[float] | None = None
    warnings: list[str] = field(default_factory=list)
    error: str | None = None

    @property
    def seconds(self) -> float:
        return self.fit_seconds + self.predict_seconds


def fit_and_judge(
    fit: Fit,
    pipeline: Pipeline,
    x: np.ndarray,
    y: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    scorer: str,
    *,
    in_worker: bool = False,
) -> tuple[Fit, Result]:
    """Fit the pipeline to the training rows and judge it on the test rows.

    An error of the learner is a result, too: the other learners go on.
    """
    if in_worker:
        os.environ["OMOMI_NUM_THREADS"] = "1"  # read when the engine's threads are made: a job has one thread
        watch_parent()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = judge(fit, pipeline, x, y, train, test, scorer)
        except KeyboardInterrupt:
            raise
        except Exception as error:
            result = {"score": float("nan"), "error": f"{type(error).__name__}: {error}"[:LONGEST_MESSAGE]}
    said = sorted({f"{warning.category.__name__}: {warning.message}"[:LONGEST_MESSAGE] for warning in caught})
    return fit, Result(**result, warnings=said)


@cache
def watch_parent() -> None:
    """End this worker when the process that gave it work is gone: after SIGKILL nobody else tells it."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    Thread(target=watch, name="omomi-watch-parent", daemon=True).start()


def judge(
    fit: Fit, pipeline: Pipeline, x: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray, scorer: str
) -> dict[str, Any]:
    """The numbers of one fit."""
    score = get_scorer(scorer)
    begin = time.perf_counter()
    pipeline.fit(x[train], y[train])
    fitted = time.perf_counter()
    predictions = pipeline.predict(x[test])
    predicted = time.perf_counter()
    return {
        "score": float(score(pipeline, x[test], y[test])),
        "fit_seconds": fitted - begin,
        "predict_seconds": predicted - fitted,
        "size": len(pickle.dumps(pipeline)),  # measured, never written
        "on_training": float(score(pipeline, x[train], y[train])) if fit.on_training else None,
        "predictions": np.asarray(predictions).tolist() if fit.judged else None,
    }
