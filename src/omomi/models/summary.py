"""The layers of a model as data: their shapes, parameters, costs, and who reads whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from omomi.errors import NotBuiltError
from omomi.layers.activations import serialize
from omomi.layers.input_layer import InputLayer
from omomi.layers.inputs import single
from omomi.layers.layer import Layer, Shape
from omomi.layers.operation import Operation
from omomi.layers.state import Parameter
from omomi.layers.symbolic import mapped_within
from omomi.models.connected import Connected
from omomi.models.network import Network, Ref

FLOAT_BYTES = {"float16": 2, "float32": 4, "float64": 8}


@dataclass(frozen=True)
class LayerRow:
    """One line of the table.

    Attributes:
        name, kind: of the layer.
        detail: its main attributes in a few words.
        output_shape: the batch (``None``) first; of several outputs that of the first.
        parameters: how many numbers training moves.
        fixed: how many it does not (frozen ones, and running statistics).
        inputs: the names of the layers it reads.
        shapes: of all outputs of all calls.
        forward: multiply-accumulates of one sample, of all calls together; ``None`` where the layer does not say.
        backward: likewise: as many as forward for the gradient of the weights, if training moves any, and as many
            for the gradient of the input, if a layer before it learns.
        values: numbers of one sample that its outputs hold; of a model, those of the layers inside.
        trainable: whether the layer is switched on for training.
        inner: the layers inside a model.
    """

    name: str
    kind: str
    detail: str
    output_shape: Shape
    parameters: int
    fixed: int
    inputs: tuple[str, ...]
    shapes: tuple[Shape, ...] = ()
    forward: int | None = 0
    backward: int | None = 0
    values: int = 0
    trainable: bool = True
    inner: tuple[LayerRow, ...] = ()


@dataclass
class Walked:
    """What one call of a layer costs.

    Attributes:
        learns: whether training moves something in it or before it: its output passes deltas on.
    """

    forward: int | None
    backward: int | None
    values: int
    learns: bool
    inner: tuple[LayerRow, ...] = ()


def summary_rows(model: Any) -> list[LayerRow]:
    """The layers directly inside a model, in order; of a network of symbolic tensors the inputs too.

    Raises:
        NotBuiltError: shapes are not known yet.
    """
    return rows_of(model, learns=False)


def rows_of(model: Any, learns: bool) -> list[LayerRow]:
    """The rows; ``learns`` says whether something before the model does."""
    network = getattr(model, "_network", None)
    if network is not None:
        return network_rows(network, learns)
    rows: list[LayerRow] = []
    previous = "input"
    for layer in model.layers:
        if layer.built_for is None:
            raise NotBuiltError(
                "the shapes are not known yet.",
                where=model.where,
                fix="give the first layer an input_shape, or call the model on data once",
            )
        found = [(None, *one[1:]) for one in shapes_in(layer.compute_output_shape(layer.built_for))]
        walked = walk(layer, layer.built_for, found, learns)
        learns = walked.learns
        rows.append(row(layer, layer.name, (previous,), found, [walked]))
        previous = layer.name
    return rows


def network_rows(network: Network, learns: bool) -> list[LayerRow]:
    """The rows of a network of symbolic tensors."""
    learning = {Ref(-1, f"[{number}]"): learns for number in range(len(network.ports))}
    made: dict[str, list[Shape]] = {port.layer.name: [port.shape] for port in network.ports}
    walked: dict[str, list[Walked]] = {}
    for number, node in enumerate(network.nodes):
        outputs = {ref: shape for ref, shape in network.shapes.items() if ref.call == number}
        inputs = mapped_within(network.shapes.__getitem__, node.inputs, Ref)
        before = any(learning[ref] for ref in node.reads())
        found = walk(node.layer, inputs, list(outputs.values()), before)
        learning |= dict.fromkeys(outputs, found.learns)
        made.setdefault(node.key, []).extend(outputs.values())
        walked.setdefault(node.key, []).append(found)
    sources = network.sources()
    return [
        row(layer, key, sources.get(key, ()), made[key], walked.get(key, [])) for key, layer in network.layers.items()
    ]


def call_rows(model: Any) -> list[LayerRow]:
    """A row for each call of a layer, in the order in which they are computed: what a picture of the network shows.

    A shared layer has its parameters in the row of its first call.
    """
    network = getattr(model, "_network", None)
    if network is None:
        return summary_rows(model)
    by_key = {found.name: found for found in network_rows(network, learns=False)}
    inputs = [by_key[port.layer.name] for port in network.ports]
    labels: list[str] = []
    rows: list[LayerRow] = []
    for number, node in enumerate(network.nodes):
        found, again = by_key[node.key], sum(other.key == node.key for other in network.nodes[:number])
        labels.append(f"{node.key} ({again + 1})" if again else node.key)
        read = [labels[ref.call] if ref.call >= 0 else network.name_of(ref) for ref in node.reads()]
        shapes = tuple(shape for ref, shape in network.shapes.items() if ref.call == number)
        found = replace(
            found, name=labels[-1], inputs=tuple(dict.fromkeys(read)), output_shape=shapes[0], shapes=shapes
        )
        if again:
            words = ", ".join(word for word in (found.detail, f"the weights of {node.key}") if word)
            found = replace(found, parameters=0, fixed=0, detail=words if by_key[node.key].parameters else found.detail)
        rows.append(found)
    return [*inputs, *rows]


def row(layer: Layer, name: str, inputs: tuple[str, ...], shapes: list[Shape], calls: list[Walked]) -> LayerRow:
    """The row of a layer from what its calls cost."""
    entries = list(layer.entries().values())
    moved = sum(e.size for e in entries if isinstance(e, Parameter) and e.trainable)
    return LayerRow(
        name,
        type(layer).__name__,
        detail(layer),
        shapes[0],
        moved,
        sum(e.size for e in entries) - moved,
        inputs,
        tuple(shapes),
        total([call.forward for call in calls]),
        total([call.backward for call in calls]),
        sum(call.values for call in calls),
        layer.trainable,
        calls[0].inner if calls else (),
    )


def walk(layer: Layer, input_shape: Any, output_shapes: list[Shape], learns: bool) -> Walked:
    """What a call of this layer on inputs of this shape costs, if something before it ``learns`` or not."""
    values = sum(prod(d or 1 for d in shape[1:]) for shape in output_shapes)
    if isinstance(layer, Connected) and (layer._network is not None or (layer.built and layer.layers)):
        inner = tuple(rows_of(layer, learns))
        moves = any(r.parameters for r in inner)
        within = [r for r in inner if r.kind != "InputLayer"]
        forward, backward = total([r.forward for r in within]), total([r.backward for r in within])
        return Walked(forward, backward, sum(r.values for r in within), learns or moves, inner)
    moved = [p for p in layer.entries().values() if isinstance(p, Parameter) and p.trainable]
    forward = layer.multiply_accumulates(input_shape)
    says = type(layer).multiply_accumulates is not Layer.multiply_accumulates or type(layer).__module__[:6] == "omomi."
    if not says and any(isinstance(p, Parameter) and p.ndim > 1 for p in layer.entries().values()):
        return Walked(None, None, values, learns or bool(moved))  # a layer of one's own that does not say
    backward = layer.backward_accumulates(input_shape, any(p.ndim > 1 for p in moved), learns)
    return Walked(forward, backward, values, learns or bool(moved))


def total(parts: list[int | None]) -> int | None:
    """The sum; ``None`` if a part is not known."""
    return None if None in parts else sum(part for part in parts if part is not None)


def shapes_in(shape: Any) -> list[Shape]:
    """A shape, or several, as a list."""
    if single(shape):
        return [tuple(shape)]
    return [tuple(one) for one in (shape.values() if isinstance(shape, Mapping) else shape)]


def detail(layer: Layer) -> str:
    """A layer's main attributes in a few words: "32 × 3×3, same, relu"."""
    words: list[str] = []
    found = vars(layer)
    if isinstance(layer, Operation):
        return layer.rule.formula
    inside = found.get("layer") or found.get("forward_layer")  # of a layer around a layer
    if isinstance(inside, Layer):
        return ", ".join(
            word for word in (f"{type(inside).__name__} {detail(inside)}".rstrip(), found.get("merge_mode")) if word
        )
    if "filters" in found:
        words.append(f"{found['filters']} × {times(found['kernel_size'])}")
    elif "units" in found:
        words.append(f"{found['units']} units")
    elif "kernel_size" in found:  # depthwise: each channel has its own
        words.append(times(found["kernel_size"]))
    elif "pool_size" in found:
        words.append(times(found["pool_size"]))
    elif "rate" in found:
        words.append(f"{found['rate']:g}")
    if found.get("depth_multiplier", 1) > 1:
        words.append(f"{found['depth_multiplier']} for each channel")
    strides = found.get("strides")
    if strides is not None and set(strides) != {1} and strides != found.get("pool_size"):
        words.append(f"strides {times(strides)}")
    if set(found.get("dilation_rate", ())) - {1}:
        words.append(f"dilation {times(found['dilation_rate'])}")
    if found.get("padding", "valid") != "valid":
        words.append(found["padding"] if isinstance(found["padding"], str) else "padded")
    activation = found.get("activation")
    if activation is not None:
        try:
            name = activation if isinstance(activation, str) else serialize(activation)
        except ValueError:
            name = getattr(activation, "__name__", "own function")
        if name != "linear":
            words.append(name)
    if isinstance(layer, InputLayer) and layer.data_dtype != "float32":
        words.append(layer.data_dtype)
    return ", ".join(words)


def times(size: tuple[int, ...]) -> str:
    """(3, 3) as 3×3."""
    return "×".join(map(str, size))


def width(model: Any) -> int:
    """Bytes of one number of the model."""
    return FLOAT_BYTES[model.float_dtype]


def size_of(count: float) -> str:
    """A number of bytes, readable."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
