"""Pages in HTML, each one file with everything in it: the one module that loads Jinja.

Every value is escaped. Only pictures that Omomi drew itself are put in as they are, and only after
:func:`inline_svg` has taken out what has no place inside a page.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from omomi.files import sha256_of, write_text
from omomi.inspect.canvas import BLUE, FAINT, INK, MUTED, PAPER, RULE, SHADE, VERMILION

__all__ = ["drawn", "inline_svg", "write_page"]

# Colours of the sheet that follow the page: dark on light, or light on dark.
_FOLLOWING = {
    INK: "ink",
    MUTED: "muted",
    FAINT: "faint",
    RULE: "rule",
    SHADE: "shade",
    PAPER: "paper",
    BLUE: "blue",
    VERMILION: "vermilion",
}


def write_page(path: str | os.PathLike[str], template: str, *, package: str = "omomi.inspect", **values: Any) -> Path:
    """Fill a template of ``package``, which may build on those of ``inspect/templates``; write the page atomically."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loader = ChoiceLoader([PackageLoader(package), PackageLoader("omomi.inspect")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    write_text(path, environment.get_template(template).render(**values))
    return Path(path)


def drawn(plot: Callable[..., Path], *arguments: Any, label: str, adapt: bool = True, **options: Any) -> Any:
    """A picture as markup inside the page. ``plot`` is a function that draws into the file ``path``.

    Args:
        plot: e.g. ``plot_history``.
        label: what the picture shows, read aloud instead of it.
        adapt: its colours follow the page into the dark; not for text over shades.
    """
    with TemporaryDirectory() as folder:
        picture = plot(*arguments, path=Path(folder) / "picture.svg", **options)
        return inline_svg(picture.read_text(encoding="utf-8"), label, adapt=adapt)


def inline_svg(source: str, label: str, *, adapt: bool = True) -> Any:
    """An SVG file as an element of a page: without prolog, metadata and fixed size, its ids unique in the page."""
    from markupsafe import Markup, escape

    svg = source[source.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    own = f"p{sha256_of(svg.encode())[:8]}-"
    svg = re.sub(r'\bid="', f'id="{own}', svg)
    svg = re.sub(r'\b(xlink:href|href)="#', rf'\1="#{own}', svg)
    svg = svg.replace("url(#", f"url(#{own}")
    if adapt:
        for colour, name in _FOLLOWING.items():
            svg = svg.replace(colour, f"var(--{name})")
    head, body = svg.split(">", 1)
    head = re.sub(r'\s(width|height|version)="[^"]*"', "", head)
    # what the style element said, of this picture only
    look = 'style="stroke-linejoin: round; stroke-linecap: butt"'
    return Markup(f'{head} {look} role="img" aria-label="{escape(label)}">{body}')
