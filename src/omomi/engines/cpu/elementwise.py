"""Passes that treat every number alone, and those that look at all of them.

    combine       y = a + b, a − b, a · b, a / b          of one length, or one of the two a single number
    scale         y = s x + o                              s and o are fixed numbers
    cast          y = s x + o                              x of another dtype
    total         y = Σ x

Results may be written over x or a; sums and products also over b.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from omomi.engines.cpu.kernel import Bytes, Doubles, Indices, Kernel, Layout, Real, Vector, Words, helper, kernel
from omomi.engines.cpu.launch import Array, Launch, aligned
from omomi.engines.cpu.passes import add_sums, chunks_for, span
from omomi.engines.cpu.primitives import address, real
from omomi.engines.cpu.primitives import copy as copy_numbers

Singles: TypeAlias = Annotated[NDArray[np.float32], Layout("float32", 1)]
Integers: TypeAlias = Annotated[NDArray[np.int32], Layout("int32", 1)]

CODES = {"add": 0, "subtract": 1, "multiply": 2, "divide": 3}
RUN = 2048  # numbers at a time: they stay in the nearest cache between the copy and the change


@helper
def copy_run(x, y):  # type: ignore[no-untyped-def]
    """y = x along a run, so that a loop over y alone can follow; one over two arrays that may be the same is slow."""
    if address(x, 0) != address(y, 0):
        copy_numbers(address(y, 0), address(x, 0), y.size)


@helper
def combine_with(y, b, code):  # type: ignore[no-untyped-def]
    """y = y ∘ b, entry by entry."""
    n = y.size
    if code == 0:
        for i in range(n):
            y[i] += b[i]
    elif code == 1:
        for i in range(n):
            y[i] -= b[i]
    elif code == 2:
        for i in range(n):
            y[i] *= b[i]
    else:
        for i in range(n):
            y[i] /= b[i]


@helper
def combine_with_number(y, number, code):  # type: ignore[no-untyped-def]
    """y = y ∘ number."""
    n = y.size
    if code == 0:
        for i in range(n):
            y[i] += number
    elif code == 1:
        for i in range(n):
            y[i] -= number
    elif code == 2:
        for i in range(n):
            y[i] *= number
    else:
        for i in range(n):
            y[i] /= number


@helper
def combine_number_with(number, y, code):  # type: ignore[no-untyped-def]
    """y = number ∘ y, where the order matters."""
    n = y.size
    if code == 1:
        for i in range(n):
            y[i] = number - y[i]
    else:
        for i in range(n):
            y[i] = number / y[i]


@kernel()
def combine_forward(a: Vector, b: Vector, y: Vector, code: int, chunk: int, chunks: int) -> None:
    """y = a ∘ b; one of the two may be a single number, a only if ∘ is − or /. y may be a."""
    start, stop = span(y.size, chunk, chunks)
    for i in range(start, stop, RUN):
        j = min(i + RUN, stop)
        run = y[i:j]
        if b.size < y.size:
            copy_run(a[i:j], run)
            combine_with_number(run, b[0], code)
        elif a.size < y.size:
            copy_run(b[i:j], run)
            combine_number_with(a[0], run, code)
        else:
            copy_run(a[i:j], run)
            combine_with(run, b[i:j], code)


@kernel()
def add_words(a: Words, b: Words, y: Words) -> None:
    """y = a + b: step numbers."""
    for i in range(y.size):
        y[i] = a[i] + b[i]


@kernel()
def scale_forward(x: Vector, y: Vector, factor: Real, offset: Real, chunk: int, chunks: int) -> None:
    """y = factor x + offset."""
    start, stop = span(y.size, chunk, chunks)
    for i in range(start, stop, RUN):
        run = y[i : min(i + RUN, stop)]
        copy_run(x[i : min(i + RUN, stop)], run)
        for k in range(run.size):
            run[k] = factor * run[k] + offset


@kernel()
def copy_forward(x: Vector, y: Vector, chunk: int, chunks: int) -> None:
    """y = x."""
    start, stop = span(y.size, chunk, chunks)
    copy_numbers(address(y, start), address(x, start), stop - start)


@kernel()
def fill_forward(number: Vector, y: Vector, chunk: int, chunks: int) -> None:
    """y = number, everywhere."""
    start, stop = span(y.size, chunk, chunks)
    ys = y[start:stop]
    for i in range(ys.size):
        ys[i] = number[0]


@helper
def cast_run(x, y, factor, offset):  # type: ignore[no-untyped-def]
    """y = factor x + offset, x of another dtype."""
    for i in range(y.size):
        y[i] = factor * real(x[i]) + offset


@kernel()
def cast_bytes(x: Bytes, y: Vector, factor: Real, offset: Real, chunk: int, chunks: int) -> None:
    """y = factor x + offset."""
    start, stop = span(y.size, chunk, chunks)
    cast_run(x[start:stop], y[start:stop], factor, offset)


@kernel()
def cast_whole_numbers(x: Indices, y: Vector, factor: Real, offset: Real, chunk: int, chunks: int) -> None:
    """y = factor x + offset."""
    start, stop = span(y.size, chunk, chunks)
    cast_run(x[start:stop], y[start:stop], factor, offset)


@kernel()
def cast_singles(x: Singles, y: Vector, factor: Real, offset: Real, chunk: int, chunks: int) -> None:
    """y = factor x + offset."""
    start, stop = span(y.size, chunk, chunks)
    cast_run(x[start:stop], y[start:stop], factor, offset)


@kernel()
def cast_doubles(x: Doubles, y: Vector, factor: Real, offset: Real, chunk: int, chunks: int) -> None:
    """y = factor x + offset."""
    start, stop = span(y.size, chunk, chunks)
    cast_run(x[start:stop], y[start:stop], factor, offset)


@kernel()
def widen_bytes(x: Bytes, y: Indices) -> None:
    """Whole numbers of one byte as those of eight: class indices."""
    for i in range(y.size):
        y[i] = x[i]


@kernel()
def widen_integers(x: Integers, y: Indices) -> None:
    """Whole numbers of four bytes as those of eight."""
    for i in range(y.size):
        y[i] = x[i]


@kernel(fastmath=("reassoc",))
def sum_of_chunk(x: Vector, sums: Doubles, chunk: int, chunks: int) -> None:
    """The sum of a range of x."""
    start, stop = span(x.size, chunk, chunks)
    xs = x[start:stop]
    value = 0.0
    for i in range(xs.size):
        value += xs[i]
    sums[chunk] = value


def combine(name: str, a: Array, b: Array, y: Array) -> list[Launch]:
    """y = a + b, a − b, a · b or a / b ("add", "subtract", "multiply", "divide"), as vectors of one dtype.

    a and b have y's length, or one of them is a single number. Step numbers, uint32 of one length, can be added too.
    """
    if y.dtype == np.uint32:
        assert name == "add", name
        return [Launch(add_words, a, b, y, dtype="float32")]
    over_b = b.ctypes.data == y.ctypes.data and a.ctypes.data != y.ctypes.data
    if name in ("add", "multiply") and (a.size < b.size or (over_b and a.size == b.size)):
        a, b = b, a
    elif over_b and a.size == b.size:
        raise ValueError(f"{name}: the result may stand in place of a, not of b")
    return _elementwise(combine_forward, y, a, b, y, CODES[name])


def scale(x: Array, y: Array, *, factor: float = 1.0, offset: float = 0.0) -> list[Launch]:
    """y = factor x + offset."""
    return _elementwise(scale_forward, y, x, y, factor, offset)


def copy(x: Array, y: Array) -> list[Launch]:
    """y = x."""
    return _elementwise(copy_forward, y, x, y)


def fill(number: Array, y: Array) -> list[Launch]:
    """y = number everywhere; the number is an array of one entry."""
    return _elementwise(fill_forward, y, number, y)


CASTS: dict[str, Kernel] = {
    "uint8": cast_bytes,
    "int64": cast_whole_numbers,
    "float32": cast_singles,
    "float64": cast_doubles,
}
WIDENINGS: dict[str, Kernel] = {"uint8": widen_bytes, "int32": widen_integers}


def cast(x: Array, y: Array, *, factor: float = 1.0, offset: float = 0.0) -> list[Launch]:
    """y = factor x + offset, for x of a dtype in ``CASTS``."""
    return _elementwise(CASTS[x.dtype.name], y, x, y, factor, offset)


def widen(x: Array, y: Array) -> list[Launch]:
    """y = x, from whole numbers of a dtype in ``WIDENINGS`` to int64."""
    return [Launch(WIDENINGS[x.dtype.name], x, y, dtype="float32")]


def total(x: Array, y: Array) -> list[Launch]:
    """y (1,) = Σ x."""
    chunks = chunks_for(x.size)
    sums = aligned((chunks,), np.float64)
    return [
        Launch(sum_of_chunk, x, sums, dtype=x.dtype.name, chunks=chunks, work=x.size),
        Launch(add_sums, sums, y, 1, dtype=x.dtype.name),
    ]


def _elementwise(declared: Kernel, y: Array, *arguments: Any) -> list[Launch]:
    return [Launch(declared, *arguments, dtype=y.dtype.name, chunks=chunks_for(y.size), work=y.size)]
