"""Images read at other places."""

from __future__ import annotations

from omomi.engines.cpu import warping
from omomi.engines.cpu.lowering import Lowering
from omomi.engines.cpu.lowerings.common import floats, only
from omomi.engines.cpu.plan import Place, Planner
from omomi.engines.cpu.recording import Call


class Warp(Lowering):
    """Images turned, zoomed and moved by an affine map of each."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call)

    def maps(self, p: Planner, call: Call) -> Place:
        """The maps, (N, 6)."""
        matrix = call.inputs[1]
        assert matrix is not None
        place = p.place(matrix)
        return place.reshape(place.shape[0], 6)

    def forward(self, p: Planner, call: Call) -> None:
        options = dict(call.attributes)
        assert call.inputs[0] is not None
        p.launch(
            lambda x, matrix, y: warping.forward(x, matrix, y, **options),
            p.place(call.inputs[0]),
            self.maps(p, call),
            p.place(only(call.outputs)),
        )

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        options = {name: value for name, value in call.attributes.items() if name != "fill_value"}
        gx = call.outputs[0]
        if gx is not None:
            p.launch(
                lambda matrix, gy, gx: warping.backward(matrix, gy, gx, **options),
                self.maps(p, call.partner),
                p.place(only(call.inputs)),
                p.place(gx),
            )


LOWERINGS: dict[str, Lowering] = {"warp": Warp()}
