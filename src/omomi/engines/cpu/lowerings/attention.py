"""Scaled dot-product attention, its mask first put out to the size of the scores."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import sqrt

import numpy as np

from omomi.engines.cpu import attention
from omomi.engines.cpu.lowering import Lowering, inputs_of, outputs_of
from omomi.engines.cpu.lowerings.common import floats, shape_of
from omomi.engines.cpu.plan import Planner
from omomi.engines.cpu.recording import Call
from omomi.engines.engine import Array


class Attention(Lowering):
    """All heads of all samples, each a chunk of its own."""

    def accepts(self, p: Planner, call: Call) -> bool:
        leading = {shape_of(p, value)[:-2] for value in call.inputs[:3]}
        numbers = replace(call, inputs=(*call.inputs[:3], *call.inputs[4:]))  # the mask may be of booleans
        whole = all(shape_of(p, value) == shape_of(p, call.outputs[1]) for value in call.inputs[4:])
        return len(leading) == 1 and whole and floats(p, numbers)

    def scale(self, p: Planner, call: Call) -> float:
        """What the scores are multiplied with."""
        given = call.attributes.get("scale")
        return 1 / sqrt(shape_of(p, call.inputs[0])[-1]) if given is None else float(given)

    def forward(self, p: Planner, call: Call) -> None:
        q, k, v, *masks = inputs_of(p, call)
        y, weights = outputs_of(p, call)
        nothing = p.room((0,), q.dtype)
        allowed, kept = nothing, masks[1] if len(masks) > 1 else nothing
        if masks:
            allowed = p.room(weights.shape, q.dtype)
            p.python(put_out, masks[0], allowed)
        (used,) = p.keep(call, p.room(weights.shape, q.dtype)) if len(masks) > 1 else (weights,)
        run = partial(attention.forward, scale=self.scale(p, call), causal=bool(call.attributes.get("causal", False)))
        p.launch(run, q, k, v, allowed, kept, y, weights, used, p.room(k.shape, k.dtype))

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        q, k, v, *masks = inputs_of(p, call.partner)
        inputs = (q, k, v)
        weights, dtype = outputs_of(p, call.partner)[1], q.dtype
        deltas = [p.room((0,), dtype) if value is None else p.place(value) for value in call.inputs]
        made = [
            p.room(x.shape, dtype) if value is None else p.place(value)
            for value, x in zip(call.outputs, inputs, strict=False)
        ]
        rooms = p.room(v.shape, dtype), p.room(weights.shape, dtype)
        used, kept = (p.kept(call.partner)[0], masks[1]) if len(masks) > 1 else (weights, p.room((0,), dtype))
        run = partial(attention.backward, scale=self.scale(p, call.partner))
        p.launch(run, *inputs, weights, used, kept, *deltas, *made, *rooms)


def put_out(mask: Array, allowed: Array) -> None:
    """The mask in the size and dtype of the scores."""
    np.copyto(allowed, mask.astype(bool))


LOWERINGS: dict[str, Lowering] = {"scaled_dot_product_attention": Attention()}
