"""``chainer.training.triggers``: when an extension runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omomi.dialects.chainer.reporter import DictSummary
from omomi.errors import UnknownNameError

Trigger = Callable[[Any], bool]


class IntervalTrigger:
    """Every ``period`` epochs or iterations."""

    def __init__(self, period: float, unit: str) -> None:
        if unit not in ("epoch", "iteration"):
            raise UnknownNameError("unit of a trigger", unit, ("epoch", "iteration"))
        self.period, self.unit = period, unit
        self._before = 0.0

    def __call__(self, trainer: Any) -> bool:
        updater = trainer.updater
        now = updater.epoch_detail if self.unit == "epoch" else updater.iteration
        fires = self._before // self.period != now // self.period and now > 0
        self._before = now
        return bool(fires)

    def get_training_length(self) -> tuple[float, str]:
        return self.period, self.unit

    def serialize(self, serializer: Any) -> None:
        self._before = float(serializer("previous", self._before))


class BestValueTrigger:
    """When the mean of a reported value is better than all before, judged at each ``trigger``."""

    def __init__(self, key: str, compare: Callable[[float, float], bool], trigger: Any = (1, "epoch")) -> None:
        self._key, self._compare, self._trigger = key, compare, get_trigger(trigger)
        self._best: float | None = None
        self._summary = DictSummary()

    def __call__(self, trainer: Any) -> bool:
        if self._key in trainer.observation:
            self._summary.add({self._key: trainer.observation[self._key]})
        if not self._trigger(trainer):
            return False
        value, self._summary = self._summary.compute_mean().get(self._key), DictSummary()
        if value is None or (self._best is not None and not self._compare(self._best, value)):
            return False
        self._best = value
        return True

    @property
    def best_value(self) -> float | None:
        return self._best


class MaxValueTrigger(BestValueTrigger):
    def __init__(self, key: str, trigger: Any = (1, "epoch")) -> None:
        super().__init__(key, lambda best, new: new > best, trigger)


class MinValueTrigger(BestValueTrigger):
    def __init__(self, key: str, trigger: Any = (1, "epoch")) -> None:
        super().__init__(key, lambda best, new: new < best, trigger)


class ManualScheduleTrigger:
    """At the given epochs or iterations."""

    def __init__(self, points: Any, unit: str) -> None:
        self.points = [points] if isinstance(points, (int, float)) else list(points)
        self.unit, self._before = IntervalTrigger(1, unit).unit, 0.0

    def __call__(self, trainer: Any) -> bool:
        now = trainer.updater.epoch_detail if self.unit == "epoch" else trainer.updater.iteration
        fires = any(self._before < point <= now for point in self.points)
        self._before = now
        return fires


class EarlyStoppingTrigger:
    """Ends training when a value has not become better ``patients`` times, or at ``max_trigger``."""

    def __init__(
        self,
        check_trigger: Any = (1, "epoch"),
        monitor: str = "main/loss",
        patience: int | None = None,
        mode: str = "auto",
        verbose: bool = False,
        max_trigger: Any = (100, "epoch"),
        **options: Any,
    ) -> None:
        more = mode == "max" or (mode == "auto" and "accuracy" in monitor)
        self._check = get_trigger(check_trigger)
        self._best = (MaxValueTrigger if more else MinValueTrigger)(monitor, check_trigger)
        self._end = get_trigger(max_trigger)
        self._patience = options.get("patients", 3) if patience is None else patience
        self._length = max_trigger
        self._count = 0

    def __call__(self, trainer: Any) -> bool:
        checked, better = self._check(trainer), self._best(trainer)
        if checked:
            self._count = 0 if better else self._count + 1
        return self._end(trainer) or self._count >= self._patience

    def get_training_length(self) -> tuple[float, str]:
        return tuple(self._length)


def get_trigger(trigger: Any) -> Trigger:
    """A trigger from one, from (period, unit), or from ``None``: always."""
    if trigger is None:
        return lambda trainer: True
    return trigger if callable(trigger) else IntervalTrigger(*trigger)
