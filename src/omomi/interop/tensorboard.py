"""TensorBoard's event files: the one module that imports tensorboardX, when the first file is written."""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError
from omomi.files import check_writable
from omomi.inspect.draw import draw_model
from omomi.training.callbacks import Callback, Logs
from omomi.training.ledger import OF_LAYERS, OF_PARAMETERS

__all__ = ["TensorBoard"]

TRAIN, VALIDATION = "train", "validation"


class TensorBoard(Callback):
    """Writes event files while a network trains, for ``tensorboard --logdir LOG_DIR``.

    Into ``log_dir/train`` and ``log_dir/validation`` go, as Keras names them, ``epoch_loss``, ``epoch_accuracy``, … and
    ``epoch_learning_rate``; and beside them what Omomi knows more.

    Args:
        log_dir: the folder; a folder for each run lets TensorBoard lay runs over one another.
        histogram_freq: parameters as histograms after every so many epochs; 0 for never.
        write_graph: the network as a picture, under "images", when training begins.
        update_freq: "epoch"; or "batch" or a number of steps, after which ``batch_loss``, … are written as well.
        ledger: what the watched steps showed, as ``ledger/delta/dense``, … by the number of the step, if
            ``fit(ledger=…)`` records it.

    Raises:
        ConfigurationError: tensorboardX is not installed, or an option lies outside its range.
        FileAccessError: the folder cannot be written to; said when training begins.

    Example:
        >>> import omomi
        >>> callback = omomi.callbacks.TensorBoard("runs/one", histogram_freq=1)  # model.fit(…, callbacks=[callback])
    """

    remembered = ("written",)

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        update_freq: str | int = "epoch",
        ledger: bool = True,
    ) -> None:
        super().__init__()
        if find_spec("tensorboardX") is None:
            raise ConfigurationError(
                "event files for TensorBoard are written by tensorboardX, which is not installed.",
                where="TensorBoard",
                fix="install the extra: pip install 'omomi[tensorboard]'",
            )
        self.log_dir = Path(log_dir)
        self.histogram_freq = whole(histogram_freq, "histogram_freq", least=0)
        self.write_graph, self.ledger = bool(write_graph), bool(ledger)
        self.writers: dict[str, Any] = {}
        self.written = 0  # rows of the ledger
        if update_freq != "epoch":
            self.every = 1 if update_freq == "batch" else whole(update_freq, "update_freq", least=1)
            # Only now: a step does not pay for a report that nobody reads.
            self.on_train_batch_end = self.write_batch  # type: ignore[method-assign]

    # ---- moments --------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs) -> None:
        check_writable(self.log_dir)
        self.written = 0
        if self.write_graph:
            self.writer(TRAIN).add_image("graph", picture_of(self.model), self.step(), dataformats="HWC")

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        for name, value in logs.items():
            validation = name.startswith("val_")
            tag = f"epoch_{name.removeprefix('val_')}"
            self.writer(VALIDATION if validation else TRAIN).add_scalar(tag, value, epoch)
        rate = getattr(self.model.optimizer, "learning_rate", None)
        if isinstance(rate, float) and "learning_rate" not in logs:
            self.writer(TRAIN).add_scalar("epoch_learning_rate", rate, epoch)
        if self.histogram_freq and (epoch + 1) % self.histogram_freq == 0:
            for path, p in self.model.parameters().items():
                values = np.asarray(current().to_host(p.array))
                if np.isfinite(values).all():
                    self.writer(TRAIN).add_histogram(path, values, epoch)
        self.write_ledger()
        for writer in self.writers.values():
            writer.flush()

    def on_train_end(self, logs: Logs) -> None:
        self.write_ledger()  # also the rows of an epoch that did not come to its end
        for writer in self.writers.values():
            writer.close()
        self.writers = {}

    # ---- what is written ------------------------------------------------------------------------------------------

    def write_batch(self, batch: int, logs: Logs) -> None:
        """The means over the epoch so far, after a step."""
        if batch % self.every == 0:
            step = self.step()
            for name, value in logs.items():
                self.writer(TRAIN).add_scalar(f"batch_{name}", value, step)

    def write_ledger(self) -> None:
        """The rows of the ledger that are new."""
        ledger = self.model.history.ledger if self.ledger and self.model.history is not None else None
        if ledger is None or self.written == len(ledger):
            return
        for quantity in (*OF_LAYERS, *OF_PARAMETERS):
            paths, values = ledger.table(quantity)
            for path, row in zip(paths, values, strict=True):
                for i in range(self.written, len(ledger)):
                    if not np.isnan(row[i]):
                        self.writer(TRAIN).add_scalar(f"ledger/{quantity}/{path}", row[i], ledger.steps[i])
        self.written = len(ledger)

    def writer(self, part: str) -> Any:
        """The writer of the events of training or of validation."""
        if part not in self.writers:
            from tensorboardX import SummaryWriter

            self.writers[part] = SummaryWriter(str(self.log_dir / part))
        return self.writers[part]

    def step(self) -> int:
        """The number of steps that the model has made."""
        return int(current().to_host(self.model.state()["step"].array))


def picture_of(model: Any) -> Any:
    """The drawing of a model as an image, uint8 (H, W, 3)."""
    from PIL import Image

    with (
        tempfile.TemporaryDirectory() as folder,
        Image.open(draw_model(model, Path(folder) / "model.png")) as image,
    ):
        return np.asarray(image.convert("RGB"))


def whole(value: Any, name: str, least: int) -> int:
    """A whole number that is not too small, or an error that says which option is wrong."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ConfigurationError(
            f"{name} is a whole number, {least} or more.", where="TensorBoard", received=f"{name}={value!r}"
        )
    return int(value)
