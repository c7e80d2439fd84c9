"""Where the boxes of a graph go: rows from top to bottom, as in Sugiyama, Tagawa and Toda (1981).

A node's row is the length of the longest path to it, so every edge points down. An edge that passes rows gets a
lane of its own in each of them, so that it never runs behind a box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from omomi.errors import ConfigurationError

__all__ = ["Layout", "lay_out"]


@dataclass(frozen=True)
class Layout:
    """Positions in the units of the caller, from the left edge of the drawing.

    Attributes:
        rows: per node, counted from 0 at the top.
        centres: per node, the x of its box's centre.
        lanes: per edge (from, to), its x in each row that it passes.
        width: of the whole drawing.
    """

    rows: Mapping[str, int]
    centres: Mapping[str, float]
    lanes: Mapping[tuple[str, str], list[float]]
    width: float


class _Place(NamedTuple):
    """A node's box (``target`` is None), or the lane of the edge from ``node`` to ``target``, in one row."""

    row: int
    node: str
    target: str | None = None


def lay_out(inputs: Mapping[str, Sequence[str]], *, left: float, right: float, lane: float) -> Layout:
    """Place the nodes of an acyclic graph.

    Args:
        inputs: for each node, the nodes it reads. All of these are nodes themselves.
        left, right: the room that a node takes on either side of its centre.
        lane: the room that an edge takes on either side where it passes a row.
    """
    rows = _longest_paths(inputs)
    skipped = _shortcuts(inputs, rows)
    rank: list[list[_Place]] = [[] for _ in range(max(rows.values()) + 1)]
    follows: dict[_Place, list[_Place]] = {}  # what a place should stand below
    for node, sources in inputs.items():
        box = _Place(rows[node], node)
        rank[box.row].append(box)
        follows[box] = []
        for source in dict.fromkeys(sources):
            above = _Place(rows[source], source)
            for row in range(rows[source] + 1, rows[node]):
                place = _Place(row, source, node)
                rank[row].append(place)
                follows[place] = [above]
                above = place
            if (source, node) not in skipped:
                follows[box].append(above)

    x: dict[_Place, float] = {}
    for places in rank:
        wanted = {p: sum(x[q] for q in follows[p]) / max(len(follows[p]), 1) for p in places}
        edge, placed = float("-inf"), {}
        for p in sorted(places, key=lambda p: (wanted[p], p.target is not None)):
            placed[p] = max(wanted[p], edge + (left if p.target is None else lane))
            edge = placed[p] + (right if p.target is None else lane)
        # Boxes that had to make room for each other stay centred on where they wanted to be.
        boxes = [p for p in places if p.target is None]
        shift = sum(wanted[p] - placed[p] for p in boxes) / len(boxes)
        x |= {p: at + shift for p, at in placed.items()}

    first = min(at - (left if p.target is None else lane) for p, at in x.items())
    last = max(at + (right if p.target is None else lane) for p, at in x.items())
    return Layout(
        rows=rows,
        centres={node: x[_Place(row, node)] - first for node, row in rows.items()},
        lanes={
            (source, node): [x[_Place(row, source, node)] - first for row in range(rows[source] + 1, rows[node])]
            for node, sources in inputs.items()
            for source in sources
        },
        width=last - first,
    )


def _longest_paths(inputs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    rows: dict[str, int] = {}
    waiting = dict(inputs)
    while waiting:
        ready = [node for node, sources in waiting.items() if all(source in rows for source in sources)]
        if not ready:
            raise ConfigurationError(
                "the layers read each other in a circle.",
                where=", ".join(list(waiting)[:5]),
                expected="an order in which every layer comes after those it reads",
            )
        for node in ready:
            rows[node] = 1 + max((rows[source] for source in inputs[node]), default=-1)
            del waiting[node]
    return rows


def _shortcuts(inputs: Mapping[str, Sequence[str]], rows: Mapping[str, int]) -> set[tuple[str, str]]:
    """Edges beside a longer path between the same nodes: they should not pull the main path aside."""
    before: dict[str, set[str]] = {}  # all nodes on which a node depends
    found = set()
    for node in sorted(inputs, key=lambda name: rows[name]):
        before[node] = set(inputs[node]).union(*(before[source] for source in inputs[node]))
        for source in inputs[node]:
            if any(source in before[other] for other in inputs[node]):
                found.add((source, node))
    return found
