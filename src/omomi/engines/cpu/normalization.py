"""Batch normalisation: two passes over the numbers forward, two backward.

x is the matrix (M, C): a channel is a column. ω is 1 / √(σ² + ε).

    forward    pass 1   of each chunk of rows its mean and Σ (x − mean)², by channel
               join     μ = Σ n mean / M          σ² = (Σ Σ(x − mean)² + Σ n (mean − μ)²) / M
               pass 2   y = f(γ ω (x − μ) + β)
    backward   pass 1   of each chunk Σ δ and Σ δ (x − μ), by channel             δ = gy f'(y)
               join     gβ = Σ δ                  gγ = ω Σ δ (x − μ)
               pass 2   gx = γ ω (δ − gβ/M − (x − μ) ω gγ/M)

The sum of squares is one of deviations from the chunk's own mean, taken while the chunk is in the cache, so nothing
cancels, however far the mean lies from 0. The chunks are joined in double precision and in order.

f is an activation that follows, computed in the same pass; its derivative is taken as gy is read. Only μ and ω are kept
for backward: x̂ = ω (x − μ) is made again from x.

Rows are taken several at a time, as one run of at least ``RUN`` numbers, against γ, β and the others written out as
many times: a loop over the few channels of one row would be too short for vectors.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from omomi.engines.cpu.activation import CODES, activate, deactivate
from omomi.engines.cpu.kernel import Doubles, Matrix, Real, Vector, helper, kernel, share
from omomi.engines.cpu.launch import Array, Launch, aligned, scratch
from omomi.engines.cpu.passes import chunks_for
from omomi.engines.cpu.primitives import address, itemsize, real, vector

RUN = 512


@helper
def repeat(numbers, target):  # type: ignore[no-untyped-def]
    """The numbers of the channels, over and over."""
    channels = numbers.size
    for i in range(0, target.size, channels):
        for c in range(channels):
            target[i + c] = numbers[c]


@helper
def fold(run, channels, result):  # type: ignore[no-untyped-def]
    """The sums of the channels from those of a run."""
    for c in range(channels):
        total = 0.0
        for i in range(c, run.size, channels):
            total += run[i]
        result[c] = real(total)


@kernel()
def statistics_of_chunk(
    x: Matrix, parts: Matrix, rooms: Matrix, run: int, chunk: int, chunks: int, worker: int
) -> None:
    """For a range of rows: row 2·chunk of ``parts`` is their mean, the next the sum of the squared deviations."""
    rows, channels = x.shape
    start, stop = share(rows, chunk, chunks)
    numbers = (stop - start) * channels
    first = address(x, start * channels)
    room = address(rooms, worker * rooms.shape[1])
    sums, centre = vector(room, run), vector(room + run * itemsize(), run)
    mean, squares = parts[2 * chunk], parts[2 * chunk + 1]
    for i in range(run):
        sums[i] = real(0)
    for at in range(0, numbers, run):
        xs = vector(first + at * itemsize(), min(run, numbers - at))
        for i in range(xs.size):
            sums[i] += xs[i]
    fold(sums, channels, mean)
    for c in range(channels):
        mean[c] /= real(stop - start)
    repeat(mean, centre)
    for i in range(run):
        sums[i] = real(0)
    for at in range(0, numbers, run):
        xs = vector(first + at * itemsize(), min(run, numbers - at))
        for i in range(xs.size):
            deviation = xs[i] - centre[i]
            sums[i] += deviation * deviation
    fold(sums, channels, squares)


@kernel()
def join_statistics(
    parts: Matrix,
    counts: Doubles,
    running_mean: Vector,
    running_variance: Vector,
    new_mean: Vector,
    new_variance: Vector,
    mean: Vector,
    inverse: Vector,
    momentum: Real,
    rest: Real,
    epsilon: Real,
) -> None:
    """μ and ω of all rows, and the running statistics moved toward μ and σ². The chunks have ``counts`` rows."""
    rows = 0.0
    for chunk in range(counts.size):
        rows += counts[chunk]
    for c in range(mean.size):
        total = 0.0
        for chunk in range(counts.size):
            total += parts[2 * chunk, c] * counts[chunk]
        centre, squares = total / rows, 0.0
        for chunk in range(counts.size):
            away = parts[2 * chunk, c] - centre
            squares += parts[2 * chunk + 1, c] + away * away * counts[chunk]
        variance = squares / rows
        mean[c] = real(centre)
        inverse[c] = real(1 / math.sqrt(variance + epsilon))
        new_mean[c] = momentum * running_mean[c] + rest * real(centre)
        new_variance[c] = momentum * running_variance[c] + rest * real(variance)


@kernel()
def normalize(
    x: Matrix,
    gamma: Vector,
    beta: Vector,
    mean: Vector,
    inverse: Vector,
    y: Matrix,
    rooms: Matrix,
    run: int,
    activation: int,
    alpha: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """y = f(γ ω (x − μ) + β) for a range of rows."""
    rows, channels = x.shape
    start, stop = share(rows, chunk, chunks)
    numbers = (stop - start) * channels
    first, first_y = address(x, start * channels), address(y, start * channels)
    room = address(rooms, worker * rooms.shape[1])
    factor, centre, offset = (
        vector(room, run),
        vector(room + run * itemsize(), run),
        vector(room + 2 * run * itemsize(), run),
    )
    for c in range(channels):
        factor[c] = gamma[c] * inverse[c]
    repeat(factor[:channels], factor)
    repeat(mean, centre)
    repeat(beta, offset)
    for at in range(0, numbers, run):
        count = min(run, numbers - at)
        xs, ys = vector(first + at * itemsize(), count), vector(first_y + at * itemsize(), count)
        for i in range(count):
            ys[i] = (xs[i] - centre[i]) * factor[i] + offset[i]
        if activation:
            activate(ys, ys, activation, alpha)


@kernel()
def gradients_of_chunk(
    x: Matrix,
    gy: Matrix,
    y: Matrix,
    mean: Vector,
    parts: Matrix,
    rooms: Matrix,
    run: int,
    activation: int,
    alpha: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """For a range of rows: row 2·chunk of ``parts`` is Σ δ, the next Σ δ (x − μ). y is empty without an activation."""
    rows, channels = x.shape
    start, stop = share(rows, chunk, chunks)
    numbers = (stop - start) * channels
    first = start * channels
    room = address(rooms, worker * rooms.shape[1])
    sums, products = vector(room, run), vector(room + run * itemsize(), run)
    centre, delta = vector(room + 2 * run * itemsize(), run), vector(room + 3 * run * itemsize(), run)
    repeat(mean, centre)
    for i in range(run):
        sums[i] = real(0)
        products[i] = real(0)
    for at in range(0, numbers, run):
        count = min(run, numbers - at)
        xs, deltas = vector(address(x, first + at), count), vector(address(gy, first + at), count)
        if activation:
            ys = vector(address(y, first + at), count)
            deactivate(deltas, ys, delta, activation, alpha)
            deltas = vector(room + 3 * run * itemsize(), count)
        for i in range(count):
            sums[i] += deltas[i]
            products[i] += deltas[i] * (xs[i] - centre[i])
    fold(sums, channels, parts[2 * chunk])
    fold(products, channels, parts[2 * chunk + 1])


@kernel()
def join_gradients(parts: Matrix, inverse: Vector, g_gamma: Vector, g_beta: Vector) -> None:
    """gγ and gβ of all rows."""
    for c in range(inverse.size):
        total, products = 0.0, 0.0
        for chunk in range(parts.shape[0] // 2):
            total += parts[2 * chunk, c]
            products += parts[2 * chunk + 1, c]
        g_beta[c] = real(total)
        g_gamma[c] = real(products * inverse[c])


@kernel()
def input_gradient(
    x: Matrix,
    gy: Matrix,
    y: Matrix,
    gamma: Vector,
    mean: Vector,
    inverse: Vector,
    g_gamma: Vector,
    g_beta: Vector,
    gx: Matrix,
    rooms: Matrix,
    run: int,
    summed: int,
    activation: int,
    alpha: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """gx = γ ω (δ − gβ/M − (x − μ) ω gγ/M) for a range of rows.

    ``summed`` is M, or 0 if μ and σ² are given numbers: then gx = γ ω δ.
    """
    rows, channels = x.shape
    start, stop = share(rows, chunk, chunks)
    numbers = (stop - start) * channels
    first = start * channels
    room = address(rooms, worker * rooms.shape[1])
    factor, centre = vector(room, run), vector(room + run * itemsize(), run)
    through_mean, through_variance = (
        vector(room + 2 * run * itemsize(), run),
        vector(room + 3 * run * itemsize(), run),
    )
    for c in range(channels):
        factor[c] = gamma[c] * inverse[c]
        through_mean[c] = g_beta[c] / real(summed) if summed else real(0)
        through_variance[c] = inverse[c] * g_gamma[c] / real(summed) if summed else real(0)
    repeat(factor[:channels], factor)
    repeat(mean, centre)
    repeat(through_mean[:channels], through_mean)
    repeat(through_variance[:channels], through_variance)
    for at in range(0, numbers, run):
        count = min(run, numbers - at)
        xs, gys = vector(address(x, first + at), count), vector(address(gy, first + at), count)
        results = vector(address(gx, first + at), count)
        if activation:
            delta = vector(room + 4 * run * itemsize(), count)
            deactivate(gys, vector(address(y, first + at), count), delta, activation, alpha)
            gys = vector(room + 4 * run * itemsize(), count)
        for i in range(count):
            rest = through_mean[i] + (xs[i] - centre[i]) * through_variance[i]
            results[i] = factor[i] * (gys[i] - rest)


@kernel()
def inverse_deviation(variance: Vector, inverse: Vector, epsilon: Real) -> None:
    """ω = 1 / √(σ² + ε)."""
    for c in range(inverse.size):
        inverse[c] = real(1) / math.sqrt(variance[c] + epsilon)


def forward(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_variance: Array,
    y: Array,
    new_mean: Array,
    new_variance: Array,
    mean: Array,
    inverse: Array,
    *,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    activation: str = "linear",
    alpha: float = 0.0,
) -> list[Launch]:
    """y = f(γ ω (x − μ) + β) with the statistics of the batch.

    Args:
        x: (M, C): all axes but the last as rows.
        gamma, beta, running_mean, running_variance: (C,).
        y: (M, C), written.
        new_mean, new_variance: (C,), written: the running statistics after this batch. They may be the old ones.
        mean, inverse: (C,), written: μ and ω, which backward needs.
        activation, alpha: f, one of ``activation.CODES``, and its slope or floor.
    """
    parts, run, cut = _parts(x), _run(x), _cut(x)
    bounds = [share(len(x), chunk, cut["chunks"]) for chunk in range(cut["chunks"])]
    counts = np.array([stop - start for start, stop in bounds], np.float64)
    return [
        Launch(statistics_of_chunk, x, parts, scratch(2 * run, x.dtype), run, **cut),
        Launch(
            join_statistics, parts, counts, running_mean, running_variance, new_mean, new_variance, mean, inverse,
            momentum, 1 - momentum, epsilon, dtype=x.dtype.name,
        ),
        _normalize(x, gamma, beta, mean, inverse, y, activation, alpha),
    ]  # fmt: skip


def backward(
    x: Array,
    y: Array,
    gamma: Array,
    mean: Array,
    inverse: Array,
    gy: Array,
    *,
    gx: Array | None = None,
    g_gamma: Array | None = None,
    g_beta: Array | None = None,
    statistics: bool = True,
    activation: str = "linear",
    alpha: float = 0.0,
) -> list[Launch]:
    """gx, gγ and gβ, those that are wanted.

    Args:
        x, gamma: as in forward.
        y: what forward wrote; looked at only if there is an activation.
        mean, inverse: what forward wrote.
        gy: (M, C).
        gx, g_gamma, g_beta: (M, C), (C,) and (C,), written; gx may be gy.
        statistics: whether μ and σ² are those of the batch; else they are given numbers.
    """
    parts, run, cut = _parts(x), _run(x), _cut(x)
    f = CODES[activation], alpha
    g_gamma = aligned(gamma.shape, x.dtype) if g_gamma is None else g_gamma
    g_beta = aligned(gamma.shape, x.dtype) if g_beta is None else g_beta
    rooms = scratch(5 * run, x.dtype)
    launches = [
        Launch(gradients_of_chunk, x, gy, y, mean, parts, rooms, run, *f, **cut),
        Launch(join_gradients, parts, inverse, g_gamma, g_beta, dtype=x.dtype.name),
    ]
    if gx is not None:
        summed = len(x) if statistics else 0
        arrays = x, gy, y, gamma, mean, inverse, g_gamma, g_beta, gx
        launches.append(Launch(input_gradient, *arrays, rooms, run, summed, *f, **cut))
    return launches


def inference_forward(
    x: Array,
    gamma: Array,
    beta: Array,
    mean: Array,
    variance: Array,
    y: Array,
    inverse: Array,
    *,
    epsilon: float = 1e-3,
    activation: str = "linear",
    alpha: float = 0.0,
) -> list[Launch]:
    """y = f(γ ω (x − μ) + β) with μ and σ² given, (C,); ω is written to ``inverse``. Backward is ``backward`` without
    statistics."""
    return [
        Launch(inverse_deviation, variance, inverse, epsilon, dtype=x.dtype.name),
        _normalize(x, gamma, beta, mean, inverse, y, activation, alpha),
    ]


def _normalize(
    x: Array, gamma: Array, beta: Array, mean: Array, inverse: Array, y: Array, activation: str, alpha: float
) -> Launch:
    run = _run(x)
    rooms = scratch(3 * run, x.dtype)
    return Launch(normalize, x, gamma, beta, mean, inverse, y, rooms, run, CODES[activation], alpha, **_cut(x))


def _run(x: Array) -> int:
    """How many numbers are taken at a time: whole rows."""
    return int(-(-RUN // x.shape[1]) * x.shape[1])


def _parts(x: Array) -> Array:
    """Room for two sums of each chunk, by channel."""
    return aligned((2 * chunks_for(x.size, x.shape[1]), x.shape[1]), x.dtype)


def _cut(x: Array) -> dict[str, Any]:
    return {"dtype": x.dtype.name, "chunks": chunks_for(x.size, x.shape[1]), "work": 2 * x.size}
