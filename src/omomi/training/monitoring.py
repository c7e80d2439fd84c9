"""Callbacks that watch one number of the logs: which values are better, and what is said when it never comes."""

from __future__ import annotations

import logging

from omomi.errors import UnknownNameError
from omomi.training.callbacks import Callback, Logs

logger = logging.getLogger("omomi")

# What is better when it is larger; a loss and an error are better when they are smaller.
LARGER = ("accuracy", "acc", "auc", "precision", "recall", "f1", "f1_score", "r2", "r2_score", "score", "iou")
MODES = ("auto", "min", "max")


class Monitor(Callback):
    """Watches one number.

    Args:
        monitor: its name: "val_loss", "loss", "val_accuracy", …
        mode: "min", "max", or "auto", which tells by the name.
        min_delta: a smaller change is no improvement.

    Attributes:
        larger: whether larger numbers are better.

    Raises:
        UnknownNameError: there is no such mode.
    """

    def __init__(self, monitor: str, mode: str = "auto", min_delta: float = 0.0) -> None:
        super().__init__()
        if mode not in MODES:
            raise UnknownNameError(f"mode of {type(self).__name__}", mode, MODES)
        self.monitor, self.mode, self.min_delta = monitor, mode, abs(min_delta)
        self.larger = mode == "max" or (mode == "auto" and monitor.lower().endswith(LARGER))
        self.seen = False

    @property
    def worst(self) -> float:
        """What every number is better than."""
        return float("-inf") if self.larger else float("inf")

    def better(self, value: float, than: float) -> bool:
        """Whether a number is better than another by more than ``min_delta``."""
        return value - self.min_delta > than if self.larger else value + self.min_delta < than

    def watched(self, logs: Logs) -> float | None:
        """The number; ``None`` where it belongs to a validation that does not happen after every epoch.

        Raises:
            UnknownNameError: there is no such number; the message names the nearest.
        """
        if self.monitor in logs:
            self.seen = True
            return logs[self.monitor]
        if not self.monitor.startswith("val_"):
            raise UnknownNameError("number to monitor", self.monitor, logs, where=type(self).__name__)
        return None

    def on_train_begin(self, logs: Logs) -> None:
        self.seen = False

    def on_train_end(self, logs: Logs) -> None:
        if not self.seen and self.monitor.startswith("val_"):
            logger.warning(
                "%s never saw %s: fit() was given no validation data, or validates less often than it trains",
                type(self).__name__,
                self.monitor,
            )
