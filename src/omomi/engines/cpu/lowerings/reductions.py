"""Reductions along axes that lie side by side, and broadcasting, which is their adjoint."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from math import prod
from typing import NamedTuple

from omomi.engines.cpu import reduction
from omomi.engines.cpu.lowering import Lowering
from omomi.engines.cpu.lowerings.common import floats, only, shape_of
from omomi.engines.cpu.plan import Place, Planner
from omomi.engines.cpu.recording import Call


class Cut(NamedTuple):
    """A shape as (outer, n, inner), of which n is reduced."""

    n: int
    inner: int


def cut(shape: tuple[int, ...], axes: Iterable[int]) -> Cut | None:
    """How a reduction of these axes (counted from the front) cuts the shape; ``None`` if they do not lie together.

    Axes of length 1 lie anywhere.
    """
    reduced = set(axes)
    kinds = [(axis in reduced, size) for axis, size in enumerate(shape) if size != 1]
    runs = [(kind, prod(size for _, size in run)) for kind, run in groupby(kinds, key=lambda pair: pair[0])]
    at = [i for i, (kind, _) in enumerate(runs) if kind]
    if len(at) > 1:
        return None
    if not at:
        return Cut(1, prod(shape))
    return Cut(runs[at[0]][1], prod(size for _, size in runs[at[0] + 1 :]))


def repeated_axes(large: tuple[int, ...], small: tuple[int, ...]) -> list[int]:
    """The axes that broadcasting from the small shape to the large one puts in front or repeats."""
    new = len(large) - len(small)
    return [*range(new), *(new + k for k, size in enumerate(small) if size == 1 and large[new + k] != 1)]


class Reduction(Lowering):
    """A sum, mean, maximum or minimum along axes."""

    def cut(self, p: Planner, call: Call) -> Cut | None:
        shape, axis = shape_of(p, call.inputs[0]), call.attributes.get("axis")
        if axis is None:
            return cut(shape, range(len(shape)))
        return cut(shape, ((a % len(shape)) for a in ((axis,) if isinstance(axis, int) else axis)))

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call) and self.cut(p, call) is not None

    def factor(self, call: Call, n: int) -> float:
        """What a sum is multiplied with."""
        return 1 / n if call.rule.name == "mean" else 1.0

    def forward(self, p: Planner, call: Call) -> None:
        made = self.cut(p, call)
        assert made is not None
        n, inner = made
        factor = self.factor(call, n)
        p.launch(
            lambda x, y: reduction.sums(x, y, n, inner, factor=factor),
            p.place(only(call.inputs)).vector,
            p.place(only(call.outputs)).vector,
        )

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        made = self.cut(p, call.partner)
        assert made is not None
        n, inner = made
        factor = self.factor(call, n)
        p.launch(
            lambda gy, gx: reduction.repeated(gy, gx, n, inner, factor=factor),
            p.place(only(call.inputs)).vector,
            p.place(only(call.outputs)).vector,
        )


class Extreme(Reduction):
    """The largest or the smallest along axes."""

    def forward(self, p: Planner, call: Call) -> None:
        made = self.cut(p, call)
        assert made is not None
        n, inner = made
        largest = call.rule.name == "max"
        p.launch(
            lambda x, y: reduction.extremes(x, y, n, inner, largest=largest),
            p.place(only(call.inputs)).vector,
            p.place(only(call.outputs)).vector,
        )

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        made = self.cut(p, call.partner)
        assert made is not None
        n, inner = made
        x, y, gy, gx = (
            p.place(only(values)).vector
            for values in (call.partner.inputs, call.partner.outputs, call.inputs, call.outputs)
        )
        p.launch(lambda x, y, gy, gx: reduction.extremes_gradient(x, y, gy, gx, n, inner), x, y, gy, gx)


class SumTo(Reduction):
    """The sum over what broadcasting would repeat."""

    def cut(self, p: Planner, call: Call) -> Cut | None:
        large = shape_of(p, call.inputs[0])
        return cut(large, repeated_axes(large, tuple(call.attributes["shape"])))


class BroadcastTo(Lowering):
    """Numbers repeated; backward the deltas stay where they are, and their sum is a rule of its own."""

    def cut(self, p: Planner, call: Call) -> Cut | None:
        large = shape_of(p, call.outputs[0])
        return cut(large, repeated_axes(large, shape_of(p, call.inputs[0])))

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call) and prod(shape_of(p, call.outputs[0])) > 0 and self.cut(p, call) is not None

    def forward(self, p: Planner, call: Call) -> None:
        made = self.cut(p, call)
        assert made is not None
        n, inner = made
        x, y = p.place(only(call.inputs)).vector, p.place(only(call.outputs)).vector
        p.launch(lambda x, y: reduction.repeated(x, y, n, inner), x, y)

    def backward(self, p: Planner, call: Call) -> None:
        gy: Place = p.place(only(call.inputs))
        p.alias(only(call.outputs), gy)


LOWERINGS: dict[str, Lowering] = {
    "sum": Reduction(),
    "mean": Reduction(),
    "max": Extreme(),
    "min": Extreme(),
    "sum_to": SumTo(),
    "broadcast_to": BroadcastTo(),
}
