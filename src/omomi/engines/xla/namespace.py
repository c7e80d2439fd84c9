"""The array namespace of the engine: jax.numpy, and the few names that the reference engine documents beside it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp

from omomi.engines.engine import Array
from omomi.engines.xla.philox import random_bits


def windows(x: Array, size: tuple[int, int], strides: tuple[int, int], dilation: tuple[int, int] = (1, 1)) -> Array:
    """Sliding windows of an image batch, (N, H, W, C) → (N, OH, OW, KH, KW, C): one strided slice for each entry.

    A slice of the result is again such a strided slice: XLA does not put the windows together for it.
    """
    n, h, w, c = x.shape
    (kh, kw), (sh, sw), (dh, dw) = size, strides, dilation
    oh, ow = (h - (kh - 1) * dh - 1) // sh + 1, (w - (kw - 1) * dw - 1) // sw + 1
    entries = [
        jax.lax.slice(
            x,
            (0, i * dh, j * dw, 0),
            (n, i * dh + (oh - 1) * sh + 1, j * dw + (ow - 1) * sw + 1, c),
            (1, sh, sw, 1),
        )
        for i in range(kh)
        for j in range(kw)
    ]
    return jnp.stack(entries, axis=3).reshape(n, oh, ow, kh, kw, c)


def fold(
    patches: Array,
    shape: tuple[int, int, int, int],
    strides: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> Array:
    """Add every window back to where it was cut: the adjoint of :func:`windows`.

    Each entry of the windows is spread out with zeros between, to the size of the image, and the images are added.
    """
    _, oh, ow, kh, kw, _ = patches.shape
    (sh, sw), (dh, dw) = strides, dilation
    _, h, w, _ = shape
    zero = jnp.zeros((), patches.dtype)
    image = jnp.zeros(shape, patches.dtype)
    for i in range(kh):
        for j in range(kw):
            below = h - i * dh - (oh - 1) * sh - 1
            right = w - j * dw - (ow - 1) * sw - 1
            widths = ((0, 0, 0), (i * dh, below, sh - 1), (j * dw, right, sw - 1), (0, 0, 0))
            image = image + jax.lax.pad(patches[:, :, :, i, j], zero, widths)
    return image


def scatter_add(target: Array, index: Any, values: Array) -> Array:
    """A copy of ``target`` with ``values`` added at ``index``; repeated indices add up."""
    return jnp.asarray(target).at[index].add(values)


def scan(
    cell: Callable[[Any, Any], tuple[Any, Any]], carry: Any, sequence: Any, reverse: bool = False
) -> tuple[Any, Any]:
    """``carry, y = cell(carry, x)`` along the leading axis of ``sequence`` (an array or a tuple of arrays)."""
    return jax.lax.scan(cell, carry, sequence, reverse=reverse)


def erf(x: Array) -> Array:
    """The error function, entry by entry."""
    return jax.lax.erf(jnp.asarray(x))


def _namespace() -> SimpleNamespace:
    """jax.numpy's public names in one flat namespace."""
    names = {k: v for k, v in vars(jnp).items() if not k.startswith("_") and not isinstance(v, ModuleType)}
    own = {"windows": windows, "fold": fold, "scatter_add": scatter_add, "scan": scan}
    return SimpleNamespace(**{**names, **own, "random_bits": random_bits, "erf": erf})


xp = _namespace()
