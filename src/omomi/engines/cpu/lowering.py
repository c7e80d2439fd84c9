"""From the calls of a recorded step to the operations of a plan.

A rule that kernels serve has a *lowering*: how its forward and its backward become launches, both together, since they
share what is kept between them. A rule without one, or a call that the lowering does not accept, runs as it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from omomi.engines.cpu.plan import Place, Plan, Planner
from omomi.engines.cpu.recording import Call, Notes, Unreplayable
from omomi.engines.engine import Array
from omomi.engines.reference import xp


class Lowering:
    """How the calls of one rule become operations."""

    def accepts(self, p: Planner, call: Call) -> bool:
        """Whether kernels serve this forward call, and the backward call that belongs to it."""
        return True

    def forward(self, p: Planner, call: Call) -> None:
        """Append the operations of a forward call."""
        raise NotImplementedError

    def backward(self, p: Planner, call: Call) -> None:
        """Append the operations of a backward call."""
        raise NotImplementedError


class UpdateLowering:
    """How the calls of an optimiser's rule become operations, in place on parameter and slots."""

    def accepts(self, p: Planner, call: Call) -> bool:
        """Whether kernels serve this call."""
        return True

    def update(self, p: Planner, call: Call) -> None:
        """Append the operations."""
        raise NotImplementedError


class Plain(Lowering):
    """The rule as it is written, its results copied to where the plan wants them."""

    def __init__(self) -> None:
        self.saved: list[Any] = [None]

    def forward(self, p: Planner, call: Call) -> None:
        count, saved, rule, attributes = len(call.inputs), self.saved, call.rule, call.attributes

        def run(*arrays: Array) -> None:
            y, saved[0] = rule.forward(xp, *arrays[:count], **attributes)
            for part, target in zip((y,) if call.single else y, arrays[count:], strict=True):
                np.copyto(target, part)

        p.python(run, *inputs_of(p, call), *outputs_of(p, call))

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        count, saved, rule, attributes, wanted = len(call.inputs), self.saved, call.rule, call.attributes, call.wanted
        given = [i for i, value in enumerate(call.inputs) if value is not None]
        results = [i for i, value in enumerate(call.outputs) if value is not None]
        deltas = [p.place(value) for value in call.inputs if value is not None]

        def run(*arrays: Array) -> None:
            gy: list[Any] = [None] * count
            for i, array in zip(given, arrays, strict=False):
                gy[i] = array
            gx = rule.backward(xp, saved[0], gy[0] if call.single else tuple(gy), wanted, **attributes)
            for i, target in zip(results, arrays[len(given) : len(given) + len(results)], strict=True):
                np.copyto(target, gx[i])

        # What forward saved may be the very arrays of its inputs: they are in use until here.
        p.python(run, *deltas, *outputs_of(p, call), *inputs_of(p, call.partner))


class PlainUpdate(UpdateLowering):
    """An optimiser's rule as it is written."""

    def update(self, p: Planner, call: Call) -> None:
        rule, attributes = call.rule, call.attributes

        def run(parameter: Array, g: Array, t: Array, rate: Array, *slots: Array) -> None:
            new, new_slots = rule.step(xp, parameter, g, slots, t, rate, **attributes)
            np.copyto(parameter, new)
            for slot, new_slot in zip(slots, new_slots, strict=True):
                np.copyto(slot, new_slot)

        p.python(run, *inputs_of(p, call))


def inputs_of(p: Planner, call: Call) -> list[Place]:
    """The places of a call's inputs."""
    return [p.place(value) for value in call.inputs if value is not None]


def outputs_of(p: Planner, call: Call) -> list[Place]:
    """The places of a call's outputs."""
    return [p.place(value) for value in call.outputs if value is not None]


def lower(
    notes: Notes,
    state: dict[str, Array],
    lowerings: dict[str, Lowering],
    updates: dict[str, UpdateLowering],
    sources: Mapping[str, str],
    caution: Callable[[Planner], None] | None = None,
) -> Plan:
    """The plan of a recorded step.

    Args:
        notes: the step.
        state: the arrays that the plan reads and changes in place, by path.
        lowerings, updates: by the rule's name.
        sources: of the inputs whose samples the plan picks itself, the dtype of what they are picked from.
        caution: decides where bounds replace looking at gradients; ``None`` for a plan that looks at every number.
    """
    p = Planner(notes, state, sources)
    if caution is not None and notes.condition is not None:
        caution(p)
    chosen: dict[int, Lowering] = {}  # of a forward call, by its identity; its backward call follows it
    condition_at = None
    for index, call in enumerate(notes.calls):
        if notes.condition is not None and index == notes.condition[1]:
            condition_at = len(p.operations)
        if call.kind == "forward":
            lowering = lowerings.get(call.rule.name)
            if lowering is None or not lowering.accepts(p, call):
                lowering = Plain()
            chosen[id(call)] = lowering
            lowering.forward(p, call)
        elif call.kind == "backward":
            chosen[id(call.partner)].backward(p, call)
        else:
            for value in (call.inputs[0], *call.inputs[4:]):
                if any(value in later.inputs for later in notes.calls[index + 1 :]):
                    raise Unreplayable("a value is read after an optimiser has moved it")
            lower_update(p, call, updates)
    if notes.condition is not None and condition_at is None:
        condition_at = len(p.operations)
    # What the step assigns takes effect at its end: until here, everybody reads the old values.
    for path, value in notes.new_state.items():
        target, source = p.places[notes.state[path]], p.place(value)
        if (source.shape, source.dtype) != (target.shape, target.dtype):
            raise Unreplayable(f"{path} changes its shape or dtype from step to step")
        if source.storage is not target.storage:
            p.copy(source, target)
    return p.finish(condition_at)


def lower_update(p: Planner, call: Call, updates: dict[str, UpdateLowering]) -> None:
    """An optimiser's move, in place: the new values stand where the old ones stood."""
    known = call.rule if call.rule.inner is None else call.rule.inner
    lowering = updates.get(known.name)
    if lowering is None or not lowering.accepts(p, call):
        lowering = PlainUpdate()
    lowering.update(p, call)
    old = (call.inputs[0], *call.inputs[4:])
    for before, after in zip(old, call.outputs, strict=True):
        assert before is not None
        assert after is not None
        p.alias(after, p.places[before])
