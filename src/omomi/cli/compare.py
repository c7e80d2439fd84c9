"""``omomi compare``: the network beside classical learners, on the same data, judged by one protocol."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from omomi.cli.environment import cores
from omomi.cli.run_folder import check_out, make_run_folder
from omomi.cli.screen import INTERRUPTED, say, table, usage
from omomi.comparison import compare as compare_data
from omomi.comparison.names import LEARNERS, METRICS, PROTOCOLS, TASKS

RECORD = "comparison.json"


def names(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """The value of ``--learners``: names, separated by commas."""
    return None if value is None else tuple(name.strip() for name in value.split(",") if name.strip())


@click.command(short_help="Compare a network with classical learners on the same data.")
@click.argument("data", required=False)
@click.option("--target", metavar="COLUMN", help="The column of a table that is predicted.")
@click.option(
    "--protocol",
    type=click.Choice(list(PROTOCOLS)),
    default="nested",
    show_default=True,
    help="How learners are tuned and judged.",
)
@click.option("--learners", metavar="A,B,…", callback=names, help=", ".join(LEARNERS) + "; all that fit unless given.")
@click.option("--metric", type=click.Choice(list(METRICS)), help="accuracy, or for numbers r2, unless given.")
@click.option("--reduce", metavar="NAME[:N]", help="pca, lda or kernel-pca before each learner, to N components.")
@click.option("--folds", type=click.IntRange(min=2), default=5, show_default=True, help="Outer folds, or of a search.")
@click.option("--inner-folds", type=click.IntRange(min=2), default=3, show_default=True, help="Of the inner loop.")
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, help="Draw the outer folds anew.")
@click.option("--candidates", type=click.IntRange(min=1), default=20, show_default=True, help="Of a random search.")
@click.option("--samples", type=click.IntRange(min=10), metavar="N", help="Take N rows at random.")
@click.option("--task", type=click.Choice(TASKS), help="Found by looking at the target unless given.")
@click.option("--categorical", metavar="COLUMN", multiple=True, help="Its numbers are names of categories.")
@click.option("--drop", metavar="COLUMN", multiple=True, help="Leave this column out.")
@click.option("--curves/--no-curves", default=True, help="Learning and validation curves; they take fits of their own.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Fits at a time; as many as cores unless given.")
@click.option(
    "--time-budget", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Begin no fit after."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of folds and learners.")
@click.option("--out", metavar="DIR", help="The folder of the run; runs/<time>-<data>-compare unless given.")
@click.option("--resume", metavar="DIR", help="Go on with the comparison in this folder; its options count.")
@click.pass_context
def compare(context: click.Context, /, data: str | None, out: str | None, resume: str | None, **options: Any) -> None:
    """Compare a network with classical learners on DATA, and say whether the best is really better.

    DATA is iris, wine, breast_cancer, digits, diabetes, moons, circles, spirals, xor, mnist, fashion-mnist, a CSV or
    Parquet file with --target, or a folder with a sub-folder of images per class.

    \b
    omomi compare iris
    omomi compare digits --protocol nested
    omomi compare houses.csv --target price --learners ridge,forest,boosting
    omomi compare mnist --samples 3000 --protocol holdout --time-budget 300
    omomi compare --resume runs/NAME

    Protocols: holdout tunes on a validation set; grid and random search by folds; all three are judged on one test set.
    kfold judges the learners as they are. nested tunes inside each fold and judges outside, which costs most and
    tells most. Every learner stands behind the preparation it needs (missing values, categories, scale), learned from
    training rows only.

    Each finished fit is kept in the folder of the run: after Ctrl-C, or worse, --resume goes on from there.
    """
    os.environ.setdefault("OMOMI_NUM_THREADS", "1")  # of the network's engine: a job has one thread
    jobs, budget = options.pop("jobs") or cores(), options.pop("time_budget")
    if resume is not None:
        refuse_others(context, resume)
        folder = Path(resume)
    else:
        if data is None:
            raise click.UsageError("which DATA? Try: omomi compare iris", context)
        with usage("--out"):
            check_out(out, (RECORD,))
        folder = make_run_folder(out, data, "compare")
    options = {**options, "jobs": jobs, "time_budget": budget, "out": folder, "resume": resume is not None}
    try:
        found = compare_data(data, options.pop("target"), **options)
    except KeyboardInterrupt:
        say(f"interrupted; finished fits are kept. To go on:\n  omomi compare --resume {folder}")
        raise click.exceptions.Exit(INTERRUPTED) from None
    except BaseException:
        if resume is None and not any(folder.iterdir()):
            folder.rmdir()  # nothing was begun
        raise
    for line in found.notes:
        say(f"note    {line}")
    table(found.rows(), head=found.head, right=(1, 4, 5, 6))
    click.echo()
    click.echo(found.verdict())
    click.echo()
    table([(str(folder / name), what) for name, what in found.files.items()])


def refuse_others(context: click.Context, folder: str) -> None:
    """What decides the result is in the folder; another value beside ``--resume`` would be ignored."""
    free = ("resume", "jobs", "time_budget")
    given = [
        name
        for name in context.params
        if name not in free and context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        what = "DATA" if given[0] == "data" else f"--{given[0].replace('_', '-')}"
        raise click.UsageError(f"{what}: data and options of the comparison in {folder} are kept there.", context)
