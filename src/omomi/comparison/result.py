"""What a comparison found out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from omomi.comparison.fitting import Result
from omomi.comparison.names import LEARNERS, Metric
from omomi.comparison.verdict import LEVEL, Test, corrected_t_test, holm
from omomi.files import to_json


@dataclass(frozen=True, slots=True)
class Outcome:
    """One learner of a comparison.

    Args:
        name: of the learner.
        judged: its result in each outer fold.
        settings: what the inner loop chose in each outer fold.
        tuning: the mean inner score of what was chosen, in each outer fold; empty if nothing was tuned.
    """

    name: str
    judged: list[Result]
    settings: list[Mapping[str, Any]]
    tuning: list[float] = field(default_factory=list)

    @property
    def words(self) -> str:
        return LEARNERS[self.name]

    @property
    def scores(self) -> list[float]:
        """One for each outer fold; larger is better."""
        return [result.score for result in self.judged]

    @property
    def error(self) -> str | None:
        """Why it could not be judged, if it could not."""
        return next((result.error for result in self.judged if result.error), None)

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores))

    @property
    def deviation(self) -> float:
        """The standard deviation of the scores (over the outer folds, ddof = 1); NaN for a single one."""
        return float(np.std(self.scores, ddof=1)) if len(self.scores) > 1 else math.nan

    def average(self, what: str) -> float:
        """The mean of "fit_seconds", "predict_seconds" or "size" over the outer folds."""
        return float(np.mean([getattr(result, what) for result in self.judged]))

    @property
    def usual(self) -> Mapping[str, Any]:
        """The settings that were chosen most often; of several, the first."""
        keys = [to_json(settings) for settings in self.settings]
        return self.settings[keys.index(Counter(keys).most_common(1)[0][0])]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of :func:`omomi.compare`.

    Args:
        data: the name of the data.
        task: "classification" or "regression".
        protocol: the name of the protocol.
        metric: what scores are.
        outcomes: the learners that could be judged, best first.
        failed: why the others could not, by name.
        test_share: test rows for each training row of an outer fold.
        notes: what was done to the data, and what else should be known.
        seconds: how long all of it took.
        files: what was written into the folder, and what it is.
    """

    data: str
    task: str
    protocol: str
    metric: Metric
    outcomes: list[Outcome]
    failed: dict[str, str]
    test_share: float
    notes: list[str]
    seconds: float = 0.0
    files: dict[str, str] = field(default_factory=dict)

    @property
    def best(self) -> Outcome:
        """The learner with the best mean score."""
        return self.outcomes[0]

    @property
    def scores(self) -> dict[str, list[float]]:
        """The scores of each learner in each outer fold, in the metric's own sign."""
        return {one.name: [self.metric.shown(score) for score in one.scores] for one in self.outcomes}

    def tests(self) -> dict[str, Test]:
        """The best against each other learner; p-values adjusted after Holm. Empty for a single outer fold."""
        if len(self.best.scores) < 2:
            return {}
        found = {
            other.name: corrected_t_test(self.best.scores, other.scores, self.test_share) for other in self.outcomes[1:]
        }
        adjusted = holm({name: test.p for name, test in found.items()})
        return {name: Test(test.difference, test.t, adjusted[name]) for name, test in found.items()}

    def verdict(self) -> str:
        """In one or two sentences, whether the best is really better."""
        if len(self.outcomes) < 2:
            return f"Only {self.best.words} could be judged: there is nothing to compare it with."
        tests = self.tests()
        if not tests:
            leaders = [one.words for one in self.outcomes if one.mean == self.best.mean]
            have = "has" if len(leaders) == 1 else "have"
            return (
                f"{capital(joined(leaders))} {have} the best score on the one test set. A single test set says nothing "
                "of chance: protocol kfold or nested compares learners on several."
            )
        close = [name for name, test in tests.items() if test.p >= LEVEL]
        second = self.outcomes[1]
        if not close:
            worst = max(test.p for test in tests.values())
            return f"{capital(self.best.words)} is better than every other learner ({chance(worst)})."
        first = f"{capital(self.best.words)} has the best mean, but is not shown to be better than {second.words}"
        if second.name not in close:
            first = f"{capital(self.best.words)} is better than {second.words}, but not shown to be better than all"
        words = [LEARNERS[name] for name in close]
        rest = "" if words == [second.words] else f" The differences to {joined(words)} may be chance."
        if len(close) == len(tests) > 1:
            rest = " Nor than any other: all differences may be chance."
        return f"{first} ({chance(tests[second.name].p)}).{rest}"

    def rows(self) -> list[tuple[str, ...]]:
        """The table: learner, score, spread, difference to the best with its p, times, size, settings."""
        tests = self.tests()
        return [
            (
                one.words,
                number(self.metric.shown(one.mean)),
                "–" if math.isnan(one.deviation) else f"± {number(one.deviation)}",
                "" if one.name not in tests else chance(tests[one.name].p),
                seconds(one.average("fit_seconds")),
                seconds(one.average("predict_seconds")),
                size(one.average("size")),
                settings(one.usual),
            )
            for one in self.outcomes
        ]

    @property
    def head(self) -> tuple[str, ...]:
        """The titles of the table's columns."""
        return ("learner", self.metric.words, "spread", "vs best", "fit", "predict", "size", "usual settings")

    def __str__(self) -> str:
        table = [self.head, *self.rows()]
        widths = [max(len(row[i]) for row in table) for i in range(len(self.head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
        return "\n".join(line.rstrip() for line in [*lines, "", self.verdict(), *self.notes])

    def __repr__(self) -> str:
        return f"<Comparison of {len(self.outcomes)} learners on {self.data}, {self.protocol}: best {self.best.name}>"

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON. Scores have the metric's own sign."""
        tests = self.tests()
        return {
            "data": self.data,
            "task": self.task,
            "protocol": self.protocol,
            "metric": self.metric.words,
            "seconds": self.seconds,
            "verdict": self.verdict(),
            "learners": {one.name: self._plain(one, tests.get(one.name)) for one in self.outcomes},
            "failed": self.failed,
            "notes": self.notes,
        }

    def _plain(self, one: Outcome, test: Test | None) -> dict[str, Any]:
        return {
            "scores": [self.metric.shown(score) for score in one.scores],
            "mean": self.metric.shown(one.mean),
            "deviation": None if math.isnan(one.deviation) else one.deviation,
            "tuning": [self.metric.shown(score) for score in one.tuning],
            "settings": [dict(settings) for settings in one.settings],
            "fit_seconds": one.average("fit_seconds"),
            "predict_seconds": one.average("predict_seconds"),
            "size": round(one.average("size")),
            "against_best": None if test is None else {"difference": test.difference, "t": test.t, "p": test.p},
        }


def number(value: float) -> str:
    """A score with what its digits can say."""
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.4g}"


def seconds(value: float) -> str:
    """ "3.2 ms", "1.4 s"."""
    return f"{value:.3g} s" if value >= 0.9995 else f"{1000 * value:.3g} ms"


def size(value: float) -> str:
    """ "512 B", "3.1 kB", "12 MB"."""
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"


def chance(p: float) -> str:
    """ "p = 0.21", "p < 0.001"."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.0995 else f"p = {p:.2f}"


def settings(chosen: Mapping[str, Any]) -> str:
    """ "C = 10, gamma = scale"; "as they are" if nothing was chosen."""
    texts = [f"{name.removeprefix('regressor__')} = {setting(value)}" for name, value in chosen.items()]
    return ", ".join(texts) or "as they are"


def setting(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, tuple | list):
        return "–".join(map(str, value))
    return str(value)


def capital(words: str) -> str:
    """The words with a capital letter first; names such as "RBF SVM" stay."""
    return words[:1].upper() + words[1:]


def joined(words: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
