"""The network as a picture: its layers from the input at the top to the output at the bottom.

Every box is a layer, every arrow carries the shape of a tensor. Beside the boxes the tensors themselves are
sketched where they change: feature maps as sheets, whose size follows height and width and whose number follows the
channels; vectors as units.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from omomi.errors import ConfigurationError
from omomi.inspect.canvas import (
    BLUE,
    BODY,
    FAINT,
    HEADING,
    MARGIN,
    MUTED,
    PAPER,
    SHADE,
    SMALL,
    VERMILION,
    Sheet,
    clean,
    fit,
    style,
    width_of,
)
from omomi.inspect.layout import Layout, lay_out
from omomi.models.summary import LayerRow, call_rows

__all__ = ["draw_model", "draw_rows"]

INPUT = "InputLayer"

Shape = tuple[int | None, ...]

_BOX, _BOX_HEIGHT, _GAP = 286.0, 42.0, 30.0
_SKETCH = 92.0  # the room left of a box for the tensor it makes
_PITCH = _BOX_HEIGHT + _GAP
_BETWEEN = 6.0  # between a box and what stands to its right
_LANE = 10.0
_SHEET_STEP = (4.0, -2.4)
_SKETCH_HEIGHT = 50.0


def draw_model(model: Any, path: str | os.PathLike[str]) -> Path:
    """Draw a built model as SVG or PNG, by the ending of the file's name.

    Raises:
        NotBuiltError: the model does not know its shapes yet.
    """
    rows = call_rows(model)
    given = {row.name: row.output_shape for row in rows if row.kind == INPUT}
    layers = [row for row in rows if row.kind != INPUT]
    if layers and not given:
        given = dict.fromkeys(layers[0].inputs, model.layers[0].built_for)
    return draw_rows(layers, path, title=model.name, input_shapes=given)


@style()
def draw_rows(
    rows: Sequence[LayerRow],
    path: str | os.PathLike[str],
    *,
    title: str = "Network",
    input_shape: Shape | None = None,
    input_shapes: Mapping[str, Shape] | None = None,
) -> Path:
    """Draw layers from their rows in the summary.

    Args:
        rows: the layers in order; a name in ``inputs`` that no earlier layer has is an input of the network.
        path: the file to write, .svg or .png.
        title: written above.
        input_shape: of the network's input, the batch first; or
        input_shapes: of each of several by name.
    """
    if not rows:
        raise ConfigurationError("there is no layer to draw.", where="draw", fix="add layers to the model first.")
    names = [row.name for row in rows]
    if len(set(names)) < len(names):
        raise ConfigurationError("two layers have the same name.", where="draw", received=", ".join(names))
    inputs = _who_reads_whom(rows)
    sources = [name for name, read in inputs.items() if not read and name not in names]
    known = input_shapes or {}
    shapes: dict[str, Shape | None] = {name: known.get(name, input_shape) for name in sources}
    shapes |= {row.name: row.output_shape for row in rows}

    layout = lay_out(inputs, left=_SKETCH + _BOX / 2, right=_BOX / 2 + _BETWEEN, lane=_LANE)
    boxes = {
        name: _Box(MARGIN - 6 + layout.centres[name], HEADING + row * _PITCH, _pill(name) if name in sources else _BOX)
        for name, row in layout.rows.items()
    }
    height = max(box.top for box in boxes.values()) + _BOX_HEIGHT + _GAP + 12
    page = Sheet(layout.width + 2 * MARGIN - 6 - _BETWEEN, height, f"Network: {title}")
    page.heading(title, _totals(rows))
    exits = _draw_edges(page, inputs, layout, boxes)
    for source in sources:
        _draw_input(page, source, boxes[source])
    for row in rows:
        _draw_layer(page, row, boxes[row.name])
    _draw_sketches(page, inputs, shapes, boxes)
    for name, shape in shapes.items():
        box, words = boxes[name], shape_words(shape)
        if not exits[name]:  # an output of the network
            _arrow(page, [(box.x, box.top + _BOX_HEIGHT), (box.x, box.top + _PITCH - 4)])
            words = f"output {words}"
        beside = not exits[name] or box.x in exits[name]  # beside the arrow, or between two that lead aside
        left, align = (box.x + 9, "left") if beside else (box.x, "center")
        page.text(left, box.top + _BOX_HEIGHT + _GAP / 2 + 3, words, size=SMALL, color=MUTED, ha=align)
    return page.save(path)


def _who_reads_whom(rows: Sequence[LayerRow]) -> dict[str, tuple[str, ...]]:
    """For each input of the network and each layer, what it reads. A name that no earlier layer has is an input."""
    names, earlier = {row.name for row in rows}, set[str]()
    inputs: dict[str, tuple[str, ...]] = {}
    for row in rows:
        read = tuple(s if s in earlier or s not in names else f"{s} (input)" for s in row.inputs)
        inputs |= {source: () for source in read if source not in earlier and source not in inputs}
        inputs[row.name] = read
        earlier.add(row.name)
    return inputs


def shape_words(shape: Shape | None) -> str:
    """The shape of one sample: 28 × 28 × 32; "?" for what is not known."""
    if shape is None:
        return ""
    return " × ".join("?" if size is None else str(size) for size in shape[1:]) or "1"


def _totals(rows: Sequence[LayerRow]) -> str:
    moved, fixed = sum(row.parameters for row in rows), sum(row.fixed for row in rows)
    count = f"{len(rows)} layer" + ("" if len(rows) == 1 else "s")
    return f"{count} · {moved + fixed:,} parameters" + (f", {fixed:,} of them not trained" if fixed else "")


# Boxes and arrows --------------------------------------------------------------------------------------------------


class _Box(NamedTuple):
    """Where a layer's box stands: its centre, its upper edge, its width."""

    x: float
    top: float
    width: float

    def nearest(self, x: float) -> float:
        """The place on its lower or upper edge, off the corners, that is nearest to ``x``."""
        reach = self.width / 2 - 20
        return min(max(x, self.x - reach), self.x + reach)


