"""Batch normalisation, with the activation after it; and the normalisations of rows."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from omomi.engines.cpu import normalization, row_normalization
from omomi.engines.cpu.launch import Launch
from omomi.engines.cpu.lowering import Lowering, inputs_of
from omomi.engines.cpu.lowerings.common import dtype_of, floats, only, rows, shape_of
from omomi.engines.cpu.lowerings.products import Fusing, absorbed
from omomi.engines.cpu.plan import Place, Planner
from omomi.engines.cpu.recording import Call
from omomi.engines.engine import Array


class BatchNormalization(Fusing):
    """By the statistics of the batch, or by given ones (inference)."""

    def __init__(self, statistics: bool) -> None:
        self.statistics = statistics

    def accepts(self, p: Planner, call: Call) -> bool:
        # A delta of the running statistics themselves is the plain rule's business.
        unusual = any(c.partner is call and any(v is not None for v in c.inputs[1:]) for c in p.notes.calls)
        return floats(p, call) and len(shape_of(p, call.inputs[0])) >= 2 and not unusual

    def product(self, p: Planner, call: Call, activation: str, alpha: float) -> None:
        x, *given = inputs_of(p, call)
        dtype, channels = dtype_of(p, call.inputs[0]), x.shape[-1]
        mean, inverse = p.room((channels,), dtype), p.room((channels,), dtype)
        y, *running = (p.place(value) for value in call.outputs if value is not None)
        options = {**call.attributes, "activation": activation, "alpha": alpha}
        if self.statistics:
            p.keep(call, mean, inverse)

            def launches(*arrays: Array) -> Sequence[Launch]:
                return normalization.forward(*arrays, **options)

            p.launch(launches, rows(x), *given, rows(y), *running, mean, inverse)
        else:
            p.keep(call, given[2], inverse)

            def launches(*arrays: Array) -> Sequence[Launch]:
                return normalization.inference_forward(*arrays, **options)

            p.launch(launches, rows(x), *given, rows(y), inverse)

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        assert call.inputs[0] is not None
        x, gamma, *_ = inputs_of(p, call.partner)
        y = call.partner.outputs[0]
        assert y is not None
        named = [
            (name, rows(p.place(v)) if name == "gx" else p.place(v))
            for name, v in zip(("gx", "g_gamma", "g_beta"), call.outputs, strict=False)
            if v is not None
        ]
        names = [name for name, _ in named]
        activation, alpha, output = absorbed(p, call)
        statistics = self.statistics

        def launches(
            x: Array, y: Array, gamma: Array, mean: Array, inverse: Array, gy: Array, *arrays: Array
        ) -> Sequence[Launch]:
            wanted = dict(zip(names, arrays, strict=True))
            return normalization.backward(
                x, y, gamma, mean, inverse, gy, **wanted, statistics=statistics, activation=activation, alpha=alpha
            )

        delta = rows(p.place(call.inputs[0]))
        read = output[0] if output else p.place(y)
        p.launch(launches, rows(x), rows(read), gamma, *p.kept(call.partner), delta, *(place for _, place in named))


class RowNormalization(Lowering):
    """Each row of a matrix by its own statistics: layer normalisation, or by its root mean square alone."""

    def __init__(self, centred: bool, epsilon: float) -> None:
        self.centred, self.epsilon = centred, epsilon

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call)

    def matrix(self, p: Planner, call: Call) -> tuple[Place, Place, int]:
        """x as rows, γ, and the length of a row."""
        x, gamma, *_ = inputs_of(p, call)
        size = prod(gamma.shape)
        return x.reshape(prod(x.shape) // size, size), gamma.vector, size

    def forward(self, p: Planner, call: Call) -> None:
        x, gamma, _ = self.matrix(p, call)
        beta = inputs_of(p, call)[-1].vector  # γ again where there is no β: it is not read
        dtype = dtype_of(p, call.inputs[0])
        mean, inverse = p.room(x.shape[:1], dtype), p.room(x.shape[:1], dtype)
        p.keep(call, mean, inverse)
        epsilon, centred = call.attributes.get("epsilon", self.epsilon), self.centred

        def launches(*arrays: Array) -> Sequence[Launch]:
            return row_normalization.forward(*arrays, epsilon=epsilon, centred=centred)

        p.launch(launches, x, gamma, beta, p.place(only(call.outputs)).reshape(*x.shape), mean, inverse)

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        x, gamma, _ = self.matrix(p, call.partner)
        named = {
            name: p.place(v).reshape(*x.shape) if name == "gx" else p.place(v).vector
            for name, v in zip(("gx", "g_gamma", "g_beta"), call.outputs, strict=False)
            if v is not None
        }
        centred = self.centred

        def launches(x: Array, gamma: Array, mean: Array, inverse: Array, gy: Array, *found: Array) -> Sequence[Launch]:
            wanted = dict(zip(named, found, strict=True))
            return row_normalization.backward(x, gamma, mean, inverse, gy, **wanted, centred=centred)

        delta = p.place(only(call.inputs)).reshape(*x.shape)
        p.launch(launches, x, gamma, *p.kept(call.partner), delta, *named.values())


LOWERINGS: dict[str, Lowering] = {
    "batch_normalization": BatchNormalization(statistics=True),
    "batch_normalization_inference": BatchNormalization(statistics=False),
    "layer_normalization": RowNormalization(centred=True, epsilon=1e-3),
    "rms_normalization": RowNormalization(centred=False, epsilon=1e-6),
}
