"""Feature maps: what the filters of a convolutional network find in an image, layer by layer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from omomi.errors import DataError, ShapeError
from omomi.inspect.canvas import (
    BODY,
    HEADING,
    MARGIN,
    MUTED,
    PAGE,
    SMALL,
    Sheet,
    fit,
    style,
    width_of,
)
from omomi.inspect.filters import signed_colours
from omomi.inspect.outputs import layer_outputs
from omomi.inspect.picture_data import grey_levels, image_stack

__all__ = ["plot_feature_maps"]


@style()
def plot_feature_maps(
    model: Any, image: Any, path: str | os.PathLike[str], *, title: str = "Feature maps", limit: int = 16
) -> Path:
    """Draw an image and the feature maps (H, W) that each layer makes of it, up to the last layer with maps.

    Each layer has a scale of its own: zero is white, the largest value vermilion, negative values blue.

    Args:
        model: a built network whose layers include convolutions.
        image: one sample, (H, W) or (H, W, C), as the model takes it.
        path: the file to write, .png or .svg.
        title: written above.
        limit: how many maps of a layer are drawn at most, eight in a row.

    Raises:
        ShapeError: the image is none, or the network has no layer with feature maps.
    """
    sample = np.asarray(image)
    levels = grey_levels(image_stack(sample[None]))[0]
    outputs = layer_outputs(model, sample[None])
    maps = {name: y[0].astype(np.float64) for name, y in outputs.items() if y.ndim == 4 and y[0].size > sample.size}
    if not maps:
        raise ShapeError(
            "no layer makes feature maps.",
            where=str(getattr(model, "name", "model")),
            expected="layers with outputs (N, H, W, C)",
            received=", ".join(f"{name} {y.shape}" for name, y in outputs.items()),
        )
    if not all(np.isfinite(y).all() for y in maps.values()):
        raise DataError("a feature map holds numbers that are not finite.", where=title)
    gap, columns, first = 6.0, 8, 64.0
    cell = (PAGE - 2 * MARGIN - (columns - 1) * gap) / columns
    rows = {name: -(-min(y.shape[-1], limit) // columns) for name, y in maps.items()}
    height = HEADING + first + 22 + sum(20 + count * (cell + gap) + 10 for count in rows.values())
    page = Sheet(PAGE, height, title)
    page.heading(title, "white is zero; vermilion is the largest value of the layer, blue is negative")
    page.image(levels, MARGIN, HEADING, first)
    size = " × ".join(map(str, sample.shape))
    page.text(MARGIN + first + 10, HEADING + first / 2 + 3, f"the image, {size}", size=SMALL, color=MUTED)
    top = HEADING + first + 22
    for name, y in maps.items():
        shown = min(y.shape[-1], limit)
        facts = " × ".join(map(str, y.shape)) + (f", the first {shown} shown" if shown < y.shape[-1] else "")
        room = PAGE - 2 * MARGIN - width_of(facts, SMALL) - 10
        page.text(MARGIN, top + 8, fit(name, room, BODY, weight="bold"), weight="bold")
        page.text(PAGE - MARGIN, top + 8, facts, size=SMALL, color=MUTED, ha="right")
        scale = float(np.abs(y).max()) or 1.0
        for k in range(shown):
            left = MARGIN + k % columns * (cell + gap)
            page.image(signed_colours(y[:, :, k] / scale), left, top + 16 + k // columns * (cell + gap), cell)
        top += 20 + rows[name] * (cell + gap) + 10
    return page.save(path)
