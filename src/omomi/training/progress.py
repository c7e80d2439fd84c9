"""Showing how training goes: a live bar on a terminal, plain lines elsewhere. Everything goes to stderr."""

from __future__ import annotations

import sys
import time
from typing import Any

from omomi.errors import ConfigurationError
from omomi.training.callbacks import Callback, CallbackList, Logs
from omomi.training.history import History
from omomi.training.interruption import Interruption


def progress_callback(verbose: int | str) -> list[Callback]:
    """The callback for ``fit(verbose=…)``: none, the bar, or the lines.

    Raises:
        ConfigurationError: verbose is not 0, 1, 2 or "auto".
    """
    if verbose == "auto":
        verbose = 1 if sys.stderr.isatty() else 2
    if verbose not in (0, 1, 2):
        raise ConfigurationError(
            "verbose says how much to show.",
            expected='0 (nothing), 1 (a bar), 2 (one line for each epoch) or "auto"',
            received=f"verbose={verbose!r}",
        )
    return [] if verbose == 0 else [Bar()] if verbose == 1 else [Lines()]


def history_among(callbacks: list[Callback]) -> History:
    """The History that the user has given, emptied; else a new one."""
    for callback in callbacks:
        if isinstance(callback, History):
            callback.epoch, callback.history = [], {}
            return callback
    return History()


def all_callbacks(
    given: list[Callback], history: History, shown_by: list[Callback], model: Any, params: dict[str, Any]
) -> CallbackList:
    """The callbacks of ``fit``: those that the user gave, the History after them, since it notes what they add to the
    logs, and last what shows the epoch; those that the user has given himself are not doubled."""
    if any(isinstance(callback, Lines) for callback in given):
        shown_by = []
    noted = [] if any(callback is history for callback in given) else [history]
    return CallbackList([Interruption(), *given, *noted, *shown_by], model, params)


def numbers(logs: Logs) -> str:
    """Loss and metrics on one line."""
    return "  ".join(
        f"{name} {value:.4f}" if abs(value) < 1e6 else f"{name} {value:.3e}" for name, value in logs.items()
    )


class Lines(Callback):
    """One line for each epoch: its number, losses and metrics, seconds, samples per second."""

    skips_batches = True

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        self.begin = self.trained = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        self.trained = time.perf_counter()  # what follows the last batch is validation

    def wants_logs(self) -> bool:
        return False

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        for line in (f"epoch {epoch + 1}/{self.params['epochs']}  {self.summary(logs)}", *self.remarks()):
            print(line, file=sys.stderr, flush=True)

    def remarks(self) -> list[str]:
        """What the ledger says of this epoch, if there is one."""
        history = getattr(self.model, "history", None)
        return [] if history is None or history.ledger is None else [f"  ledger: {history.ledger.sentence()}"]

    def summary(self, logs: Logs) -> str:
        """The numbers of an epoch, with its duration and speed."""
        seconds, training = time.perf_counter() - self.begin, self.trained - self.begin
        return f"{numbers(logs)}  {seconds:.1f} s  {self.seen / max(training, 1e-9):,.0f} samples/s"

    @property
    def seen(self) -> int:
        """How many samples this epoch has had since it was begun here, if training goes on inside it."""
        return int(self.params["seen"] - self.params.get("seen_before", 0))


class Bar(Lines):
    """A live bar for each epoch, with loss and metrics so far, samples per second and the time left."""

    def on_train_begin(self, logs: Logs) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.progress: Any = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True, highlight=False),
            transient=True,
            refresh_per_second=8,
        )
        self.progress.start()

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        super().on_epoch_begin(epoch, logs)
        self.label = f"epoch {epoch + 1}/{self.params['epochs']}"
        self.task = self.progress.add_task(self.label, total=self.params["steps"], numbers="")
        self.shown = self.begin

    def wants_logs(self) -> bool:
        return time.perf_counter() - self.shown >= 0.1  # an eye sees no more; a step should not wait for the terminal

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        super().on_train_batch_end(batch, logs)
        now = self.trained
        if not logs or now - self.shown < 0.1:
            return
        self.shown = now
        speed = self.seen / (now - self.begin)
        self.progress.update(self.task, completed=batch + 1, numbers=f"{numbers(logs)}  {speed:,.0f} samples/s")

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self.progress.remove_task(self.task)
        for line in (f"{self.label}  {self.summary(logs)}", *self.remarks()):
            self.progress.console.print(line, markup=False)

    def on_train_end(self, logs: Logs) -> None:
        self.progress.stop()


class ProgbarLogger(Bar):
    """The bar as a callback that is given to ``fit``, instead of ``verbose=1``."""
