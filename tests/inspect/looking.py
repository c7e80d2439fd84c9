"""How the tests look at a picture: an SVG's texts are texts, so most can be read; a PNG must open."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

HOSTILE = [
    "<script>alert('1')</script>",
    "$x_1$ \\frac{",
    "a \"quoted\" & 'quoted' ]]> name",
    "two\nlines\tand \x00\x1b control characters \ud800",
    "とても長い層の名前" * 60,
    "x" * 100_000,
    "",
    "%s {0} \\n",
]


def texts(path: Path) -> list[str]:
    """All lines of text in an SVG, in the order in which they were drawn; fails if it is no XML."""
    root = ElementTree.fromstring(path.read_bytes())
    return ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]


def size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG; fails if it is none."""
    with Image.open(path) as image:
        assert image.format == "PNG"
        image.load()
        return image.size
