"""Ctrl-C during training: the step that runs is finished, then training ends. Pressed again, it ends at once."""

from __future__ import annotations

import signal
from typing import Any

from omomi.training.callbacks import Callback, Logs


class Interruption(Callback):
    """Turns Ctrl-C into a :class:`KeyboardInterrupt` between two steps, when model and optimiser fit together.

    Attributes:
        started: whether training has begun.
        noticed: whether Ctrl-C was pressed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.started = self.noticed = False

    def on_train_begin(self, logs: Logs) -> None:
        self.started = True
        self.before = signal.signal(signal.SIGINT, self.notice)

    def on_train_end(self, logs: Logs) -> None:
        signal.signal(signal.SIGINT, self.before)

    def notice(self, *_: Any) -> None:
        """The signal's handler."""
        if self.noticed:
            raise KeyboardInterrupt
        self.noticed = True

    def check(self) -> None:
        if self.noticed:
            raise KeyboardInterrupt

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        self.check()

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        self.check()
