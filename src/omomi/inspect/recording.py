"""What happens in a step, written down by a hook: every call of a rule, its values, deltas and times."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from omomi.engines.engine import Attributes
from omomi.engines.selection import current
from omomi.graph.hooks import Hook
from omomi.graph.variable import Node
from omomi.inspect.formulas import to_latex
from omomi.inspect.gradient_check import input_names
from omomi.ops.rule import Rule

__all__ = ["Call", "Recorder", "TracedNode", "TracedValue", "assemble"]

Array = Any


@dataclass(slots=True)
class Call:
    """One call of a rule, as the engine's arrays; the deltas are filled in when backpropagation comes by."""

    rule: Rule
    arrays: list[Array]
    attributes: Attributes
    path: str
    outputs: tuple[Array, ...]
    seconds: float
    deltas: tuple[Array | None, ...] = ()
    gradients: tuple[Array | None, ...] = ()
    backward_seconds: float | None = None
    saved: tuple[Any, ...] = ()


class Recorder(Hook):
    """Writes down every call of a rule. It holds the arrays, so that each keeps its identity."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._by_attributes: dict[int, Call] = {}  # every call has a mapping of attributes of its own
        self._started = 0.0

    def before_forward(self, rule: Rule, arrays: list[Array], attributes: Attributes, path: str) -> None:
        self._started = perf_counter()

    def after_forward(self, rule: Rule, arrays: list[Array], attributes: Attributes, path: str, y: Any) -> None:
        outputs = y if isinstance(y, tuple) else (y,)
        for output in outputs:
            current().to_host(output)  # an engine may compute while the program goes on: wait for the result
        call = Call(rule, list(arrays), attributes, path, outputs, perf_counter() - self._started)
        self.calls.append(call)
        self._by_attributes[id(attributes)] = call

    def before_backward(self, node: Node, gy: Any) -> None:
        call = self._by_attributes.get(id(node.attributes))
        if call is not None:
            call.deltas = gy if node.outputs is not None else (gy,)
            call.saved = node.saved or ()
        self._started = perf_counter()

    def after_backward(self, node: Node, gy: Any, gx: tuple[Array | None, ...]) -> None:
        call = self._by_attributes.get(id(node.attributes))
        for gradient in gx:
            if gradient is not None:
                current().to_host(gradient)
        if call is not None:
            call.gradients, call.backward_seconds = gx, perf_counter() - self._started


@dataclass(frozen=True, slots=True)
class TracedValue:
    """One array of the step.

    Attributes:
        name: "x", a parameter's path, or that of the node which computed it.
        role: "input", "target", "weight" (of samples), "parameter", "buffer", "constant", "value" or "loss".
        value: the numbers.
        delta: ∂E/∂value, of the same shape; ``None`` where backpropagation does not come by.
    """

    name: str
    role: str
    value: np.ndarray
    delta: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape


@dataclass(frozen=True, slots=True)
class TracedNode:
    """One call of a rule in the step.

    Attributes:
        name: the layer's path and the rule's name; unique in the trace.
        rule: the rule's name.
        path: of the layer that called it; empty for the loss.
        inputs: the names of the values it reads.
        arguments: what the rule calls them: x, W, b.
        outputs: the names of the values it makes.
        formula, gradient: the rule's formulas, forward and backward, as text.
        attributes: the static attributes of the call.
        gradients: what it sends back to each input (∂E by this use of it), or ``None``.
        seconds, backward_seconds: how long the engine took; ``None`` if backpropagation did not come by.
        saved_bytes: of the arrays that it kept for backward.
        label: the symbol that textbooks give to its output (μ, x̂), in expanded nodes.
        part_of: the composite node that it is a part of, in an expanded trace.
    """

    name: str
    rule: str
    path: str
    inputs: tuple[str, ...]
    arguments: tuple[str, ...]
    outputs: tuple[str, ...]
    formula: str
    gradient: str
    attributes: Mapping[str, Any]
    gradients: tuple[np.ndarray | None, ...]
    seconds: float
    backward_seconds: float | None
    saved_bytes: int
    label: str = ""
    part_of: str = ""

    @property
    def latex(self) -> tuple[str, str]:
        """The formulas, forward and backward, as LaTeX."""
        return to_latex(self.formula), to_latex(self.gradient)


@dataclass
class Names:
    """What the nodes and arrays seen so far are called, and the values in order."""

    of: dict[int, str] = field(default_factory=dict)  # of arrays, by their identity
    values: dict[str, TracedValue] = field(default_factory=dict)
    nodes: set[str] = field(default_factory=set)

    def node(self, name: str) -> str:
        """A node's name, with a number if another has it already."""
        name = _free(name, self.nodes)
        self.nodes.add(name)
        return name

    def add(self, array: Array, name: str, role: str, delta: Array | None = None) -> str:
        """Take an array in under a name that no other has."""
        name = _free(name, self.values)
        self.of[id(array)] = name
        lasting = role in ("value", "loss", "constant")  # the others are changed later, by training or by their owner
        host = on_host(array) if lasting else np.array(on_host(array))
        self.values[name] = TracedValue(name, role, host, None if delta is None else on_host(delta))
        return name


