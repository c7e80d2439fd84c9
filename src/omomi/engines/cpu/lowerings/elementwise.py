"""Arithmetic entry by entry, casts, and the test for finite numbers."""

from __future__ import annotations

from math import prod

from omomi.engines.cpu import broadcasting, elementwise, gather
from omomi.engines.cpu.lowering import Lowering
from omomi.engines.cpu.lowerings.common import FLOATS, dtype_of, floats, only, shape_of
from omomi.engines.cpu.plan import Place, Planner
from omomi.engines.cpu.recording import Call, Value


def is_row(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether the small shape is that of the last axes of the large one, but for axes of length 1 in front."""
    while small and small[0] == 1:
        small = small[1:]
    return len(small) <= len(large) and small == large[len(large) - len(small) :]


class Combine(Lowering):
    """a + b, a − b, a · b, a / b of one shape, or with a single number or a repeated row on one side."""

    def accepts(self, p: Planner, call: Call) -> bool:
        a, b = (shape_of(p, value) for value in call.inputs)
        y = shape_of(p, call.outputs[0])
        if call.rule.name == "add" and {dtype_of(p, value) for value in call.inputs} == {"uint32"}:
            return prod(a) == prod(b) == prod(y)
        return floats(p, call) and prod(y) == max(prod(a), prod(b)) and is_row(a, y) and is_row(b, y)

    def forward(self, p: Planner, call: Call) -> None:
        if id(call) not in p.fused:
            a, b = (p.place(value) for value in call.inputs if value is not None)
            self.combine(p, call.rule.name, a, b, p.place(only(call.outputs)))

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        name, gy = call.rule.name, p.place(only(call.inputs))
        a, b = (p.place(value) for value in call.partner.inputs if value is not None)
        ga, gb = call.outputs
        if name in ("add", "subtract"):
            if ga is not None:
                p.alias(ga, gy)
            if gb is not None and name == "add":
                p.alias(gb, gy)
            elif gb is not None:
                p.launch(lambda g, y: elementwise.scale(g, y, factor=-1.0), gy.vector, p.place(gb).vector)
            return
        if ga is not None:
            self.combine(p, name, gy, b, p.place(ga))
        if gb is not None and name == "multiply":
            self.combine(p, name, gy, a, p.place(gb))
        elif gb is not None:  # −gy y / b
            y, result = p.place(only(call.partner.outputs)), p.place(gb)
            self.combine(p, "multiply", gy, y, result)
            self.combine(p, "divide", result, b, result)
            p.launch(lambda g, y: elementwise.scale(g, y, factor=-1.0), result.vector, result.vector)

    def combine(self, p: Planner, name: str, a: Place, b: Place, y: Place) -> None:
        sizes = [prod(place.shape) for place in (a, b)]
        if min(sizes) in (1, max(sizes)):
            p.launch(lambda a, b, y: elementwise.combine(name, a, b, y), a.vector, b.vector, y.vector)
            return
        shape = max(sizes) // min(sizes), min(sizes)
        of_rows = [place.reshape(*shape) if prod(place.shape) == max(sizes) else place.vector for place in (a, b, y)]
        p.launch(lambda a, b, y: broadcasting.combine(name, a, b, y), *of_rows)


class PReLU(Lowering):
    """A slope for each place of a sample, for each of its last axes, or one for all."""

    def accepts(self, p: Planner, call: Call) -> bool:
        x, alpha = (shape_of(p, value) for value in call.inputs)
        return floats(p, call) and shape_of(p, call.outputs[0]) == x and is_row(alpha, x)

    def places(self, p: Planner, call: Call) -> tuple[Place, Place]:
        """x as rows as long as α, or as its own last axis; and α."""
        x, alpha = (p.place(value) for value in call.inputs if value is not None)
        size = prod(alpha.shape)
        m = size if size > 1 else x.shape[-1] if x.shape else 1
        return x.reshape(prod(x.shape) // m, m), alpha.vector

    def forward(self, p: Planner, call: Call) -> None:
        x, alpha = self.places(p, call)
        p.launch(broadcasting.prelu, x, alpha, p.place(only(call.outputs)).reshape(*x.shape))

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        x, alpha = self.places(p, call.partner)
        gy = p.place(only(call.inputs)).reshape(*x.shape)
        gx, g_alpha = call.outputs
        if gx is not None:
            p.launch(broadcasting.prelu_gradient, x, alpha, gy, p.place(gx).reshape(*x.shape))
        if g_alpha is not None:
            p.launch(broadcasting.prelu_slope_gradient, x, gy, p.place(g_alpha).reshape(*x.shape))


class Cast(Lowering):
    """Numbers of another dtype; a scaling that alone reads them is done in the same pass.

    So is the picking of a batch's samples, if nothing else reads these.
    """

    def accepts(self, p: Planner, call: Call) -> bool:
        x, y = dtype_of(p, call.inputs[0]), dtype_of(p, call.outputs[0])
        return x in elementwise.CASTS and y in FLOATS and prod(shape_of(p, call.inputs[0])) > 0

    def forward(self, p: Planner, call: Call) -> None:
        y = only(call.outputs)
        scaling, factor = self.scaling(p, y)
        if scaling is not None:
            p.fused[id(scaling)] = call
            p.alias(y, p.place(only(scaling.outputs)))
        x = only(call.inputs)
        if p.picked_by(x, call) and gather.accepts(p.picks[x].dtype, dtype_of(p, y)):
            p.pick(x, p.place(y), factor)
            return
        p.launch(lambda x, y: elementwise.cast(x, y, factor=factor), p.place(x).vector, p.place(y).vector)

    def backward(self, p: Planner, call: Call) -> None:
        p.launch(
            lambda g, y: elementwise.cast(g, y), p.place(only(call.inputs)).vector, p.place(only(call.outputs)).vector
        )

    def scaling(self, p: Planner, y: Value) -> tuple[Call | None, float]:
        """The multiplication by a constant number that alone reads y, and the number."""
        readers = p.uses.get(y, [])
        if len(readers) != 1 or readers[0].rule.name != "multiply" or not p.used_only_by(y, readers[0]):
            return None, 1.0
        others = [value for value in readers[0].inputs if value is not None and value != y]
        if len(others) != 1 or not p.is_constant(others[0]) or prod(shape_of(p, others[0])) != 1:
            return None, 1.0
        return readers[0], float(p.notes.arrays[others[0]].reshape(-1)[0])


LOWERINGS: dict[str, Lowering] = {
    **{name: Combine() for name in elementwise.CODES},
    "prelu": PReLU(),
    "cast": Cast(),
}
