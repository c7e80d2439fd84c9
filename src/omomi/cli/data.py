"""``omomi data``: which data sets there are, and which are on this machine."""

from __future__ import annotations

import os

import click

from omomi.cli.screen import table
from omomi.datasets import cache_folder, catalogue
from omomi.datasets.catalogue import Entry
from omomi.datasets.fetch import VARIABLE

GENERATED = ("xor", "spirals", "moons", "circles")


@click.command(short_help="List data sets, and where they are on this machine.")
def data() -> None:
    """List the data sets: what they are, how large, and where they lie on this machine.

    \b
    omomi data
    omomi train --data mnist            downloads it, if it is not here
    OMOMI_DATA=~/sets omomi data        looks into ~/sets first
    """
    rows = [
        (entry.name, entry.description, samples(entry), "×".join(map(str, entry.shape)), where(entry))
        for entry in catalogue()
    ]
    table(rows, head=("name", "what", "training + test", "shape", "where"), wrap=True)
    click.echo()
    table(
        [
            ("generated", ", ".join(GENERATED) + " (points in the plane: omomi.datasets.spirals(), …)"),
            ("your own", "omomi train --data DIR: a sub-folder of images per class, or four IDX files"),
            ("cache", str(cache_folder())),
            (VARIABLE, os.environ.get(VARIABLE) or "not set"),
        ]
    )


def samples(entry: Entry) -> str:
    return " + ".join(f"{count:,}" for count in entry.samples)


def where(entry: Entry) -> str:
    """Its folder; or how it gets here."""
    if entry.where is not None:
        return f"{entry.where} ({entry.size / 1e6:.1f} MB)"
    return entry.source if entry.cached else "not here; downloaded when first used"
