"""``omomi train``: from the data to a folder with the trained network, its curves and its errors."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import numpy as np

from omomi.cli.begun import begun_run, every_of, lasting
from omomi.cli.digit_image import frame_of
from omomi.cli.environment import environment
from omomi.cli.judge import judge, targets_for
from omomi.cli.options import batch_size
from omomi.cli.report import draw_curves, draw_data, draw_ledger, draw_network, fingerprint, in_words, is_images
from omomi.cli.run_folder import CHECKPOINTS, CONTENTS, HISTORY, LEDGER, MODEL, RECORD, check_out, make_run_folder
from omomi.cli.screen import INTERRUPTED, say, table, usage
from omomi.cli.setup import Options, Part, Setup, set_up
from omomi.datasets import Dataset
from omomi.engines import selection
from omomi.errors import NonFiniteError, OmomiError
from omomi.files import write_json
from omomi.layers import Rescaling
from omomi.models.model import Model
from omomi.training.checkpoints import Checkpoints
from omomi.training.history import History
from omomi.training.ledger import PERIOD
from omomi.training.optimizers import BY_NAME


@click.command(short_help="Train a network and keep everything about it in a folder.")
@click.option(
    "--data",
    metavar="NAME|DIR",
    default="digits",
    show_default=True,
    help="digits, mnist, fashion-mnist, iris, wine, breast-cancer, or a folder of your own.",
)
@click.option("--model", metavar="cnn|mlp|FILE.py", help="The network; cnn for images unless given.")
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="How often every sample is seen.")
@click.option("--batch-size", type=batch_size, metavar="N|full", help="Samples in a step; full for all of them.")
@click.option("--optimizer", metavar="NAME", help=", ".join(BY_NAME) + ".")
@click.option("--learning-rate", type=float, metavar="RATE", help="The optimiser's own unless given.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    show_default=True,
    help="Of weights, dropout and the order of samples.",
)
@click.option(
    "--ledger",
    is_flag=False,
    flag_value=PERIOD,
    type=click.IntRange(min=1),
    metavar="[=STEPS]",
    help=f"Watch the deltas, every {PERIOD} steps unless told otherwise.",
)
@click.option("--engine", metavar="NAME", help=", ".join(selection.MAKERS) + ": who computes.")
@click.option("--out", metavar="DIR", help="The folder of the run; runs/<time>-<data>-<model> unless given.")
@click.option(
    "--checkpoint-every",
    metavar="epoch|STEPS|TIME",
    default="1min",
    show_default=True,
    help="How often the state of training is kept: epoch, a number of steps, or a time such as 30s.",
)
@click.option("--resume", metavar="RUN", help="Go on with a run that was interrupted or killed; --epochs may be more.")
def train(out: str | None, resume: str | None, **given: Any) -> None:
    """Train a network, and keep the model, its curves, its drawing and its errors in a folder.

    Without options: the small CNN on the handwritten digits that come with scikit-learn. A tenth of the training
    samples (at most 2,000) is held out to judge every epoch; the test samples judge once, at the end.

    \b
    omomi train
    omomi train --data mnist --model mlp --optimizer adam --epochs 5
    omomi train --data photos --batch-size 16        photos/cat/*.jpg, photos/dog/*.jpg
    omomi train --data mnist --model net.py
    omomi train --ledger                             then: omomi inspect runs/NAME --diagnose

    FILE.py defines build_model(input_shape, classes), which returns an omomi model, compiled or not. It reads
    samples as they are in the data, so a network for images begins with a Rescaling layer.

    Ctrl-C ends training after the step that runs; model and history so far are kept, and --resume goes on. Killed, or
    without power, training goes on from its last checkpoint. Either way the end is that of a run that was never cut
    short.

    \b
    omomi train --resume runs/NAME
    """
    begun = None if resume is None else begun_run(resume, given)
    if begun is not None:
        given = begun.given
    with usage("--checkpoint-every"):
        every = every_of(given["checkpoint_every"])
    if given["engine"] is not None:
        with usage("--engine"):
            selection.use(given["engine"])
    if begun is None:
        check_out(out)
    setup = set_up(Options(**{name: given[name] for name in Options.__slots__}))
    record = describe(setup, given)
    if begun is None:
        folder = make_run_folder(out, setup.data.name, setup.network)
    else:
        folder, record = begun.folder, begun.continued(record)
    announce(setup, folder)
    write_json(folder / RECORD, record)
    checkpoints = Checkpoints(folder / CHECKPOINTS, every, keep=2)
    seconds = fit(setup, folder, record, given["ledger"], checkpoints, begun is not None)
    verdict = judge(setup.model, *setup.data.test, len(setup.data.classes))
    record["result"] = {"test_loss": verdict.loss, "test_accuracy": verdict.accuracy}
    write_json(folder / RECORD, record)
    assert setup.model.history is not None
    draw_curves(folder, setup.model.history.history)
    draw_ledger(folder, setup.model.history.ledger)
    draw_network(folder, setup.model)
    draw_data(folder, setup.data, verdict)
    checkpoints.thin_out(1)
    table([*in_words(setup.data, verdict), ("training", f"{seconds:.1f} s", f"{setup.epochs} epochs")])
    click.echo()
    table([(str(folder / name), what) for name, what in CONTENTS.items() if (folder / name).exists()])


def announce(setup: Setup, folder: Path) -> None:
    """Say what is going to happen, in a few lines."""
    data, model = setup.data, setup.model
    counts = {"training": setup.training, "validation": setup.validation, "test": data.test}
    samples = ", ".join(f"{len(part[1]):,} {name}" for name, part in counts.items() if part is not None)
    optimizer = type(model.optimizer).__name__
    rate = rate_of(model)
    say(f"data    {data.name}: {samples}; {size_of(data)}, {len(data.classes)} classes")
    say(
        f"model   {setup.network}: {model.count_params():,} parameters; {optimizer}"
        + (f", rate {rate:g}" if isinstance(rate, float) else "")
        + f", batch {setup.batch_size}, seed {setup.seed}, engine {selection.current().name}"
    )
    say(f"run     {folder}")
    highest = data.train[0].max()
    if highest > 1 and not any(isinstance(layer, Rescaling) for layer in model.layers):
        say(f"note    {setup.network} has no Rescaling layer, and the data goes up to {highest}")


def size_of(data: Dataset) -> str:
    """The size of a sample: "8×8", "64×64×3", "4 features"."""
    return "×".join(map(str, data.shape)) + ("" if is_images(data) else " features")


def rate_of(model: Model) -> Any:
    """The learning rate; a single one without the digits that float32 adds (0.001 is 0.00100000005)."""
    assert model.optimizer is not None
    rate = model.optimizer.learning_rate
    return float(str(np.float32(rate))) if isinstance(rate, float) else rate


def describe(setup: Setup, given: Mapping[str, Any]) -> dict[str, Any]:
    """What ``environment.json`` says of a run; the result is added at its end."""
    data, model = setup.data, setup.model
    frame = frame_of(data, setup.folder)
    return {
        "status": "training",
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": shlex.join(["omomi", *sys.argv[1:]]),
        "options": {
            "data": setup.data.name if setup.folder is None else setup.folder,
            "model": setup.network,
            "epochs": setup.epochs,
            "batch_size": setup.batch_size,
            "optimizer": type(model.optimizer).__name__,
            "learning_rate": rate_of(model),
            "seed": setup.seed,
        },
        "given": lasting(given),
        "data": {
            "name": data.name,
            "folder": setup.folder,
            "shape": data.shape,
            "classes": data.classes,
            "scale": data.scale,
            "frame": None if frame is None else frame.to_plain(),
            "training": len(setup.training[1]),
            "validation": 0 if setup.validation is None else len(setup.validation[1]),
            "test": len(data.test[1]),
            "test_sha256": fingerprint(data.test),
        },
        "parameters": model.count_params(),
        **environment(),
    }


def fit(
    setup: Setup,
    folder: Path,
    record: dict[str, Any],
    ledger: int | None,
    checkpoints: Checkpoints,
    resume: bool,
) -> float:
    """Train, and write model, history and record, however training ends. Returns the seconds it took."""
    model, count = setup.model, len(setup.data.classes)

    def with_targets(part: Part) -> Part:
        x, y = part
        return x, targets_for(model, y, count)

    x, y = with_targets(setup.training)
    begin = time.perf_counter()
    ending: BaseException | None = None
    try:
        model.fit(
            x,
            y,
            batch_size=setup.batch_size,
            epochs=setup.epochs,
            validation_data=setup.validation and with_targets(setup.validation),
            ledger=ledger or False,
            checkpoint=checkpoints,
            resume=resume,
        )
        record["status"] = "trained"
    except KeyboardInterrupt as error:
        record["status"], ending = "interrupted", error
    except (NonFiniteError, MemoryError) as error:
        record["status"], ending = "failed", error
    except OmomiError:  # said before the first step: there is nothing to keep
        if not resume:
            with suppress(OSError):
                (folder / RECORD).unlink()
                checkpoints.folder.rmdir()
                folder.rmdir()
        raise
    seconds = record["seconds"] = record.get("seconds", 0.0) + time.perf_counter() - begin
    history = model.history or History()
    model.save(folder / MODEL)
    write_json(folder / HISTORY, history.to_dict())
    if history.ledger is not None:
        history.ledger.save(folder / LEDGER)
    write_json(folder / RECORD, record)
    if ending is not None:
        say(f"{record['status']} after {len(history.epoch)} of {setup.epochs} epochs; kept:")
        for name in (MODEL, HISTORY, LEDGER, RECORD, CHECKPOINTS):
            if (folder / name).exists():
                say(f"  {folder / name}")
        if not isinstance(ending, KeyboardInterrupt):
            raise ending
        say(f"go on with: omomi train --resume {shlex.quote(str(folder))}")
        raise click.exceptions.Exit(INTERRUPTED)
    return float(seconds)
