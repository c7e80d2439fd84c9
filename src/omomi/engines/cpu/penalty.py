"""The penalties on the size of numbers, in one pass forward and one backward.

code  name         forward            backward
0     l1_penalty   y = λ Σ |x|        gx = gy λ sign x
1     l2_penalty   y = λ Σ x²         gx = 2 λ gy x
"""

from __future__ import annotations

import numpy as np

from omomi.engines.cpu.kernel import Doubles, Real, Vector, kernel
from omomi.engines.cpu.launch import Array, Launch, aligned
from omomi.engines.cpu.passes import chunks_for, span
from omomi.engines.cpu.primitives import real

CODES = {"l1_penalty": 0, "l2_penalty": 1}


@kernel(fastmath=("reassoc",))
def penalty_of_chunk(x: Vector, sums: Doubles, code: int, chunk: int, chunks: int) -> None:
    """Σ |x| or Σ x² of a range of x."""
    start, stop = span(x.size, chunk, chunks)
    xs = x[start:stop]
    value = 0.0
    if code == 0:
        for i in range(xs.size):
            value += abs(xs[i])
    else:
        for i in range(xs.size):
            value += xs[i] * xs[i]
    sums[chunk] = value


@kernel()
def penalty_total(sums: Doubles, factor: Real, y: Vector) -> None:
    """y = λ Σ sums, added up in order."""
    value = 0.0
    for i in range(sums.size):
        value += sums[i]
    y[0] = factor * real(value)


@kernel()
def penalty_gradient(x: Vector, gy: Vector, factor: Real, gx: Vector, code: int, chunk: int, chunks: int) -> None:
    """gx = gy λ sign x, or 2 λ gy x."""
    start, stop = span(x.size, chunk, chunks)
    xs, result = x[start:stop], gx[start:stop]
    pull = gy[0] * factor
    if code == 0:
        for i in range(xs.size):
            result[i] = pull if xs[i] > 0 else (-pull if xs[i] < 0 else xs[i] * pull)
    else:
        pull = pull + pull
        for i in range(xs.size):
            result[i] = pull * xs[i]


def forward(name: str, x: Array, y: Array, *, factor: float) -> list[Launch]:
    """y (1,) = the penalty of a vector x."""
    chunks, dtype = chunks_for(x.size), x.dtype.name
    sums = aligned((chunks,), np.float64)
    return [
        Launch(penalty_of_chunk, x, sums, CODES[name], dtype=dtype, chunks=chunks, work=x.size),
        Launch(penalty_total, sums, factor, y, dtype=dtype),
    ]


def backward(name: str, x: Array, gy: Array, gx: Array, *, factor: float) -> list[Launch]:
    """gx = the gradient of the penalty, gy (1,) that of the loss by it."""
    chunks = chunks_for(x.size)
    return [Launch(penalty_gradient, x, gy, factor, gx, CODES[name], dtype=x.dtype.name, chunks=chunks, work=x.size)]
