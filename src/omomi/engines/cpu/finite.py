"""Whether numbers are finite: the test before a step may change the state.

    all_finite    y = [every number of every array is finite]

A product xᵀ δ that is never in memory cannot be looked at. For it there is a test that errs to one side only:
|Σₙ xₙᵢ δₙⱼ| ≤ Σ|x| Σ|δ|, so if the product of the two sums is far from the largest number, the product of the matrices
is finite, and so is every partial sum of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from omomi.engines.cpu.kernel import Bytes, Real, Vector, kernel
from omomi.engines.cpu.launch import Array, Launch, aligned
from omomi.engines.cpu.passes import chunks_for, span
from omomi.engines.cpu.primitives import real

MARGIN = 16  # how far below the largest number a bound stays: the sums are rounded, and a rate comes on top


@kernel(fastmath=("reassoc",))
def spoilt_chunk(x: Vector, spoilt: Bytes, first: int, chunk: int, chunks: int) -> None:
    """Entry first + chunk of ``spoilt`` = [some number of a range of x is not finite].

    A finite number times 0 is 0, and any other times 0 is not a number: a sum of these tells, and never overflows.
    """
    start, stop = span(x.size, chunk, chunks)
    xs = x[start:stop]
    zeros = real(0)
    for i in range(xs.size):
        zeros += xs[i] * real(0)
    spoilt[first + chunk] = 0 if zeros == 0 else 1


@kernel()
def none_spoilt(spoilt: Bytes, finite: Bytes) -> None:
    """finite = [no chunk is spoilt]."""
    count = 0
    for i in range(spoilt.size):
        count += spoilt[i]
    finite[0] = 1 if count == 0 else 0


@kernel(fastmath=("reassoc",))
def spoilt_product(x: Vector, delta: Vector, limit: Real, spoilt: Bytes, entry: int) -> None:
    """An entry of ``spoilt`` = [Σ|x| Σ|δ| is not below a limit]: xᵀδ may have numbers that are not finite."""
    a, b = real(0), real(0)
    for i in range(x.size):
        a += abs(x[i])
    for i in range(delta.size):
        b += abs(delta[i])
    spoilt[entry] = 0 if a * b < limit else 1


def all_finite(arrays: Sequence[Array], finite: Array, products: Sequence[tuple[Array, Array]] = ()) -> list[Launch]:
    """finite (1,), bool as uint8 = whether every number is finite.

    Args:
        arrays: vectors of float32 or float64.
        finite: uint8, written: 1 or 0.
        products: pairs x, δ of vectors, for xᵀδ; 0 may be written although that is finite, but never 1 if it is not.
    """
    counts = [chunks_for(x.size) for x in arrays]
    spoilt = aligned((sum(counts) + len(products),), np.uint8)
    launches, first = [], 0
    for x, chunks in zip(arrays, counts, strict=True):
        launches.append(Launch(spoilt_chunk, x, spoilt, first, dtype=x.dtype.name, chunks=chunks, work=x.size))
        first += chunks
    for entry, (x, delta) in enumerate(products, start=first):
        limit = float(np.finfo(x.dtype).max) / MARGIN
        launches.append(Launch(spoilt_product, x, delta, limit, spoilt, entry, dtype=x.dtype.name))
    return [*launches, Launch(none_spoilt, spoilt, finite, dtype="float32")]
