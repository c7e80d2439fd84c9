"""The simple cell, the LSTM and the GRU: all times in one pass forward and one backward.

Dropout of the recurrence, a GRU whose reset gate acts before the product, and activations other than the usual ones of
the gated cells run as the rules are written.
"""

from __future__ import annotations

from omomi.engines.cpu import recurrence
from omomi.engines.cpu.activation import CODES
from omomi.engines.cpu.gru import gru, gru_gradient
from omomi.engines.cpu.launch import Launch
from omomi.engines.cpu.lowering import Lowering, inputs_of, outputs_of
from omomi.engines.cpu.lowerings.common import floats, shape_of
from omomi.engines.cpu.plan import Place, Planner
from omomi.engines.cpu.recording import Call
from omomi.engines.engine import Array


def usual(call: Call) -> bool:
    """Whether a gated cell has the activations that its kernel computes."""
    names = call.attributes.get("activation", "tanh"), call.attributes.get("recurrent_activation", "sigmoid")
    return names == ("tanh", "sigmoid")


def gradients(p: Planner, call: Call) -> list[Place]:
    """Where the gradients go; what is not wanted goes into memory that nobody reads."""
    assert call.partner is not None
    values = zip(call.outputs, call.partner.inputs, strict=True)
    dtype = p.notes.arrays[call.partner.inputs[1]].dtype  # type: ignore[index]
    return [p.room(shape_of(p, given), dtype) if value is None else p.place(value) for value, given in values]


class LSTM(Lowering):
    """With or without a mask."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return len(call.inputs) in (4, 5) and floats(p, call) and usual(call)

    def forward(self, p: Planner, call: Call) -> None:
        u, U, h0, c0, *mask = inputs_of(p, call)
        samples, times, width = u.shape
        states = (samples, times, width // 4)
        kept = p.keep(call, p.room(u.shape, u.dtype), p.room(states, u.dtype), p.room(states, u.dtype))

        def launches(*arrays: Array) -> list[Launch]:
            return recurrence.lstm(*arrays[:9], mask=arrays[9] if mask else None)

        p.launch(launches, u, U, h0, c0, *outputs_of(p, call), *kept, *mask)

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        _, U, _, c0, *mask = inputs_of(p, call.partner)
        dtype = U.dtype
        # Where a delta is not given it has no entries.
        gy = p.room((0,), dtype) if call.inputs[0] is None else p.place(call.inputs[0])
        g_last = p.room((0, 0), dtype) if call.inputs[1] is None else p.place(call.inputs[1])
        gu, gU, gh0, gc0, *_ = gradients(p, call)
        with_kernel = call.outputs[1] is not None

        def launches(*arrays: Array) -> list[Launch]:
            gU = arrays[11] if with_kernel else None
            return recurrence.lstm_gradient(*arrays[:11], gU=gU, mask=arrays[12] if mask else None)

        UT = p.room((U.shape[1], U.shape[0]), dtype)
        p.launch(launches, U, c0, *p.kept(call.partner), gy, g_last, gu, gh0, gc0, UT, gU, *mask)


class GRU(Lowering):
    """With or without a mask."""

    def accepts(self, p: Planner, call: Call) -> bool:
        after = call.attributes.get("reset_after", True)
        return len(call.inputs) in (4, 5) and floats(p, call) and usual(call) and bool(after)

    def forward(self, p: Planner, call: Call) -> None:
        u, U, h0, b, *mask = inputs_of(p, call)
        samples, times, width = u.shape
        states = (samples, times, width // 3)
        kept = p.keep(call, p.room(u.shape, u.dtype), p.room(states, u.dtype), p.room(states, u.dtype))

        def launches(*arrays: Array) -> list[Launch]:
            return gru(*arrays[:8], mask=arrays[8] if mask else None)

        p.launch(launches, u, U, h0, b, *outputs_of(p, call), *kept, *mask)

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        u, U, _, _, *mask = inputs_of(p, call.partner)
        (gy,) = inputs_of(p, call)
        gu, gU, gh0, gb, *_ = gradients(p, call)
        with_kernel = call.outputs[1] is not None or call.outputs[3] is not None

        def launches(*arrays: Array) -> list[Launch]:
            *given, gU, gb = arrays[:11]
            sums = {"gU": gU, "gb": gb} if with_kernel else {}
            return gru_gradient(*given, **sums, mask=arrays[11] if mask else None)

        rooms = p.room(u.shape, U.dtype), p.room((U.shape[1], U.shape[0]), U.dtype)
        p.launch(launches, U, *p.kept(call.partner), gy, gu, gh0, *rooms, gU, gb, *mask)


class SimpleRecurrence(Lowering):
    """With or without a mask."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return len(call.inputs) in (3, 4) and floats(p, call) and call.attributes.get("activation", "tanh") in CODES

    def forward(self, p: Planner, call: Call) -> None:
        u, U, h0, *mask = inputs_of(p, call)
        activation = call.attributes.get("activation", "tanh")
        kept = p.keep(call, p.room(u.shape, u.dtype))

        def launches(*arrays: Array) -> list[Launch]:
            return recurrence.simple(*arrays[:5], mask=arrays[5] if mask else None, activation=activation)

        p.launch(launches, u, U, h0, *outputs_of(p, call), *kept, *mask)

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        _, U, _, *mask = inputs_of(p, call.partner)
        activation = call.attributes.get("activation", "tanh")
        gu, gU, gh0, *_ = gradients(p, call)
        with_kernel = call.outputs[1] is not None

        def launches(*arrays: Array) -> list[Launch]:
            gU = arrays[7] if with_kernel else None
            return recurrence.simple_gradient(
                *arrays[:7], gU=gU, mask=arrays[8] if mask else None, activation=activation
            )

        y, gy = outputs_of(p, call.partner)[0], inputs_of(p, call)[0]
        p.launch(launches, U, y, *p.kept(call.partner), gy, gu, gh0, p.room(U.shape, U.dtype), gU, *mask)


LOWERINGS: dict[str, Lowering] = {"simple_recurrence": SimpleRecurrence(), "lstm": LSTM(), "gru": GRU()}
