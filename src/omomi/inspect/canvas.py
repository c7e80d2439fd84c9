"""The sheet that every picture is drawn on: the one module that loads matplotlib.

A sheet is measured in points (1/72 inch) from its top left corner, so that type sizes and distances share one
unit. It is drawn on matplotlib's own canvases, needs no display, and ignores the user's matplotlib settings.
The same sheet gives a PNG or an SVG, by the ending of the file's name; equal input gives equal bytes.
"""

from __future__ import annotations

import io
import logging
import math
import os
import threading
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError
from omomi.files import write_bytes

# Colours. Blue and vermilion stay apart in every common form of colour blindness (Okabe and Ito 2008).
INK = "#1f2933"
MUTED = "#5f6b7a"
FAINT = "#b4bcc8"
RULE = "#e3e7ec"
SHADE = "#f4f6f8"
PAPER = "#ffffff"
BLUE = "#0072b2"
VERMILION = "#d55e00"
GREEN = "#009e73"
PURPLE = "#a6568a"
ORANGE = "#b57900"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, MUTED, "#56b4e9", "#6b4c2a", "#d0436f", "#b8b000")

# A page 432 points wide fills a phone's screen at about 0.9 of its size: 9 point type stays readable.
PAGE = 432.0
MARGIN = 20.0
TITLE, BODY, SMALL, TINY = 15.0, 10.5, 9.5, 8.5
HEADING = 62.0  # from the top edge to where the picture begins, below a title and one line

_DPI = 200
_DPI_IN_SVG = 300  # of images inside
_DPI_IN_GIF = 110
_LONGEST_SIDE = 30_000  # pixels; the rasteriser stops at 2^16
_COARSEST_DPI = 40

# Fonts that hold Chinese and Japanese characters, as the common systems name them. DejaVu Sans holds none.
_EAST_ASIAN_FONTS = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "Source Han Sans JP",
    "IPAexGothic",
    "IPAGothic",
    "TakaoPGothic",
    "VL PGothic",
    "Hiragino Sans",
    "Yu Gothic",
    "Meiryo",
    "MS Gothic",
    "Noto Sans CJK SC",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)

_lock = threading.RLock()  # matplotlib's settings belong to the process; one picture is drawn at a time


@contextmanager
def style() -> Iterator[None]:
    """Draw with the house's settings, and leave the user's as they were. Also a decorator: ``@style()``."""
    import matplotlib
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    fallback = [name for name in _EAST_ASIAN_FONTS if name in installed][:1]
    settings: Any = {
        "font.family": ["sans-serif", *fallback],
        "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
        "font.size": BODY,
        "text.parse_math": False,  # a name like $x_1$ is a name, not a formula
        "text.color": INK,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": MUTED,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.formatter.useoffset": False,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": MUTED,
        "ytick.labelcolor": MUTED,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "grid.color": RULE,
        "grid.linewidth": 0.8,
        "lines.solid_capstyle": "round",
        "svg.fonttype": "none",  # letters stay letters: they can be searched, copied and read aloud
        "svg.hashsalt": "omomi",
    }
    with _lock, matplotlib.rc_context(), warnings.catch_warnings(), _quiet("matplotlib.font_manager"):
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        # A character that no installed font holds is drawn as a box; the picture itself shows that.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


@contextmanager
def _quiet(logger: str) -> Iterator[None]:
    """Keep the logger's warnings back (a fallback font without a bold cut is no news)."""
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


