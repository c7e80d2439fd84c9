"""``chainer.report``: what a link observes, such as its loss, under the name that a trainer knows it by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from omomi.dialects.chainer.variable import Variable

Observation = dict[str, Any]


class Reporter:
    """Names of links, and the observation that reports go into."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self.observation: Observation = {}

    def add_observer(self, name: str, observer: Any) -> None:
        self.names[id(observer)] = name

    def add_observers(self, prefix: str, observers: Any) -> None:
        """Links by their paths, below ``prefix``."""
        for path, link in observers:
            self.names[id(link)] = prefix + path

    @contextmanager
    def scope(self, observation: Observation) -> Iterator[None]:
        """Inside, reports go into this observation."""
        global _current
        before = self.observation, _current
        self.observation, _current = observation, self
        try:
            yield
        finally:
            self.observation, _current = before

    def report(self, values: Mapping[str, Any], observer: Any = None) -> None:
        prefix = "" if observer is None else self.names.get(id(observer), type(observer).__name__) + "/"
        self.observation.update({prefix + key: value for key, value in values.items()})


_current = Reporter()


def get_current_reporter() -> Reporter:
    return _current


def report(values: Mapping[str, Any], observer: Any = None) -> None:
    """Report values to whoever observes; without a trainer nobody does."""
    _current.report(values, observer)


@contextmanager
def report_scope(observation: Observation) -> Iterator[None]:
    """Inside, reports go into this observation."""
    with _current.scope(observation):
        yield


class Summary:
    """Mean and deviation of numbers as they come."""

    def __init__(self) -> None:
        self.total = self.squares = 0.0
        self.count = 0

    def add(self, value: Any) -> None:
        number = plain(value)
        self.total, self.squares, self.count = self.total + number, self.squares + number**2, self.count + 1

    def compute_mean(self) -> float:
        return self.total / self.count

    def make_statistics(self) -> tuple[float, float]:
        mean = self.compute_mean()
        return mean, float(np.sqrt(max(self.squares / self.count - mean**2, 0.0)))


class DictSummary:
    """Summaries by name."""

    def __init__(self) -> None:
        self.summaries: dict[str, Summary] = {}

    def add(self, values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            if np.ndim(value.array if isinstance(value, Variable) else value) == 0 and not isinstance(value, str):
                self.summaries.setdefault(key, Summary()).add(value)

    def compute_mean(self) -> dict[str, float]:
        return {key: summary.compute_mean() for key, summary in self.summaries.items()}


def plain(value: Any) -> float:
    """A report as a Python number."""
    return float(value.array if isinstance(value, Variable) else value)
