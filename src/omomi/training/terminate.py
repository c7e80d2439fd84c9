"""Ending a run that has met a number that is not finite without an error."""

from __future__ import annotations

import logging

from omomi.errors import NonFiniteError
from omomi.training.callbacks import Callback, Logs

logger = logging.getLogger("omomi")


class TerminateOnNaN(Callback):
    """End training, instead of raising, when loss or gradient is no finite number any more.

    The step that met it is not made: the model keeps the last good weights, and the History the epochs before. The
    epoch that was under way is not counted. What was wrong, and where it began, goes to the log as an error.

    Attributes:
        error: what the step met, or ``None``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.error: NonFiniteError | None = None

    def on_train_begin(self, logs: Logs) -> None:
        self.error = None

    def on_non_finite(self, error: NonFiniteError) -> bool:
        self.error = error
        logger.error("training ends: %s", error)
        return True
