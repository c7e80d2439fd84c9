"""Early stopping: end training when what is judged gets no better."""

from __future__ import annotations

import logging
from typing import Any

from omomi.errors import ConfigurationError, UnknownNameError
from omomi.training.callbacks import Callback, Logs

logger = logging.getLogger("omomi")

# What is better when it is larger; a loss and an error are better when they are smaller.
LARGER = ("accuracy", "acc", "auc", "precision", "recall", "f1", "r2", "score")
REMEMBERED = ("wait", "best", "best_epoch", "best_weights", "stopped_epoch", "seen")


class EarlyStopping(Callback):
    """End training when a number of the history has not improved for some epochs. Source: Prechelt 1998.

    Args:
        monitor: its name: "val_loss", "loss", "val_accuracy", …
        min_delta: a smaller change is no improvement.
        patience: how many epochs without an improvement are waited out.
        verbose: 1 says when training ends early.
        mode: "min", "max", or "auto", which tells by the name.
        baseline: an epoch counts as no improvement until this is reached.
        restore_best_weights: whether the weights and running statistics of the best epoch come back at the end.
        start_from_epoch: epochs before this one are not judged.

    Attributes:
        best: the best number so far.
        best_epoch: its epoch, counted from 0.
        stopped_epoch: the epoch after which training ended early, else 0.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise UnknownNameError("mode of EarlyStopping", mode, ("auto", "min", "max"))
        if patience < 0:
            raise ConfigurationError("patience is not negative.", where="EarlyStopping", received=patience)
        self.monitor, self.min_delta, self.patience, self.verbose = monitor, abs(min_delta), patience, verbose
        self.baseline, self.restore_best_weights = baseline, restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.larger = mode == "max" or (mode == "auto" and monitor.lower().endswith(LARGER))

    def on_train_begin(self, logs: Logs) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = float("-inf") if self.larger else float("inf")
        self.best_weights: Any = None
        self.seen = False

    def get_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in REMEMBERED}

    def set_state(self, state: dict[str, Any]) -> None:
        for name in REMEMBERED:
            setattr(self, name, state[name])

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self.monitor not in logs:
            if not self.monitor.startswith("val_"):  # validation may not happen after every epoch
                raise UnknownNameError("number to monitor", self.monitor, logs, where="EarlyStopping")
            return
        self.seen = True
        if epoch < self.start_from_epoch:
            return
        value = logs[self.monitor]
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights = self.model.get_weights()
        self.wait += 1
        if self.better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.better(value, self.baseline):
                self.wait = 0
                return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs) -> None:
        if not self.seen and self.monitor.startswith("val_"):
            logger.warning("EarlyStopping never saw %s: fit() was given no validation data", self.monitor)
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: {self.monitor} has not improved; training ends early")
        if self.restore_best_weights and self.best_weights is not None:
            self.model.set_weights(self.best_weights)

    def better(self, value: float, than: float) -> bool:
        """Whether a number is better than another by more than ``min_delta``."""
        return value - self.min_delta > than if self.larger else value + self.min_delta < than
