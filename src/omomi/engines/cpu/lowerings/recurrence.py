"""The simple cell and the LSTM."""

from __future__ import annotations

from omomi.engines.cpu import recurrence
from omomi.engines.cpu.activation import CODES
from omomi.engines.cpu.launch import Launch
from omomi.engines.cpu.lowering import Lowering, inputs_of, outputs_of
from omomi.engines.cpu.lowerings.common import floats, shape_of
from omomi.engines.cpu.plan import Planner
from omomi.engines.cpu.recording import Call
from omomi.engines.engine import Array


class LSTM(Lowering):
    """All times in one pass forward and one backward. A masked sequence runs as the rule is written."""

    def accepts(self, p: Planner, call: Call) -> bool:
        names = call.attributes.get("activation", "tanh"), call.attributes.get("recurrent_activation", "sigmoid")
        return len(call.inputs) == 4 and floats(p, call) and names == ("tanh", "sigmoid")

    def forward(self, p: Planner, call: Call) -> None:
        u, U, h0, c0 = inputs_of(p, call)
        samples, times, width = u.shape
        states = (samples, times, width // 4)
        kept = p.keep(call, p.room(u.shape, u.dtype), p.room(states, u.dtype), p.room(states, u.dtype))
        p.launch(recurrence.lstm, u, U, h0, c0, *outputs_of(p, call), *kept)

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        _, U, _, c0 = inputs_of(p, call.partner)
        gates, memory, before = p.kept(call.partner)
        dtype = U.dtype
        # Where a delta is not given it has no entries; what is not wanted goes into memory that nobody reads.
        gy = p.room((0,), dtype) if call.inputs[0] is None else p.place(call.inputs[0])
        g_last = p.room((0, 0), dtype) if call.inputs[1] is None else p.place(call.inputs[1])
        shapes = [shape_of(p, value) for value in call.partner.inputs]
        gu, gU, gh0, gc0 = (
            p.room(shape, dtype) if value is None else p.place(value)
            for value, shape in zip(call.outputs, shapes, strict=True)
        )
        with_kernel = call.outputs[1] is not None

        def launches(*arrays: Array) -> list[Launch]:
            *given, gU = arrays
            return recurrence.lstm_gradient(*given, gU=gU if with_kernel else None)

        UT = p.room((U.shape[1], U.shape[0]), dtype)
        p.launch(launches, U, c0, gates, memory, before, gy, g_last, gu, gh0, gc0, UT, gU)


class SimpleRecurrence(Lowering):
    """All times in one pass forward and one backward. A masked sequence runs as the rule is written."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return len(call.inputs) == 3 and floats(p, call) and call.attributes.get("activation", "tanh") in CODES

    def forward(self, p: Planner, call: Call) -> None:
        u, U, h0 = inputs_of(p, call)
        activation = call.attributes.get("activation", "tanh")
        kept = p.keep(call, p.room(u.shape, u.dtype))
        p.launch(
            lambda u, U, h0, y, before: recurrence.simple(u, U, h0, y, before, activation=activation),
            *(u, U, h0, *outputs_of(p, call), *kept),
        )

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        U = inputs_of(p, call.partner)[1]
        activation = call.attributes.get("activation", "tanh")
        shapes = [shape_of(p, value) for value in call.partner.inputs]
        gu, gU, gh0 = (
            p.room(shape, U.dtype) if value is None else p.place(value)
            for value, shape in zip(call.outputs, shapes, strict=True)
        )
        with_kernel = call.outputs[1] is not None

        def launches(*arrays: Array) -> list[Launch]:
            *given, gU = arrays
            return recurrence.simple_gradient(*given, gU=gU if with_kernel else None, activation=activation)

        y, gy = outputs_of(p, call.partner)[0], inputs_of(p, call)[0]
        p.launch(launches, U, y, *p.kept(call.partner), gy, gu, gh0, p.room(U.shape, U.dtype), gU)


LOWERINGS: dict[str, Lowering] = {"simple_recurrence": SimpleRecurrence(), "lstm": LSTM()}
