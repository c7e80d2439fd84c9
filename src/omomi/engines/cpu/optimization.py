"""The passes around an optimiser's: decay of the weights, accumulated gradients, averaged parameters.

The formulas are those of the rules (chapter: optimization). p and g are vectors, t is the number of the step.
"""

from __future__ import annotations

from omomi.engines.cpu.kernel import Matrix, Real, Vector, Words, kernel
from omomi.engines.cpu.optimizers import rates_of_worker, run_at
from omomi.engines.cpu.passes import span
from omomi.engines.cpu.primitives import itemsize, real, vector


@kernel()
def weight_decay(p: Vector, rate: Vector, rates: Matrix, factor: Real, chunk: int, chunks: int, worker: int) -> None:
    """p ← p − η λ p."""
    i, stop = span(p.size, chunk, chunks)
    all_rates = rates_of_worker(rate, rates, worker)
    while i < stop:
        n, first = run_at(i, stop, rate.size)
        eta, pi = vector(all_rates + first * itemsize(), n), p[i : i + n]
        for k in range(n):
            pi[k] -= eta[k] * factor * pi[k]
        i += n


@kernel()
def soft_threshold(p: Vector, rate: Vector, rates: Matrix, factor: Real, chunk: int, chunks: int, worker: int) -> None:
    """p ← sign(p) max(|p| − η λ, 0)."""
    i, stop = span(p.size, chunk, chunks)
    all_rates = rates_of_worker(rate, rates, worker)
    while i < stop:
        n, first = run_at(i, stop, rate.size)
        eta, pi = vector(all_rates + first * itemsize(), n), p[i : i + n]
        for k in range(n):
            shift = eta[k] * factor
            pi[k] = pi[k] - shift if pi[k] > shift else (pi[k] + shift if pi[k] < -shift else pi[k] * real(0))
        i += n


@kernel()
def accumulate(p: Vector, g: Vector, t: Words, every: int, chunk: int, chunks: int) -> None:
    """p ← g/K in the first of K steps, p ← p + g/K in the others."""
    i, stop = span(p.size, chunk, chunks)
    count = real(every)
    if (int(t[0]) - 1) % every == 0:
        for k in range(i, stop):
            p[k] = g[k] / count
    else:
        for k in range(i, stop):
            p[k] += g[k] / count


@kernel()
def average(p: Vector, g: Vector, t: Words, every: int, kept: Real, rest: Real, chunk: int, chunks: int) -> None:
    """p ← m p + (1 − m) g in every K-th step, p ← g in the first of these."""
    i, stop = span(p.size, chunk, chunks)
    step = int(t[0])
    if step % every == 0:
        if step == every:
            for k in range(i, stop):
                p[k] = g[k]
        else:
            for k in range(i, stop):
                p[k] = kept * p[k] + rest * g[k]


@kernel()
def overwrite(p: Vector, g: Vector, t: Words, frequency: int, chunk: int, chunks: int) -> None:
    """p ← g if t is a multiple of F."""
    i, stop = span(p.size, chunk, chunks)
    if int(t[0]) % frequency == 0:
        for k in range(i, stop):
            p[k] = g[k]
