"""The computational graph of a step as a picture: values flow down in blue, deltas flow back up in vermilion.

Each node is a card: its formulas forward and backward, on the left the value of its output (and its parameters), on the
right their deltas. Small arrays are numbers, larger ones little pictures with norm and range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from omomi.inspect import svg
from omomi.inspect.formulas import norm, number, shape_text
from omomi.inspect.layout import Layout, lay_out
from omomi.inspect.recording import TracedNode, TracedValue
from omomi.inspect.thumbnails import draw_array

__all__ = ["draw_trace"]

_CARD = 440.0
_MARGIN = 16.0
_HEAD = 62.0
_GAP = 24.0
_PAD = 12.0
_HALF = (_CARD - 3 * _PAD) / 2
_LINE = 15.0
_LANE = 12.0
_LETTERS = 70  # of a formula in one line of a card
_NUMERALS = 31  # of a line of numbers in one half of a card


def draw_trace(trace: Any, columns: int = 1) -> str:
    """The SVG of a trace.

    Args:
        columns: how many columns the graph is broken into, as a page is, where it is a chain long enough.
    """
    values: Mapping[str, TracedValue] = trace.values
    nodes = _on_the_way(trace.nodes, values)
    makers = {output: node.name for node in nodes for output in node.outputs}
    given = [name for name, value in values.items() if value.role == "input"]
    sources = [name for name in given if any(name in node.inputs for node in nodes)]
    reads: dict[str, list[str]] = {name: [] for name in sources} | {
        node.name: [makers.get(i, i) for i in dict.fromkeys(node.inputs) if i in makers or i in sources]
        for node in nodes
    }
    cards = {name: _input_card(values[name]) for name in sources}
    cards |= {node.name: _node_card(node, values, makers) for node in nodes}
    late = _late(reads, sources)
    layout = lay_out({**reads, **late}, left=_CARD / 2, right=_CARD / 2 + 10, lane=_LANE)
    places, width, height = _place(layout, cards, columns)

    parts = [
        svg.text(_MARGIN, 26, svg.shortened(trace.title, 44), "title"),
        svg.text(_MARGIN, 44, _facts(trace), "muted"),
        svg.text(_MARGIN + _CARD, 26, "values ↓", "forward", anchor="end"),
        svg.text(_MARGIN + _CARD, 44, "deltas ↑", "backward", anchor="end"),
    ]
    for (source, target), lanes in layout.lanes.items():
        if target in late:
            continue
        back = _delta_flows(trace, source, target, makers)
        parts += _edge(places[source], places[target], lanes, layout, places, back)
    for name, card in cards.items():
        place = places[name]
        parts.append(f'<g transform="translate({place.left:g} {place.top:g})">{card.drawn}</g>')
    aside = [node.name for node in trace.nodes if node.backward_seconds is None and node not in nodes]
    aside = [name for name in aside if not name.endswith("draw_address")]
    if aside:
        parts.append(
            svg.text(_MARGIN, height - 10, svg.shortened("not on the way to E: " + ", ".join(aside), 76), "muted")
        )
    return svg.page(max(width, _CARD + 2 * _MARGIN), height, f"One training step of {trace.title}", parts)


def _facts(trace: Any) -> str:
    samples = f"{trace.samples} sample{'s' * (trace.samples != 1)}"
    return f"one training step on {samples} · E = {number(trace.loss, 5)} · engine {trace.engine}"


def _on_the_way(nodes: Sequence[TracedNode], values: Mapping[str, TracedValue]) -> list[TracedNode]:
    """The nodes that E depends on, without the draws of random addresses."""
    needed = {name for name, value in values.items() if value.role == "loss"}
    found = []
    for node in reversed(nodes):
        if needed.intersection(node.outputs) and values[node.outputs[0]].value.dtype.kind == "f":
            found.append(node)
            needed.update(node.inputs)
    return found[::-1]


def _late(reads: Mapping[str, Sequence[str]], inputs: Sequence[str]) -> dict[str, list[str]]:
    """For nodes that read parameters alone (penalties): the node below which they stand, beside what they join."""
    found = {}
    for name, sources in reads.items():
        if sources or name in inputs:
            continue
        beside = [other for reader in reads.values() if name in reader for other in reader if other != name]
        found[name] = [above for other in beside for above in reads[other]][:1]
    return found


# ---- cards -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Card:
    """A node drawn with its upper left corner at (0, 0)."""

    drawn: str
    height: float


def _input_card(x: TracedValue) -> _Card:
    body, bottom = _row(x, 26, "", "x")
    name = svg.shortened(f"input {x.name}", 40)
    parts = [svg.box(0, 0, _CARD, bottom + 6, "input", radius=14), svg.text(_PAD, 18, name, "name")]
    parts.append(svg.text(_CARD - _PAD, 18, shape_text(x.shape), "num muted", anchor="end"))
    return _Card("".join([*parts, *body]), bottom + 6)


def _node_card(node: TracedNode, values: Mapping[str, TracedValue], makers: Mapping[str, str]) -> _Card:
    output = values[node.outputs[0]]
    layer = (node.part_of.rpartition("/")[0] or node.part_of.replace("_", " ")) if node.part_of else node.path
    title = node.label or node.rule.replace("_", " ")
    where = " · ".join(part for part in (layer, node.rule.replace("_", " ") if node.label else "") if part)
    shape = shape_text(output.shape)
    parts = [
        svg.text(_PAD, 19, svg.shortened(title, 30), "name"),
        svg.text(
            _PAD + 7.2 * min(len(title), 30) + 8,
            19,
            svg.shortened(where, max(44 - len(title) - len(shape) // 2, 8)),
            "muted",
        ),
        svg.text(_CARD - _PAD, 19, shape, "num muted", anchor="end"),
    ]
    y = 19.0
    flows = node.backward_seconds is not None
    for formula, kind in (
        (node.formula + _constants(node, values), "forward"),
        (node.gradient if flows else "", "backward"),
    ):
        for line in svg.wrapped(formula, _LETTERS):
            y += _LINE
            parts.append(svg.text(_PAD, y, line, kind))
    same = node.rule in ("reshape", "cast", "identity")  # the same numbers as in the card above
    rows = [] if same else [(output, "")]
    rows += [(values[i], _last(i, values[i])) for i in dict.fromkeys(node.inputs) if _shown_beside(values[i], makers)]
    y += 7
    for value, name in rows:
        if name:
            parts.append(f'<line x1="{_PAD}" y1="{y:g}" x2="{_CARD - _PAD}" y2="{y:g}" class="rule"/>')
            y += 4
        drawn, y = _row(value, y, name, "E" if value.role == "loss" else "y")
        parts += drawn
    return _Card("".join([svg.box(0, 0, _CARD, y + 4, "card"), *parts]), y + 4)


def _shown_beside(value: TracedValue, makers: Mapping[str, str]) -> bool:
    """Whether an input has a row of its own in the card: parameters, targets, and constants of more than one number."""
    if value.name in makers or value.value.dtype.kind not in "fiu":
        return False
    if value.role == "weight":
        return bool((value.value != 1).any())
    return value.role in ("parameter", "target") or (value.role == "constant" and value.value.size > 1)


def _last(name: str, value: TracedValue) -> str:
    return {"target": "target t", "weight": "sample weights w"}.get(value.role) or name.rpartition("/")[2].rpartition(
        "."
    )[2]


def _constants(node: TracedNode, values: Mapping[str, TracedValue]) -> str:
    """The constants of one number, behind the formula: b = 0.003922."""
    found = [
        f"{argument} = {number(values[name].value.item())}"
        for argument, name in zip(node.arguments, node.inputs, strict=True)
        if values[name].role == "constant" and values[name].value.size == 1
    ]
    attributes = [f"{_letter(key)} = {number(v)}" for key, v in node.attributes.items() if isinstance(v, float)]
    return ", " + ", ".join([*found, *attributes]) if found or attributes else ""


def _letter(attribute: str) -> str:
    """The letter that formulas use for an attribute."""
    return {
        "rate": "p",
        "alpha": "α",
        "epsilon": "ε",
        "momentum": "m",
        "delta": "δ",
        "exponent": "k",
        "factor": "λ",
    }.get(attribute, attribute)


def _row(value: TracedValue, y: float, name: str, symbol: str) -> tuple[list[str], float]:
    """A value on the left and its delta on the right, each with a line of facts. Returns where the row ends."""
    left, right = _PAD, 2 * _PAD + _HALF
    parts, bottoms = [], []
    kernel = value.role == "parameter"
    for array, x, kind in ((value.value, left, "forward"), (value.delta, right, "backward")):
        if array is None:
            continue
        drawn, height = draw_array(np.asarray(array), x, y + 13, _HALF, kind, kernel=kernel)
        label = (
            (f"{name} {shape_text(array.shape)}" if name else symbol) if kind == "forward" else f"∂E/∂{name or symbol}"
        )
        parts += [svg.text(x, y + 9, _with_range(label, array), f"num {kind}"), drawn]
        bottoms.append(y + 13 + height + 5)
    return parts, max(bottoms, default=y)


def _with_range(label: str, array: np.ndarray) -> str:
    """The label, and norm and range behind it as far as there is room."""
    if array.size <= 24 or array.dtype.kind not in "fiu":
        return svg.shortened(label, _NUMERALS)
    size, ends = f" ‖{number(norm(array), 3)}‖", f" {number(array.min(), 2)}…{number(array.max(), 2)}"
    longest = next((t for t in (label + size + ends, label + size) if len(t) <= _NUMERALS), label)
    return svg.shortened(longest, _NUMERALS)


# ---- places and edges ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Placed:
    left: float
    top: float
    height: float
    column: int

    @property
    def bottom(self) -> float:
        return self.top + self.height


def _place(layout: Layout, cards: Mapping[str, _Card], columns: int) -> tuple[dict[str, _Placed], float, float]:
    """Where each card stands, and the size of the page."""
    count = max(layout.rows.values()) + 1
    heights = [max(cards[n].height for n, row in layout.rows.items() if row == r) for r in range(count)]
    column_of = _columns(layout, heights, columns)
    tops, at, column = [], _HEAD, 0
    for r in range(count):
        if column_of[r] != column:
            at, column = _HEAD, column_of[r]
        tops.append(at)
        at += heights[r] + _GAP
    step = layout.width + 3 * _MARGIN
    places = {
        name: _Placed(
            _MARGIN + layout.centres[name] - _CARD / 2 + column_of[row] * step,
            tops[row],
            cards[name].height,
            column_of[row],
        )
        for name, row in layout.rows.items()
    }
    bottom = max(place.bottom for place in places.values())
    return places, 2 * _MARGIN + layout.width + (max(column_of) * step), bottom + 36


def _columns(layout: Layout, heights: Sequence[float], columns: int) -> list[int]:
    """The column of each row: broken where a single edge leads on, so that columns are about equally long."""
    passed = {r for (source, target), lanes in layout.lanes.items() if lanes for r in _between(layout, source, target)}
    goal = (sum(heights) + _GAP * len(heights)) / max(columns, 1)
    found, column, used = [], 0, 0.0
    for r, height in enumerate(heights):
        if used + height / 2 > goal and column + 1 < columns and r not in passed:
            column, used = column + 1, 0.0
        found.append(column)
        used += height + _GAP
    return found


def _between(layout: Layout, source: str, target: str) -> range:
    """The rows in front of which an edge passes by others."""
    return range(layout.rows[source] + 1, layout.rows[target] + 1)


def _delta_flows(trace: Any, source: str, target: str, makers: Mapping[str, str]) -> bool:
    node = trace.node(target)
    return any(
        gradient is not None and makers.get(name, name) == source
        for name, gradient in zip(node.inputs, node.gradients, strict=True)
    )


def _edge(
    start: _Placed, end: _Placed, lanes: Sequence[float], layout: Layout, places: Mapping[str, _Placed], back: bool
) -> list[str]:
    """The arrow of the values, and beside it that of the deltas."""
    parts = []
    for kind, offset in (("down", -34.0), ("up", 34.0)) if back else (("down", -34.0),):
        out, into = start.left + _CARD / 2 + offset, end.left + _CARD / 2 + offset
        shift = offset / 8
        if start.column != end.column:
            gutter = end.left - 1.5 * _MARGIN + shift
            points = [(out, start.bottom), (out, start.bottom + 10 - shift), (gutter, start.bottom + 10 - shift)]
            points += [(gutter, end.top - 12 - shift), (into, end.top - 12 - shift), (into, end.top)]
        elif lanes:
            first = _row_bottom(places, start) + 12 + shift
            last = end.top - 12 + shift
            x = _MARGIN + max(lanes) + (end.column * (layout.width + 3 * _MARGIN)) + shift
            points = [
                (out, start.bottom),
                (out, first),
                (x, first),
                (x, last),
                (into + 150, last),
                (into + 150, end.top),
            ]
        else:
            middle = (_row_bottom(places, start) + end.top) / 2
            points = [(out, start.bottom), (out, middle), (into, middle), (into, end.top)]
        tidy = [points[0], *(b for a, b in pairwise(points) if a != b)]
        parts.append(svg.arrow(tidy if kind == "down" else tidy[::-1], kind))
    return parts


def _row_bottom(places: Mapping[str, _Placed], place: _Placed) -> float:
    """The lower edge of the highest card beside this one."""
    return max(p.bottom for p in places.values() if p.column == place.column and abs(p.top - place.top) < 0.5)
