"""Reductions along axes that lie side by side: x is (outer, n, inner), its reduction y (outer, inner).

    sums      y = s Σ x                 backward   gx = s gy, repeated         with s = 1/n it is the mean
    extremes  y = max x or min x        backward   gx = gy / (number of winners) for each winner

Each result is the work of one chunk. Only a sum over everything is cut: then the chunks' sums are added up in order, in
double precision.
"""

from __future__ import annotations

from typing import Any

from omomi.engines.cpu import elementwise
from omomi.engines.cpu.elementwise import copy_run
from omomi.engines.cpu.kernel import Matrix, Real, Vector, helper, kernel, share
from omomi.engines.cpu.launch import Array, Launch, scratch
from omomi.engines.cpu.passes import CHUNK, STEP, chunks_for
from omomi.engines.cpu.primitives import real

SUM, LARGEST, SMALLEST = 0, 1, 2


@helper
def columns(outer: int, inner: int, chunk: int, chunks: int) -> tuple[int, int, int, int]:
    """A chunk's share of the results: a range of ``outer``; of ``inner`` if there is only one outer."""
    if outer == 1:
        start, stop = share(inner, chunk, chunks)
        return 0, 1, start, stop
    start, stop = share(outer, chunk, chunks)
    return start, stop, 0, inner


@helper
def more_extreme(v, best, code):  # type: ignore[no-untyped-def]
    """Whether v takes the place of the best so far; what is not a number does, and keeps it."""
    return v != v or (v > best if code == 1 else v < best)


@kernel(fastmath=("reassoc",))
def reduce_sum(x: Vector, y: Vector, n: int, inner: int, factor: Real, chunk: int, chunks: int) -> None:
    """y = factor Σ x."""
    first, last, start, stop = columns(y.size // inner, inner, chunk, chunks)
    for o in range(first, last):
        if inner == 1:
            run = x[o * n : (o + 1) * n]
            total = real(0)
            for k in range(n):
                total += run[k]
            y[o] = factor * total
        else:
            result = y[o * inner + start : o * inner + stop]
            copy_run(x[o * n * inner + start : o * n * inner + stop], result)
            for k in range(o * n + 1, (o + 1) * n):
                part = x[k * inner + start : k * inner + stop]
                for i in range(result.size):
                    result[i] += part[i]
            for i in range(result.size):
                result[i] *= factor


@kernel()
def reduce_extreme(x: Vector, y: Vector, n: int, inner: int, code: int, chunk: int, chunks: int) -> None:
    """y = max x or min x."""
    first, last, start, stop = columns(y.size // inner, inner, chunk, chunks)
    for o in range(first, last):
        result = y[o * inner + start : o * inner + stop]
        copy_run(x[o * n * inner + start : o * n * inner + stop], result)
        for k in range(o * n + 1, (o + 1) * n):
            part = x[k * inner + start : k * inner + stop]
            for i in range(result.size):
                result[i] = part[i] if more_extreme(part[i], result[i], code) else result[i]


@kernel()
def repeat(gy: Vector, gx: Vector, n: int, inner: int, factor: Real, chunk: int, chunks: int) -> None:
    """gx = factor gy, n times."""
    first, last, start, stop = columns(gy.size // inner, inner, chunk, chunks)
    for o in range(first, last):
        if inner == 1:
            run, value = gx[o * n : (o + 1) * n], factor * gy[o]
            for k in range(n):
                run[k] = value
        else:
            result = gx[o * n * inner + start : o * n * inner + stop]
            copy_run(gy[o * inner + start : o * inner + stop], result)
            for i in range(result.size):
                result[i] *= factor
            for k in range(o * n + 1, (o + 1) * n):
                copy_run(result, gx[k * inner + start : k * inner + stop])


@kernel()
def repeat_to_winners(
    x: Vector,
    y: Vector,
    gy: Vector,
    gx: Vector,
    rooms: Matrix,
    n: int,
    inner: int,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """gx = gy / winners where x = y, else 0."""
    first, last, start, stop = columns(gy.size // inner, inner, chunk, chunks)
    share_of_each = rooms[worker, : stop - start]
    for o in range(first, last):
        best, delta = y[o * inner + start : o * inner + stop], gy[o * inner + start : o * inner + stop]
        for i in range(best.size):
            share_of_each[i] = real(0)
        for k in range(o * n, (o + 1) * n):
            part = x[k * inner + start : k * inner + stop]
            for i in range(best.size):
                share_of_each[i] += real(1) if part[i] == best[i] else real(0)
        for i in range(best.size):
            share_of_each[i] = delta[i] / share_of_each[i]
        for k in range(o * n, (o + 1) * n):
            part, result = x[k * inner + start : k * inner + stop], gx[k * inner + start : k * inner + stop]
            for i in range(best.size):
                result[i] = (real(1) if part[i] == best[i] else real(0)) * share_of_each[i]


def sums(x: Array, y: Array, n: int, inner: int, *, factor: float = 1.0) -> list[Launch]:
    """y = factor Σ x, both as vectors of (outer, n, inner) and (outer, inner)."""
    if y.size == 1:
        total = elementwise.total(x, y)
        return total if factor == 1 else [*total, *elementwise.scale(y, y, factor=factor)]
    return [Launch(reduce_sum, x, y, n, inner, factor, **_cut(x, n, inner))]


def repeated(gy: Array, gx: Array, n: int, inner: int, *, factor: float = 1.0) -> list[Launch]:
    """gx = factor gy, n times: what backward does to a sum, and broadcasting forward."""
    return [Launch(repeat, gy, gx, n, inner, factor, **_cut(gx, n, inner))]


def extremes(x: Array, y: Array, n: int, inner: int, *, largest: bool) -> list[Launch]:
    """y = max x or min x."""
    code = LARGEST if largest else SMALLEST
    return [Launch(reduce_extreme, x, y, n, inner, code, **_cut(x, n, inner))]


def extremes_gradient(x: Array, y: Array, gy: Array, gx: Array, n: int, inner: int) -> list[Launch]:
    """gx, where equal winners share gy."""
    rooms = scratch(inner, x.dtype)
    return [Launch(repeat_to_winners, x, y, gy, gx, rooms, n, inner, **_cut(x, n, inner))]


def _cut(x: Array, n: int, inner: int) -> dict[str, Any]:
    outer = x.size // (n * inner)
    chunks = max(1, min(inner // STEP, x.size // CHUNK)) if outer == 1 else chunks_for(x.size, n * inner)
    return {"dtype": x.dtype.name, "chunks": chunks, "work": x.size}
