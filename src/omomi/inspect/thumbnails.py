"""Arrays as little pictures: numbers where there are few, images and feature maps side by side, matrices as heat maps.

A pixel's opacity is its size relative to the largest, its colour its sign; zero is transparent, so that a picture fits
light and dark paper.
"""

from __future__ import annotations

import base64
import io

import numpy as np

from omomi.inspect.formulas import number
from omomi.inspect.svg import BACKWARD, FORWARD, image, text

__all__ = ["draw_array"]

_NEGATIVE = {"forward": "#8a8f3c", "backward": "#7d6bb8"}  # of values and of deltas
_POSITIVE = {"forward": FORWARD, "backward": BACKWARD}
_SHOWN = 8  # images or maps side by side
_LINE = 13.0
_NUMBERS = 24  # an array of at most so many is written in numbers
_COLUMN = 48.0  # of a number
_PIXELS = 48  # rows of a heat map


def draw_array(
    array: np.ndarray, x: float, y: float, width: float, kind: str, *, kernel: bool = False
) -> tuple[str, float]:
    """An array at (x, y), at most ``width`` wide. Returns the SVG and its height.

    Args:
        kind: "forward" or "backward", which chooses the colour.
        kernel: whether an array of rank 4 is a kernel (KH, KW, C_in, C_out) and not a batch of images (N, H, W, C).
    """
    if array.size == 0:
        return text(x, y + 10, "empty", f"num {kind}"), _LINE
    table = array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, array.shape[-1])
    if array.size <= _NUMBERS and table.shape[1] * _COLUMN <= width + 1:
        return _numbers(table, x, y, kind), _LINE * len(table)
    return _picture(_tiles(array, kernel), x, y, width, kind)


def _numbers(table: np.ndarray, x: float, y: float, kind: str) -> str:
    return "".join(
        text(x + (j + 1) * _COLUMN - 6, y + 10 + i * _LINE, _short(value), f"num {kind}", anchor="end")
        for i, row in enumerate(table)
        for j, value in enumerate(row)
    )


def _short(value: float) -> str:
    """A number of at most seven characters, where that is possible."""
    return next((t for t in (number(value, 3), number(value, 2)) if len(t) <= 7), number(value, 1))


def _tiles(array: np.ndarray, kernel: bool) -> list[np.ndarray]:
    """The planes (H, W) to show side by side: images of a batch, maps of the first sample, or one matrix."""
    if array.ndim == 4 and kernel:
        return [array[:, :, 0, o] for o in range(min(array.shape[3], _SHOWN))]
    if array.ndim == 4 and array.shape[3] in (1, 3):
        return [image_.mean(axis=-1) for image_ in array[:_SHOWN]]
    if array.ndim == 4:
        return [array[0, :, :, c] for c in range(min(array.shape[3], _SHOWN))]
    if array.ndim == 3 and min(array.shape[1:]) > 3:
        return list(array[:_SHOWN])
    return [array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, array.shape[-1])]


def _picture(tiles: list[np.ndarray], x: float, y: float, width: float, kind: str) -> tuple[str, float]:
    levels = _strip([_reduced(tile) for tile in tiles])
    rows, columns = levels.shape
    if len(tiles) > 1:
        scale = min(width / columns, 34.0 / rows * (1 if rows > 6 else 0.8))
        shown = (columns * scale, rows * scale)
    else:  # a heat map: cells may be stretched
        shown = (min(width, max(columns * 12.0, 12.0)), min(max(rows * 6.0, 10.0), 40.0))
    return image(x, y, round(shown[0], 1), round(shown[1], 1), _png(levels, kind)), shown[1]


def _reduced(tile: np.ndarray) -> np.ndarray:
    """A plane of at most 48 × 144 entries; larger ones show the largest entry of each block."""
    plane = np.where(np.isfinite(tile), tile, 0).astype(np.float64)
    for axis, limit in ((0, _PIXELS), (1, 3 * _PIXELS)):
        size = plane.shape[axis]
        if size > limit:
            starts = np.linspace(0, size, limit, endpoint=False).astype(int)
            low, high = np.minimum.reduceat(plane, starts, axis), np.maximum.reduceat(plane, starts, axis)
            plane = np.where(high > -low, high, low)
    return plane


def _strip(tiles: list[np.ndarray]) -> np.ndarray:
    """Planes side by side, a column of zeros between them."""
    gap = np.zeros((tiles[0].shape[0], 1))
    parts = [part for tile in tiles for part in (gap, tile)][1:]
    return np.concatenate(parts, axis=1)


def _png(levels: np.ndarray, kind: str) -> str:
    """The plane as a PNG in a data URI."""
    from PIL import Image

    largest = float(np.abs(levels).max()) or 1.0
    rgba = np.zeros((*levels.shape, 4), np.uint8)
    for chosen, colour in ((levels >= 0, _POSITIVE[kind]), (levels < 0, _NEGATIVE[kind])):
        rgba[chosen, :3] = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    rgba[..., 3] = np.round(255 * np.sqrt(np.abs(levels) / largest))
    file = io.BytesIO()
    Image.fromarray(rgba, "RGBA").save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
