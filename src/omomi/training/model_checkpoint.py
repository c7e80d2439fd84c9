"""The model in files while it trains: after each epoch, after so many batches, or only when it has become better."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, UnknownNameError
from omomi.files import check_writable
from omomi.training.callbacks import Logs
from omomi.training.monitoring import Monitor


class ModelCheckpoint(Monitor):
    """Writes the model, or its weights, while it trains. Each file is written atomically.

    For training that goes on after a crash as if nothing had happened, a model is not enough; see ``fit(resume=…)``.

    Args:
        filepath: of the file; ``{epoch:02d}``, ``{batch}`` and numbers of the logs such as ``{val_loss:.2f}`` stand
            for what they are when it is written. Epochs and batches count from 1 here, as in Keras.
        monitor: the number that says what is better.
        verbose: 1 says when a file is written.
        save_best_only: write only when the number has become better.
        save_weights_only: write ``model.save_weights`` instead of ``model.save``.
        mode: "min", "max", or "auto", which tells by the name.
        save_freq: "epoch", or a number of batches, after which is looked.
        initial_value_threshold: what the first file has to be better than already.

    Attributes:
        best: the best number so far. A second ``fit`` goes on from it.
        saved: the file that was written last, or ``None``.

    Raises:
        ConfigurationError: ``save_freq`` is neither, or ``filepath`` names a number that there is not.
        FileAccessError: the folder cannot be written to; said when training begins.
    """

    remembered = ("best", "batches", "saved", "seen")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.best = self.worst if initial_value_threshold is None else float(initial_value_threshold)
        self.saved: str | None = None
        self.epoch = self.batches = 0
        self.every: int | None = None
        if save_freq != "epoch":
            whole = isinstance(save_freq, (int, np.integer)) and not isinstance(save_freq, bool)
            if not whole or int(save_freq) < 1:
                raise ConfigurationError(
                    "save_freq says when to look.",
                    where="ModelCheckpoint",
                    expected='"epoch", or a number of batches',
                    received=f"save_freq={save_freq!r}",
                )
            self.every = int(save_freq)
            # Only now: a step does not pay for a report that nobody reads.
            self.on_train_batch_end = self.look_after_batch  # type: ignore[method-assign]

    # ---- moments --------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs) -> None:
        super().on_train_begin(logs)
        folder = Path(self.filepath).parent
        if "{" not in str(folder):
            check_writable(folder)

    def on_train_end(self, logs: Logs) -> None:
        if self.save_best_only:
            super().on_train_end(logs)

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        self.epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self.every is None:
            self.look(logs, epoch, None)

    def look_after_batch(self, batch: int, logs: Logs) -> None:
        """Every so many batches, counted over all epochs."""
        assert self.every is not None
        self.batches += 1
        if self.batches >= self.every:
            self.batches = 0
            self.look(logs, self.epoch, batch)

    # ---- what is written ------------------------------------------------------------------------------------------

    def look(self, logs: Logs, epoch: int, batch: int | None) -> None:
        """Write, if it is time to."""
        if not self.save_best_only:
            self.write(logs, epoch, batch)
            return
        value = self.watched(logs)
        if value is None or not self.better(value, self.best):
            return
        before, self.best = self.best, value
        try:
            self.write(logs, epoch, batch)
        except BaseException:
            self.best = before  # not in a file, so not what the next one has to beat
            raise

    def write(self, logs: Logs, epoch: int, batch: int | None) -> None:
        """Write the model as it is now."""
        path = self.path(logs, epoch, batch)
        if "{" in str(Path(self.filepath).parent):
            check_writable(Path(path).parent)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        self.saved = path
        if self.verbose:
            of = "" if batch is None else f", batch {batch + 1}"
            print(f"Epoch {epoch + 1}{of}: saved {path}")

    def path(self, logs: Logs, epoch: int, batch: int | None) -> str:
        """The name of the file now."""
        numbers: dict[str, Any] = {**logs, "epoch": epoch + 1, **({} if batch is None else {"batch": batch + 1})}
        wanted = re.findall(r"{(\w+)[^}]*}", self.filepath)
        for name in wanted:
            if name not in numbers:
                raise UnknownNameError("number in the file name", name, numbers, where="ModelCheckpoint")
        return self.filepath.format(**numbers)
