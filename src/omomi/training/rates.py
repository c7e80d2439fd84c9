"""Callbacks that move the learning rate."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError
from omomi.training.callbacks import Callback, Logs
from omomi.training.monitoring import Monitor


class ReduceLROnPlateau(Monitor):
    """Multiply the learning rate by a factor when a number of the logs has not improved for some epochs.

    Rates for each layer or unit are multiplied each; none becomes smaller than ``min_lr``.

    Args:
        monitor: its name: "val_loss", "loss", "val_accuracy", …
        factor: of the rate, below 1.
        patience: how many epochs without an improvement are waited out.
        verbose: 1 says when the rate changes.
        mode: "min", "max", or "auto", which tells by the name.
        min_delta: a smaller change is no improvement.
        cooldown: how many epochs are not judged after a reduction.
        min_lr: the smallest rate.

    Raises:
        ConfigurationError: the factor is 1 or more; or, when training begins, the optimiser has a schedule of its own.
    """

    remembered = ("best", "wait", "cooling", "seen")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if not 0 <= factor < 1:
            raise ConfigurationError("the factor makes a rate smaller.", where="ReduceLROnPlateau", received=factor)
        self.factor, self.patience, self.verbose = float(factor), patience, verbose
        self.cooldown, self.min_lr = cooldown, float(min_lr)
        self.forget()

    def forget(self) -> None:
        """Start judging anew."""
        self.best, self.wait, self.cooling = self.worst, 0, 0

    def on_train_begin(self, logs: Logs) -> None:
        super().on_train_begin(logs)
        check_movable(self.model)
        self.forget()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        log_rate(self.model, logs)
        value = self.watched(logs)
        if value is None:
            return
        if self.cooling > 0:
            self.cooling -= 1
            self.wait = 0
        if self.better(value, self.best):
            self.best, self.wait = value, 0
        elif self.cooling == 0:
            self.wait += 1
            if self.wait >= self.patience:
                self.reduce(epoch)

    def reduce(self, epoch: int) -> None:
        """Make the rates smaller, unless they are as small as they may be."""
        rates = by_place(self.model.optimizer.learning_rate)
        smaller = {path: np.maximum(np.asarray(rate) * self.factor, self.min_lr) for path, rate in rates.items()}
        if all((np.asarray(rates[path]) <= self.min_lr).all() for path in rates):
            return
        plain = {path: float(rate) if rate.ndim == 0 else rate for path, rate in smaller.items()}
        self.model.optimizer.learning_rate = plain[""] if list(plain) == [""] else plain
        self.cooling, self.wait = self.cooldown, 0
        if self.verbose:
            print(f"Epoch {epoch + 1}: the learning rate is reduced to {spelled(self.model.optimizer.learning_rate)}")


class LearningRateScheduler(Callback):
    """Set the learning rate before each epoch.

    Args:
        schedule: (epoch from 0, rate now) → rate; or (epoch) → rate.
        verbose: 1 says what the rate is.

    Raises:
        ConfigurationError: what the schedule returns is no rate, said before the epoch; or, when training begins,
            the optimiser has a schedule of its own.
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise ConfigurationError(
                "a schedule is a function.",
                where="LearningRateScheduler",
                expected="(epoch, learning_rate) → learning_rate",
                received=repr(schedule),
            )
        self.schedule, self.verbose = schedule, verbose
        self.takes_rate = takes_two(schedule)

    def on_train_begin(self, logs: Logs) -> None:
        check_movable(self.model)

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        now = self.model.optimizer.learning_rate
        rate = self.schedule(epoch, now) if self.takes_rate else self.schedule(epoch)
        if not isinstance(rate, dict):
            try:
                numbers = np.asarray(rate, np.float64)
            except (TypeError, ValueError):
                numbers = np.array(np.nan)
            if not np.isfinite(numbers).all() or (numbers < 0).any():
                raise ConfigurationError(
                    "the schedule gave no learning rate.",
                    where=f"LearningRateScheduler, epoch {epoch}",
                    expected="a finite number that is not negative",
                    received=repr(rate),
                    fix="return a rate from the function" if rate is None else None,
                )
            rate = float(numbers) if numbers.ndim == 0 else numbers
        self.model.optimizer.learning_rate = rate
        if self.verbose:
            print(f"Epoch {epoch + 1}: the learning rate is {spelled(rate)}")

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        log_rate(self.model, logs)


def takes_two(schedule: Callable[..., Any]) -> bool:
    """Whether a function takes the rate beside the epoch: by its signature, since an error inside of it is its own."""
    try:
        inspect.signature(schedule).bind(0, 0.1)
    except TypeError:
        return False
    except ValueError:  # some functions of C have no signature
        return True
    return True


def check_movable(model: Any) -> None:
    """Raise before training if the rate cannot be set.

    Raises:
        ConfigurationError: a schedule of the optimiser's moves it.
    """
    model.optimizer.learning_rate = model.optimizer.learning_rate


def by_place(rates: Any) -> dict[str, Any]:
    """A rate as a mapping from path."""
    return rates if isinstance(rates, dict) else {"": rates}


def log_rate(model: Any, logs: Logs) -> None:
    """Note the rate of this epoch, where there is one rate."""
    rate = model.optimizer.learning_rate
    if isinstance(rate, float):
        logs["learning_rate"] = rate


def spelled(rate: Any) -> str:
    """A rate, or rates, as text."""
    return f"{rate:g}" if isinstance(rate, float) else str(rate)
