"""What a training step minimises, for whoever looks into one outside ``fit``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import numpy as np

from omomi.errors import NotBuiltError
from omomi.graph.context import context
from omomi.graph.variable import Variable
from omomi.layers.state import StateEntry, arrays, holding
from omomi.training import losses
from omomi.training.objective import Objective
from omomi.training.step import judged

__all__ = ["loss_of", "untouched", "whole_loss"]


def loss_of(model: Any, loss: Any = None) -> losses.Loss:
    """The loss given, else the one that the model was compiled with.

    Raises:
        NotBuiltError: there is neither.
    """
    compiled: losses.Loss | None = getattr(model, "loss", None)
    if loss is not None:
        return losses.get(loss)
    if compiled is None:
        raise NotBuiltError(
            "the model has not been compiled, so there is no loss to differentiate.",
            where=model.where,
            fix="model.compile(optimizer, loss) first, or give loss=",
        )
    return compiled


class _Aligning:
    """A loss that checks and aligns its targets at each call, which ``fit`` does once for a whole data set."""

    def __init__(self, loss: losses.Loss) -> None:
        self.loss = loss

    def compute(self, t: Any, y_pred: Variable, w: Any) -> Variable:
        t = self.loss.align(np.asarray(t), y_pred.shape, self.loss.name)
        return self.loss.compute(t.astype(w.dtype) if t.dtype.kind == "f" else t, y_pred, w)


def whole_loss(model: Any, loss: losses.Loss, x: Variable, y: Any, sample_weight: Any = None) -> Variable:
    """E of a batch in training: the loss and all penalties, as the training step computes it."""
    dtype = model.dtype or "float32"
    w = np.ones(len(y), dtype) if sample_weight is None else np.asarray(sample_weight).astype(dtype)
    objective = Objective.of(cast(losses.Loss, _Aligning(loss)))
    return judged(model, objective, {"x": x, "y": y, "w": w}, training=True)[1]


@contextmanager
def untouched(entries: Mapping[str, StateEntry]) -> Iterator[None]:
    """Inside, a step may run with its graph; afterwards these entries and their gradients are as they were."""
    gradients = {path: entry.grad for path, entry in entries.items()}
    recording, context.recording = context.recording, True
    with holding(entries, arrays(entries)):
        try:
            for entry in entries.values():
                entry.grad = None
            yield
        finally:
            context.recording = recording
            for path, entry in entries.items():
                entry.grad = gradients[path]
