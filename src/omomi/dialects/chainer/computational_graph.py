"""``chainer.computational_graph``: the graph behind Variables in Graphviz's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omomi import Variable


class ComputationalGraph:
    """Variables and functions, ready to be written down."""

    def __init__(self, outputs: Sequence[Variable]) -> None:
        self.outputs = outputs

    def dump(self, format: str = "dot") -> str:
        """The graph as DOT text: Variables are ovals with shape and dtype, functions are boxes."""
        lines, seen, waiting = ["digraph graphname{rankdir=TB;"], set[int](), list[Variable]()

        def oval(x: Variable) -> None:
            if id(x) not in seen:
                seen.add(id(x))
                label = f"{x.name}: " if x.name else ""
                lines.append(f'v{id(x)} [label="{label}{x.shape}, {x.dtype}", shape="oval"];')
                waiting.append(x)

        for x in self.outputs:
            oval(x)
        while waiting:  # each Variable comes once
            x = waiting.pop()
            node = x.creator
            if node is None:
                continue
            if id(node) not in seen:
                seen.add(id(node))
                lines.append(f'f{id(node)} [label="{node.rule.name}", shape="box"];')
                for source in node.inputs:
                    oval(source)
                    lines.append(f"v{id(source)} -> f{id(node)};")
            lines.append(f"f{id(node)} -> v{id(x)};")
        return "\n".join([*lines, "}"])


def build_computational_graph(outputs: Any, **_: Any) -> ComputationalGraph:
    """The graph behind one Variable or several."""
    return ComputationalGraph([outputs] if isinstance(outputs, Variable) else list(outputs))
