"""Passes in which one operand is repeated for each row of the other: x is (N, m), the operand (m,).

    combine_rows      y = a + b, a − b, a · b, a / b         the row on either side
    prelu             y = x if x > 0 else α x                α a row, or one number

Results may be written over the operand that is a matrix.
"""

from __future__ import annotations

from typing import Any

from omomi.engines.cpu.elementwise import CODES, combine_with, copy_run
from omomi.engines.cpu.kernel import Matrix, Vector, helper, kernel, share
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.passes import chunks_for
from omomi.engines.cpu.primitives import real


@helper
def combine_from(row, y, code):  # type: ignore[no-untyped-def]
    """y = row ∘ y, entry by entry, where the order matters."""
    if code == 1:
        for i in range(y.size):
            y[i] = row[i] - y[i]
    else:
        for i in range(y.size):
            y[i] = row[i] / y[i]


@kernel()
def combine_rows(x: Matrix, row: Vector, y: Matrix, code: int, from_row: int, chunk: int, chunks: int) -> None:
    """y = x ∘ row for a range of rows, or row ∘ x."""
    start, stop = share(x.shape[0], chunk, chunks)
    for n in range(start, stop):
        result = y[n]
        copy_run(x[n], result)
        if from_row == 1:
            combine_from(row, result, code)
        else:
            combine_with(result, row, code)


@kernel()
def prelu_forward(x: Matrix, alpha: Vector, y: Matrix, chunk: int, chunks: int) -> None:
    """y = x if x > 0 else α x for a range of rows."""
    zero = real(0)
    start, stop = share(x.shape[0], chunk, chunks)
    for n in range(start, stop):
        result = y[n]
        copy_run(x[n], result)
        if alpha.size == result.size:
            for i in range(result.size):
                v = result[i]
                result[i] = (zero if v <= zero else v) + alpha[i] * (zero if v > zero else v)
        else:
            for i in range(result.size):
                v = result[i]
                result[i] = (zero if v <= zero else v) + alpha[0] * (zero if v > zero else v)


@kernel()
def prelu_backward(x: Matrix, alpha: Vector, gy: Matrix, gx: Matrix, chunk: int, chunks: int) -> None:
    """gx = gy if x > 0 else α gy for a range of rows."""
    zero = real(0)
    start, stop = share(x.shape[0], chunk, chunks)
    for n in range(start, stop):
        row, result = x[n], gx[n]
        copy_run(gy[n], result)
        if alpha.size == result.size:
            for i in range(result.size):
                result[i] *= real(1) if row[i] > zero else alpha[i]
        else:
            for i in range(result.size):
                result[i] *= real(1) if row[i] > zero else alpha[0]


@kernel()
def prelu_slope(x: Matrix, gy: Matrix, g_alpha: Matrix, chunk: int, chunks: int) -> None:
    """gα = gy min(x, 0) for a range of rows; their sum is a rule of its own."""
    zero = real(0)
    start, stop = share(x.shape[0], chunk, chunks)
    for n in range(start, stop):
        row, result = x[n], g_alpha[n]
        copy_run(gy[n], result)
        for i in range(result.size):
            result[i] *= zero if row[i] > zero else row[i]


def combine(name: str, a: Array, b: Array, y: Array) -> list[Launch]:
    """y = a ∘ b, where one of the two is a matrix like y, and the other a row of it.

    Args:
        name: "add", "subtract", "multiply" or "divide".
    """
    x, row, from_row = (a, b, 0) if a.ndim == 2 else (b, a, int(name in ("subtract", "divide")))
    return [Launch(combine_rows, x, row, y, CODES[name], from_row, **_cut(x))]


def prelu(x: Array, alpha: Array, y: Array) -> list[Launch]:
    """y from x (N, m) and α, (m,) or (1,)."""
    return [Launch(prelu_forward, x, alpha, y, **_cut(x))]


def prelu_gradient(x: Array, alpha: Array, gy: Array, gx: Array) -> list[Launch]:
    """gx, all (N, m); α is (m,) or (1,)."""
    return [Launch(prelu_backward, x, alpha, gy, gx, **_cut(x))]


def prelu_slope_gradient(x: Array, gy: Array, g_alpha: Array) -> list[Launch]:
    """gα before the sum over what shares an α, all (N, m)."""
    return [Launch(prelu_slope, x, gy, g_alpha, **_cut(x))]


def _cut(x: Array) -> dict[str, Any]:
    return {"dtype": x.dtype.name, "chunks": chunks_for(x.size, x.shape[1]), "work": x.size}
