"""What a training run tells afterwards."""

from __future__ import annotations

from typing import Any

from omomi.training.callbacks import Callback, Logs
from omomi.training.ledger import Ledger


class History(Callback):
    """The numbers of every epoch, as ``fit`` returns them.

    Attributes:
        history: name ("loss", "accuracy", "val_loss", …) to the list of its values, one for each epoch.
        epoch: the epochs, counted from 0.
        ledger: what the watched steps showed, if ``fit(ledger=…)`` asked for it, else ``None``.
        params: how ``fit`` was called (epochs, steps, batch size).
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}
        self.ledger: Ledger | None = None

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def get_state(self) -> dict[str, Any]:
        return self.to_dict()

    def set_state(self, state: dict[str, Any]) -> None:
        self.epoch = [int(epoch) for epoch in state["epoch"]]
        self.history = {name: list(values) for name, values in state["history"].items()}

    def to_dict(self) -> dict[str, Any]:
        """Epochs and values as plain data."""
        return {"epoch": list(self.epoch), "history": {name: list(v) for name, v in self.history.items()}}

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.history.items())
        return f"<History of {len(self.epoch)} epochs{': ' + last if last else ''}>"
