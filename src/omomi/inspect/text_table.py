"""Tables of text, for terminals and files: the one place in ``inspect`` that uses rich."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def text_table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = (), width: int | None = None
) -> str:
    """Rows in columns under their titles; texts that do not fit are broken inside their column.

    Args:
        head: the titles.
        rows: the texts of each row, one for each column.
        right: the columns aligned to the right.
        width: in characters; as wide as the table needs, unless given.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, title in enumerate(head):
        grid.add_column(title, justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(printable(text)) for text in row))
    console = Console(width=width or 1000, color_system=None, highlight=False, force_terminal=False)
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def printable(text: str) -> str:
    """The text without control characters: a layer's name must not steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)