def _draw_layer(page: Sheet, row: LayerRow, box: _Box) -> None:
    """Name and parameters on the first line, kind and attributes on the second; a blue edge where it learns."""
    left, right, top = box.x - _BOX / 2, box.x + _BOX / 2, box.top
    page.box(left, top, _BOX, _BOX_HEIGHT, radius=5)
    stripe = BLUE if row.parameters else FAINT
    page.box(left + 6, top + 8, 3, _BOX_HEIGHT - 16, radius=1.4, facecolor=stripe, edgecolor="none")
    count = row.parameters + row.fixed
    number = f"{count:,} parameters" if count else ""
    page.text(right - 10, top + 17, number, size=SMALL, color=MUTED, ha="right")
    room = _BOX - 36 - width_of(number, SMALL)
    page.text(left + 16, top + 17, fit(row.name, room, BODY, weight="bold"), weight="bold")
    frozen = "not trained" if count and not row.parameters else ""
    page.text(right - 10, top + 32, frozen, size=SMALL, color=MUTED, ha="right")
    words = f"{row.kind} · {row.detail}" if row.detail else row.kind
    page.text(left + 16, top + 32, fit(words, _BOX - 30 - width_of(frozen, SMALL), SMALL), size=SMALL, color=MUTED)


def _pill(name: str) -> float:
    return min(_BOX, max(80.0, width_of(clean(name), BODY, weight="bold") + 40))


def _draw_input(page: Sheet, name: str, box: _Box) -> None:
    """An input computes nothing, so it has no frame."""
    top, height = box.top + 14, _BOX_HEIGHT - 14
    page.box(box.x - box.width / 2, top, box.width, height, radius=height / 2, facecolor=SHADE, edgecolor="none")
    page.text(box.x, top + 18, fit(name, box.width - 30, BODY, weight="bold"), weight="bold", ha="center")


