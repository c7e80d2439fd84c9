"""One step, as a function of the state: ``state, batch -> state, report``.

Everything that training changes goes in and comes out; nothing else is touched. Because of that one idea an engine
can compile the step, a checkpoint is the state, and resuming is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from omomi.engines.engine import Array, Step
from omomi.engines.selection import current
from omomi.graph.context import collected_penalties, no_grad, training_mode
from omomi.graph.variable import Variable, apply
from omomi.layers.state import Parameter, StateEntry, arrays, holding
from omomi.ops import arithmetic, metric
from omomi.training.losses import Loss, widened
from omomi.training.metrics import Metric
from omomi.training.optimizer import Optimizer

# The entries whose arrays a step takes and returns; the step; and why it must not be recorded, if so.
Made = tuple[dict[str, StateEntry], Step, str | None]


class Trainable(Protocol):
    """What training needs to know of a model."""

    def __call__(self, inputs: Any, *, training: bool | None = None) -> Variable: ...
    def state(self) -> dict[str, StateEntry]: ...
    def parameters(self) -> dict[str, Parameter]: ...
    def walk(self) -> Iterator[tuple[str, Any]]: ...


def tree(model: Trainable, metrics: Sequence[Metric], optimizer: Optimizer | None = None) -> dict[str, StateEntry]:
    """The one tree: the model's parameters and buffers, the optimiser's slots, the metrics' counts, seed and step."""
    entries: dict[str, StateEntry] = dict(model.state())
    if optimizer is not None:
        entries.update(optimizer.entries())
    for m in metrics:
        entries.update(m.entries())
    return entries


def training_step(model: Trainable, loss: Loss, metrics: Sequence[Metric], optimizer: Optimizer) -> Made:
    """The step of training: forward, loss, backward, and the optimiser's move.

    The report holds "loss" (a scalar) and "finite": whether loss and gradients were finite. If they were not, the
    new state is the old one. Where the loss is scaled, gradients that overflow lower the scale, and are forgiven.
    """
    entries = tree(model, metrics, optimizer)
    parameters = model.parameters()

    def step(state: dict[str, Array], batch: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
        engine, batch = current(), picked(batch)
        with holding(entries, state), training_mode():
            y, E = judged(model, loss, batch, training=True)
            scale = optimizer.loss_scale
            E.backward(None if scale is None else scale.scale)

            gradients = {path: p.grad for path, p in parameters.items() if p.grad is not None}
            for p in parameters.values():
                p.grad = None
            if scale is not None:
                gradients = scale.unscaled(gradients)
            finite = engine.forward(metric.all_finite, [E._array, *gradients.values()], {})[0]
            scaled, going = ({}, finite) if scale is None else scale.after(E, finite)

            def moved() -> dict[str, Array]:
                step_number = apply(arithmetic.add, state["step"], engine.asarray(1, dtype="uint32"))._array
                with no_grad():
                    counted = measured(metrics, E, y, batch)
                return {**arrays(entries), **optimizer.moved(gradients), **counted, **scaled, "step": step_number}

            new = engine.choose(finite, moved, lambda: {**state, **scaled} if scaled else state)
        return new, {"loss": E._array, "finite": going}

    return entries, step, why_not_replayed(model, loss)


def evaluation_step(model: Trainable, loss: Loss, metrics: Sequence[Metric]) -> Made:
    """The step of evaluation: forward and loss; only the metrics' counts change."""
    entries = tree(model, metrics)

    def step(state: dict[str, Array], batch: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
        batch = picked(batch)
        with holding(entries, state), training_mode(False), no_grad():
            y, E = judged(model, loss, batch, training=False)
            return {**arrays(entries), **measured(metrics, E, y, batch)}, {"loss": E._array}

    return entries, step, why_not_replayed(model, loss)


def prediction_step(model: Trainable) -> Made:
    """The step of prediction: forward only. The report holds "y"."""
    entries = tree(model, ())

    def step(state: dict[str, Array], batch: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
        batch = picked(batch)
        with holding(entries, state), training_mode(False), no_grad():
            y = model(batch["x"], training=False)
            return arrays(entries), {"y": widened(y, batch["w"])._array}

    return entries, step, why_not_replayed(model)


def picked(batch: dict[str, Array]) -> dict[str, Array]:
    """The batch as arrays: samples that the engine has put off picking are picked."""
    asarray = current().asarray
    return {name: asarray(array) for name, array in batch.items()}


def judged(model: Trainable, loss: Loss, batch: dict[str, Array], training: bool) -> tuple[Variable, Variable]:
    """The output, and E: the loss, and the penalties of the layers and of the parameters that training moves."""
    with collected_penalties() as penalties:
        y = model(batch["x"], training=training)
    E = loss.compute(batch["y"], y, batch["w"])
    if batch["w"] is not None:
        y = widened(y, batch["w"])
    penalties += [p.regularizer(p) for p in model.parameters().values() if p.regularizer is not None]
    for penalty in penalties:
        E = E + penalty
    return y, E


def why_not_replayed(model: Trainable, loss: Loss | None = None) -> str | None:
    """Which layer or loss does not declare that its calls may be recorded and replayed; ``None`` if all do."""
    for path, layer in model.walk():
        if not layer.replayable:
            return f"layer {path or layer.name} ({type(layer).__name__}) does not declare itself replayable"
    if loss is not None and not loss.replayable:
        return f"the loss {loss.name} does not declare itself replayable"
    return None


def measured(metrics: Sequence[Metric], E: Variable, y: Variable, batch: dict[str, Array]) -> dict[str, Array]:
    """The metrics' counts with this batch. The loss is a mean over the batch, so it counts as often as samples."""
    engine = current()
    counted: dict[str, Array] = {}
    samples = engine.asarray(len(batch["w"]), dtype=E.dtype)
    for m in metrics:
        if m.rule is None:
            counted.update(m.updated(apply(arithmetic.multiply, E, samples), samples))
        else:
            w = batch["w"] if m.weighted else batch["one"]
            counted.update(m.measure(batch["y"], y, w))
    return counted
