"""One layer explained: its formulas, forward and backward, with the numbers of a batch in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from omomi.engines.reference import numpy_engine
from omomi.engines.selection import instead
from omomi.errors import ConfigurationError, UnknownNameError
from omomi.graph.variable import Variable, apply
from omomi.inspect.formulas import shape_text
from omomi.inspect.gradient_check import differentiable
from omomi.inspect.model_check import TOLERANCE, ArrayCheck, check_gradients
from omomi.inspect.recording import TracedNode
from omomi.inspect.text_table import printable
from omomi.inspect.tracing import Trace, trace
from omomi.inspect.worked import Line, Occasion, backward_lines, forward_lines
from omomi.inspect.worked_line import letter
from omomi.layers.layer import Layer
from omomi.ops import RULES

__all__ = ["Explanation", "Section", "explain"]

LOSS = "loss"  # the name under which the loss itself is explained
CHECKED = 8  # samples of the finite differences


@dataclass(frozen=True, slots=True)
class Section:
    """One rule that the layer calls.

    Attributes:
        name: of the node in the trace.
        rule: its name.
        formula, gradient: its formulas, forward and backward.
        shapes: of its inputs and its output, by the rule's letters.
        forward, backward: entries worked with numbers.
        checks: for each gradient, its error against finite differences in float64.
    """

    name: str
    rule: str
    formula: str
    gradient: str
    shapes: dict[str, tuple[int, ...]]
    forward: tuple[Line, ...]
    backward: tuple[Line, ...]
    checks: tuple[ArrayCheck, ...]


@dataclass(frozen=True)
class Explanation:
    """What a layer does with a batch; ``print(explanation)`` shows it.

    Attributes:
        layer, kind: the layer's path and class.
        sections: the rules that it calls, in order.
        trace: the step that the numbers are from.
    """

    layer: str
    kind: str
    sections: tuple[Section, ...]
    trace: Trace

    @property
    def passed(self) -> bool:
        """Whether every gradient agrees with finite differences."""
        return all(check.verdict == "right" for section in self.sections for check in section.checks)

    def to_text(self) -> str:
        """Rule by rule: formulas, shapes, worked entries, and the error of each gradient."""
        kind = "" if self.kind == LOSS else f" ({self.kind})"
        parts = [f"{self.layer}{kind}, {self.trace.samples} sample{'s' * (self.trace.samples != 1)}"]
        if not self.sections:
            parts.append("It computes nothing in this step: its input is its output.")
        for section in self.sections:
            shapes = ", ".join(f"{name} {shape_text(shape)}" for name, shape in section.shapes.items())
            lines = [f"{section.rule}: {section.formula}", f"  shapes    {shapes}"]
            lines += [f"  {'forward ' if k == 0 else '        '}  {line}" for k, line in enumerate(section.forward)]
            if section.backward:
                lines.append(f"  backward  {section.gradient}")
                lines += [f"            {line}" for line in section.backward]
            for k, check in enumerate(section.checks):
                start = "checked " if k == 0 else "        "
                lines.append(f"  {start}  g{check.name}: {check.verdict}, {_error(check)} against finite differences")
            parts.append("\n".join(lines))
        return printable("\n\n".join(parts))

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values that JSON can hold."""

        def plain(lines: Sequence[Line]) -> list[dict[str, Any]]:
            return [{"symbol": v.symbol, "text": v.text, "value": v.value, "index": list(v.index)} for v in lines]

        return {
            "layer": self.layer,
            "kind": self.kind,
            "sections": [
                {
                    "name": s.name,
                    "rule": s.rule,
                    "formula": s.formula,
                    "gradient": s.gradient,
                    "shapes": {name: list(shape) for name, shape in s.shapes.items()},
                    "forward": plain(s.forward),
                    "backward": plain(s.backward),
                    "checks": [{"gradient": c.name, "error": c.error, "verdict": c.verdict} for c in s.checks],
                }
                for s in self.sections
            ],
        }

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<Explanation of {self.layer} ({self.kind}): {', '.join(s.rule for s in self.sections) or 'nothing'}>"


def _error(check: ArrayCheck) -> str:
    return f"error {check.error:.1e}"


def explain(
    model: Any,
    layer: str | Layer,
    x: Any,
    y: Any,
    unit: int | None = None,
    *,
    loss: Any = None,
    sample_weight: Any = None,
) -> Explanation:
    """Explain what one layer does with a batch, forward and backward, in formulas with numbers.

    Args:
        model: a model or any other layer.
        layer: the layer, or its path ("dense_1", "block/dense"); "loss" is the loss itself.
        x, y: the batch, as for ``train_on_batch``.
        unit: the unit (the channel of a convolution) whose numbers are shown; the one with the largest delta unless
            given. Of its entries the one with the largest delta is worked.
        loss, sample_weight: as for :func:`omomi.inspect.trace`.

    Raises:
        UnknownNameError: no such layer; the message names the nearest.
        ConfigurationError: no such unit.
        NotBuiltError: the model was not compiled, and no loss is given.
        DataError, ShapeError: the batch does not fit.

    Example:
        >>> import numpy as np, omomi
        >>> model = omomi.Sequential([omomi.layers.Dense(1, input_shape=(2,), kernel_initializer="ones")], seed=0)
        >>> e = omomi.inspect.explain(model, "dense", np.array([[1.0, 2.0]]), np.array([[1.0]]), loss="squared_error")
        >>> print(e.sections[0].forward[0])
        y[0, 0] = Σᵢ xₙᵢ Wᵢⱼ + bⱼ = 1·1 + 2·1 + 0 = 3
    """
    path, kind = _find(model, layer)
    step = trace(model, x, y, loss=loss, sample_weight=sample_weight)

    def belongs(node: TracedNode) -> bool:
        if kind == LOSS:
            return not node.path
        return not path or node.path == path or node.path.startswith(f"{path}/")

    nodes = [node for node in step.nodes if belongs(node) and step[node.outputs[0]].value.dtype.kind == "f"]
    place: tuple[int, ...] | None = None
    sections = []
    for node in nodes:
        section, place = _section(node, step, unit, place)
        sections.append(section)
    return Explanation(path or (LOSS if kind == LOSS else model.name), kind, tuple(sections), step)


