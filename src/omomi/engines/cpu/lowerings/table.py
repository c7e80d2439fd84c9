"""An embedding: the indices are looked at in Python, where an error can be raised; rows are moved by kernels."""

from __future__ import annotations

from math import prod

import numpy as np

from omomi.engines.cpu import gather, table
from omomi.engines.cpu.lowering import Lowering, inputs_of
from omomi.engines.cpu.lowerings.common import FLOATS, dtype_of, only, rows, shape_of
from omomi.engines.cpu.plan import Planner
from omomi.engines.cpu.recording import Call
from omomi.engines.engine import Array
from omomi.engines.reference import check_indices


class Embedding(Lowering):
    """Rows picked forward, deltas added up backward."""

    def accepts(self, p: Planner, call: Call) -> bool:
        sizes = [size for value in call.inputs for size in shape_of(p, value)]
        return dtype_of(p, call.inputs[0]) in FLOATS and bool(shape_of(p, call.inputs[1])) and all(sizes)

    def forward(self, p: Planner, call: Call) -> None:
        W, indices = inputs_of(p, call)
        y, where = p.place(only(call.outputs)), str(call.attributes.get("where", "embedding"))
        (index,) = p.keep(call, p.room((prod(indices.shape),), "int64"))

        def look(indices: Array, index: Array) -> None:
            check_indices(indices, W.shape[0], where)
            np.copyto(index, indices.reshape(-1))

        p.python(look, indices, index)
        p.launch(gather.gather, W, index, rows(y))

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        gW = call.outputs[0]
        if gW is not None:
            p.launch(table.scatter, rows(p.place(only(call.inputs))), *p.kept(call.partner), p.place(gW))


LOWERINGS: dict[str, Lowering] = {"embedding": Embedding()}
