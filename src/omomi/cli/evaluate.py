"""``omomi evaluate``: loss and accuracy of a trained network."""

from __future__ import annotations

import click

from omomi.cli.judge import judge
from omomi.cli.options import code_option, data_option
from omomi.cli.report import fingerprint, in_words
from omomi.cli.run_folder import open_run
from omomi.cli.screen import say, table, usage
from omomi.cli.user_model import custom_layers
from omomi.datasets import load
from omomi.errors import ConfigurationError, UnknownNameError


@click.command(short_help="Loss and accuracy on test data.")
@click.argument("run")
@data_option
@code_option
def evaluate(run: str, data: str | None, code: str | None) -> None:
    """Loss and accuracy of a trained network on the test data of its run, or on other data.

    \b
    omomi evaluate runs/NAME
    omomi evaluate runs/NAME --data photos
    """
    trained = open_run(run, custom_layers(code) if code else None)
    if data is None:
        found = trained.data()
        if fingerprint(found.test) != trained.record["data"].get("test_sha256"):
            say("note: the test data is not what it was when the run was trained")
    else:
        with usage("--data", UnknownNameError):
            found = load(data)
    if len(found.classes) != len(trained.classes):
        raise ConfigurationError(
            "data and run have different classes.",
            where=run,
            expected=f"{len(trained.classes)} classes: {', '.join(trained.classes)}",
            received=f"{len(found.classes)} classes: {', '.join(found.classes)}",
        )
    table(in_words(found, judge(trained.model, *found.test, len(found.classes))))
