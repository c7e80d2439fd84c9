"""What the commands print: results to stdout, everything else to stderr; colours on a terminal only (and NO_COLOR)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from omomi.errors import OmomiError

INTERRUPTED = 130  # the exit code after Ctrl-C: 128 + SIGINT, as shells count


def echo(text: str, *, err: bool = False) -> None:
    """Print a line; with colours on a terminal only, and never with NO_COLOR (https://no-color.org)."""
    click.echo(text, err=err, color=False if os.environ.get("NO_COLOR") else None)


def say(text: str) -> None:
    """A remark: to stderr, so that results can be piped."""
    echo(text, err=True)


def say_error(text: str) -> None:
    """An error message: to stderr."""
    say(f"{click.style('Error:', fg='red', bold=True)} {text}")


def table(
    rows: Iterable[Sequence[str]], *, head: Sequence[str] = (), right: Sequence[int] = (), wrap: bool = False
) -> None:
    """Print rows in columns, to stdout.

    Args:
        rows: the texts of each row.
        head: the titles of the columns.
        right: the columns that are aligned to the right.
        wrap: break long texts inside their column on a terminal. Otherwise lines are as long as they are, so that
            a path stays whole.
    """
    grid = Table(box=None, show_header=bool(head), pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    lines = list(rows)
    for i, title in enumerate(head or [""] * max(map(len, lines), default=0)):
        grid.add_column(title, justify="right" if i in right else "left", overflow="fold")
    for row in lines:
        grid.add_row(*map(Text, row))
    console = Console(highlight=False)
    if not (wrap and console.is_terminal):
        console = Console(highlight=False, width=1000)
    with console.capture() as captured:
        console.print(grid)
    for line in captured.get().splitlines():
        echo(line.rstrip())


@contextmanager
def usage(option: str, kind: type[OmomiError] = OmomiError) -> Iterator[None]:
    """Inside, an error of this kind means that the option was used wrongly (exit code 2)."""
    try:
        yield
    except kind as error:
        raise click.UsageError(f"{option}: {error}", click.get_current_context(silent=True)) from error
