"""The layers of a model as a table of text."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from omomi.errors import ConfigurationError
from omomi.layers.layer import Shape
from omomi.models.summary import LayerRow, size_of, summary_rows, total, width

# Bytes of a parameter and of an activation in each precision. Where half precision computes, parameters stay float32.
PRECISIONS = {"float32": (4, 4), "mixed bfloat16 or float16": (4, 2), "float64": (8, 8)}
UNBOUNDED = 400  # characters of a line that nobody limits


def summary_text(
    model: Any,
    batch_size: int | None = None,
    line_length: int | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> str:
    """The table, the totals, and with ``batch_size`` what training one batch of that size holds and costs.

    Raises:
        NotBuiltError: shapes are not known yet.
    """
    every = summary_rows(model)
    shown = between(every, layer_range, model.where)
    connected = bool(model.ports)
    head = ["layer", "kind", "output shape", "parameters", "forward", "backward"]
    head += ["reads"] * connected + ["trainable"] * show_trainable
    lines = [cells(row, depth, connected, show_trainable) for depth, row in nested(shown, expand_nested)]
    if line_length is None:
        line_length = terminal_width()
    text = [model.name, table(head, lines, range(3, 6), line_length)]

    moved, fixed = sum(row.parameters for row in every), sum(row.fixed for row in every)
    share = f", {moved:,} of them trainable" if fixed else ""
    text.append(f"{moved + fixed:,} parameters{share}, {size_of((moved + fixed) * width(model))}")
    forward, backward = total([row.forward for row in every]), total([row.backward for row in every])
    text.append(
        f"multiply-accumulates of one sample: {counted(forward)} forward, {counted(backward)} backward "
        "(gradients of trained weights; deltas only down to the first of them)"
    )
    if batch_size is not None:
        values = sum(row.values for row in every)
        text.append(
            f"one batch of {batch_size}: {size_of(2 * values * batch_size * width(model))} "
            f"for the outputs of all layers and their deltas"
        )
        text.append(memory(moved, fixed, values, batch_size, total([forward, backward]), line_length))
    return "\n".join(text)


def memory(moved: int, fixed: int, values: int, batch_size: int, cost: int | None, line_length: int) -> str:
    """What a batch holds in each precision, and what its step costs."""
    lines = [
        [
            name,
            size_of((moved + fixed) * of_parameter),
            size_of(moved * of_parameter),
            size_of(values * batch_size * of_value),
            size_of(2 * values * batch_size * of_value),
        ]
        for name, (of_parameter, of_value) in PRECISIONS.items()
    ]
    step = "unknown" if cost is None else f"{cost * batch_size:,}"
    text = table(["precision", "parameters", "gradients", "outputs", "with deltas"], lines, range(1, 5), line_length)
    return f"{text}\nmultiply-accumulates of one step: {step}"


def nested(rows: Sequence[LayerRow], expand: bool, depth: int = 0) -> Iterator[tuple[int, LayerRow]]:
    """The rows, those of models inside below their own if asked."""
    for row in rows:
        yield depth, row
        if expand:
            yield from nested(row.inner, expand, depth + 1)


def cells(row: LayerRow, depth: int, connected: bool, show_trainable: bool) -> list[str]:
    """A row as text."""
    shapes = list(dict.fromkeys(row.shapes or (row.output_shape,)))
    found = [
        "  " * depth + row.name,
        f"{row.kind}  {row.detail}".rstrip(),
        ", ".join(map(shown_shape, shapes)),
        f"{row.parameters + row.fixed:,}",
        counted(row.forward),
        counted(row.backward),
    ]
    found += [", ".join(row.inputs)] * connected
    return found + [("yes" if row.trainable else "no") if row.parameters + row.fixed else "–"] * show_trainable


def counted(number: int | None) -> str:
    """A number of multiply-accumulates; "?" where a layer does not say."""
    return "?" if number is None else f"{number:,}"


def between(rows: list[LayerRow], names: Sequence[str] | None, where: str) -> list[LayerRow]:
    """The rows from the first name to the second."""
    if names is None:
        return rows
    known = [row.name for row in rows]
    if len(names) != 2 or any(name not in known for name in names):
        raise ConfigurationError(
            "layer_range is the names of the first and the last layer.",
            where=where,
            expected=f"two of {', '.join(known)}",
            received=f"layer_range={names!r}",
        )
    return rows[known.index(names[0]) : known.index(names[1]) + 1]


def shown_shape(shape: Shape) -> str:
    """A shape with N for the batch."""
    words = ["N" if d is None and axis == 0 else "?" if d is None else str(d) for axis, d in enumerate(shape)]
    return f"({', '.join(words)}{',' if len(words) == 1 else ''})"


def terminal_width() -> int:
    """The width of the terminal, where there is one."""
    if not sys.stdout.isatty():
        return UNBOUNDED
    from rich.console import Console

    return Console().width


def table(head: Sequence[str], lines: Sequence[Sequence[str]], right: Sequence[int], line_length: int) -> str:
    """Columns under their heads; cells that have no room are broken."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    found = Table(box=box.HORIZONTALS, pad_edge=False, padding=(0, 1, 0, 0), header_style="", show_edge=True)
    for number, name in enumerate(head):
        found.add_column(name, justify="right" if number in right else "left", overflow="fold")
    for line in lines:
        found.add_row(*map(Text, line))
    page = Console(file=io.StringIO(), width=line_length, color_system=None, highlight=False, legacy_windows=False)
    page.print(found)
    file: Any = page.file
    return "\n".join(line[1:].rstrip() for line in file.getvalue().splitlines())
