"""``omomi inspect``: look inside a trained network."""

from __future__ import annotations

from pathlib import Path

import click

from omomi.cli.options import code_option
from omomi.cli.run_folder import COMPARISON, open_run
from omomi.cli.run_report import checked, compared, curves_of, diagnosed, ledger_of, report
from omomi.cli.screen import echo, say
from omomi.cli.user_model import custom_layers
from omomi.inspect.comparison import write_comparison


@click.command("inspect", short_help="Look inside a trained network: write report.html.")
@click.argument("runs", metavar="RUN…", nargs=-1, required=True)
@click.option(
    "--check-gradients", "gradients", is_flag=True, help="Compare every gradient with finite differences, in float64."
)
@click.option("--diagnose", "illnesses", is_flag=True, help="Say what is wrong with the network or its training.")
@click.option("--compare", is_flag=True, help="Several runs side by side, in one page.")
@click.option("--out", metavar="FILE.html", help="The page; report.html in the run's folder unless given.")
@code_option
def inspect_command(
    runs: tuple[str, ...], gradients: bool, illnesses: bool, compare: bool, out: str | None, code: str | None
) -> None:
    """Look inside a network that `omomi train` has trained.

    Without options a page is written into the run's folder, report.html: the network, its curves, the ledger if
    one was recorded, verdicts, wrong predictions, filters, the gradient check. It is one file and needs no network.

    With --check-gradients or --diagnose their result is printed instead; the exit code is 1 if a gradient is found
    wrong. A diagnosis sees most of a run that was trained with --ledger.

    \b
    omomi inspect runs/NAME
    omomi inspect runs/NAME --check-gradients
    omomi inspect runs/NAME --diagnose
    omomi inspect --compare runs/FIRST runs/SECOND
    """
    objects = custom_layers(code) if code else None
    if compare:
        if gradients or illnesses or len(runs) < 2:
            raise click.UsageError("--compare takes two runs or more, and no other look.", click.get_current_context())
        found = [compared(open_run(run, objects)) for run in runs]
        say_written(write_comparison(out or Path(runs[0]).parent / COMPARISON, found))
        return
    if len(runs) > 1:
        raise click.UsageError("one run at a time; several side by side with --compare.", click.get_current_context())
    trained = open_run(runs[0], objects)
    if illnesses:
        ledger = ledger_of(trained.folder)
        echo(diagnosed(trained, trained.data(), curves_of(trained.folder), ledger).to_text())
        if ledger is None:
            say("note: the run has no ledger; omomi train --ledger records one, and more can be seen")
    if gradients:
        verdict = checked(trained)
        echo(verdict.to_text())
        if not verdict.passed:
            raise click.exceptions.Exit(1)
    if gradients or illnesses:
        return
    page, notes = report(trained, out)
    for note in notes:
        say(f"note: {note}")
    say_written(page)


def say_written(page: Path) -> None:
    """Where the page is."""
    echo(str(page))
