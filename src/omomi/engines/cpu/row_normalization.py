"""Layer and root mean square normalisation: one pass over the rows forward, one backward.

x is the matrix (M, D): a row is what shares a mean and a variance, and is in the nearest cache while it is read three
times. ω is 1 / √(σ² + ε); root mean square normalisation is the same with μ = 0 and β = 0.

    forward    y = γ ω (x − μ) + β                                           μ and ω of each row are kept
    backward   gx = ω (g − mean g − x̂ mean(g x̂))        g = γ gy, x̂ = ω (x − μ)
               gγ = Σ gy x̂,  gβ = Σ gy                   by chunks of rows, joined in order
"""

from __future__ import annotations

import math
from typing import Any

from omomi.engines.cpu.kernel import Matrix, Real, Vector, kernel, share
from omomi.engines.cpu.launch import Array, Launch, aligned
from omomi.engines.cpu.passes import chunks_for
from omomi.engines.cpu.primitives import real


@kernel(fastmath=("reassoc",))
def normalize_rows(
    x: Matrix,
    gamma: Vector,
    beta: Vector,
    y: Matrix,
    mean: Vector,
    inverse: Vector,
    epsilon: Real,
    centred: int,
    chunk: int,
    chunks: int,
) -> None:
    """y = γ ω (x − μ) + β, and μ and ω, for a range of rows. If it is not ``centred``, μ and β are 0."""
    d = x.shape[1]
    start, stop = share(x.shape[0], chunk, chunks)
    for n in range(start, stop):
        row, result = x[n], y[n]
        total = real(0)
        if centred:
            for i in range(d):
                total += row[i]
        centre = total / real(d)
        squares = real(0)
        for i in range(d):
            away = row[i] - centre
            squares += away * away
        omega = real(1) / math.sqrt(squares / real(d) + epsilon)
        mean[n] = centre
        inverse[n] = omega
        if centred:
            for i in range(d):
                result[i] = (row[i] - centre) * omega * gamma[i] + beta[i]
        else:
            for i in range(d):
                result[i] = row[i] * omega * gamma[i]


@kernel(fastmath=("reassoc",))
def row_gradients(
    x: Matrix,
    gamma: Vector,
    mean: Vector,
    inverse: Vector,
    gy: Matrix,
    gx: Matrix,
    parts: Matrix,
    centred: int,
    moved: int,
    chunk: int,
    chunks: int,
) -> None:
    """gx for a range of rows, and their part of gγ and gβ: rows 2·chunk and 2·chunk + 1 of ``parts``.

    gx is written if ``moved`` is 1 or 3, the parts if it is 2 or 3.
    """
    d = x.shape[1]
    start, stop = share(x.shape[0], chunk, chunks)
    if moved & 2:
        g_gamma, g_beta = parts[2 * chunk], parts[2 * chunk + 1]
        for i in range(d):
            g_gamma[i] = real(0)
            g_beta[i] = real(0)
        for n in range(start, stop):
            row, delta, centre, omega = x[n], gy[n], mean[n], inverse[n]
            for i in range(d):
                g_gamma[i] += delta[i] * ((row[i] - centre) * omega)
            for i in range(d):
                g_beta[i] += delta[i]
    if moved & 1:
        for n in range(start, stop):
            row, delta, result, centre, omega = x[n], gy[n], gx[n], mean[n], inverse[n]
            total, along = real(0), real(0)
            for i in range(d):
                g = delta[i] * gamma[i]
                total += g
                along += g * (row[i] - centre)
            through_mean = total / real(d) if centred else real(0)
            through_variance = along * omega * omega / real(d)
            for i in range(d):
                result[i] = omega * (delta[i] * gamma[i] - through_mean - (row[i] - centre) * through_variance)


@kernel()
def join_parts(parts: Matrix, g_gamma: Vector, g_beta: Vector) -> None:
    """gγ and gβ of all rows, the chunks in order."""
    for i in range(g_gamma.size):
        first, second = 0.0, 0.0
        for chunk in range(parts.shape[0] // 2):
            first += parts[2 * chunk, i]
            second += parts[2 * chunk + 1, i]
        g_gamma[i] = real(first)
        g_beta[i] = real(second)


def forward(
    x: Array, gamma: Array, beta: Array, y: Array, mean: Array, inverse: Array, *, epsilon: float, centred: bool
) -> list[Launch]:
    """y (M, D) of x (M, D), γ and β (D,); μ and ω (M,) are written. Not ``centred``: μ = 0, and β is not read."""
    return [Launch(normalize_rows, x, gamma, beta, y, mean, inverse, epsilon, int(centred), **_cut(x))]


def backward(
    x: Array,
    gamma: Array,
    mean: Array,
    inverse: Array,
    gy: Array,
    *,
    gx: Array | None = None,
    g_gamma: Array | None = None,
    g_beta: Array | None = None,
    centred: bool,
) -> list[Launch]:
    """gx (M, D), gγ and gβ (D,), those that are wanted; gx may be gy."""
    cut = _cut(x)
    summed = g_gamma is not None or g_beta is not None
    parts = aligned((2 * cut["chunks"], x.shape[1]) if summed else (0, x.shape[1]), x.dtype)
    moved = (gx is not None) | summed << 1
    target = gy if gx is None else gx
    launches = [Launch(row_gradients, x, gamma, mean, inverse, gy, target, parts, int(centred), moved, **cut)]
    if summed:
        g_gamma = aligned(gamma.shape, x.dtype) if g_gamma is None else g_gamma
        g_beta = aligned(gamma.shape, x.dtype) if g_beta is None else g_beta
        launches.append(Launch(join_parts, parts, g_gamma, g_beta, dtype=x.dtype.name))
    return launches


def _cut(x: Array) -> dict[str, Any]:
    return {"dtype": x.dtype.name, "chunks": chunks_for(x.size, x.shape[1]), "work": 4 * x.size}
