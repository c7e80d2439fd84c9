"""Which learning rate to begin with: a short training whose rate grows from step to step, and is then undone.

Where the loss falls fastest per factor of the rate, training is quick and still stable; a little further it diverges.
Source: Smith 2017, arXiv:1506.01186, section 3.3 (the range test).
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, NonFiniteError
from omomi.inspect.canvas import BLUE, FAINT, HEADING, MUTED, PAGE, SMALL, VERMILION, Sheet, style
from omomi.models.feeding import Data, feed
from omomi.training.optimizer import by_path
from omomi.training.rates import check_movable
from omomi.training.step import tree

__all__ = ["RateSweep", "find_learning_rate"]

DIVERGED = 4.0  # times the lowest mean so far
MEMORY = 0.9  # of the running mean that tells when the sweep has seen enough
WIDTH = 1 / 40  # standard deviation of the bell curve, as a share of the sweep


@dataclass(frozen=True)
class RateSweep:
    """What a sweep has shown.

    Attributes:
        rates: of each step, growing by the same factor, (n,).
        losses: of each step's batch, before the step was made, (n,).
        smoothed: means over neighbouring steps, weighted by a bell curve; losses that run away count as twice the first
            ones, (n,).
        diverged: whether the sweep ended since the loss grew out of bounds or was not finite.
        suggestion: the rate at which the smoothed loss falls fastest against log(rate); ``None`` if it never fell.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    diverged: bool
    suggestion: float | None

    def plot(self, path: str | os.PathLike[str]) -> Path:
        """Draw losses against rates, the suggestion marked, as .png or .svg."""
        return _plot(self, path)

    def __str__(self) -> str:
        tried = f"{len(self.rates)} rates from {self.rates[0]:.2g} to {self.rates[-1]:.2g}"
        end = ", where the loss ran away" if self.diverged else ""
        if self.suggestion is None:
            return f"{tried}{end}: the loss never fell; look at the data, the loss and the initial weights first"
        return f"{tried}{end}: begin with {self.suggestion:.2g}"


def find_learning_rate(
    model: Any,
    x: Any,
    y: Any = None,
    batch_size: int | str | None = None,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
) -> RateSweep:
    """Train for some steps with a rate that grows, look at the losses, and put everything back as it was.

    Parameters, running statistics, slots, counts and the rate are afterwards what they were, bit for bit; nothing is
    set for you. Rates by layer or unit keep their proportions; the largest of them is what is swept. A generator has
    given the batches that were used.

    Args:
        model: compiled.
        x, y: data, or a source of batches, as ``fit`` takes it. It is gone through again if it is shorter.
        lowest, highest: the first and the last rate.
        steps: how many there are.

    Returns:
        The :class:`RateSweep`: ``print`` it, ``.plot("rates.png")`` it, take its ``.suggestion``.

    Raises:
        ConfigurationError: the rates do not grow, or the optimiser has a schedule of its own.
        DataError, ShapeError, DtypeError: the data does not fit.

    Example:
        >>> import numpy as np, omomi
        >>> x = np.random.default_rng(0).normal(size=(320, 4))
        >>> model = omomi.Sequential([omomi.layers.Dense(1, input_shape=(4,))], seed=0)
        >>> model.compile(omomi.optimizers.SGD(), "mse")
        >>> sweep = omomi.find_learning_rate(model, x, x.sum(axis=1))
        >>> 0.01 < sweep.suggestion < 1.0
        True
    """
    if not 0 < lowest < highest or not np.isfinite(highest) or steps < 10:
        raise ConfigurationError(
            "the rates grow from the lowest to the highest, in 10 steps or more.",
            where="find_learning_rate",
            received=f"lowest={lowest}, highest={highest}, steps={steps}",
        )
    data = feed(model, x, y, sample_weight, class_weight, batch_size)
    check_movable(model)
    trainer, optimizer = model.trainer(), model.optimizer
    to_host, before = current().to_host, optimizer.learning_rate
    entries = tree(model, trainer.metrics, optimizer)
    kept = {path: np.array(to_host(entry.array)) for path, entry in entries.items()}
    rates = np.geomspace(lowest, highest, steps)
    losses: list[float] = []
    total, best, diverged = 0.0, np.inf, False
    try:
        with closing(_batches(data, model.seed)) as batches:
            for rate, batch in zip(rates, batches, strict=False):
                optimizer.learning_rate = _scaled(before, float(rate))
                trainer.reset()
                try:
                    trainer.train_on_batch(batch)
                except NonFiniteError:
                    diverged = True
                    break
                losses.append(trainer.logs()["loss"])
                total = MEMORY * total + (1 - MEMORY) * losses[-1]
                mean = total / (1 - MEMORY ** len(losses))
                best = min(best, mean)
                if mean > DIVERGED * abs(best) and len(losses) > steps // 10:
                    diverged = True
                    break
    finally:
        optimizer.learning_rate = before
        for path, entry in entries.items():
            entry.assign(kept[path])
    taken, curve = rates[: len(losses)], _smooth(np.array(losses), steps)
    return RateSweep(taken, np.array(losses), curve, diverged, _steepest(taken, curve, np.array(losses)))


