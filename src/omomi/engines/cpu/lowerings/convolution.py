"""Convolution, and what is fused with it: the activation after it, and the 2×2 max pooling after that.

A pooled result is one of four; done before the four leave the cache, pooling saves writing and reading them, forward
and backward.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from omomi.engines.cpu import convolution
from omomi.engines.cpu.geometry import NO_PADDING
from omomi.engines.cpu.launch import Launch
from omomi.engines.cpu.lowering import Lowering, inputs_of
from omomi.engines.cpu.lowerings.common import floats, only, shape_of
from omomi.engines.cpu.lowerings.products import Fusing, absorbed, following_activation, results, slope_of
from omomi.engines.cpu.plan import Planner
from omomi.engines.cpu.recording import Call
from omomi.engines.engine import Array

POOLING = {"size": (2, 2), "strides": (2, 2), "padding": NO_PADDING}  # that can be done with the convolution


class Convolution(Fusing):
    """A convolution with its bias; backward takes the derivative of the activation after it as it reads the delta."""

    def accepts(self, p: Planner, call: Call) -> bool:
        if not floats(p, call):
            return False
        (_, height, width, _), (kernel_rows, kernel_columns, *_) = (shape_of(p, value) for value in call.inputs[:2])
        a = self.geometry(call)
        return convolution.accepts((height, width), (kernel_rows, kernel_columns), a["strides"], a["dilation"])

    def geometry(self, call: Call) -> dict[str, Any]:
        """Strides, padding and dilation, as the rule takes them unless told."""
        return {"strides": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), **call.attributes}

    def forward(self, p: Planner, call: Call) -> None:
        pool = following_pooling(p, call, self.geometry(call))
        if pool is None:
            super().forward(p, call)
            return
        follower = following_activation(p, call)
        p.pooled[id(call)] = pool
        y = only(pool.outputs)
        for inside in (pool,) if follower is None else (follower, pool):
            p.fused[id(inside)] = call
            p.places[only(inside.inputs)] = p.place(y)  # of what is pooled, only the largest ever exist
        (argmax,) = p.keep(pool, p.room(shape_of(p, y), "uint8"))
        padding = self.geometry(call)["padding"]
        name, alpha = "linear" if follower is None else follower.rule.name, slope_of(follower)

        def launches(y: Array, argmax: Array, x: Array, W: Array, b: Array | None = None) -> Sequence[Launch]:
            return convolution.pooled_forward(x, W, b, y, argmax, padding=padding, activation=name, alpha=alpha)

        p.launch(launches, p.place(y), argmax, *inputs_of(p, call))

    def product(self, p: Planner, call: Call, activation: str, alpha: float) -> None:
        y = only(call.outputs)
        geometry = self.geometry(call)

        def launches(y: Array, x: Array, W: Array, b: Array | None = None) -> Sequence[Launch]:
            return convolution.forward(x, W, b, y, activation=activation, alpha=alpha, **geometry)

        p.launch(launches, p.place(y), *inputs_of(p, call))

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        delta = only(call.inputs)
        wanted = [(name, p.place(v)) for name, v in results(call) if v is not None]
        names = [name for name, _ in wanted]
        geometry = self.geometry(call)
        pool = p.pooled.get(id(call.partner))
        name, alpha, y = absorbed(p, call)
        argmax = () if pool is None else p.kept(pool)

        def launches(gy: Array, x: Array, W: Array, *arrays: Array) -> Sequence[Launch]:
            gradients, rest = dict(zip(names, arrays, strict=False)), arrays[len(names) :]
            z = rest[0] if y else None
            if pool is None:
                return convolution.backward(x, W, gy, **gradients, **geometry, y=z, activation=name, alpha=alpha)
            finish: dict[str, Any] = {"padding": geometry["padding"], "y": z, "activation": name, "alpha": alpha}
            return convolution.pooled_backward(x, W, gy, rest[-1], **gradients, **finish)

        x, W, *_ = inputs_of(p, call.partner)
        p.launch(launches, p.place(delta), x, W, *(place for _, place in wanted), *y, *argmax)


def following_pooling(p: Planner, call: Call, geometry: dict[str, Any]) -> Call | None:
    """The 2×2 max pooling that alone reads what a convolution, or the activation fused with it, gives."""
    last = following_activation(p, call) or call
    y = only(last.outputs)
    readers = p.uses.get(y, [])
    if len(readers) != 1 or y in p.results or readers[0].rule.name != "max_pooling_2d":
        return None
    pool = readers[0]
    x, W = (p.notes.arrays[value] for value in call.inputs[:2] if value is not None)
    if POOLING | pool.attributes != POOLING:
        return None
    if not convolution.accepts_pooled(x, W, shape_of(p, only(pool.outputs)), **geometry):
        return None
    return pool if deltas_are_private(p, [call, last, pool] if last is not call else [call, pool]) else None


def deltas_are_private(p: Planner, chain: Sequence[Call]) -> bool:
    """Whether on the way back, too, nobody else sees what stands between these forward calls."""
    backward = [p.backward_of.get(id(call)) for call in chain]
    for earlier, later in pairwise(backward):
        if later is None:
            return earlier is None
        if earlier is None or not p.used_only_by(only(later.outputs), earlier):
            return False
    return True


LOWERINGS: dict[str, Lowering] = {"convolution_2d": Convolution()}
