"""What a contender can do: build a network in its own manner, then run steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Protocol

import numpy as np

from benchmarks.networks import Array, Network, Weights
from benchmarks.works import Work


class UnsupportedError(Exception):
    """The contender cannot do this work."""


@dataclass(frozen=True)
class Task:
    """A work with its weights and data: the same numbers for every contender.

    Args:
        weights: as the network starts, channels last.
        x, y: the samples (N, …) and their one-hot targets (N, classes).
        threads: how many the contender may use.
    """

    work: Work
    weights: Weights
    x: Array
    y: Array
    threads: int

    @property
    def network(self) -> Network:
        return self.work.network

    def batches(self) -> Iterator[tuple[Array, Array]]:
        """The whole batches once."""
        size = self.work.batch
        for begin in range(0, len(self.x) - size + 1, size):
            yield self.x[begin : begin + size], self.y[begin : begin + size]


class Runner(Protocol):
    """A network that is built and ready."""

    def run(self, count: int) -> None:
        """Do the work so many times. Returns when the results are there, not when they are under way."""

    def outputs(self, x: Array) -> Array:
        """The probabilities for samples, dropout off, with the weights as they are now."""


class Contender(Protocol):
    """One library."""

    def versions(self) -> dict[str, str]:
        """The packages that compute, and their versions."""

    def variants(self, task: Task) -> dict[str, Callable[[], Runner]]:
        """Ways to do the task, such as two memory formats. The worker takes the fastest.

        Raises:
            UnsupportedError: there is none.
        """


class Steps:
    """A runner from a function of one batch; batches lie ready in the library's own form and take turns.

    Args:
        step: does the work on one batch and returns something to wait for.
        batches: each a tuple of arguments of ``step``.
        outputs: probabilities.
        finish: waits for what the last step returned.
    """

    def __init__(
        self,
        step: Callable[..., Any],
        batches: Sequence[tuple[Any, ...]],
        outputs: Callable[[Array], Array],
        finish: Callable[[Any], Any] = lambda result: result,
    ) -> None:
        self.step, self.batches, self.outputs, self.finish = step, cycle(batches), outputs, finish

    def run(self, count: int) -> None:
        step, batches = self.step, self.batches
        result = None
        for _ in range(count):
            result = step(*next(batches))
        self.finish(result)


class Epochs:
    """A runner from a function that trains for one epoch."""

    def __init__(self, fit: Callable[[], Any], outputs: Callable[[Array], Array]) -> None:
        self.fit, self.outputs = fit, outputs

    def run(self, count: int) -> None:
        for _ in range(count):
            self.fit()


def host(array: Any) -> Array:
    """A library's array as NumPy's."""
    return np.asarray(array)
