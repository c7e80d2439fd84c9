"""The work of a comparison: fits done in several processes, each result kept at once, none done twice."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed, parallel_config
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from omomi.comparison.fitting import Fit, Result, fit_and_judge
from omomi.comparison.learners import Learner
from omomi.comparison.names import Metric
from omomi.comparison.preparation import LEARNER, pipeline
from omomi.comparison.progress import Progress
from omomi.comparison.protocols import Division
from omomi.comparison.table import Table
from omomi.errors import FileFormatError, OmomiError
from omomi.files import check_writable, read_json, write_json

FITS = "fits"  # the folder of the results, inside that of the run


class BudgetSpentError(OmomiError):
    """The time that was given is over; what is finished is kept."""


class Store:
    """The results of finished fits: in memory, and each in a JSON file of its own, written atomically.

    Args:
        folder: of the run; ``None`` keeps nothing on disk.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else check_writable(folder / FITS)
        self._results: dict[str, Result] = {}

    def get(self, fit: Fit) -> Result | None:
        """The result of this fit, if it is finished.

        Raises:
            FileFormatError: its file is damaged.
        """
        if fit.key not in self._results and self._folder is not None:
            path = self._folder / f"{fit.key}.json"
            if path.is_file():
                self._results[fit.key] = self._read(path)
        return self._results.get(fit.key)

    def _read(self, path: Path) -> Result:
        try:
            found = read_json(path)["result"]
            trained = found["on_training"]
            numbers = {"score": float(found["score"]), "on_training": None if trained is None else float(trained)}
            return Result(**{**found, **numbers})  # NaN is written as text, which float reads
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(
                f"the result of a fit is damaged ({error}).",
                where=str(path),
                fix="remove this file: the fit is repeated",
            ) from error

    def put(self, fit: Fit, result: Result) -> None:
        """Keep a result."""
        self._results[fit.key] = result
        if self._folder is not None:
            write_json(self._folder / f"{fit.key}.json", {"fit": asdict(fit), "result": asdict(result)})


class Workshop:
    """Does the fits of one comparison.

    Args:
        table, division, learners: what is fitted to which rows.
        metric: by which a fit is judged.
        reduction: a step of the preparation, or ``None``.
        seed: of learners and subsets.
        store: where results are kept.
        jobs: processes that fit at the same time, each with one thread.
        deadline: on the clock of ``time.monotonic``; no fit begins after it.
        progress: is told of every fit.
    """

    def __init__(
        self,
        table: Table,
        division: Division,
        learners: Mapping[str, Learner],
        metric: Metric,
        *,
        reduction: str | None,
        seed: int,
        store: Store,
        jobs: int,
        deadline: float,
        progress: Progress,
    ) -> None:
        self.table, self.division, self.learners, self.metric = table, division, learners, metric
        self.reduction, self.seed, self.store, self.jobs = reduction, seed, store, jobs
        self.deadline, self.progress = deadline, progress
        self._planned: Counter[str] = Counter()
        self._seconds: dict[str, list[float]] = defaultdict(list)

    def plan(self, counts: Mapping[str, int]) -> None:
        """Say how many fits of each learner there will be, so that progress can be told truly."""
        self._planned.update(counts)
        self.progress.begin(self._planned.total())

    def forget(self, name: str) -> None:
        """There will be no more fits of this learner."""
        self._planned.pop(name, None)
        self.progress.begin(self.progress.done + self._planned.total())

    def do(self, fits: Sequence[Fit], words: str) -> list[Result]:
        """The results of these fits, in their order; those that are finished already are not repeated.

        Raises:
            BudgetSpentError: the deadline came before all were done.
        """
        self.progress.say(words)
        waiting = []
        for fit in fits:
            known = self.store.get(fit)
            if known is None:
                waiting.append(fit)
            else:
                self._count(fit, known, repeated=True)
        for fit, result in self._compute(waiting):
            self.store.put(fit, result)
            self._count(fit, result)
        results = [self.store.get(fit) for fit in fits]
        found = [result for result in results if result is not None]
        if len(found) < len(results):
            raise BudgetSpentError(f"the time is over; {len(results) - len(found)} fits of this part are missing.")
        return found

    def _compute(self, fits: Sequence[Fit]) -> Iterator[tuple[Fit, Result]]:
        """Do the fits; results come in the order in which they are finished."""
        if self.jobs == 1 or len(fits) < 2:
            with threadpool_limits(1):
                for call, arguments, options in self._calls(fits, in_worker=False):
                    yield call(*arguments, **options)
            return
        with parallel_config("loky", n_jobs=self.jobs, inner_max_num_threads=1):
            yield from Parallel(return_as="generator_unordered", batch_size=1)(self._calls(fits, in_worker=True))

    def _calls(self, fits: Sequence[Fit], *, in_worker: bool) -> Iterator[Any]:
        call: Callable[..., Any] = delayed(fit_and_judge)
        scorer = self.metric.scorer_for(len(self.table.classes))
        for fit in fits:
            if time.monotonic() > self.deadline:
                return
            train, test = self.rows_of(fit)
            made = self.pipeline_of(fit.learner, fit.settings)
            yield call(fit, made, self.table.x, self.table.y, train, test, scorer, in_worker=in_worker)

    def pipeline_of(self, name: str, settings: Mapping[str, Any]) -> Any:
        """The pipeline of a learner with these settings, not fitted."""
        learner = self.learners[name]
        made = pipeline(
            self.table, learner.make(self.seed), scaled=learner.scaled, reduction=self.reduction, seed=self.seed
        )
        return made.set_params(**{f"{LEARNER}__{setting}": value for setting, value in settings.items()})

    def rows_of(self, fit: Fit) -> tuple[np.ndarray, np.ndarray]:
        """The rows that a fit learns from and those it is judged on."""
        pairs = self.division.outer if fit.inner is None else self.division.inner[fit.outer]
        train, test = pairs[fit.outer if fit.inner is None else fit.inner]
        if fit.share < 1:
            labels = self.table.y[train] if self.table.classes else None
            train, _ = train_test_split(train, train_size=fit.share, random_state=self.seed, stratify=labels)
        return train, test

    def _count(self, fit: Fit, result: Result, *, repeated: bool = False) -> None:
        self._seconds[fit.learner].append(result.seconds)
        self._planned[fit.learner] -= 1
        self.progress.advance(self._remaining(), repeated=repeated)

    def _remaining(self) -> float:
        """Seconds that the fits to come should take: as long as those of the same learner took so far."""
        known = [seconds for all_of in self._seconds.values() for seconds in all_of]
        average = sum(known) / len(known)
        total = 0.0
        for name, count in self._planned.items():
            of_learner = self._seconds.get(name)
            total += count * (sum(of_learner) / len(of_learner) if of_learner else average)
        return total / self.jobs