def _find(model: Any, layer: str | Layer) -> tuple[str, str]:
    """Path and class of the layer."""
    paths = dict(model.walk())
    if isinstance(layer, Layer):
        for path, found in paths.items():
            if found is layer:
                return path, type(layer).__name__
        raise UnknownNameError("layer in this model", layer.name, [p for p in paths if p], where=model.where)
    if layer == LOSS and LOSS not in paths:
        return "", LOSS
    by_name = {found.name: path for path, found in paths.items() if path}
    path = layer if layer in paths and layer else by_name.get(layer)
    if path is None:
        raise UnknownNameError("layer in this model", layer, [*(p for p in paths if p), LOSS], where=model.where)
    return path, type(paths[path]).__name__


def _section(
    node: TracedNode, step: Trace, unit: int | None, place: tuple[int, ...] | None
) -> tuple[Section, tuple[int, ...]]:
    """A node explained, and the entry of its output that was worked."""
    output = step[node.outputs[0]]
    index = _entry(node.name, output.value, output.delta, unit, place)
    inputs = {argument: step[name].value for argument, name in zip(node.arguments, node.inputs, strict=True)}
    gradients = {a: g for a, g in zip(node.arguments, node.gradients, strict=True) if g is not None}
    occasion = Occasion(
        node.rule,
        node.formula,
        node.gradient,
        inputs,
        dict(node.attributes),
        output.value,
        output.delta,
        gradients,
        index,
    )
    shapes = {letter(a): v.shape for a, v in inputs.items()} | {"y": output.value.shape}
    section = Section(
        node.name,
        node.rule,
        node.formula,
        node.gradient if gradients else "",
        shapes,
        tuple(forward_lines(occasion)),
        tuple(backward_lines(occasion)),
        _checks(node, inputs, gradients, [step[name].role not in ("parameter", "buffer") for name in node.inputs]),
    )
    return section, index


def _entry(
    name: str, value: np.ndarray, delta: np.ndarray | None, unit: int | None, place: tuple[int, ...] | None
) -> tuple[int, ...]:
    """The entry to work: of the chosen unit, the one with the largest delta; the same as before where there is one."""
    if value.ndim == 0:
        return ()
    if place is not None and len(place) == value.ndim and all(i < n for i, n in zip(place, value.shape, strict=True)):
        return place
    size = np.abs(value if delta is None else delta)
    size = np.where(np.isfinite(size), size, np.inf)
    if unit is not None:
        if not -value.shape[-1] <= unit < value.shape[-1]:
            raise ConfigurationError(
                "there is no such unit.",
                where=name,
                expected=f"0 … {value.shape[-1] - 1}",
                received=f"unit={unit}",
            )
        size = size[..., unit : unit + 1 or None]
    found = np.unravel_index(int(np.argmax(size)), size.shape)
    last = int(found[-1]) if unit is None else unit % value.shape[-1]
    return (*(int(i) for i in found[:-1]), last)


def _checks(
    node: TracedNode, inputs: dict[str, np.ndarray], gradients: dict[str, np.ndarray], by_sample: Sequence[bool]
) -> tuple[ArrayCheck, ...]:
    """The error of each gradient of this call against finite differences, in float64, on the first few samples."""
    rule = RULES.get(node.rule)
    if rule is None or not gradients:
        return ()
    arrays = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in inputs.values()]
    samples = len(arrays[0]) if arrays[0].ndim > 1 and by_sample[0] and node.rule not in _NOT_BY_SAMPLES else 0
    if samples > CHECKED:
        cut = [own and a.ndim > 0 and len(a) == samples for a, own in zip(arrays, by_sample, strict=True)]
        arrays = [a[:CHECKED] if short else a for a, short in zip(arrays, cut, strict=True)]
    names = [
        name for name, owed in zip(inputs, differentiable(rule, arrays), strict=True) if owed and name in gradients
    ]
    by_name = dict(zip(inputs, arrays, strict=True))

    def call(*variables: Variable) -> Any:
        given = {**by_name, **dict(zip(names, variables, strict=True))}
        return apply(rule, *given.values(), **node.attributes)

    with instead(numpy_engine()):
        report = check_gradients(call, tuple(by_name[name] for name in names), tolerance=TOLERANCE)
    return tuple(
        ArrayCheck(letter(name), c.shape, c.method, c.error, c.verdict, c.aside)
        for name, c in zip(names, report.entries, strict=True)
    )


_NOT_BY_SAMPLES = ("reshape", "transpose", "broadcast_to", "sum_to", "concatenate", "split", "stack", "getitem", "take")
