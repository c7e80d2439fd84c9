"""An expanded trace: every composite node replaced by the primitive nodes it consists of, with its own numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from omomi.graph.backpropagation import backward
from omomi.graph.variable import Variable
from omomi.inspect.expansions import EXPANSIONS, Labels
from omomi.inspect.gradient_check import differentiable, error
from omomi.inspect.recording import Call, Names, Recorder, TracedNode, assemble, on_host

__all__ = ["expanded"]

# Within rounding, in units of the dtype's own: parts are rounded one after the other.
_ROUNDING = 1000


def expanded(nodes: list[TracedNode], calls: list[Call], names: Names) -> tuple[list[TracedNode], tuple[str, ...]]:
    """The nodes with composites spelt out, and the names of those that stay whole.

    The parts are computed from the composite's own inputs and its own delta, so every part has a value and a delta;
    output and gradients must agree with the composite's.
    """
    found: list[TracedNode] = []
    whole = []
    for node, call in zip(nodes, calls, strict=True):
        if node.rule not in EXPANSIONS or call.backward_seconds is None:
            found.append(node)
            continue
        parts = _parts(node, call, names)
        if parts is None:
            whole.append(node.name)
        found += parts or [node]
    return found, tuple(whole)


def _parts(node: TracedNode, call: Call, names: Names) -> list[TracedNode] | None:
    """The parts of a composite; ``None`` if they do not compute the same."""
    owed = differentiable(call.rule, call.arrays)
    inputs = [Variable(a, requires_grad=needed) for a, needed in zip(call.arrays, owed, strict=True)]
    recorder = Recorder()
    with recorder, np.errstate(all="ignore"):
        y, labels = EXPANSIONS[node.rule](*inputs, **call.attributes)
        backward([y], [call.deltas[0]])
    if not _agree(call, y, inputs):
        return None
    kept = names.values.pop(node.outputs[0])  # the last part makes it now
    parts = assemble(recorder.calls, names, given={id(y._array): kept.name}, part_of=node.name)
    names.values[kept.name] = kept
    names.of |= {id(a): name for a, name in zip(call.outputs, node.outputs, strict=True)}
    symbols = {id(y._array): node.rule.replace("_", " "), **_symbols(labels)}
    return [
        replace(part, label=symbols.get(id(c.outputs[0]), "")) for part, c in zip(parts, recorder.calls, strict=True)
    ]


def _symbols(labels: Labels) -> dict[int, str]:
    return {id(variable._array): symbol for symbol, variable in labels.items()}


def _agree(call: Call, y: Variable, inputs: list[Variable]) -> bool:
    """Whether output and gradients of the parts are those of the composite, within rounding."""
    tolerance = _ROUNDING * float(np.finfo(on_host(call.outputs[0]).dtype).eps)
    pairs = [(y._array, call.outputs[0])]
    pairs += [(x.grad, g) for x, g in zip(inputs, call.gradients, strict=True) if g is not None]
    return all(a is not None and error(on_host(a), on_host(b)) <= tolerance for a, b in pairs)
