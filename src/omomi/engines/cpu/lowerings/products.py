"""Products and activations: affine, and what is fused with it; a convolution is another such product.

Two rewrites happen here. An activation that follows an affine rule or a convolution, and is the only one to read its
result, is computed where that result is made; and its derivative is taken where the delta is read.
"""

from __future__ import annotations

from collections.abc import Sequence

from omomi.engines.cpu import affine
from omomi.engines.cpu.activation import CODES, activation_backward, activation_forward
from omomi.engines.cpu.launch import Launch
from omomi.engines.cpu.lowering import Lowering, inputs_of
from omomi.engines.cpu.lowerings.common import floats, only, rows, shape_of
from omomi.engines.cpu.passes import chunks_for
from omomi.engines.cpu.plan import Place, Planner
from omomi.engines.cpu.recording import Call, Value
from omomi.engines.engine import Array

FUSED = ("relu", "tanh", "sigmoid", "leaky_relu", "elu")  # activations whose derivative follows from their output
# Rules whose backward takes the derivative of the activation after them as it reads the delta.
ABSORBING = ("convolution_2d", "batch_normalization", "batch_normalization_inference")
SLOPES = {"leaky_relu": 0.01, "elu": 1.0}  # where the rules' attribute alpha starts


def following_activation(p: Planner, call: Call) -> Call | None:
    """The activation that alone reads the first result of a forward call."""
    u = call.outputs[0]
    assert u is not None
    readers = p.uses.get(u, [])
    if len(readers) != 1 or u in p.results or readers[0].kind != "forward" or not derivative_from_output(readers[0]):
        return None
    return readers[0]


def derivative_from_output(call: Call) -> bool:
    """Whether this is an activation whose derivative follows from its output: it is, if a slope is not negative."""
    return call.rule.name in FUSED and slope_of(call) >= 0


def slope_of(call: Call | None) -> float:
    """The attribute alpha of an activation, 0 if it has none."""
    return 0.0 if call is None else float(call.attributes.get("alpha", SLOPES.get(call.rule.name, 0.0)))


def absorbed(p: Planner, call: Call) -> tuple[str, float, list[Place]]:
    """The activation whose derivative this backward call takes as well, its slope, and where its output is."""
    activation = p.absorbed.get(id(call))
    if activation is None:
        return "linear", 0.0, []
    return activation.rule.name, slope_of(activation), [p.place(only(activation.outputs))]


class Fusing(Lowering):
    """A product, and the activation after it if that alone reads its result."""

    def forward(self, p: Planner, call: Call) -> None:
        follower = following_activation(p, call)
        if follower is not None:
            p.fused[id(follower)] = call
            # The pre-activation never exists: its place is that of the activation's output.
            assert call.outputs[0] is not None
            p.alias(call.outputs[0], p.place(only(follower.outputs)))
        self.product(p, call, "linear" if follower is None else follower.rule.name, slope_of(follower))

    def product(self, p: Planner, call: Call, activation: str, alpha: float) -> None:
        """The operations of the product with its activation."""
        raise NotImplementedError


class Affine(Fusing):
    """x W + b, or x W for x (N, in) as a matrix of rows."""

    def accepts(self, p: Planner, call: Call) -> bool:
        shapes = [shape_of(p, value) for value in call.inputs]
        return floats(p, call) and len(shapes[1]) == 2 and len(shapes[0]) >= 2

    def places(self, p: Planner, call: Call) -> list[Place]:
        """x as a matrix, W and, if there is one, b."""
        x, *rest = inputs_of(p, call)
        return [rows(x), *rest]

    def product(self, p: Planner, call: Call, activation: str, alpha: float) -> None:
        y = only(call.outputs)

        def launches(y: Array, x: Array, W: Array, b: Array | None = None) -> Sequence[Launch]:
            return affine.forward(x, W, b, y, activation=activation, alpha=alpha)

        p.launch(launches, rows(p.place(y)), *self.places(p, call))

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        delta, descent = only(call.inputs), p.descents.get(id(call))
        wanted = [
            (name, rows(p.place(v)) if name == "gx" else p.place(v))
            for name, v in results(call)
            if v is not None and (descent is None or v not in descent.gradients)
        ]
        names = [name for name, _ in wanted]

        def launches(gy: Array, x: Array, W: Array, *arrays: Array) -> Sequence[Launch]:
            return affine.backward(x, W, gy, **dict(zip(names, arrays, strict=False)))

        x, W, *b = self.places(p, call.partner)
        p.launch(launches, rows(p.place(delta)), x, W, *(place for _, place in wanted), *b)


def results(call: Call) -> list[tuple[str, Value | None]]:
    """The gradients of a product, by name."""
    return list(zip(("gx", "gW", "gb"), call.outputs, strict=False))


class Activation(Lowering):
    """An activation on its own, or one that the product before it has computed."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call) and derivative_from_output(call)

    def forward(self, p: Planner, call: Call) -> None:
        if id(call) in p.fused:
            return
        x, y = only(call.inputs), only(call.outputs)
        code, alpha = CODES[call.rule.name], slope_of(call)
        p.launch(
            lambda x, y: [
                Launch(
                    activation_forward, x, y, code, alpha, dtype=x.dtype.name, chunks=chunks_for(x.size), work=x.size
                )
            ],
            p.place(x).vector,
            p.place(y).vector,
        )

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        gy, gx, y = only(call.inputs), only(call.outputs), only(call.partner.outputs)
        product = p.fused.get(id(call.partner))
        reader = p.uses[gx][0] if gx in p.uses else None
        if (
            product is not None
            and reader is not None
            and product.rule.name in ABSORBING
            and reader.partner is product
            and p.used_only_by(gx, reader)
        ):
            p.places[gx] = p.place(gy)
            p.absorbed[id(reader)] = call.partner
            return
        code, alpha = CODES[call.rule.name], slope_of(call)
        p.launch(
            lambda gy, y, gx: [
                Launch(
                    activation_backward,
                    gy,
                    y,
                    gx,
                    code,
                    alpha,
                    dtype=y.dtype.name,
                    chunks=chunks_for(y.size),
                    work=y.size,
                )
            ],
            p.place(gy).vector,
            p.place(y).vector,
            p.place(gx).vector,
        )


LOWERINGS: dict[str, Lowering] = {
    "affine": Affine(),
    "matmul": Affine(),
    **{name: Activation() for name in FUSED},
}
