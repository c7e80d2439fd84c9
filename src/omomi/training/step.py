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
from omomi.graph.structure import flat, mapped, places, structured
from omomi.graph.variable import Variable, apply
from omomi.layers.state import Parameter, StateEntry, arrays, holding
from omomi.ops import arithmetic, metric
from omomi.training.losses import widened
from omomi.training.metric import Metric
from omomi.training.objective import Objective, weights_of
from omomi.training.optimizer import Optimizer

# The entries whose arrays a step takes and returns; the step; and why it must not be recorded, if so.
Made = tuple[dict[str, StateEntry], Step, str | None]


class Trainable(Protocol):
    """What training needs to know of a model."""

    def __call__(self, inputs: Any, *, training: bool | None = None) -> Any: ...
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


def training_step(model: Trainable, objective: Objective, metrics: Sequence[Metric], optimizer: Optimizer) -> Made:
    """The step of training: forward, loss, backward, and the optimiser's move.

    The report holds "loss" (a scalar) and "finite": whether loss and gradients were finite. If they were not, the
    new state is the old one. Where the loss is scaled, gradients that overflow lower the scale, and are forgiven.
    """
    entries = tree(model, metrics, optimizer)
    parameters = model.parameters()

    def step(state: dict[str, Array], batch: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
        engine, batch = current(), picked(batch)
        with holding(entries, state), training_mode():
            ys, E, values = judged(model, objective, batch, training=True)
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
                    counted = measured(metrics, E, values, ys, batch)
                return {**arrays(entries), **optimizer.moved(gradients), **counted, **scaled, "step": step_number}

            new = engine.choose(finite, moved, lambda: {**state, **scaled} if scaled else state)
        return new, {"loss": E._array, "finite": going}

    return entries, step, why_not_replayed(model, objective, metrics)


def evaluation_step(model: Trainable, objective: Objective, metrics: Sequence[Metric]) -> Made:
    """The step of evaluation: forward and loss; only the metrics' counts change."""
    entries = tree(model, metrics)

    def step(state: dict[str, Array], batch: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
        batch = picked(batch)
        with holding(entries, state), training_mode(False), no_grad():
            ys, E, values = judged(model, objective, batch, training=False)
            return {**arrays(entries), **measured(metrics, E, values, ys, batch)}, {"loss": E._array}

    return entries, step, why_not_replayed(model, objective, metrics)


def prediction_step(model: Trainable) -> Made:
    """The step of prediction: forward only. The report holds the outputs, under "y" and their places."""
    entries = tree(model, ())

    def step(state: dict[str, Array], batch: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
        batch = picked(batch)
        with holding(entries, state), training_mode(False), no_grad():
            y = mapped(lambda y: widened(y, batch["one"])._array, model(structured("x", batch), training=False))
            return arrays(entries), flat("y", y)

    return entries, step, why_not_replayed(model)


def picked(batch: dict[str, Array]) -> dict[str, Array]:
    """The batch as arrays: samples that the engine has put off picking are picked."""
    asarray = current().asarray
    return {name: asarray(array) for name, array in batch.items()}


def judged(
    model: Trainable, objective: Objective, batch: dict[str, Array], training: bool
) -> tuple[dict[str, Variable], Variable, dict[str, Variable]]:
    """The outputs by place; E, the loss and the penalties of the layers and of the parameters that training moves; and
    the loss of each output by place."""
    with collected_penalties() as penalties:
        ys = places(model(structured("x", batch), training=training))
    E, values = objective.compute(batch, ys)
    ys = {place: widened(y, weights_of(batch, place)) for place, y in ys.items()}
    penalties += [p.regularizer(p) for p in model.parameters().values() if p.regularizer is not None]
    for penalty in penalties:
        E = E + penalty
    return ys, E, values


def why_not_replayed(
    model: Trainable, objective: Objective | None = None, metrics: Sequence[Metric] = ()
) -> str | None:
    """Which layer, loss or metric does not declare that its calls may be recorded and replayed; ``None`` if all do."""
    for path, layer in model.walk():
        if not layer.replayable:
            return f"layer {path or layer.name} ({type(layer).__name__}) does not declare itself replayable"
    if objective is not None and not objective.replayable:
        return f"the loss {objective.name} does not declare itself replayable"
    for m in metrics:
        if not m.replayable:
            return f"the metric {m.name} does not declare itself replayable"
    return None


def measured(
    metrics: Sequence[Metric],
    E: Variable,
    values: dict[str, Variable],
    ys: dict[str, Variable],
    batch: dict[str, Array],
) -> dict[str, Array]:
    """The metrics' counts with this batch. A loss is a mean over the batch, so it counts as often as samples."""
    engine = current()
    counted: dict[str, Array] = {}
    samples = engine.asarray(len(batch["one"]), dtype=E.dtype)
    for m in metrics:
        if m.rule is None:
            value = E if m.output is None else values[m.output]
            counted.update(m.updated(apply(arithmetic.multiply, value, samples), samples))
        else:
            place = m.output or ""
            w = weights_of(batch, place) if m.weighted else batch["one"]
            counted.update(m.measure(batch[f"y{place}"], ys[place], w))
    return counted
