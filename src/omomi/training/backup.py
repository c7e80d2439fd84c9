"""Keras's callback for training that goes on after an interruption. :mod:`omomi.training.resuming` does the work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from omomi.errors import ConfigurationError
from omomi.training.callbacks import Callback
from omomi.training.checkpoints import Checkpoints


class BackupAndRestore(Callback):
    """Keep the state of training in a folder; when the same script runs again after an interruption, go on from there.

    ``fit(callbacks=[BackupAndRestore(folder)])`` is ``fit(checkpoint=Checkpoints(folder), resume=True)``: training ends
    exactly as if it had not been interrupted, inside an epoch too.

    Args:
        backup_dir: the folder; a run has one of its own.
        save_freq: "epoch", or a number of batches.
        double_checkpoint: keep the one before the last as well, in case the last is damaged.
        delete_checkpoint: whether the folder is emptied when training has come to its end.

    Raises:
        ConfigurationError: ``save_freq`` is neither.
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        self.checkpoints = Checkpoints(backup_dir, save_freq, keep=2 if double_checkpoint else 1)
        self.delete_checkpoint = bool(delete_checkpoint)

    def finished(self) -> None:
        """Training has come to its end, uninterrupted."""
        if self.delete_checkpoint:
            self.checkpoints.thin_out(0)
            with suppress(OSError):  # somebody else's files are in it
                self.checkpoints.folder.rmdir()


def backup_among(
    callbacks: Sequence[Callback], checkpoint: Any, resume: bool
) -> tuple[BackupAndRestore | None, Any, bool]:
    """The callback that keeps the state, if there is one; ``checkpoint`` and ``resume`` for :meth:`Model.fit`.

    Raises:
        ConfigurationError: the state would be kept in two ways.
    """
    found = [callback for callback in callbacks if isinstance(callback, BackupAndRestore)]
    if not found:
        return None, checkpoint, resume
    if len(found) > 1 or checkpoint is not None:
        raise ConfigurationError(
            "the state of training would be kept twice.",
            where="BackupAndRestore",
            fix="leave out checkpoint=…" if checkpoint is not None else "leave out one of them",
        )
    return found[0], found[0].checkpoints, True