def _batches(data: Data, seed: int) -> Generator[Any, None, None]:
    """Batches without an end, each round in another order."""
    number = 0
    while True:
        with closing(data.epoch(data.order(seed, number, True))) as batches:
            yield from batches
        if data.exhausted:
            return
        number += 1


def _scaled(before: Any, rate: float) -> Any:
    """The rates, in their proportions, with this one as the largest."""
    if isinstance(before, float):
        return rate
    largest = max(float(np.max(r)) for r in by_path(before).values())
    if isinstance(before, Mapping):
        return {path: np.asarray(r) * (rate / largest) for path, r in before.items()}
    return before * (rate / largest)


def _smooth(losses: np.ndarray, steps: int) -> np.ndarray:
    """Weighted means over neighbours."""
    if not len(losses):
        return losses
    start = losses[: max(len(losses) // 10, 1)].mean()
    bounded = np.minimum(losses, start + abs(start))
    at = np.arange(len(losses))
    weights = np.exp(-0.5 * ((at[:, None] - at) / max(1.0, WIDTH * steps)) ** 2)
    smoothed: np.ndarray = weights @ bounded / weights.sum(axis=1)
    return smoothed


def _steepest(rates: np.ndarray, smoothed: np.ndarray, losses: np.ndarray) -> float | None:
    """The rate at which the loss falls fastest before it is lowest; ``None`` if it falls by no more than its noise."""
    lowest = int(np.argmin(smoothed)) + 1 if len(smoothed) else 0
    if lowest < 3:
        return None
    flat = max(lowest // 4, 2)  # so small rates change nothing: what the losses do there is noise
    start = float(smoothed[:flat].mean())
    if start - smoothed[lowest - 1] <= losses[:flat].std() + 1e-3 * abs(start):
        return None
    slope = np.gradient(smoothed[:lowest], np.log(rates[:lowest]))
    return float(rates[int(np.argmin(slope))])


@style()
def _plot(sweep: RateSweep, path: str | os.PathLike[str]) -> Path:
    page = Sheet(PAGE, 290, "loss against learning rate")
    page.heading("Loss against learning rate", str(sweep))
    axes = page.panel(56, HEADING + 4, PAGE - 56 - 30, 290 - HEADING - 4 - 44)
    axes.set_xscale("log")
    axes.set_xlabel("learning rate", fontsize=SMALL)
    lowest, highest = (int(np.floor(np.log10(rate))) for rate in (sweep.rates[0], sweep.rates[-1]))
    powers = range(lowest, highest + 2, 1 + (highest - lowest) // 7)
    axes.set_xticks([10.0**k for k in powers], labels=[f"{10.0**k:g}" for k in powers])
    axes.minorticks_off()
    axes.set_xlim(sweep.rates[0] / 1.2, sweep.rates[-1] * 1.2)
    axes.plot(sweep.rates, sweep.losses, "-", color=FAINT, lw=1)
    axes.plot(sweep.rates, sweep.smoothed, "-", color=BLUE, lw=2)
    if len(sweep.smoothed):
        low, start = float(sweep.smoothed.min()), float(sweep.smoothed[0])
        margin = 0.15 * max(abs(start - low), 1e-12)
        axes.set_ylim(low - margin, max(start, float(np.median(sweep.smoothed))) + 3 * margin)
    if sweep.suggestion is not None:
        axes.axvline(sweep.suggestion, color=VERMILION, lw=1.4, ls="--")
        page.text(PAGE - 30, 290 - 14, f"suggested: {sweep.suggestion:.2g}", size=SMALL, color=MUTED, ha="right")
    return page.save(path)
