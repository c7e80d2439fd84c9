"""The relatives of convolution: transposed, depthwise, and of volumes. They live on the kernels of convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omomi.engines.cpu import convolution, depthwise, reduction
from omomi.engines.cpu.launch import Launch
from omomi.engines.cpu.lowering import Lowering, inputs_of
from omomi.engines.cpu.lowerings.common import dtype_of, floats, only, shape_of
from omomi.engines.cpu.lowerings.products import results
from omomi.engines.cpu.plan import Place, Planner
from omomi.engines.cpu.recording import Call
from omomi.engines.cpu.volumes import Volumes
from omomi.engines.engine import Array


def geometry_of(call: Call, rank: int = 2) -> dict[str, Any]:
    """Strides, padding and dilation, as the rules take them unless told."""
    usual: dict[str, Any] = {"strides": (1,) * rank, "padding": ((0, 0),) * rank, "dilation": (1,) * rank}
    return {name: call.attributes.get(name) or value for name, value in usual.items()}


def wanted_of(p: Planner, call: Call) -> tuple[list[str], list[Place]]:
    """The names of the gradients that a backward call makes, and where they go."""
    wanted = [(name, p.place(value)) for name, value in results(call) if value is not None]
    return [name for name, _ in wanted], [place for _, place in wanted]


class Transposed(Lowering):
    """The way back of a convolution: its input gradient forward, its product backward."""

    def accepts(self, p: Planner, call: Call) -> bool:
        (kh, kw, *_), a = shape_of(p, call.inputs[1]), geometry_of(call)
        return floats(p, call) and convolution.accepts(call.attributes["size"], (kh, kw), a["strides"], a["dilation"])

    def forward(self, p: Planner, call: Call) -> None:
        geometry = geometry_of(call)

        def launches(y: Array, x: Array, W: Array) -> Sequence[Launch]:
            return convolution.backward(y, W, x, gx=y, **geometry)  # of its first argument the shape alone counts

        p.launch(launches, p.place(only(call.outputs)), *inputs_of(p, call))

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        geometry, (names, places) = geometry_of(call), wanted_of(p, call)

        def launches(gy: Array, x: Array, W: Array, *arrays: Array) -> Sequence[Launch]:
            gradients = dict(zip(names, arrays, strict=True))
            made: list[Launch] = []
            if "gx" in gradients:
                made += convolution.forward(gy, W, None, gradients["gx"], **geometry)
            if "gW" in gradients:
                made += convolution.backward(gy, W, x, gW=gradients["gW"], **geometry)
            return made

        p.launch(launches, p.place(only(call.inputs)), *inputs_of(p, call.partner), *places)


class Depthwise(Lowering):
    """Each channel for itself. Where it has several kernels, the images' channels are repeated first."""

    def accepts(self, p: Planner, call: Call) -> bool:
        a = geometry_of(call)
        return floats(p, call) and depthwise.accepts(a["strides"], a["dilation"])

    def wide(self, p: Planner, call: Call) -> list[Place]:
        """Room for images with a channel for each kernel, if that is more than they have."""
        x, W = (shape_of(p, value) for value in call.inputs[:2])
        return [] if W[3] == 1 else [p.room((*x[:3], x[3] * W[3]), dtype_of(p, call.inputs[0]))]

    def forward(self, p: Planner, call: Call) -> None:
        geometry, wide, inputs = geometry_of(call), self.wide(p, call), inputs_of(p, call)

        def launches(y: Array, x: Array, W: Array, *rest: Array) -> Sequence[Launch]:
            bias = rest[0] if len(inputs) == 3 else None
            images, repeat = widened(x, W, rest[-1] if wide else x)
            return [*repeat, *depthwise.forward(images, by_channel(W), bias, y, **geometry)]

        p.launch(launches, p.place(only(call.outputs)), *inputs, *wide)

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        geometry, (names, places) = geometry_of(call), wanted_of(p, call)
        wide = [*self.wide(p, call.partner), *self.wide(p, call.partner)]  # of x, and of gx
        x, W, *_ = inputs_of(p, call.partner)

        def launches(gy: Array, x: Array, W: Array, *arrays: Array) -> Sequence[Launch]:
            gradients: dict[str, Array] = dict(zip(names, arrays, strict=False))
            images, repeat = widened(x, W, arrays[-2] if wide else x)
            gx = gradients.get("gx")
            if gx is not None and wide:
                gradients["gx"] = arrays[-1]
            if "gW" in gradients:
                gradients["gW"] = by_channel(gradients["gW"])
            made = [*repeat, *depthwise.backward(images, by_channel(W), gy, **gradients, **geometry)]
            if gx is not None and wide:
                made += reduction.sums(arrays[-1].reshape(-1), gx.reshape(-1), W.shape[3], 1)
            return made

        p.launch(launches, p.place(only(call.inputs)), x, W, *places, *wide)


