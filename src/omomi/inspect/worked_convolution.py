"""Convolution and its relatives, explained: the patch under the kernel, and what comes back to a pixel.

Written once for images and volumes: a place, a pixel and an entry of the kernel are each one number for each axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from omomi.engines.reference import xp
from omomi.inspect.worked_line import Index, Lines, Occasion, factor, largest, line, total
from omomi.ops.convolution import Padding, Sizes, geometry, pad_image

AXES = {2: "r s + i d, c s + j d", 3: "p s + h d, r s + i d, c s + j d"}  # where an entry of the kernel lies
PLACE = {2: "r, c", 3: "p, r, c"}


class _Kernel:
    """Where the kernel of a call is put down.

    Attributes:
        entries: the places of the kernel's cells.
    """

    def __init__(self, o: Occasion) -> None:
        self.W = o.inputs["W"]
        given = (o.attributes.get(name) for name in ("strides", "padding", "dilation"))
        placed: tuple[Sizes, Padding, Sizes] = geometry(self.W, *given)
        self.strides, self.padding, self.dilation = placed
        self.rank = self.W.ndim - 2
        self.entries = list(np.ndindex(*self.W.shape[:-2]))

    def pixel(self, place: Index, entry: Index) -> Index:
        """The pixel of the bordered image on which an entry lies."""
        return tuple(p * s + e * d for p, s, e, d in zip(place, self.strides, entry, self.dilation, strict=True))

    def over(self, pixel: Index, places: Sizes) -> Iterator[tuple[Index, Index]]:
        """The places and entries of the kernel that lie on a pixel of the image."""
        for entry in self.entries:
            axes = zip(pixel, self.padding, entry, self.dilation, self.strides, strict=True)
            parts = [divmod(x + before - e * d, s) for x, (before, _), e, d, s in axes]
            place = tuple(whole for whole, _ in parts)
            if all(rest == 0 for _, rest in parts) and all(0 <= p < n for p, n in zip(place, places, strict=True)):
                yield place, entry

    def seen(self, image: np.ndarray, entry: Index, places: Sizes) -> np.ndarray:
        """What an entry sees at all places: (N, *places, C) of the bordered images."""
        shifts = (e * d for e, d in zip(entry, self.dilation, strict=True))
        axes = zip(shifts, self.strides, places, strict=True)
        seen: np.ndarray = image[(slice(None), *(slice(a, a + (n - 1) * s + 1, s) for a, s, n in axes))]
        return seen


def _said(terms: list[tuple[Any, ...]]) -> str:
    """The sum, terms that are not zero first: the others say nothing."""
    return total(sorted(terms, key=lambda p: prod(float(v) for v in p) == 0))


def convolution_forward(o: Occasion) -> Lines:
    kernel, padded = _bordered(o, "x")
    n, *place, k = o.index
    terms = [
        (padded[(n, *kernel.pixel(tuple(place), entry), m)], kernel.W[(*entry, m, k)])
        for entry in kernel.entries
        for m in range(kernel.W.shape[-2])
    ]
    bias = f" + {factor(o.inputs['b'][k])}" if "b" in o.inputs else ""
    return [line(o, "y", o.index, f"Σ patch · W[…, {k}]{' + b' if bias else ''} = {_said(terms)}{bias}")]


def convolution_backward(o: Occasion) -> Lines:
    assert o.gy is not None
    kernel, padded = _bordered(o, "x")
    k, places, found = o.index[-1], o.gy.shape[1:-1], []
    if "W" in o.gradients:
        *cell, m = largest(o.gradients["W"][..., k])
        seen = kernel.seen(padded, tuple(cell), places)
        terms = list(zip(seen[..., m].ravel(), o.gy[..., k].ravel(), strict=True))
        text = f"Σ x[n, {AXES[kernel.rank]}, k] gy[n, {PLACE[kernel.rank]}, o] = {_said(terms)}"
        found.append(line(o, "W", (*cell, m, k), text))
    if "b" in o.gradients:
        found.append(_bias(o, kernel, k))
    if "x" in o.gradients:
        n, *pixel, m = largest(o.gradients["x"])
        terms = []
        for place, entry in kernel.over(tuple(pixel), places):
            terms += list(zip(o.gy[(n, *place)], kernel.W[(*entry, m)], strict=True))
        text = f"Σ gy · W over all windows that hold this pixel = {_said(terms)}"
        found.append(line(o, "x", (n, *pixel, m), text))
    return found


def depthwise_forward(o: Occasion) -> Lines:
    kernel, padded = _bordered(o, "x")
    n, *place, at = o.index
    k, q = divmod(at, kernel.W.shape[-1])
    pixels = ((n, *kernel.pixel(tuple(place), entry), k) for entry in kernel.entries)
    terms = [(padded[pixel], kernel.W[(*entry, k, q)]) for pixel, entry in zip(pixels, kernel.entries, strict=True)]
    bias = f" + {factor(o.inputs['b'][at])}" if "b" in o.inputs else ""
    text = f"Σ patch[…, {k}] · W[…, {k}, {q}]{' + b' if bias else ''} = {_said(terms)}{bias}"
    return [line(o, "y", o.index, text)]


def depthwise_backward(o: Occasion) -> Lines:
    assert o.gy is not None
    kernel, padded = _bordered(o, "x")
    D, places, found = kernel.W.shape[-1], o.gy.shape[1:-1], []
    k, q = divmod(o.index[-1], D)
    if "W" in o.gradients:
        entry = largest(o.gradients["W"][..., k, q])
        seen = kernel.seen(padded, entry, places)
        terms = list(zip(seen[..., k].ravel(), o.gy[..., k * D + q].ravel(), strict=True))
        text = f"Σ x[n, {AXES[2]}, k] gy[n, r, c, k D + q] = {_said(terms)}"
        found.append(line(o, "W", (*entry, k, q), text))
    if "b" in o.gradients:
        found.append(_bias(o, kernel, k * D + q))
    if "x" in o.gradients:
        n, *pixel, k = largest(o.gradients["x"])
        terms = []
        for place, entry in kernel.over(tuple(pixel), places):
            terms += list(zip(o.gy[(n, *place)][k * D : (k + 1) * D], kernel.W[(*entry, k)], strict=True))
        text = f"Σ gy · W over all windows that hold this pixel, of this channel = {_said(terms)}"
        found.append(line(o, "x", (n, *pixel, k), text))
    return found


def transposed_forward(o: Occasion) -> Lines:
    kernel, x = _Kernel(o), o.inputs["x"]
    n, *pixel, k = o.index
    terms = []
    for place, entry in kernel.over(tuple(pixel), x.shape[1:-1]):
        terms += list(zip(x[(n, *place)], kernel.W[(*entry, k)], strict=True))
    text = f"Σ x · W over all pixels that put the kernel down here = {_said(terms) if terms else '0'}"
    return [line(o, "y", o.index, text)]


def transposed_backward(o: Occasion) -> Lines:
    assert o.gy is not None
    kernel, x = _Kernel(o), o.inputs["x"]
    bordered, found = pad_image(xp, o.gy, kernel.padding), []
    if "x" in o.gradients:
        n, *place, k = largest(o.gradients["x"])
        terms = []
        for entry in kernel.entries:
            terms += list(
                zip(bordered[(n, *kernel.pixel(tuple(place), entry))], kernel.W[(*entry,)][:, k], strict=True)
            )
        found.append(line(o, "x", (n, *place, k), f"Σ patch of gy · W[…, {k}] = {_said(terms)}"))
    if "W" in o.gradients:
        *cell, m, k = largest(o.gradients["W"])
        seen = kernel.seen(bordered, tuple(cell), x.shape[1:-1])
        terms = list(zip(seen[..., m].ravel(), x[..., k].ravel(), strict=True))
        text = f"Σ gy[n, {AXES[kernel.rank]}, o] x[n, {PLACE[kernel.rank]}, k] = {_said(terms)}"
        found.append(line(o, "W", (*cell, m, k), text))
    return found


def _bordered(o: Occasion, name: str) -> tuple[_Kernel, np.ndarray]:
    kernel = _Kernel(o)
    return kernel, pad_image(xp, o.inputs[name], kernel.padding)


def _bias(o: Occasion, kernel: _Kernel, k: int) -> Any:
    assert o.gy is not None
    place = PLACE[kernel.rank]
    text = f"Σ gy[n, {place}, o] over n, {place} = {_said([(d,) for d in o.gy[..., k].ravel()])}"
    return line(o, "b", (k,), text)
