"""What a training step minimises, for whoever looks into one outside ``fit``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import numpy as np

from omomi.errors import NotBuiltError
from omomi.graph.context import context
from omomi.graph.structure import first, flat, places
from omomi.graph.variable import Variable
from omomi.layers.state import StateEntry, arrays, holding
from omomi.models.compiling import get_losses, objective_of, several
from omomi.models.matching import in_places, inputs_of, targets_of, weights_of
from omomi.models.model import Model
from omomi.training import losses
from omomi.training.batches import check_lengths
from omomi.training.objective import Objective
from omomi.training.step import judged

__all__ = ["given_inputs", "input_labels", "loss_of", "untouched", "whole_loss"]


def given_inputs(model: Any, x: Any) -> Any:
    """Inputs as arrays, one or several; the model is built for them if it is not built yet.

    Raises:
        DataError, ShapeError: they do not fit.
    """
    x = model.given_inputs(x) if isinstance(model, Model) else inputs_of(x)
    check_lengths(**{f"x{place}": array for place, array in places(x).items()})
    if isinstance(model, Model):
        model.fit_to(x)
    return x


def input_labels(model: Any, x: Any) -> dict[str, str]:
    """What to call the inputs, by place: "x", or the names of several."""
    found = list(places(x))
    if found == [""]:
        return {"": "x"}
    names = model.input_names if isinstance(model, Model) and model.ports else [f"x{place}" for place in found]
    return dict(zip(found, names, strict=True))


def loss_of(model: Any, loss: Any = None) -> losses.Loss | Objective:
    """The loss given, else the one that the model was compiled with; with several outputs, those of all of them.

    Raises:
        NotBuiltError: there is neither.
        ConfigurationError: it does not fit the outputs.
    """
    compiled = getattr(model, "loss", None)
    if loss is None and compiled is None:
        raise NotBuiltError(
            "the model has not been compiled, so there is no loss to differentiate.",
            where=model.where,
            fix="model.compile(optimizer, loss) first, or give loss=",
        )
    weights = None if loss is not None else model.loss_weights
    found: Any = compiled if loss is None else get_losses(loss)
    outputs = model.model_outputs if isinstance(model, Model) and model._output_shape is not None else []
    if len(outputs) > 1 or several(found) or weights is not None:
        return objective_of(found, weights, outputs)
    return cast(losses.Loss, found)


class _Aligning:
    """A loss that checks and aligns its targets at each call, which ``fit`` does once for a whole data set."""

    def __init__(self, loss: losses.Loss) -> None:
        self.loss = loss

    def compute(self, t: Any, y_pred: Variable, w: Any) -> Variable:
        t = self.loss.align(np.asarray(t), y_pred.shape, self.loss.name)
        return self.loss.compute(t.astype(w.dtype) if t.dtype.kind == "f" else t, y_pred, w)


def whole_loss(model: Any, loss: losses.Loss | Objective, x: Any, y: Any, sample_weight: Any = None) -> Variable:
    """E of a batch in training: the loss and all penalties, as the training step computes it."""
    dtype = model.dtype or "float32"
    samples = len(first(x))
    one = np.ones(samples, dtype)
    if isinstance(loss, Objective):
        targets = targets_of(y, loss, samples, dtype)
        weights = weights_of(targets, loss, sample_weight, None)
        y = in_places([part.output for part in loss.parts], list(targets.values()))
        batch = {**flat("x", x), **flat("y", y), **flat("w", weights), "one": one}
        cast_weights = {k: v.astype(dtype) for k, v in batch.items() if k[0] == "w" and v is not None}
        kept = {name: value for name, value in batch.items() if value is not None}
        return judged(model, loss, {**kept, **cast_weights}, training=True)[1]
    w = one if sample_weight is None else np.asarray(sample_weight).astype(dtype)
    objective = Objective.of(cast(losses.Loss, _Aligning(loss)))
    return judged(model, objective, {**flat("x", x), "y": y, "w": w, "one": one}, training=True)[1]


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
