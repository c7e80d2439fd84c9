"""Callbacks: what happens at the edges of batches and epochs.

What a callback has seen, and decides by, is part of what a checkpoint keeps: :meth:`Callback.get_state` tells it,
:meth:`Callback.set_state` takes it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

Logs = dict[str, float]


class Callback:
    """Override what you need. Methods have Keras's names.

    Attributes:
        model: the model that is being trained.
        params: "epochs", "steps" (batches in an epoch), "batch_size" and "samples".
        skips_batches: an engine may take several batches in one call. A callback that does something at every batch
            keeps it from that, unless this says that it need not be told of each: it is then told before the first
            and after the last batch of a call.
    """

    skips_batches: ClassVar[bool] = False

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_model(self, model: Any) -> None:
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def get_state(self) -> dict[str, Any]:
        """What it remembers of the training so far, for a checkpoint.

        Plain values: ``None``, bool, numbers (also NaN and infinities), text, NumPy arrays, and lists and mappings
        (text as keys) of these; a tuple comes back as a list. Nothing is remembered unless this is overridden.
        """
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what :meth:`get_state` told, when training goes on from a checkpoint.

        It comes after :meth:`on_train_begin` and, where training goes on inside an epoch, after that epoch's
        :meth:`on_epoch_begin`: what those have set up is overwritten. The model has its state back by then.
        """

    def on_train_begin(self, logs: Logs) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs) -> None:
        """After the last epoch, also when training was interrupted."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Before an epoch; epochs count from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After an epoch and its validation; ``logs`` holds the means over the epoch."""

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        """Before a step."""

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """After a step; ``logs`` holds the means over the epoch so far."""


class LambdaCallback(Callback):
    """A callback from functions: ``LambdaCallback(on_epoch_end=lambda epoch, logs: print(logs))``."""

    def __init__(self, **functions: Any) -> None:
        super().__init__()
        for name, function in functions.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                known = ", ".join(n for n in vars(Callback) if n.startswith("on_"))
                raise TypeError(f"LambdaCallback has no moment {name!r}; there are {known}")
            setattr(self, name, function)


class CallbackList:
    """Several callbacks as one."""

    def __init__(self, callbacks: Iterable[Callback], model: Any, params: dict[str, Any]) -> None:
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)
        # Most callbacks look at epochs only: a step should not pay for reports that nobody reads.
        self.at_batch_begin = [c for c in self.callbacks if overrides(c, "on_train_batch_begin")]
        self.at_batch_end = [c for c in self.callbacks if overrides(c, "on_train_batch_end")]
        self.at_every_batch = any(not c.skips_batches for c in (*self.at_batch_begin, *self.at_batch_end))

    def train_begin(self) -> None:
        for callback in self.callbacks:
            callback.on_train_begin({})

    def train_end(self, logs: Logs) -> None:
        for callback in self.callbacks:
            callback.on_train_end(dict(logs))

    def epoch_begin(self, epoch: int) -> None:
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, {})

    def epoch_end(self, epoch: int, logs: Logs) -> None:
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, dict(logs))

    def batch_begin(self, batch: int) -> None:
        for callback in self.at_batch_begin:
            callback.on_train_batch_begin(batch, {})

    def batch_end(self, batch: int, logs: Logs) -> None:
        for callback in self.at_batch_end:
            callback.on_train_batch_end(batch, dict(logs))


def overrides(callback: Callback, method: str) -> bool:
    """Whether a callback does something at this moment."""
    return method in vars(callback) or getattr(type(callback), method) is not getattr(Callback, method)
