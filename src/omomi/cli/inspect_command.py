"""``omomi inspect``: look inside a trained network."""

from __future__ import annotations

import click
import numpy as np

from omomi.cli.judge import targets_for
from omomi.cli.options import code_option
from omomi.cli.run_folder import Run, open_run
from omomi.cli.screen import echo
from omomi.cli.user_model import custom_layers
from omomi.inspect.model_check import GradientReport, check_gradients

CHECKED = 4  # samples of the gradient check: each is one more chance of a kink, and the derivative is the same


@click.command("inspect", short_help="Look inside a trained network.")
@click.argument("run", metavar="RUN")
@click.option(
    "--check-gradients", "gradients", is_flag=True, help="Compare every gradient with finite differences, in float64."
)
@code_option
def inspect_command(run: str, gradients: bool, code: str | None) -> None:
    """Look inside a network that `omomi train` has trained.

    The exit code is 1 if a gradient is found wrong.

    \b
    omomi inspect runs/NAME --check-gradients
    """
    if not gradients:
        raise click.UsageError("say what to look at: --check-gradients", click.get_current_context())
    trained = open_run(run, custom_layers(code) if code else None)
    report = checked(trained)
    echo(report.to_text())
    if not report.passed:
        raise click.exceptions.Exit(1)


def checked(run: Run) -> GradientReport:
    """The gradient check of a run's network, with its loss, on a few samples of its test data."""
    x, y = (samples[:CHECKED] for samples in run.data().test)
    return check_gradients(run.model, np.asarray(x), targets_for(run.model, np.asarray(y), len(run.classes)))