def widened(x: Array, W: Array, wide: Array) -> tuple[Array, Sequence[Launch]]:
    """Images with a channel for each kernel of a depthwise convolution, and the launches that make them."""
    return wide, [] if wide is x else reduction.repeated(x.reshape(-1), wide.reshape(-1), W.shape[3], 1)


def by_channel(W: Array) -> Array:
    """A depthwise kernel (KH, KW, C, D) as one of C·D channels with one result each."""
    return W.reshape(*W.shape[:2], -1, 1)


class OfVolumes(Lowering):
    """A convolution of volumes, as one of images whose channels are several slices."""

    def accepts(self, p: Planner, call: Call) -> bool:
        x, W = (shape_of(p, value) for value in call.inputs[:2])
        return floats(p, call) and self.has_kernels(call, x[1:-1], W)

    def has_kernels(self, call: Call, volume: tuple[int, ...], W: tuple[int, ...]) -> bool:
        """Whether there are kernels for the images that volumes of these sizes become."""
        (_, height, width), (_, kh, kw, *_), a = volume, W, geometry_of(call, 3)
        return convolution.accepts((height, width), (kh, kw), a["strides"][1:], a["dilation"][1:])

    def volumes(self, p: Planner, call: Call) -> Volumes:
        """The shapes of a forward call."""
        x, W, y = (shape_of(p, value) for value in (*call.inputs[:2], only(call.outputs)))
        return Volumes(x, W, y, **geometry_of(call, 3))

    def forward(self, p: Planner, call: Call) -> None:
        volumes = self.volumes(p, call)
        planes = p.room(volumes.planes, dtype_of(p, call.inputs[0]))

        def launches(planes: Array, y: Array, x: Array, W: Array, b: Array | None = None) -> Sequence[Launch]:
            return volumes.products(x, W, b, y, planes)

        p.launch(launches, planes, p.place(only(call.outputs)), *inputs_of(p, call))

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        volumes, (names, places) = self.volumes(p, call.partner), wanted_of(p, call)
        planes = [p.room(volumes.planes, dtype_of(p, call.partner.inputs[0])) for _ in range(2)]
        x, W, *_ = inputs_of(p, call.partner)

        def launches(planes: Array, sent: Array, gy: Array, x: Array, W: Array, *arrays: Array) -> Sequence[Launch]:
            return volumes.gradients(x, W, gy, dict(zip(names, arrays, strict=True)), planes, sent)

        p.launch(launches, *planes, p.place(only(call.inputs)), x, W, *places)


class TransposedOfVolumes(OfVolumes):
    """The way back of a convolution of volumes."""

    def accepts(self, p: Planner, call: Call) -> bool:
        return floats(p, call) and self.has_kernels(call, call.attributes["size"], shape_of(p, call.inputs[1]))

    def volumes(self, p: Planner, call: Call) -> Volumes:
        x, W, y = (shape_of(p, value) for value in (*call.inputs, only(call.outputs)))
        return Volumes(y, W, x, **geometry_of(call, 3))

    def forward(self, p: Planner, call: Call) -> None:
        volumes = self.volumes(p, call)
        sent = p.room(volumes.planes, dtype_of(p, call.inputs[0]))

        def launches(sent: Array, y: Array, x: Array, W: Array) -> Sequence[Launch]:
            return volumes.gradients(y, W, x, {"gx": y}, sent, sent)

        p.launch(launches, sent, p.place(only(call.outputs)), *inputs_of(p, call))

    def backward(self, p: Planner, call: Call) -> None:
        assert call.partner is not None
        volumes, (names, places) = self.volumes(p, call.partner), wanted_of(p, call)
        planes = p.room(volumes.planes, dtype_of(p, call.partner.inputs[0]))

        def launches(planes: Array, gy: Array, x: Array, W: Array, *arrays: Array) -> Sequence[Launch]:
            gradients = dict(zip(names, arrays, strict=True))
            made: list[Launch] = []
            if "gx" in gradients:
                made += volumes.products(gy, W, None, gradients["gx"], planes)
            if "gW" in gradients:
                made += volumes.gradients(gy, W, x, {"gW": gradients["gW"]}, planes, planes)
            return made

        p.launch(launches, planes, p.place(only(call.inputs)), *inputs_of(p, call.partner), *places)


LOWERINGS: dict[str, Lowering] = {
    "transposed_convolution_2d": Transposed(),
    "transposed_convolution_3d": TransposedOfVolumes(),
    "convolution_3d": OfVolumes(),
    "depthwise_convolution_2d": Depthwise(),
}
