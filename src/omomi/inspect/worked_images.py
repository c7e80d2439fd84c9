"""Pooling, explained: the window, and what comes back to a pixel."""

from __future__ import annotations

import numpy as np

from omomi.engines.reference import xp
from omomi.inspect.formulas import array_text, number
from omomi.inspect.worked_line import Lines, Occasion, line, total
from omomi.ops.convolution import pad_image


def _window(o: Occasion, border: float) -> np.ndarray:
    """The window of the chosen entry, (KH, KW), the border NaN."""
    (sh, sw), size = o.attributes["strides"], o.attributes["size"]
    n, r, c, k = o.index
    padded = pad_image(xp, o.inputs["x"], o.attributes.get("padding", ((0, 0), (0, 0))), value=border)
    window: np.ndarray = padded[n, r * sh : r * sh + size[0], c * sw : c * sw + size[1], k]
    return window


def max_pooling_forward(o: Occasion) -> Lines:
    return [line(o, "y", o.index, f"max {array_text(_window(o, -np.inf).ravel())}")]


def average_pooling_forward(o: Occasion) -> Lines:
    window = _window(o, np.nan)
    inside = window[np.isfinite(window)]
    return [line(o, "y", o.index, f"1/m Σ x = ({total([(v,) for v in inside])}) / {inside.size}")]


def pooling_backward(o: Occasion) -> Lines:
    assert o.gy is not None
    (sh, sw), (kh, kw) = o.attributes["strides"], o.attributes["size"]
    (top, _), (left, _) = o.attributes.get("padding", ((0, 0), (0, 0)))
    n, r, c, k = o.index
    best = o.rule == "max_pooling_2d"
    window = _window(o, -np.inf if best else np.nan)
    i, j = divmod(int(np.nanargmax(window)), kw)
    p, q = r * sh + i - top, c * sw + j - left
    sent = f"gy{list(o.index)} = {number(o.gy[o.index])}"
    if (sh, sw) != (kh, kw):
        sent += ", and what other windows send"
    text = f"{sent}, for it won the window" if best else f"{sent}, shared by the pixels of the window"
    return [line(o, "x", (n, p, q, k), text)]
