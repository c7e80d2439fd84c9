"""The penalties on the size of weights."""

from __future__ import annotations

from omomi.engines.cpu import penalty
from omomi.engines.cpu.lowering import Lowering
from omomi.engines.cpu.lowerings.common import floats, only
from omomi.engines.cpu.plan import Planner
from omomi.engines.cpu.recording import Call


class Penalty(Lowering):
    """λ Σ |x| or λ Σ x², and its gradient."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call)

    def forward(self, p: Planner, call: Call) -> None:
        name, factor = call.rule.name, call.attributes.get("factor", 0.01)
        p.launch(
            lambda x, y: penalty.forward(name, x, y, factor=factor),
            p.place(only(call.inputs)).vector,
            p.place(only(call.outputs)).vector,
        )

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        name, factor = call.rule.name, call.attributes.get("factor", 0.01)
        p.launch(
            lambda x, gy, gx: penalty.backward(name, x, gy, gx, factor=factor),
            p.place(only(call.partner.inputs)).vector,
            p.place(only(call.inputs)).vector,
            p.place(only(call.outputs)).vector,
        )


LOWERINGS: dict[str, Lowering] = {name: Penalty() for name in penalty.CODES}
