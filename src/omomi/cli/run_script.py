"""``omomi run SCRIPT.py``: a script written for another framework, unchanged."""

from __future__ import annotations

import traceback
from pathlib import Path

import click

from omomi.cli.screen import say_error
from omomi.dialects import running
from omomi.dialects.spellings.versions import VERSIONS
from omomi.errors import OmomiError


@click.command(
    "run",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    short_help="Run a script written for another framework, unchanged.",
)
@click.option(
    "--dialect",
    type=click.Choice(["auto", *VERSIONS]),
    default="auto",
    show_default=True,
    help="Which Keras the script was written for; auto looks at its spellings.",
)
@click.option("--small-data", is_flag=True, help="Serve small digits, which need no download, in place of MNIST.")
@click.argument("script", type=click.Path(path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run_script(script: Path, arguments: tuple[str, ...], dialect: str, small_data: bool) -> None:
    """Run a Python script that imports keras, tensorflow.keras or chainer, unchanged, on Omomi.

    What stands after SCRIPT goes to the script. Installed packages of the same name are not touched, and not used.

    \b
    omomi run mnist_mlp.py
    omomi run --dialect keras1 old_cnn.py --epochs 3
    """
    try:
        running.run_script(script, arguments, dialect, small_data)
    except OmomiError as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(script)]
        if lines:
            say_error(f"in {script}, line {lines[-1]}:")
        raise
