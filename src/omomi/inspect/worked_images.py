"""Convolution and pooling, explained: the window under the kernel, and what comes back to a pixel."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from omomi.engines.reference import xp
from omomi.inspect.formulas import array_text, number
from omomi.inspect.worked_line import Lines, Occasion, factor, largest, line, total
from omomi.ops.convolution import pad_image


def _geometry(o: Occasion) -> tuple[tuple[int, int], tuple[int, int], Any]:
    """Strides, dilation and padding."""
    none = ((0, 0), (0, 0))
    return o.attributes.get("strides", (1, 1)), o.attributes.get("dilation", (1, 1)), o.attributes.get("padding", none)


def convolution_forward(o: Occasion) -> Lines:
    W = o.inputs["W"]
    (sh, sw), (dh, dw), padding = _geometry(o)
    n, r, c, k = o.index
    padded = pad_image(xp, o.inputs["x"], padding)
    terms = [
        (padded[n, r * sh + i * dh, c * sw + j * dw, m], W[i, j, m, k])
        for i in range(W.shape[0])
        for j in range(W.shape[1])
        for m in range(W.shape[2])
    ]
    bias = f" + {factor(o.inputs['b'][k])}" if "b" in o.inputs else ""
    return [
        line(o, "y", o.index, f"Σ patch · W[…, {k}]{' + b' if bias else ''} = {total(_first_nonzero(terms))}{bias}")
    ]


def _first_nonzero(terms: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Terms that are not zero first: the others say nothing."""
    return sorted(terms, key=lambda p: prod(float(v) for v in p) == 0)


def convolution_backward(o: Occasion) -> Lines:
    assert o.gy is not None
    (sh, sw), (dh, dw), padding = _geometry(o)
    k, gy = o.index[3], o.gy
    padded = pad_image(xp, o.inputs["x"], padding)
    found = []
    if "W" in o.gradients:
        i, j, m = largest(o.gradients["W"][..., k])
        rows = slice(i * dh, i * dh + (gy.shape[1] - 1) * sh + 1, sh)
        columns = slice(j * dw, j * dw + (gy.shape[2] - 1) * sw + 1, sw)
        terms = list(zip(padded[:, rows, columns, m].ravel(), gy[..., k].ravel(), strict=True))
        text = f"Σ x[n, r s + i d, c s + j d, k] gy[n, r, c, o] = {total(_first_nonzero(terms))}"
        found.append(line(o, "W", (i, j, m, k), text))
    if "b" in o.gradients:
        deltas = total(_first_nonzero([(d,) for d in gy[..., k].ravel()]))
        found.append(line(o, "b", (k,), f"Σ gy[n, r, c, o] over n, r, c = {deltas}"))
    if "x" in o.gradients:
        n, p, q, m = largest(o.gradients["x"])
        W, ((top, _), (left, _)) = o.inputs["W"], padding
        terms = []
        for i in range(W.shape[0]):
            for j in range(W.shape[1]):
                (r, up), (c, aside) = divmod(p + top - i * dh, sh), divmod(q + left - j * dw, sw)
                if up == aside == 0 and 0 <= r < gy.shape[1] and 0 <= c < gy.shape[2]:
                    terms += list(zip(gy[n, r, c], W[i, j, m], strict=True))
        text = f"Σ gy · W over all windows that hold this pixel = {total(_first_nonzero(terms))}"
        found.append(line(o, "x", (n, p, q, m), text))
    return found


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
