"""Optimisers: one pass over parameter, gradient and slots, in place."""

from __future__ import annotations

from math import prod

from omomi.engines.cpu import update
from omomi.engines.cpu.launch import Launch
from omomi.engines.cpu.lowering import UpdateLowering, inputs_of
from omomi.engines.cpu.lowerings.common import FLOATS, dtype_of, shape_of
from omomi.engines.cpu.plan import Planner
from omomi.engines.cpu.recording import Call
from omomi.engines.engine import Array


class Update(UpdateLowering):
    """Any of the optimisers' rules."""

    def accepts(self, p: Planner, call: Call) -> bool:
        parameter, g, t, rate, *slots = call.inputs
        dtypes = {dtype_of(p, value) for value in (parameter, g, rate, *slots)}
        shape = shape_of(p, parameter)
        return (
            len(dtypes) == 1
            and dtypes <= set(FLOATS)
            and dtype_of(p, t) == "uint32"
            and prod(shape) > 0
            and update.accepts_rate(shape, shape_of(p, rate))
        )

    def update(self, p: Planner, call: Call) -> None:
        name, attributes = call.rule.name, dict(call.attributes)

        def launches(parameter: Array, g: Array, t: Array, rate: Array, *slots: Array) -> list[Launch]:
            return update.update(name, parameter, g, slots, t, rate, **attributes)

        p.launch(launches, *(place.vector for place in inputs_of(p, call)))


UPDATES: dict[str, UpdateLowering] = {name: Update() for name in update.PASSES}
