"""``omomi draw``: a network as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from omomi.cli.options import code_option
from omomi.cli.run_folder import MODEL, nearest_run
from omomi.cli.user_model import custom_layers
from omomi.errors import FileAccessError
from omomi.inspect.draw import draw_model
from omomi.models.loading import load_model


@click.command(short_help="Draw a network as SVG or PNG.")
@click.argument("model", metavar="RUN|MODEL.safetensors")
@click.option("--out", metavar="FILE.svg|FILE.png", help="The picture; beside the model, as .svg, unless given.")
@code_option
def draw(model: str, out: str | None, code: str | None) -> None:
    """Draw a network: its layers, their shapes and parameters.

    \b
    omomi draw runs/NAME
    omomi draw model.safetensors --out network.png
    """
    path = Path(model) / MODEL if Path(model).is_dir() else Path(model)
    if not path.is_file():
        raise FileAccessError(
            "there is no model here.",
            where=model,
            expected=f"a run's folder with {MODEL} in it, or a file that Model.save wrote",
            fix=nearest_run(),
        )
    network = load_model(path, custom_layers(code) if code else None)
    click.echo(draw_model(network, out or path.with_suffix(".svg")))