class Sheet:
    """A light page. Lengths are in points, from the top left corner; ``style`` must be in force."""

    def __init__(self, width: float, height: float, title: str) -> None:
        from matplotlib.figure import Figure
        from matplotlib.transforms import Affine2D

        self.width, self.height, self.name = width, height, clean(title)
        self.figure = Figure(figsize=(width / 72, height / 72), facecolor=PAPER)
        # from points, downwards from the top left corner, to inches, upwards from the bottom left one
        inches = Affine2D().scale(1 / 72, -1 / 72).translate(0, height / 72)
        self._points = inches + self.figure.dpi_scale_trans

    def panel(self, left: float, top: float, width: float, height: float, *, bare: bool = False) -> Any:
        """Axes in the given rectangle; ``bare`` ones have no frame and no ticks."""
        bottom = self.height - top - height
        axes = self.figure.add_axes((left / self.width, bottom / self.height, width / self.width, height / self.height))
        if bare:
            axes.set_axis_off()
        return axes

    def text(self, left: float, top: float, text: str, *, size: float = BODY, **options: Any) -> None:
        """Write one line; ``top`` is its baseline unless ``va`` says otherwise."""
        options = {"va": "baseline", "color": INK, **options}
        self.figure.text(left, top, clean(text), fontsize=size, transform=self._points, **options)

    def heading(self, title: str, line: str = "", *, left: float = MARGIN) -> None:
        """The title, and one line of plain facts below it."""
        room = self.width - left - MARGIN / 2
        self.text(left, 27, fit(title, room, TITLE, weight="bold"), size=TITLE, weight="bold")
        self.text(left, 45, fit(line, room, BODY), size=BODY, color=MUTED)

    def key(self, entries: Sequence[tuple[str, str]], top: float) -> None:
        """What the colours mean, in one line: (words, colour) from left to right."""
        left = MARGIN
        for words, colour in entries:
            self.text(left, top, "■", size=BODY, color=colour)
            self.text(left + 13, top, words, size=SMALL, color=MUTED)
            left += 13 + width_of(words, SMALL) + 16

    def image(self, levels: np.ndarray, left: float, top: float, size: float) -> None:
        """An image of levels in [0, 1], grey (H, W) or colour (H, W, 3), as large as fits a square, pixel by pixel."""
        from matplotlib.image import BboxImage
        from matplotlib.transforms import Bbox, TransformedBbox

        height, width = levels.shape[:2]
        scale = size / max(height, width)
        w, h = max(width * scale, 1.0), max(height * scale, 1.0)
        left, top = left + (size - w) / 2, top + (size - h) / 2
        bottom = self.height - top - h
        inches = Bbox.from_bounds(left / 72, bottom / 72, w / 72, h / 72)
        place = TransformedBbox(inches, self.figure.dpi_scale_trans)
        image = BboxImage(place, cmap="gray", norm="linear", interpolation="nearest", origin="upper")
        image.set_data(levels)
        image.set_clim(0, 1)
        self.figure.add_artist(image)
        self.box(left, top, w, h, facecolor="none", edgecolor=RULE)

    def box(self, left: float, top: float, width: float, height: float, *, radius: float = 0, **look: Any) -> None:
        """A rectangle, with round corners if ``radius`` is given."""
        from matplotlib.patches import FancyBboxPatch, Rectangle

        look = {"facecolor": PAPER, "edgecolor": FAINT, "linewidth": 0.8, **look}
        if radius:
            corners = f"round,pad=0,rounding_size={radius}"
            shape: Any = FancyBboxPatch((left, top), width, height, boxstyle=corners, **look)
        else:
            shape = Rectangle((left, top), width, height, **look)
        self._add(shape)

    def dot(self, x: float, y: float, radius: float, **look: Any) -> None:
        """A filled circle."""
        from matplotlib.patches import Circle

        self._add(Circle((x, y), radius, **look))

    def polygon(self, points: Sequence[tuple[float, float]], **look: Any) -> None:
        """A filled polygon."""
        from matplotlib.patches import Polygon

        self._add(Polygon(points, closed=True, **look))

    def line(self, points: Sequence[tuple[float, float]], *, color: str = FAINT, width: float = 1.0) -> None:
        """A line through the points that leaves and reaches each one vertically."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path as Outline

        vertices, codes = [points[0]], [Outline.MOVETO]
        for (x, y), (next_x, next_y) in pairwise(points):
            middle = (y + next_y) / 2
            if x == next_x:
                vertices, codes = [*vertices, (next_x, next_y)], [*codes, Outline.LINETO]
            else:
                vertices += [(x, middle), (next_x, middle), (next_x, next_y)]
                codes += [Outline.CURVE4] * 3
        self._add(PathPatch(Outline(vertices, codes), facecolor="none", edgecolor=color, linewidth=width))

    def _add(self, shape: Any) -> None:
        shape.set_transform(self._points)
        self.figure.add_artist(shape)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the sheet as PNG or SVG, whichever the name ends in, and return its path."""
        target = Path(path)
        kind = picture_format(target)
        # No date and no program version: equal pictures are equal files.
        metadata: dict[str, str | None] = {"Title": self.name}
        metadata |= {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        dpi = min(_DPI, int(72 * _LONGEST_SIDE / max(self.width, self.height)))
        if kind == "png" and dpi < _COARSEST_DPI:
            raise ConfigurationError(
                "the picture is too large for a PNG.",
                where=str(target),
                received=f"{self.width / 72:.0f} × {self.height / 72:.0f} inches",
                fix="give the file a name that ends in .svg.",
            )
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format=kind, dpi=dpi if kind == "png" else _DPI_IN_SVG, metadata=metadata)
        write_bytes(target, buffer.getvalue())
        return target


