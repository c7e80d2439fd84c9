"""Functions of one number: activations on their own, and the elementary functions."""

from __future__ import annotations

from typing import Any

from omomi.engines.cpu import unary
from omomi.engines.cpu.lowering import Lowering
from omomi.engines.cpu.lowerings.common import floats, only
from omomi.engines.cpu.plan import Planner
from omomi.engines.cpu.recording import Call


class Unary(Lowering):
    """y = f(x), and gx = gy f'(x) from x or from y."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call)

    def function(self, call: Call) -> tuple[str, dict[str, Any]]:
        """The kernel's name of the function, and the ends of a clip."""
        if call.rule.name == "gelu":
            return "gelu_tanh" if call.attributes.get("approximate", False) else "gelu", {}
        return call.rule.name, dict(call.attributes)

    def forward(self, p: Planner, call: Call) -> None:
        name, ends = self.function(call)
        x, y = p.place(only(call.inputs)), p.place(only(call.outputs))
        p.launch(lambda x, y: unary.forward(name, x, y, **ends), x.vector, y.vector)

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        name, ends = self.function(call)
        read = only(call.partner.outputs if name in unary.OF_OUTPUT else call.partner.inputs)
        p.launch(
            lambda gy, v, gx: unary.backward(name, gy, v, gx, **ends),
            p.place(only(call.inputs)).vector,
            p.place(read).vector,
            p.place(only(call.outputs)).vector,
        )


LOWERINGS: dict[str, Lowering] = {name: Unary() for name in unary.CODES if name != "gelu_tanh"}
