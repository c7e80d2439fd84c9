"""Types of options that more than one command takes."""

from __future__ import annotations

import click


def batch_size(value: str) -> int | str:
    """The value of ``--batch-size``: a positive whole number, or "full"."""
    if value == "full":
        return value
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is neither a positive whole number nor the word full.")
    return int(value)


data_option = click.option(
    "--data",
    metavar="NAME|DIR",
    help="digits, mnist, fashion-mnist, iris, wine, breast-cancer, or a folder of your own.",
)
code_option = click.option(
    "--model",
    "code",
    metavar="FILE.py",
    type=click.Path(exists=True, dir_okay=False),
    help="The file that defines the network's own layers. It is run, so it should be yours.",
)
