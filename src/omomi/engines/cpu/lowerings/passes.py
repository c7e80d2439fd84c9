"""Passes over arrays: shapes, pooling, dropout."""

from __future__ import annotations

from typing import Any

from omomi.engines.cpu import dropout, pooling, resampling
from omomi.engines.cpu.lowering import Lowering
from omomi.engines.cpu.lowerings.common import FLOATS, dtype_of, floats, only, shape_of
from omomi.engines.cpu.plan import Planner
from omomi.engines.cpu.recording import Call


class Reshape(Lowering):
    """Another shape for what stands there already, or the same."""

    def forward(self, p: Planner, call: Call) -> None:
        p.alias(only(call.outputs), p.place(only(call.inputs)))

    def backward(self, p: Planner, call: Call) -> None:
        p.alias(only(call.outputs), p.place(only(call.inputs)))


class MaxPooling(Lowering):
    """The largest under a window; where it stood is kept as one byte. A convolution may have done it already."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call) and pooling.accepts_max(call.attributes.get("size", (2, 2)))

    def forward(self, p: Planner, call: Call) -> None:
        if id(call) in p.fused:
            return
        y = only(call.outputs)
        (argmax,) = p.keep(call, p.room(shape_of(p, y), "uint8"))
        geometry = dict(call.attributes)
        p.launch(
            lambda x, y, argmax: pooling.max_forward(x, y, argmax, **geometry),
            p.place(only(call.inputs)),
            p.place(y),
            argmax,
        )

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        if id(call.partner) in p.fused:  # the convolution's backward takes the pooled deltas as they are
            p.places[only(call.outputs)] = p.place(only(call.inputs))
            return
        geometry = dict(call.attributes)
        p.launch(
            lambda argmax, gy, gx: pooling.max_backward(argmax, gy, gx, **geometry),
            *p.kept(call.partner),
            p.place(only(call.inputs)),
            p.place(only(call.outputs)),
        )


class AveragePooling(Lowering):
    """The mean under a window."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call)

    def forward(self, p: Planner, call: Call) -> None:
        geometry = dict(call.attributes)
        p.launch(
            lambda x, y: pooling.average_forward(x, y, **geometry),
            p.place(only(call.inputs)),
            p.place(only(call.outputs)),
        )

    def backward(self, p: Planner, call: Call) -> None:
        geometry = dict(call.attributes)
        p.launch(
            lambda gy, gx: pooling.average_backward(gy, gx, **geometry),
            p.place(only(call.inputs)),
            p.place(only(call.outputs)),
        )


class Resampling(Lowering):
    """Another size along one axis."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call)

    def forward(self, p: Planner, call: Call) -> None:
        how = dict(call.attributes)
        p.launch(lambda x, y: resampling.forward(x, y, **how), p.place(only(call.inputs)), p.place(only(call.outputs)))

    def backward(self, p: Planner, call: Call) -> None:
        how = dict(call.attributes)
        p.launch(
            lambda gy, gx: resampling.backward(gy, gx, **how), p.place(only(call.inputs)), p.place(only(call.outputs))
        )


class Dropout(Lowering):
    """The mask is drawn as the values pass, and kept as one byte each."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return dtype_of(p, call.inputs[0]) in FLOATS and min(shape_of(p, call.inputs[0]), default=1) > 0

    def forward(self, p: Planner, call: Call) -> None:
        x, address = (p.place(value) for value in call.inputs if value is not None)
        rate = call.attributes["rate"]
        (mask,) = p.keep(call, p.room((dropout.mask_size(x.vector.shape[0]),), "uint8"))
        p.launch(
            lambda x, address, mask, y: dropout.forward(x, address, mask, y, rate=rate),
            x.vector,
            address,
            mask,
            p.place(only(call.outputs)).vector,
        )

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        gx = call.outputs[0]
        rate = call.attributes["rate"]
        if gx is not None:
            p.launch(
                lambda mask, gy, gx: dropout.backward(mask, gy, gx, rate=rate),
                *p.kept(call.partner),
                p.place(only(call.inputs)).vector,
                p.place(gx).vector,
            )


class DrawAddress(Lowering):
    """The address of a draw: five words."""

    def forward(self, p: Planner, call: Call) -> None:
        seed, step = (p.place(value) for value in call.inputs if value is not None)
        words: dict[str, Any] = dict(call.attributes)
        p.launch(
            lambda seed, step, address: dropout.draw_address(seed, step, address, **words),
            seed,
            step.vector,
            p.place(only(call.outputs)),
        )


LOWERINGS: dict[str, Lowering] = {
    "reshape": Reshape(),
    "identity": Reshape(),
    "max_pooling_2d": MaxPooling(),
    "average_pooling_2d": AveragePooling(),
    "resampling": Resampling(),
    "dropout": Dropout(),
    "draw_address": DrawAddress(),
}
