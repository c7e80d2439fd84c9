"""L7: the command ``omomi``. Each command is a module of its own; this one joins them and answers for their errors.

Exit codes: 0 done, 1 an error that a message explains, 2 wrong usage, 130 interrupted by Ctrl-C.
"""

from __future__ import annotations

from typing import Any

import click

from omomi import __version__
from omomi.cli.compare import compare
from omomi.cli.data import data
from omomi.cli.doctor import doctor
from omomi.cli.draw import draw
from omomi.cli.evaluate import evaluate
from omomi.cli.inspect_command import inspect_command
from omomi.cli.predict import predict
from omomi.cli.run_script import run_script
from omomi.cli.screen import INTERRUPTED, say_error
from omomi.cli.train import train
from omomi.errors import OmomiError


class Commands(click.Group):
    """A group that shows its commands in the order of use, and every expected error as a message without traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        code = 1
        try:
            return super().invoke(ctx)
        except OmomiError as error:
            say_error(str(error))
        except MemoryError as error:
            say_error(f"this machine has not enough memory ({error}).\n  fix: a smaller --batch-size or network")
        except KeyboardInterrupt:
            say_error("interrupted.")
            code = INTERRUPTED
        raise click.exceptions.Exit(code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="omomi")
def main() -> None:
    """Omomi: train a classifier of images, look at what it learned, and use it.

    \b
    omomi train                           the small CNN on the digits that come with scikit-learn
    omomi train --data mnist              the same on MNIST
    omomi predict runs/NAME digit.png     which digit is this?
    omomi COMMAND --help                  options and examples of a command
    """


for command in (train, evaluate, predict, draw, inspect_command, compare, run_script, data, doctor):
    main.add_command(command)
