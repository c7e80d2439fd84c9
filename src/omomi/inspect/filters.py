"""The filters of a convolution as pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from omomi.errors import DataError, DtypeError, ShapeError
from omomi.inspect.canvas import (
    BLUE,
    HEADING,
    MARGIN,
    MUTED,
    PAGE,
    PAPER,
    SMALL,
    VERMILION,
    Sheet,
    blend,
    style,
    width_of,
)

__all__ = ["plot_filters", "signed_colours"]


@style()
def plot_filters(
    kernel: Any, path: str | os.PathLike[str], *, title: str = "Filters", limit: int = 64, channels: int = 8
) -> Path:
    """Draw a kernel's filters: negative weights blue, zero white, positive weights vermilion, on one scale for all.

    With several input channels every filter is a row, with one picture per channel.

    Args:
        kernel: (KH, KW, C_in, C_out).
        path: the file to write, .png or .svg.
        title: written above.
        limit: how many filters are drawn at most; of more than one input channel, a quarter of them.
        channels: how many input channels are drawn at most.
    """
    weights = np.asarray(kernel)
    if weights.dtype.kind not in "biuf":
        raise DtypeError("a kernel holds numbers.", where="kernel", received=weights.dtype)
    if weights.ndim != 4 or 0 in weights.shape:
        raise ShapeError(
            "this is no kernel of a 2-D convolution.",
            where="kernel",
            expected="(KH, KW, C_in, C_out), none of them 0",
            received=weights.shape,
        )
    weights = weights.astype(np.float64)
    if not np.isfinite(weights).all():
        raise DataError("the kernel holds numbers that are not finite.", where="kernel")
    height, width, c_in, c_out = weights.shape
    shown_in = min(c_in, channels)
    shown = min(c_out, limit if c_in == 1 else max(1, limit // 4))
    scale = float(np.abs(weights).max()) or 1.0

    # One input channel: a block of pictures. Several: filters downwards, channels to the right.
    columns = min(8, shown) if c_in == 1 else shown_in
    rows = -(-shown // columns) if c_in == 1 else shown
    indent, gap = (0.0, 8.0) if c_in == 1 else (30.0, 6.0)
    cell = min((PAGE - 2 * MARGIN - indent - (columns - 1) * gap) / columns, 42.0 if c_in == 1 else 40.0)
    top = HEADING + (0 if c_in == 1 else 16)
    page = Sheet(PAGE, top + rows * (cell + gap) + 34, f"{title}: {c_out} filters")
    facts = f"{c_out} filters, {height} × {width} × {c_in}"
    cut = [f"{shown} filters"] * (shown < c_out) + [f"{shown_in} channels"] * (shown_in < c_in)
    if cut:
        facts += f"; shown: the first {' and '.join(cut)}"
    page.heading(title, facts)
    for i in range(shown):
        for j in range(shown_in):
            row, column = (i // columns, i % columns) if c_in == 1 else (i, j)
            left = MARGIN + indent + column * (cell + gap)
            page.image(signed_colours(weights[:, :, j, i] / scale), left, top + row * (cell + gap), cell)
        if c_in > 1:
            middle = top + i * (cell + gap) + cell / 2
            page.text(MARGIN + indent - 8, middle + 3.4, str(i), size=SMALL, color=MUTED, ha="right")
    if c_in > 1:
        page.text(MARGIN, top - 7, "filter", size=SMALL, color=MUTED)
        for j in range(shown_in):
            left = MARGIN + indent + j * (cell + gap) + cell / 2
            page.text(left, top - 7, f"in {j}", size=SMALL, color=MUTED, ha="center")
    _scale_bar(page, scale, top + rows * (cell + gap) + 6)
    return page.save(path)


def signed_colours(values: np.ndarray) -> np.ndarray:
    """Values in [−1, 1] as colours (…, 3)."""
    return np.where((values < 0)[..., None], blend(PAPER, BLUE, -values), blend(PAPER, VERMILION, values))


def _scale_bar(page: Sheet, scale: float, top: float) -> None:
    low, high = f"−{scale:.2g}", f"+{scale:.2g}"
    start = MARGIN + width_of(low, SMALL) + 6
    page.text(MARGIN, top + 8, low, size=SMALL, color=MUTED)
    steps, width = 60, 120.0
    for k in range(steps):
        colour = tuple(signed_colours(np.array(2 * k / (steps - 1) - 1)))
        page.box(start + k * width / steps, top, width / steps + 0.3, 9, facecolor=colour, edgecolor="none")
    page.text(start + width + 6, top + 8, high, size=SMALL, color=MUTED)
