"""Ctrl-C during training: the step that runs is finished, then training ends. Pressed again, it ends at once."""

from __future__ import annotations

import signal
import threading
from typing import Any

from omomi.training.callbacks import Callback, Logs


class Interruption(Callback):
    """Turns Ctrl-C into a :class:`KeyboardInterrupt` between two steps, when parameters, slots and counts fit together.

    It stands aside where somebody else handles the signal, and in threads other than the main one.

    Attributes:
        noticed: whether Ctrl-C was pressed.
    """

    skips_batches = True

    def __init__(self) -> None:
        super().__init__()
        self.noticed = self.raised = self.installed = False

    def on_train_begin(self, logs: Logs) -> None:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self.notice)
            self.installed = True

    def on_train_end(self, logs: Logs) -> None:
        if self.installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self.installed = False
        self.check()

    def notice(self, *_: Any) -> None:
        """The signal's handler."""
        if self.noticed:
            self.raised = True
            raise KeyboardInterrupt
        self.noticed = True

    def check(self) -> None:
        """Raise if Ctrl-C was pressed, once."""
        if self.noticed and not self.raised:
            self.raised = True
            raise KeyboardInterrupt

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        self.check()

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        self.check()