def _draw_edges(
    page: Sheet, inputs: dict[str, tuple[str, ...]], layout: Layout, boxes: dict[str, _Box]
) -> dict[str, list[float]]:
    """Draw every edge, and return at which x edges leave each box."""
    exits: dict[str, list[float]] = {name: [] for name in inputs}
    for (source, target), lanes in layout.lanes.items():
        start, end = boxes[source], boxes[target]
        via = [MARGIN - 6 + x for x in lanes]
        first, last = start.nearest([*via, end.x][0]), end.nearest([start.x, *via][-1])
        points = [(first, start.top + _BOX_HEIGHT)]
        for row, x in enumerate(via, 1):
            points += [(x, start.top + row * _PITCH), (x, start.top + row * _PITCH + _BOX_HEIGHT)]
        _arrow(page, [*points, (last, end.top)])
        exits[source].append(first)
    return exits


def _arrow(page: Sheet, points: list[tuple[float, float]]) -> None:
    x, y = points[-1]
    page.line([*points[:-1], (x, y - 6)], color=MUTED)
    page.polygon([(x - 3, y - 7), (x + 3, y - 7), (x, y - 1)], facecolor=MUTED, edgecolor="none")


# Tensors -----------------------------------------------------------------------------------------------------------


def _draw_sketches(
    page: Sheet, inputs: dict[str, tuple[str, ...]], shapes: dict[str, Shape | None], boxes: dict[str, _Box]
) -> None:
    """Sketch each tensor that has another shape than what its layer read."""
    maps = [shape for shape in shapes.values() if shape is not None and len(shape) in (3, 4)]
    largest = max((size or 1 for shape in maps for size in shape[1:3]), default=1)
    for name, shape in shapes.items():
        if shape is None or any(shapes[source] == shape for source in inputs[name]):
            continue
        middle = boxes[name].top + (_BOX_HEIGHT + (14 if not inputs[name] else 0)) / 2
        right = boxes[name].x - _BOX / 2 - 18
        if len(shape) == 2:
            _draw_units(page, shape[1] or 1, right, middle)
        elif len(shape) in (3, 4):
            _draw_sheets(page, shape, largest, right, middle)


def _draw_sheets(page: Sheet, shape: Shape, largest: int, right: float, middle: float) -> None:
    """Feature maps, one behind the other: as many sheets as channels, from eight on by their logarithm."""
    height, width = ((size or 1) for size in shape[1:3])
    channels = (shape[3] or 1) if len(shape) == 4 else 1
    sheets = channels if channels <= 3 else min(9, 1 + round(math.log2(channels)))
    dx, dy = _SHEET_STEP
    room = _SKETCH_HEIGHT + (sheets - 1) * dy
    scale = min(room, 34.0) / math.sqrt(largest)  # areas would differ too much: the root of the sides is drawn
    w, h = max(math.sqrt(width) * scale, 5.0), max(math.sqrt(height) * scale, 5.0)
    left = right - w - (sheets - 1) * dx
    top = middle - h / 2 - (sheets - 1) * dy / 2
    for k in reversed(range(sheets)):
        shade = "#d3e5f2" if k else "#a9cce5"
        page.box(left + k * dx, top + k * dy, w, h, facecolor=shade, edgecolor=BLUE, linewidth=0.7)


def _draw_units(page: Sheet, units: int, right: float, middle: float) -> None:
    """A vector: its units as dots, from eight on the first and last three."""
    step, shown = 6.6, units if units <= 7 else 7
    x, top = right - 8, middle - (shown - 1) / 2 * step
    for k in range(shown):
        if units > 7 and k == 3:
            for offset in (-1.8, 0, 1.8):
                page.dot(x, middle + offset, 0.55, facecolor=VERMILION, edgecolor="none")
        else:
            page.dot(x, top + k * step, 2.3, facecolor=PAPER, edgecolor=VERMILION, linewidth=1.0)