def save_animation(frames: Sequence[Sheet], path: str | os.PathLike[str], *, milliseconds: int = 250) -> Path:
    """Write sheets of one size as a GIF that runs for ever; the last one stays for two seconds."""
    from PIL import Image

    target = Path(path)
    if target.suffix.lower() != ".gif" or not frames:
        raise ConfigurationError(
            "an animation is a GIF of one frame or more.",
            where=str(target),
            expected="a name that ends in .gif, and frames",
            received=f"{target.suffix!r}, {len(frames)} frames",
        )
    images = []
    for frame in frames:
        buffer = io.BytesIO()
        frame.figure.savefig(buffer, format="png", dpi=_DPI_IN_GIF)
        images.append(Image.open(buffer).convert("RGB").quantize(96, dither=Image.Dither.NONE))
    times = [milliseconds] * (len(images) - 1) + [2000]
    buffer = io.BytesIO()
    images[0].save(buffer, format="GIF", save_all=True, append_images=images[1:], duration=times, loop=0)
    write_bytes(target, buffer.getvalue())
    return target


def picture_format(path: str | os.PathLike[str]) -> str:
    """ "png" or "svg", from the ending of the file's name; anything else is an error."""
    ending = Path(path).suffix.lower()
    if ending not in (".png", ".svg"):
        raise ConfigurationError(
            "a picture is written as PNG or as SVG.",
            where=str(path),
            expected="a name that ends in .png or .svg",
            received=repr(ending),
        )
    return ending[1:]


# Text. Names come from users: they may hold anything, and be of any length.

_LONGEST_TEXT = 200  # characters; more than fits on any line


def clean(text: object) -> str:
    """The text on one line, without control characters (XML forbids them) and lone surrogates."""
    short = str(text)[:_LONGEST_TEXT]
    line = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", short))
    return " ".join(line.split())


def width_of(text: str, size: float, *, weight: str = "normal") -> float:
    """How wide the line is, in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    if not text:
        return 0.0
    font = FontProperties(size=size, weight=weight)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def fit(text: object, width: float, size: float, *, weight: str = "normal") -> str:
    """The text if it is at most ``width`` points wide, else as much of it as fits and an ellipsis."""
    line = clean(text)
    if width_of(line, size, weight=weight) <= width:
        return line
    shortest, longest = 0, len(line)
    while shortest < longest:  # the largest number of characters that fits
        middle = (shortest + longest + 1) // 2
        if width_of(line[:middle].rstrip() + "…", size, weight=weight) <= width:
            shortest = middle
        else:
            longest = middle - 1
    return line[:shortest].rstrip() + "…"


def widest(texts: Sequence[str], size: float, *, weight: str = "normal") -> float:
    """The width of the widest of several lines, in points."""
    return max((width_of(text, size, weight=weight) for text in texts), default=0.0)


# Numbers -----------------------------------------------------------------------------------------------------------


def round_ticks(low: float, high: float, count: int = 6) -> tuple[list[float], list[str]]:
    """At most ``count`` round numbers, equally spaced, between ``low`` and ``high``; and how to write them."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [], []
    power = 10.0 ** math.floor(math.log10(span / count))
    step = next(m * power for m in (1, 2, 2.5, 5, 10, 20) if span / (m * power) < count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [k * step for k in range(first, last + 1)]
    short = [f"{value:.6g}" for value in values]
    decimals = max((len(text.partition(".")[2]) for text in short), default=0)
    labels = short if any("e" in text for text in short) else [f"{value:.{decimals}f}" for value in values]
    return values, [
        text.replace("-", "−", 1) if value < 0 else text for value, text in zip(values, labels, strict=True)
    ]


def blend(start: str, end: str, share: Any) -> np.ndarray:
    """The colour (…, 3) that lies ``share`` of the way from one colour to another."""
    a, b = (np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]) for colour in (start, end))
    mixed: np.ndarray = a + np.clip(np.asarray(share, dtype=float), 0, 1)[..., None] * (b - a)
    return mixed
