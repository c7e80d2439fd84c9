"""``omomi predict``: which digit is on a picture."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from omomi.cli.digit_image import prepare
from omomi.cli.options import code_option
from omomi.cli.run_folder import Run, open_run
from omomi.cli.screen import say_error, table
from omomi.cli.user_model import custom_layers
from omomi.errors import OmomiError
from omomi.files import to_json
from omomi.inspect.outputs import class_probabilities

NAMED = 3  # the likeliest classes that the table names


@click.command(short_help="Which digit is on a picture?")
@click.argument("run")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--json", "as_json", is_flag=True, help="Every probability, as JSON.")
@code_option
def predict(run: str, images: tuple[str, ...], as_json: bool, code: str | None) -> None:
    """Say which class each picture shows (PNG or JPEG), with probabilities.

    A digit may be dark on light or light on dark, of any size, anywhere on the picture: it is cut out, scaled and
    centred the way the training data was. A network that was trained on a folder of pictures sees them as they are.

    \b
    omomi predict runs/NAME seven.png
    omomi predict runs/NAME scans/*.jpg --json
    """
    trained = open_run(run, custom_layers(code) if code else None)
    answers = [answer(trained, image) for image in images]
    if as_json:
        click.echo(to_json(answers, indent=2))
    else:
        found = [row(entry) for entry in answers if "error" not in entry]
        if found:
            table(found, head=("image", "prediction", "probability", "next"), right=(2,))
    errors = [entry["error"] for entry in answers if "error" in entry]
    for message in errors:
        say_error(message)
    if errors:
        click.get_current_context().exit(1)


def answer(trained: Run, image: str) -> dict[str, Any]:
    """The prediction for one picture; or the error that prevents it, so that the others are answered all the same."""
    try:
        sample = prepare(image, trained.shape, trained.frame)
        p = class_probabilities(trained.model, sample[None])[0].astype(np.float64)
    except OmomiError as error:
        return {"image": image, "error": str(error)}
    best = int(p.argmax())
    return {
        "image": image,
        "prediction": trained.classes[best],
        "probability": round(p[best], 6),
        "probabilities": {name: round(value, 6) for name, value in zip(trained.classes, p.tolist(), strict=True)},
    }


def row(entry: dict[str, Any]) -> tuple[str, str, str, str]:
    """One line of the table."""
    others = sorted(entry["probabilities"].items(), key=lambda item: -item[1])[1:NAMED]
    following = ", ".join(f"{name} {percent(p)}" for name, p in others)
    return entry["image"], entry["prediction"], percent(entry["probability"]), following


def percent(p: float) -> str:
    return f"{100 * p:.1f} %"
