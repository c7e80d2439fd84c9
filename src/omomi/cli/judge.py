"""What a classifier says of labelled samples: targets as its loss wants them, outputs as probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError
from omomi.inspect.outputs import class_probabilities
from omomi.models.model import Model
from omomi.training import targets
from omomi.utils import to_categorical

BATCH = 256  # samples judged at a time


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a model did on labelled samples.

    Args:
        loss: the mean loss.
        probabilities: of each class, (N, classes).
        labels: the true classes, (N,).
    """

    loss: float
    probabilities: np.ndarray
    labels: np.ndarray

    @property
    def errors(self) -> int:
        return int(np.count_nonzero(self.probabilities.argmax(axis=1) != self.labels))

    @property
    def accuracy(self) -> float:
        return 1 - self.errors / len(self.labels)


def judge(model: Model, x: np.ndarray, y: np.ndarray, classes: int) -> Verdict:
    """Loss and probabilities of a compiled model on samples."""
    measured = model.evaluate(x, targets_for(model, y, classes), batch_size=BATCH, return_dict=True)
    return Verdict(measured["loss"], class_probabilities(model, x, batch_size=BATCH), y.astype(np.int64))


def targets_for(model: Model, y: np.ndarray, classes: int) -> np.ndarray:
    """Class indices (N,) as the model's loss takes them: as they are, or as one-hot rows."""
    assert model.loss is not None
    one_unit = model.output_shape[-1] == 1
    return y if model.loss.align is targets.indices or one_unit else to_categorical(y, classes)


def check_classifier(model: Model, classes: int, where: str) -> None:
    """Raise unless the model has one output for each class (or one for two classes).

    Raises:
        ConfigurationError: it has not.
    """
    shape: Any = model.output_shape
    if len(shape) != 2 or shape[1] not in ((classes, 1) if classes == 2 else (classes,)):
        raise ConfigurationError(
            "the model does not tell these classes apart.",
            where=where,
            expected=f"an output of shape (N, {classes}), one number for each class",
            received=f"an output of shape {targets.shown(shape)}",
            fix=f"a last layer Dense({classes}, activation='softmax')",
        )
