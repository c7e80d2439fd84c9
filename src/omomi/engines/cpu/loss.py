"""Softmax and its logarithm, and the losses in which the outputs of a sample compete.

Samples are rows: x (N, m), weights w (N,). The formulas are those of the rules (chapters: activation, loss):
E = (1/M) Σₙ wₙ ℓₙ.

A batch is cut into chunks of samples. Each adds up its losses in double precision, and so are the sums of the chunks,
in order. A single chunk writes E itself.

The exponentials of all rows of a chunk are one loop, since a row may have fewer entries than a vector has lanes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from omomi.engines.cpu.elementary import exp
from omomi.engines.cpu.kernel import Doubles, Indices, Matrix, Vector, helper, kernel, share
from omomi.engines.cpu.launch import Array, Launch, aligned
from omomi.engines.cpu.logarithm import log
from omomi.engines.cpu.passes import add_sums, chunks_for
from omomi.engines.cpu.primitives import address, real, vector


@helper
def exponentials(x, y, start, stop):  # type: ignore[no-untyped-def]
    """y = e^(x − c) for a range of rows, c the largest entry of each."""
    m = x.shape[1]
    for n in range(start, stop):
        row, result = x[n], y[n]
        c = row[0]
        for j in range(m):
            c = row[j] if row[j] > c else c
        for j in range(m):
            result[j] = row[j] - c
    run = vector(address(y, start * m), (stop - start) * m)
    for i in range(run.size):
        run[i] = exp(run[i])


@helper
def log_probability(score, c, log_total):  # type: ignore[no-untyped-def]
    """log y = (x − c) − log Σ e^(x − c), in this order: where x is near c, no digits of x are lost."""
    return (score - c) - log_total


@kernel(fastmath=("reassoc",))
def softmax_forward(x: Matrix, y: Matrix, chunk: int, chunks: int) -> None:
    """y = softmax x for a range of rows."""
    m = x.shape[1]
    start, stop = share(x.shape[0], chunk, chunks)
    exponentials(x, y, start, stop)
    for n in range(start, stop):
        row = y[n]
        total = real(0)
        for j in range(m):
            total += row[j]
        for j in range(m):
            row[j] /= total


@kernel(fastmath=("reassoc",))
def softmax_backward(y: Matrix, gy: Matrix, gx: Matrix, chunk: int, chunks: int) -> None:
    """gx = y (gy − Σ gy y) for a range of rows."""
    m = y.shape[1]
    start, stop = share(y.shape[0], chunk, chunks)
    for n in range(start, stop):
        probabilities, delta, result = y[n], gy[n], gx[n]
        total = real(0)
        for j in range(m):
            total += delta[j] * probabilities[j]
        for j in range(m):
            result[j] = probabilities[j] * (delta[j] - total)


@kernel(fastmath=("reassoc",))
def log_softmax_forward(x: Matrix, y: Matrix, chunk: int, chunks: int) -> None:
    """y = (x − c) − log Σ e^(x − c) for a range of rows, c the largest entry of each."""
    m = x.shape[1]
    start, stop = share(x.shape[0], chunk, chunks)
    exponentials(x, y, start, stop)
    for n in range(start, stop):
        scores, row = x[n], y[n]
        c, total = scores[0], real(0)
        for j in range(m):
            c = scores[j] if scores[j] > c else c
            total += row[j]
        log_total = log(total)
        for j in range(m):
            row[j] = log_probability(scores[j], c, log_total)


@kernel(fastmath=("reassoc",))
def log_softmax_backward(y: Matrix, gy: Matrix, gx: Matrix, chunk: int, chunks: int) -> None:
    """gx = gy − e^y Σ gy for a range of rows."""
    m = y.shape[1]
    start, stop = share(y.shape[0], chunk, chunks)
    run, powers = vector(address(y, start * m), (stop - start) * m), vector(address(gx, start * m), (stop - start) * m)
    for i in range(run.size):
        powers[i] = exp(run[i])
    for n in range(start, stop):
        delta, result = gy[n], gx[n]
        total = real(0)
        for j in range(m):
            total += delta[j]
        for j in range(m):
            result[j] = delta[j] - result[j] * total


@kernel(fastmath=("reassoc",))
def softmax_cross_entropy_forward(
    x: Matrix, t: Matrix, w: Vector, y: Matrix, error: Vector, sums: Doubles, chunk: int, chunks: int
) -> None:
    """y = softmax x, and Σ w ℓ of a range of rows: ℓ = −Σ t log y."""
    m = x.shape[1]
    start, stop = share(x.shape[0], chunk, chunks)
    exponentials(x, y, start, stop)
    value = 0.0
    for n in range(start, stop):
        scores, targets, row = x[n], t[n], y[n]
        c, total = scores[0], real(0)
        for j in range(m):
            c = scores[j] if scores[j] > c else c
            total += row[j]
        log_total, loss = log(total), real(0)
        for j in range(m):
            row[j] /= total
            loss -= targets[j] * log_probability(scores[j], c, log_total)
        value += w[n] * loss
    sums[chunk] = value
    if chunks == 1:
        error[0] = real(value / max(w.size, 1))


@kernel(fastmath=("reassoc",))
def sparse_softmax_cross_entropy_forward(
    x: Matrix, t: Indices, w: Vector, y: Matrix, error: Vector, sums: Doubles, chunk: int, chunks: int
) -> None:
    """y = softmax x, and Σ w ℓ of a range of rows: ℓ = −log y_t. A class that there is not makes ℓ not a number."""
    m = x.shape[1]
    start, stop = share(x.shape[0], chunk, chunks)
    exponentials(x, y, start, stop)
    value = 0.0
    for n in range(start, stop):
        scores, row = x[n], y[n]
        c, total = scores[0], real(0)
        for j in range(m):
            c = scores[j] if scores[j] > c else c
            total += row[j]
        for j in range(m):
            row[j] /= total
        value -= w[n] * (log_probability(scores[t[n]], c, log(total)) if 0 <= t[n] < m else real(math.nan))
    sums[chunk] = value
    if chunks == 1:
        error[0] = real(value / max(w.size, 1))


@kernel(fastmath=("reassoc",))
def softmax_cross_entropy_backward(
    y: Matrix, t: Matrix, w: Vector, gy: Vector, gx: Matrix, chunk: int, chunks: int
) -> None:
    """gx = gy w/M (y Σ t − t) for a range of rows."""
    m = y.shape[1]
    start, stop = share(y.shape[0], chunk, chunks)
    for n in range(start, stop):
        row, targets, result = y[n], t[n], gx[n]
        part, total = gy[0] * w[n] / real(w.size), real(0)
        for j in range(m):
            total += targets[j]
        for j in range(m):
            result[j] = part * (total * row[j] - targets[j])


@kernel()
def sparse_softmax_cross_entropy_backward(
    y: Matrix, t: Indices, w: Vector, gy: Vector, gx: Matrix, chunk: int, chunks: int
) -> None:
    """gx = gy w/M (y − onehot(t)) for a range of rows."""
    m = y.shape[1]
    start, stop = share(y.shape[0], chunk, chunks)
    for n in range(start, stop):
        row, result = y[n], gx[n]
        part = gy[0] * w[n] / real(w.size)
        for j in range(m):
            result[j] = part * row[j]
        if 0 <= t[n] < m:
            result[t[n]] = part * (row[t[n]] - real(1))


def softmax(x: Array, y: Array) -> list[Launch]:
    """y = softmax x along the rows of a matrix."""
    return [Launch(softmax_forward, x, y, **_cut(x))]


def softmax_gradient(y: Array, gy: Array, gx: Array) -> list[Launch]:
    """gx = y (gy − Σ gy y) along the rows; gx may be gy."""
    return [Launch(softmax_backward, y, gy, gx, **_cut(y))]


def log_softmax(x: Array, y: Array) -> list[Launch]:
    """y = log softmax x along the rows of a matrix."""
    return [Launch(log_softmax_forward, x, y, **_cut(x))]


def log_softmax_gradient(y: Array, gy: Array, gx: Array) -> list[Launch]:
    """gx = gy − e^y Σ gy along the rows."""
    return [Launch(log_softmax_backward, y, gy, gx, **_cut(y))]


def cross_entropy(x: Array, t: Array, w: Array, y: Array, error: Array) -> list[Launch]:
    """E = (1/M) Σ w ℓ of the softmax of x.

    Args:
        x: (N, m).
        t: (N, m) of x's dtype, or class indices, int64 (N,).
        w: (N,).
        y: (N, m), written: softmax x, which backward needs.
        error: (1,), written.
    """
    declared = softmax_cross_entropy_forward if t.ndim == 2 else sparse_softmax_cross_entropy_forward
    cut = _cut(x)
    sums = aligned((cut["chunks"],), np.float64)
    launches = [Launch(declared, x, t, w, y, error, sums, **cut)]
    if cut["chunks"] > 1:
        launches.append(Launch(add_sums, sums, error, max(w.size, 1), dtype=x.dtype.name))
    return launches


def cross_entropy_gradient(y: Array, t: Array, w: Array, gy: Array, gx: Array) -> list[Launch]:
    """gx (N, m), from y = softmax x and gy (1,)."""
    declared = softmax_cross_entropy_backward if t.ndim == 2 else sparse_softmax_cross_entropy_backward
    return [Launch(declared, y, t, w, gy, gx, **_cut(y))]


def _cut(x: Array) -> dict[str, Any]:
    return {"dtype": x.dtype.name, "chunks": chunks_for(x.size, x.shape[1]), "work": 4 * x.size}
