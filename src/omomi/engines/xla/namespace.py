"""The array namespace of the engine: jax.numpy, and the few names that the reference engine documents beside it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from omomi.engines.engine import Array
from omomi.engines.xla.philox import random_bits

Sizes = tuple[int, ...]  # one number for each axis


def windows(x: Array, size: Sizes, strides: Sizes, dilation: Sizes | None = None) -> Array:
    """Sliding windows of an image batch, (N, H, W, C) → (N, OH, OW, KH, KW, C): one strided slice for each entry.

    A slice of the result is again such a strided slice: XLA does not put the windows together for it.
    """
    n, *image, c = x.shape
    apart = dilation or (1,) * len(size)
    places = [(d - (k - 1) * e - 1) // s + 1 for d, k, s, e in zip(image, size, strides, apart, strict=True)]
    entries = []
    for entry in np.ndindex(*size):
        start = [i * e for i, e in zip(entry, apart, strict=True)]
        stop = [a + (o - 1) * s + 1 for a, o, s in zip(start, places, strides, strict=True)]
        entries.append(jax.lax.slice(x, (0, *start, 0), (n, *stop, c), (1, *strides, 1)))
    return jnp.stack(entries, axis=1 + len(size)).reshape(n, *places, *size, c)


def fold(patches: Array, shape: Sizes, strides: Sizes, dilation: Sizes | None = None) -> Array:
    """Add every window back to where it was cut: the adjoint of :func:`windows`.

    Each entry of the windows is spread out with zeros between, to the size of the image, and the images are added.
    """
    rank = len(strides)
    places, size = patches.shape[1 : 1 + rank], patches.shape[1 + rank : -1]
    apart = dilation or (1,) * rank
    zero = jnp.zeros((), patches.dtype)
    image = jnp.zeros(shape, patches.dtype)
    everywhere = (slice(None),) * (1 + rank)
    for entry in np.ndindex(*size):
        axes = zip(entry, apart, places, strides, shape[1:-1], strict=True)
        widths = [(i * e, d - i * e - (o - 1) * s - 1, s - 1) for i, e, o, s, d in axes]
        image = image + jax.lax.pad(patches[(*everywhere, *entry)], zero, ((0, 0, 0), *widths, (0, 0, 0)))
    return image


def lookup(table: Array, index: Array, _: str) -> Array:
    """The rows ``table[index]``; rows of NaN for an index outside, negative ones too: a program raises no errors."""
    outside = (index < 0) | (index >= len(table))
    rows = jnp.take(table, jnp.where(outside, 0, index), axis=0)
    return jnp.where(outside[..., None], jnp.asarray(jnp.nan, table.dtype), rows)


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
    own = {"windows": windows, "fold": fold, "lookup": lookup, "scatter_add": scatter_add, "scan": scan}
    return SimpleNamespace(**{**names, **own, "random_bits": random_bits, "erf": erf})


xp = _namespace()
