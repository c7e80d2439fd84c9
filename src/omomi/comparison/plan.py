"""What a comparison is asked for, and the work that follows from it. Whatever is wrong is said before the first fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import ParameterGrid, ParameterSampler

from omomi.comparison.learners import Learner, choose
from omomi.comparison.names import CLASSES, METRICS, PROTOCOLS, TASKS, Metric, Protocol, find
from omomi.comparison.preparation import check_reduction, parse_reduction
from omomi.comparison.protocols import Division, divide
from omomi.comparison.sources import Data, open_table
from omomi.comparison.table import Table
from omomi.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Options:
    """What decides the result of a comparison; see :func:`omomi.compare`."""

    target: str | None = None
    protocol: str = "nested"
    learners: tuple[str, ...] | None = None
    metric: str | None = None
    reduce: str | None = None
    folds: int = 5
    inner_folds: int = 3
    repeats: int = 1
    candidates: int = 20
    samples: int | None = None
    task: str | None = None
    categorical: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    curves: bool = True
    seed: int = 0

    def to_plain(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Options:
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: the data, the rows, the learners with the settings to try."""

    table: Table
    protocol: Protocol
    metric: Metric
    division: Division
    learners: dict[str, Learner]
    candidates: dict[str, list[dict[str, Any]]]
    notes: list[str]
    options: Options

    def counts(self) -> Counter[str]:
        """Fits of each learner, tuning and judging together."""
        inner = sum(len(pairs) for pairs in self.division.inner) if self.protocol.search else 0
        judged = len(self.division.outer)
        return Counter({name: judged + inner * len(found) for name, found in self.candidates.items()})


def make_plan(data: Data, options: Options) -> Plan:
    """Open the data and lay out the work; whatever is wrong is said here, before the first fit."""
    protocol = find("protocol", options.protocol, PROTOCOLS)
    if options.task is not None and options.task not in TASKS:
        raise ConfigurationError(
            "there is no such task.", where="task", expected=" or ".join(TASKS), received=options.task
        )
    if options.metric is not None:
        find("metric", options.metric, METRICS)
    if options.reduce is not None:
        parse_reduction(options.reduce)
    if options.candidates < 1 or (options.samples is not None and options.samples < 10):
        raise ConfigurationError(
            "a search tries at least one candidate, a sample has at least ten rows.",
            where="candidates, samples",
            received=f"{options.candidates}, {options.samples}",
        )
    table = open_table(
        data,
        options.target,
        task=options.task,
        categorical=options.categorical,
        drop=options.drop,
        samples=options.samples,
        seed=options.seed,
    )
    metric = metric_for(table, options.metric)
    learners, notes = choose(options.learners, table.task, metric, len(table.classes))
    division = divide(
        table,
        protocol,
        folds=options.folds,
        inner_folds=options.inner_folds,
        repeats=options.repeats,
        seed=options.seed,
    )
    if options.reduce is not None:
        check_reduction(options.reduce, table, division.smallest)
    candidates = {name: to_try(learner, protocol, options) for name, learner in learners.items()}
    notes = [*table.notes, *notes]
    return Plan(table, protocol, metric, division, learners, candidates, notes, options)


def metric_for(table: Table, name: str | None) -> Metric:
    """The metric of this name; accuracy or R² without one."""
    metric = METRICS["accuracy" if table.task == CLASSES else "r2"] if name is None else find("metric", name, METRICS)
    if metric.task != table.task:
        raise ConfigurationError(
            f"{metric.words} is for {metric.task}, and this is {table.task}.",
            where="metric",
            expected=", ".join(name for name, one in METRICS.items() if one.task == table.task),
        )
    return metric


def to_try(learner: Learner, protocol: Protocol, options: Options) -> list[dict[str, Any]]:
    """The settings that are tried of a learner."""
    if protocol.search == "grid":
        return [dict(settings) for settings in ParameterGrid({k: list(v) for k, v in learner.grid.items()})]
    if protocol.search == "random":
        drawn = ParameterSampler(learner.ranges, options.candidates, random_state=options.seed)
        return [{name: plain(value) for name, value in settings.items()} for settings in drawn]
    return [{}]


def plain(value: Any) -> Any:
    """A number without NumPy's type."""
    return value.item() if isinstance(value, np.generic) else value
