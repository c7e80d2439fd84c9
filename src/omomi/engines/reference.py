"""The reference engine: NumPy's names, and beside them the few things that NumPy spells differently from XLA.

Every engine offers these beside NumPy's names:

=====================================  ==========================================================================
``xp.windows(x, size, strides,         sliding windows of an image batch, (N, H, W, C) → (N, OH, OW, KH, KW, C), or
dilation)``                            of sequences or volumes
``xp.fold(windows, shape, strides,     the adjoint of ``windows``: every window added back to where it was cut
dilation)``
``xp.lookup(table, index, where)``     the rows ``table[index]``; an index outside the table is an error here (in the
                                       words of ``where``), and on XLA, which raises nothing, a row of NaN
``xp.scatter_add(target, index, v)``   a copy of ``target`` with ``v`` added at ``index`` (repeated indices add up)
``xp.scan(cell, carry, sequence)``     ``carry, y = cell(carry, x)`` over the leading axis, ys stacked
``xp.random_bits(address, count)``     ``count`` random 32-bit words of the draw ``address`` (see engines.random)
``xp.erf(x)``                          the error function, entry by entry (see engines.special)
=====================================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from omomi.engines.engine import Array, Engine
from omomi.engines.random import random_bits
from omomi.engines.special import erf
from omomi.errors import DataError

Sizes = tuple[int, ...]  # one number for each axis


def windows(x: Array, size: Sizes, strides: Sizes, dilation: Sizes | None = None) -> Array:
    """Sliding windows of an image batch, as a read-only view (nothing is copied).

    Shapes: (N, H, W, C) → (N, OH, OW, KH, KW, C) with OH = (H − (KH − 1)·dilation − 1) // stride + 1. Sequences and
    volumes likewise: ``size``, ``strides`` and ``dilation`` have one entry for each axis between batch and channels.
    """
    n, *image, c = x.shape
    apart = dilation or (1,) * len(size)
    places = [(d - (k - 1) * e - 1) // s + 1 for d, k, s, e in zip(image, size, strides, apart, strict=True)]
    first, *steps, last = x.strides
    from_place = [a * s for a, s in zip(steps, strides, strict=True)]
    from_entry = [a * e for a, e in zip(steps, apart, strict=True)]
    return as_strided(x, (n, *places, *size, c), (first, *from_place, *from_entry, last), writeable=False)


def fold(patches: Array, shape: Sizes, strides: Sizes, dilation: Sizes | None = None) -> Array:
    """Add every window back to where it was cut: the adjoint of :func:`windows`.

    Shapes: (N, OH, OW, KH, KW, C) → ``shape`` = (N, H, W, C).
    """
    rank = len(strides)
    places, size = patches.shape[1 : 1 + rank], patches.shape[1 + rank : -1]
    apart = dilation or (1,) * rank
    image = np.zeros(shape, patches.dtype)
    everywhere = (slice(None),) * (1 + rank)
    for entry in np.ndindex(*size):
        seen = (
            slice(i * e, i * e + (o - 1) * s + 1, s) for i, e, o, s in zip(entry, apart, places, strides, strict=True)
        )
        image[(slice(None), *seen)] += patches[(*everywhere, *entry)]
    return image


def lookup(table: Array, index: Array, where: str) -> Array:
    """The rows ``table[index]``.

    Raises:
        DataError: an index lies outside the table; negative ones do.
    """
    check_indices(index, len(table), where)
    return table[index]


def check_indices(index: Any, rows: int, where: str) -> None:
    """Raise if an index is not one of 0 … rows − 1."""
    if index.size and not 0 <= index.min() <= index.max() < rows:
        wrong = np.argwhere((index < 0) | (index >= rows))
        raise DataError(
            "an index lies outside the table.",
            where=where,
            expected=f"whole numbers 0 … {rows - 1}, for a table of {rows} rows",
            received=f"{int(index[tuple(wrong[0])])} at {tuple(int(i) for i in wrong[0])}, {len(wrong)} such in all; "
            f"{int(index.min())} … {int(index.max())}",
            fix=f"input_dim={int(index.max()) + 1} or more"
            if index.min() >= 0
            else "negative indices do not count from the end here; was padding meant? 0 and mask_zero=True",
        )


def scatter_add(target: Array, index: Any, values: Array) -> Array:
    """A copy of ``target`` with ``values`` added at ``index``; repeated indices add up."""
    result = target.copy()
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, np.ndarray) for part in parts):
        np.add.at(result, index, values)
    else:  # integers and slices repeat nothing
        result[index] += values
    return result


def scan(
    cell: Callable[[Any, Any], tuple[Any, Any]], carry: Any, sequence: Any, reverse: bool = False
) -> tuple[Any, Any]:
    """``carry, y = cell(carry, x)`` along the leading axis of ``sequence`` (an array or a tuple of arrays)."""
    several = isinstance(sequence, tuple)
    length = len(sequence[0]) if several else len(sequence)
    outputs: list[Any] = [None] * length
    for t in reversed(range(length)) if reverse else range(length):
        carry, outputs[t] = cell(carry, tuple(s[t] for s in sequence) if several else sequence[t])
    if outputs and isinstance(outputs[0], tuple):
        return carry, tuple(np.stack(column) for column in zip(*outputs, strict=True))
    return carry, np.stack(outputs) if outputs else np.empty((0,))


def _namespace() -> SimpleNamespace:
    """NumPy's public names in one flat namespace, so that ``xp.exp`` is a single attribute look-up."""
    # What is loaded already, without modules: asking NumPy for f2py or testing would load them.
    names = {k: v for k, v in vars(np).items() if not k.startswith("_") and not isinstance(v, ModuleType)}
    return SimpleNamespace(
        **names,
        windows=windows,
        fold=fold,
        lookup=lookup,
        scatter_add=scatter_add,
        scan=scan,
        random_bits=random_bits,
        erf=erf,
    )


xp = _namespace()


def numpy_engine() -> Engine:
    """The engine on which the rules run exactly as they are written."""
    return Engine("numpy", xp)
