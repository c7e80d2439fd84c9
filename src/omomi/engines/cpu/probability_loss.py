"""Categorical cross-entropy from probabilities, with targets of x's shape or class indices.

Samples are rows: x (N, m), weights w (N,). The formulas are those of the rules (chapter: loss).
Backward computes p and q anew from x: that is cheaper than to keep them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from omomi.engines.cpu.kernel import Doubles, Indices, Matrix, Real, Vector, helper, kernel, share
from omomi.engines.cpu.launch import Array, Launch, aligned
from omomi.engines.cpu.logarithm import log
from omomi.engines.cpu.passes import add_sums, chunks_for
from omomi.engines.cpu.primitives import real
from omomi.engines.cpu.termwise import clipped


@helper
def row_sum(row):  # type: ignore[no-untyped-def]
    """The sum of a row."""
    total = real(0)
    for j in range(row.size):
        total += row[j]
    return total


@kernel(fastmath=("reassoc",))
def categorical_cross_entropy_forward(
    x: Matrix, t: Matrix, w: Vector, error: Vector, sums: Doubles, epsilon: Real, chunk: int, chunks: int
) -> None:
    """Σ w ℓ of a range of rows: ℓ = −Σ t log q, q = x / Σ x clipped to [ε, 1 − ε]."""
    start, stop = share(x.shape[0], chunk, chunks)
    value = 0.0
    for n in range(start, stop):
        row, targets = x[n], t[n]
        s, loss = row_sum(row), real(0)
        for j in range(row.size):
            loss -= targets[j] * log(clipped(row[j] / s, epsilon, real(1) - epsilon))
        value += w[n] * loss
    sums[chunk] = value
    if chunks == 1:
        error[0] = real(value / max(w.size, 1))


@kernel(fastmath=("reassoc",))
def sparse_categorical_cross_entropy_forward(
    x: Matrix, t: Indices, w: Vector, error: Vector, sums: Doubles, epsilon: Real, chunk: int, chunks: int
) -> None:
    """Σ w ℓ of a range of rows: ℓ = −log q_t. A class that there is not makes ℓ not a number."""
    m = x.shape[1]
    start, stop = share(x.shape[0], chunk, chunks)
    value = 0.0
    for n in range(start, stop):
        row = x[n]
        p = row[t[n]] / row_sum(row) if 0 <= t[n] < m else real(math.nan)
        value -= w[n] * log(clipped(p, epsilon, real(1) - epsilon))
    sums[chunk] = value
    if chunks == 1:
        error[0] = real(value / max(w.size, 1))


@kernel(fastmath=("reassoc",))
def categorical_cross_entropy_backward(
    x: Matrix, t: Matrix, w: Vector, gy: Vector, gx: Matrix, epsilon: Real, chunk: int, chunks: int
) -> None:
    """gx = gy w/M (gp − Σ gp p) / Σ x for a range of rows, gp = −t / q where p = q, else 0."""
    start, stop = share(x.shape[0], chunk, chunks)
    for n in range(start, stop):
        row, targets, result = x[n], t[n], gx[n]
        s, through = row_sum(row), real(0)
        for j in range(row.size):
            p = row[j] / s
            q = clipped(p, epsilon, real(1) - epsilon)
            gp = -targets[j] / q if p == q else real(0)
            result[j] = gp
            through += gp * p
        part = gy[0] * w[n] / real(w.size) / s
        for j in range(row.size):
            result[j] = part * (result[j] - through)


@kernel(fastmath=("reassoc",))
def sparse_categorical_cross_entropy_backward(
    x: Matrix, t: Indices, w: Vector, gy: Vector, gx: Matrix, epsilon: Real, chunk: int, chunks: int
) -> None:
    """gx = gy w/M (gp − gp_t p_t) / Σ x for a range of rows, gp = −[j = t] / q where p = q, else 0."""
    m = x.shape[1]
    start, stop = share(x.shape[0], chunk, chunks)
    for n in range(start, stop):
        row, result, c = x[n], gx[n], t[n]
        s = row_sum(row)
        p = row[c] / s if 0 <= c < m else real(math.nan)
        q = clipped(p, epsilon, real(1) - epsilon)
        gp = real(-1) / q if p == q or p != p else real(0)
        part = gy[0] * w[n] / real(w.size) / s
        for j in range(m):
            result[j] = part * (-gp * p)
        if 0 <= c < m:
            result[c] = part * (gp - gp * p)


def forward(x: Array, t: Array, w: Array, error: Array, *, epsilon: float = 1e-7) -> list[Launch]:
    """E (1,) of x (N, m), t (N, m) or class indices, int64 (N,), and w (N,)."""
    declared = categorical_cross_entropy_forward if t.ndim == 2 else sparse_categorical_cross_entropy_forward
    cut = _cut(x)
    sums = aligned((cut["chunks"],), np.float64)
    launches = [Launch(declared, x, t, w, error, sums, epsilon, **cut)]
    if cut["chunks"] > 1:
        launches.append(Launch(add_sums, sums, error, max(w.size, 1), dtype=x.dtype.name))
    return launches


def backward(x: Array, t: Array, w: Array, gy: Array, gx: Array, *, epsilon: float = 1e-7) -> list[Launch]:
    """gx (N, m) from gy (1,)."""
    declared = categorical_cross_entropy_backward if t.ndim == 2 else sparse_categorical_cross_entropy_backward
    return [Launch(declared, x, t, w, gy, gx, epsilon, **_cut(x))]


def _cut(x: Array) -> dict[str, Any]:
    return {"dtype": x.dtype.name, "chunks": chunks_for(x.size, x.shape[1]), "work": 4 * x.size}