def _free(name: str, taken: Container[str]) -> str:
    number, found = 1, name
    while found in taken:
        found = f"{name}_{number}"
        number += 1
    return found


def assemble(
    calls: Iterable[Call], names: Names, *, given: Mapping[int, str] | None = None, part_of: str = ""
) -> list[TracedNode]:
    """Nodes with names from calls; values that no earlier node made become constants.

    Args:
        given: names of outputs that are known beforehand, by the array's identity ("E"; the output of a composite).
        part_of: the composite node that these calls spell out.
    """
    nodes = []
    given = given or {}
    for call in calls:
        arguments = input_names(call.rule, len(call.arrays))
        place = part_of or call.path
        name = names.node(f"{place}/{call.rule.name}" if place else call.rule.name)
        inputs = tuple(
            names.of.get(id(a)) or names.add(a, *_constant(name, argument, part_of))
            for a, argument in zip(call.arrays, arguments, strict=True)
        )
        outputs = []
        for k, y in enumerate(call.outputs):
            delta = call.deltas[k] if k < len(call.deltas) else None
            output = given.get(id(y)) or (name if k == 0 else f"{name}[{k}]")
            outputs.append(names.add(y, output, "loss" if output == "E" else "value", delta))
        nodes.append(_node(call, name, inputs, tuple(arguments), tuple(outputs), part_of))
    return nodes


def _constant(node: str, argument: str, part_of: str) -> tuple[str, str]:
    """Name and role of an array that came from outside the step."""
    if not part_of and argument in ("t", "w"):
        return argument, "target" if argument == "t" else "weight"
    return f"{node}.{argument}", "constant"


def _node(
    call: Call, name: str, inputs: tuple[str, ...], arguments: tuple[str, ...], outputs: tuple[str, ...], part_of: str
) -> TracedNode:
    return TracedNode(
        name,
        call.rule.name,
        call.path,
        inputs,
        arguments,
        outputs,
        call.rule.formula,
        call.rule.gradient,
        dict(call.attributes),
        tuple(None if g is None else on_host(g) for g in call.gradients) or (None,) * len(inputs),
        call.seconds,
        call.backward_seconds,
        bytes_of(call.saved),
        part_of=part_of,
    )


def on_host(array: Array) -> np.ndarray:
    """An engine's array as NumPy's; bfloat16, which NumPy does not know, as float32, which holds it exactly."""
    host: np.ndarray = np.asarray(current().to_host(array))
    return host.astype(np.float32) if host.dtype.name == "bfloat16" else host


def bytes_of(saved: Sequence[Any], seen: set[int] | None = None) -> int:
    """The bytes of the arrays in what a rule saved; each array counts once."""
    seen = set() if seen is None else seen
    total = 0
    for item in saved:
        if isinstance(item, (tuple, list)):
            total += bytes_of(item, seen)
        elif hasattr(item, "nbytes") and hasattr(item, "shape") and id(item) not in seen:
            seen.add(id(item))
            total += int(item.nbytes)
    return total
