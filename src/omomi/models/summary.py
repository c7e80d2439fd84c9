"""The table of a model's layers, as data and as text."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from omomi.errors import NotBuiltError
from omomi.layers.activations import serialize
from omomi.layers.layer import Layer, Shape
from omomi.layers.state import Parameter

FLOAT_BYTES = {"float16": 2, "float32": 4, "float64": 8}


@dataclass(frozen=True)
class LayerRow:
    """One line of the table.

    Attributes:
        name, kind: of the layer.
        detail: its main attributes in a few words.
        output_shape: the batch (``None``) first.
        parameters: how many numbers training moves.
        fixed: how many it does not (frozen ones, and running statistics).
        inputs: the names of the layers it reads.
    """

    name: str
    kind: str
    detail: str
    output_shape: Shape
    parameters: int
    fixed: int
    inputs: tuple[str, ...]


def summary_rows(model: Any) -> list[LayerRow]:
    """The layers directly inside a model, in order.

    Raises:
        NotBuiltError: shapes are not known yet.
    """
    rows: list[LayerRow] = []
    previous = "input"
    for layer in model.layers:
        if layer.built_for is None:
            raise NotBuiltError(
                "the shapes are not known yet.",
                where=model.where,
                fix="give the first layer an input_shape, or call the model on data once",
            )
        entries = list(layer.entries().values())
        moved = sum(e.size for e in entries if isinstance(e, Parameter) and e.trainable)
        rows.append(
            LayerRow(
                layer.name,
                type(layer).__name__,
                detail(layer),
                layer.compute_output_shape(layer.built_for),
                moved,
                sum(e.size for e in entries) - moved,
                (previous,),
            )
        )
        previous = layer.name
    return rows


def detail(layer: Layer) -> str:
    """A layer's main attributes in a few words: "32 × 3×3, same, relu"."""
    words: list[str] = []
    found = vars(layer)
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
    return ", ".join(words)


def times(size: tuple[int, ...]) -> str:
    """(3, 3) as 3×3."""
    return "×".join(map(str, size))


def shown_shape(shape: Shape) -> str:
    """A shape with N for the batch."""
    return "(" + ", ".join("N" if d is None else str(d) for d in shape) + ")"


def summary_text(model: Any, batch_size: int | None = None) -> str:
    """The table, the totals, and with ``batch_size`` the bytes that training one batch of that size holds."""
    rows = summary_rows(model)
    table = [("layer", "kind", "output shape", "parameters")]
    table += [
        (
            row.name,
            f"{row.kind}  {row.detail}".rstrip(),
            shown_shape(row.output_shape),
            f"{row.parameters + row.fixed:,}",
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in table) for i in range(4)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}".rstrip() for a, b, c, d in table]
    rule = "─" * max(map(len, lines))
    moved, fixed = sum(row.parameters for row in rows), sum(row.fixed for row in rows)
    total = f"{moved + fixed:,} parameters" + (f", {moved:,} of them trainable" if fixed else "")
    text = [model.name, rule, lines[0], rule, *lines[1:], rule, f"{total}, {size_of((moved + fixed) * width(model))}"]
    if batch_size is not None:
        values = sum(prod(d or 1 for d in row.output_shape[1:]) for row in rows)
        text.append(
            f"one batch of {batch_size}: {size_of(2 * values * batch_size * width(model))} "
            f"for the outputs of all layers and their deltas"
        )
    return "\n".join(text)


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
