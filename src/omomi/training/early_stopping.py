"""Early stopping: end training when what is judged gets no better."""

from __future__ import annotations

from typing import Any

from omomi.errors import ConfigurationError
from omomi.training.callbacks import Logs
from omomi.training.monitoring import Monitor


class EarlyStopping(Monitor):
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

    remembered = ("wait", "best", "best_epoch", "best_weights", "stopped_epoch", "seen")

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
        super().__init__(monitor, mode, min_delta)
        if isinstance(patience, bool) or not isinstance(patience, int) or patience < 0:
            raise ConfigurationError(
                "patience is a number of epochs: whole, and not negative.",
                where="EarlyStopping",
                received=repr(patience),
            )
        self.patience, self.verbose = patience, verbose
        self.baseline, self.restore_best_weights = baseline, restore_best_weights
        self.start_from_epoch = start_from_epoch

    def on_train_begin(self, logs: Logs) -> None:
        super().on_train_begin(logs)
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.worst
        self.best_weights: Any = None

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        value = self.watched(logs)
        if value is None or epoch < self.start_from_epoch:
            return
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
        super().on_train_end(logs)
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: {self.monitor} has not improved; training ends early")
        if self.restore_best_weights and self.best_weights is not None:
            self.model.set_weights(self.best_weights)
