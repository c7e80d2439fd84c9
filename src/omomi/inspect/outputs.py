"""What every layer of a network says to given samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.engines.engine import Array, Attributes
from omomi.errors import DataError, NonFiniteError
from omomi.graph import functions
from omomi.graph.context import no_grad
from omomi.graph.hooks import Hook
from omomi.ops.rule import Rule

__all__ = ["class_probabilities", "layer_outputs"]


class _Outputs(Hook):
    """Keeps the last value that each layer computed."""

    def __init__(self) -> None:
        self.found: dict[str, Array] = {}

    def after_forward(self, rule: Rule, arrays: list[Array], attributes: Attributes, path: str, y: Any) -> None:
        if path:
            self.found.pop(path, None)  # a layer that is used twice stands where it was used last
            self.found[path] = y[0] if isinstance(y, tuple) else y


def layer_outputs(model: Any, x: Any) -> dict[str, np.ndarray]:
    """The output of every layer for a batch x (N, …), in inference, in the order of computing: path → (N, …).

    A layer's activation is part of it: what is returned is z = f(u). Layers that do nothing in inference (Dropout) have
    no entry.

    Raises:
        DataError: the batch is empty.
    """
    if not len(x):
        raise DataError("there is no sample.", where="x", received=np.shape(x))
    hook = _Outputs()
    with no_grad(), hook:
        model(x, training=False)
    return {path: np.asarray(values) for path, values in hook.found.items()}


def class_probabilities(model: Any, x: Any, *, batch_size: int = 256) -> np.ndarray:
    """The probability of each class, (N, classes), as a classifier predicts it.

    Logits, where the loss says that the outputs are logits, go through softmax or sigmoid first; one unit is the
    probability of class 1 of two.

    Raises:
        NonFiniteError: the outputs are no numbers.
    """
    y: np.ndarray = model.predict(x, batch_size=batch_size)
    logits = model.loss is not None and model.loss.from_logits
    if y.shape[1] == 1:
        p = functions.sigmoid(y).numpy() if logits else y
        y = np.concatenate([1 - p, p], axis=1)
    elif logits:
        y = functions.softmax(y).numpy()
    if not np.isfinite(y).all():
        raise NonFiniteError(
            "the network's outputs are not finite.",
            where=model.where,
            fix="its weights are too large: train it anew, with a smaller learning rate",
        )
    return y
