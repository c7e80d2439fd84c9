"""The kernels of the optimisers: each one pass over parameter, gradient and slots, in place.

The formulas are those of the rules (chapter: update). A pass reads p, g and the slots once and writes p and the slots
once; the arithmetic in between is hidden behind the memory. What depends on the step alone, such as √(1 − β₂ᵗ), is
computed from t at the start of each chunk.

The rate η is one number, or an array that has the last axes of p: one number for each column of a kernel, or for each
entry. A pass goes in *runs*: as many numbers as lie before the rates repeat, at most ``RUN``. A single rate is first
written out ``RUN`` times into memory of the thread, so that the loops know only one kind.
"""

from __future__ import annotations

import math

from omomi.engines.cpu.elementary import expm1
from omomi.engines.cpu.kernel import Matrix, Real, Vector, Words, helper, kernel
from omomi.engines.cpu.passes import span
from omomi.engines.cpu.primitives import address, itemsize, real, vector

RUN = 1024


@helper
def rates_of_worker(rate, rates, worker):  # type: ignore[no-untyped-def]
    """Where the rates are: those given, or, if there is only one, that one ``RUN`` times."""
    if rate.size > 1:
        return address(rate, 0)
    here = rates[worker]
    for i in range(RUN):
        here[i] = rate[0]
    return address(rates, worker * rates.shape[1])


@helper
def run_at(start: int, stop: int, period: int) -> tuple[int, int]:
    """The run that starts at number ``start``: how long it is, and which of the ``period`` rates is its first."""
    if period == 1:
        return min(RUN, stop - start), 0
    first = start % period
    return min(RUN, stop - start, period - first), first


@helper
def one_minus_power(log_beta, t):  # type: ignore[no-untyped-def]
    """1 − βᵗ as −(e^(t ln β) − 1), so that no digits cancel."""
    return -expm1(real(t) * log_beta)


@helper
def power(base: float, exponent: int) -> float:
    """base^exponent for a whole exponent ≥ 0, by squaring."""
    result = 1.0
    while exponent > 0:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


@helper
def larger(a, b):  # type: ignore[no-untyped-def]
    """max(a, b); what is not a number stays so."""
    return a if a > b or a != a else b


@kernel()
def sgd(p: Vector, g: Vector, rate: Vector, rates: Matrix, chunk: int, chunks: int, worker: int) -> None:
    """p ← p − η g."""
    i, stop = span(p.size, chunk, chunks)
    all_rates = rates_of_worker(rate, rates, worker)
    while i < stop:
        n, first = run_at(i, stop, rate.size)
        eta, pi, gi = vector(all_rates + first * itemsize(), n), p[i : i + n], g[i : i + n]
        for k in range(n):
            pi[k] -= eta[k] * gi[k]
        i += n


@kernel()
def momentum(
    p: Vector,
    g: Vector,
    velocity: Vector,
    rate: Vector,
    rates: Matrix,
    friction: Real,
    ahead: Real,
    beside: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """v ← α v − η g, p ← p + a v − b η g: a = 1, b = 0 for Polyak's momentum, a = α, b = 1 for Nesterov's."""
    i, stop = span(p.size, chunk, chunks)
    all_rates = rates_of_worker(rate, rates, worker)
    while i < stop:
        n, first = run_at(i, stop, rate.size)
        eta, pi, gi, vi = vector(all_rates + first * itemsize(), n), p[i : i + n], g[i : i + n], velocity[i : i + n]
        for k in range(n):
            downhill = eta[k] * gi[k]
            v = friction * vi[k] - downhill
            vi[k] = v
            pi[k] += ahead * v - beside * downhill
        i += n


@kernel()
def adagrad(
    p: Vector,
    g: Vector,
    accumulator: Vector,
    rate: Vector,
    rates: Matrix,
    epsilon: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """h ← h + g², p ← p − η g / √(h + ε)."""
    i, stop = span(p.size, chunk, chunks)
    all_rates = rates_of_worker(rate, rates, worker)
    while i < stop:
        n, first = run_at(i, stop, rate.size)
        eta, pi, gi, hi = vector(all_rates + first * itemsize(), n), p[i : i + n], g[i : i + n], accumulator[i : i + n]
        for k in range(n):
            h = hi[k] + gi[k] * gi[k]
            hi[k] = h
            pi[k] -= eta[k] * gi[k] / math.sqrt(h + epsilon)
        i += n


@kernel()
def rmsprop(
    p: Vector,
    g: Vector,
    mean_square: Vector,
    mean: Vector,
    velocity: Vector,
    rate: Vector,
    rates: Matrix,
    rho: Real,
    rest: Real,
    friction: Real,
    epsilon: Real,
    centered: int,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """s ← ρ s + (1 − ρ) g², v ← α v + η g / √(s − m² + ε), p ← p − v; m ← ρ m + (1 − ρ) g if centred, else m = 0."""
    i, stop = span(p.size, chunk, chunks)
    all_rates = rates_of_worker(rate, rates, worker)
    while i < stop:
        n, first = run_at(i, stop, rate.size)
        eta, pi, gi = vector(all_rates + first * itemsize(), n), p[i : i + n], g[i : i + n]
        si, mi, vi = mean_square[i : i + n], mean[i : i + n], velocity[i : i + n]
        if centered:
            for k in range(n):
                s = rho * si[k] + rest * gi[k] * gi[k]
                m = rho * mi[k] + rest * gi[k]
                v = friction * vi[k] + eta[k] * gi[k] / math.sqrt(s - m * m + epsilon)
                si[k], mi[k], vi[k] = s, m, v
                pi[k] -= v
        else:
            for k in range(n):
                s = rho * si[k] + rest * gi[k] * gi[k]
                v = friction * vi[k] + eta[k] * gi[k] / math.sqrt(s + epsilon)
                si[k], vi[k] = s, v
                pi[k] -= v
        i += n


@kernel()
def adadelta(
    p: Vector,
    g: Vector,
    mean_square_gradient: Vector,
    mean_square_move: Vector,
    rate: Vector,
    rates: Matrix,
    rho: Real,
    rest: Real,
    epsilon: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """s ← ρ s + (1 − ρ) g², Δ = −√(u + ε)/√(s + ε) g, u ← ρ u + (1 − ρ) Δ², p ← p + η Δ."""
    i, stop = span(p.size, chunk, chunks)
    all_rates = rates_of_worker(rate, rates, worker)
    while i < stop:
        n, first = run_at(i, stop, rate.size)
        eta, pi, gi = vector(all_rates + first * itemsize(), n), p[i : i + n], g[i : i + n]
        si, ui = mean_square_gradient[i : i + n], mean_square_move[i : i + n]
        for k in range(n):
            s = rho * si[k] + rest * gi[k] * gi[k]
            move = -math.sqrt((ui[k] + epsilon) / (s + epsilon)) * gi[k]
            si[k], ui[k] = s, rho * ui[k] + rest * move * move
            pi[k] += eta[k] * move
        i += n


@kernel()
def adam(
    p: Vector,
    g: Vector,
    mean: Vector,
    mean_square: Vector,
    t: Words,
    rate: Vector,
    rates: Matrix,
    beta_1: Real,
    rest_1: Real,
    log_1: Real,
    beta_2: Real,
    rest_2: Real,
    log_2: Real,
    epsilon: Real,
    weight_decay: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """p ← p − η λ p (AdamW; λ = 0 for Adam), m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
    p ← p − η √(1 − β₂ᵗ)/(1 − β₁ᵗ) m / (√v + ε)."""
    i, stop = span(p.size, chunk, chunks)
    all_rates = rates_of_worker(rate, rates, worker)
    correction = math.sqrt(one_minus_power(log_2, t[0])) / one_minus_power(log_1, t[0])
    while i < stop:
        n, first = run_at(i, stop, rate.size)
        eta, pi, gi = vector(all_rates + first * itemsize(), n), p[i : i + n], g[i : i + n]
        mi, vi = mean[i : i + n], mean_square[i : i + n]
        for k in range(n):
            m = beta_1 * mi[k] + rest_1 * gi[k]
            v = beta_2 * vi[k] + rest_2 * gi[k] * gi[k]
            mi[k], vi[k] = m, v
            decayed = pi[k] - eta[k] * weight_decay * pi[k]
            pi[k] = decayed - eta[k] * correction * m / (math.sqrt(v) + epsilon)
        i += n


@kernel()
def amsgrad(
    p: Vector,
    g: Vector,
    mean: Vector,
    mean_square: Vector,
    largest_mean_square: Vector,
    t: Words,
    rate: Vector,
    rates: Matrix,
    beta_1: Real,
    rest_1: Real,
    log_1: Real,
    beta_2: Real,
    rest_2: Real,
    log_2: Real,
    epsilon: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """m, v as in Adam, w ← max(w, v), p ← p − η √(1 − β₂ᵗ)/(1 − β₁ᵗ) m / (√w + ε)."""
    i, stop = span(p.size, chunk, chunks)
    all_rates = rates_of_worker(rate, rates, worker)
    correction = math.sqrt(one_minus_power(log_2, t[0])) / one_minus_power(log_1, t[0])
    while i < stop:
        n, first = run_at(i, stop, rate.size)
        eta, pi, gi = vector(all_rates + first * itemsize(), n), p[i : i + n], g[i : i + n]
        mi, vi, wi = mean[i : i + n], mean_square[i : i + n], largest_mean_square[i : i + n]
        for k in range(n):
            m = beta_1 * mi[k] + rest_1 * gi[k]
            v = beta_2 * vi[k] + rest_2 * gi[k] * gi[k]
            w = larger(wi[k], v)
            mi[k], vi[k], wi[k] = m, v, w
            pi[k] -= eta[k] * correction * m / (math.sqrt(w) + epsilon)
        i += n


@kernel()
def nadam(
    p: Vector,
    g: Vector,
    mean: Vector,
    mean_square: Vector,
    t: Words,
    rate: Vector,
    rates: Matrix,
    beta_1: Real,
    rest_1: Real,
    beta_2: Real,
    rest_2: Real,
    log_2: Real,
    epsilon: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """m, v as in Adam, m̂ = μₜ₊₁ m / (1 − Πₜ₊₁) + (1 − μₜ) g / (1 − Πₜ), p ← p − η m̂ / (√v̂ + ε)."""
    i, stop = span(p.size, chunk, chunks)
    all_rates = rates_of_worker(rate, rates, worker)
    step, beta = int(t[0]), float(beta_1)
    product, fading = power(beta, step), 0.96
    for _ in range(min(step, 1000)):  # Πₜ; further factors are 1
        product *= 1 - 0.5 * fading
        fading *= 0.96
    now, coming = beta * (1 - 0.5 * power(0.96, step)), beta * (1 - 0.5 * power(0.96, step + 1))
    of_mean, of_gradient = real(coming / (1 - product * coming)), real((1 - now) / (1 - product))
    correction = one_minus_power(log_2, t[0])
    while i < stop:
        n, first = run_at(i, stop, rate.size)
        eta, pi, gi = vector(all_rates + first * itemsize(), n), p[i : i + n], g[i : i + n]
        mi, vi = mean[i : i + n], mean_square[i : i + n]
        for k in range(n):
            m = beta_1 * mi[k] + rest_1 * gi[k]
            v = beta_2 * vi[k] + rest_2 * gi[k] * gi[k]
            mi[k], vi[k] = m, v
            m_hat = of_mean * m + of_gradient * gi[k]
            pi[k] -= eta[k] * m_hat / (math.sqrt(v / correction) + epsilon)
        i += n


@kernel()
def adamax(
    p: Vector,
    g: Vector,
    mean: Vector,
    largest: Vector,
    t: Words,
    rate: Vector,
    rates: Matrix,
    beta_1: Real,
    rest_1: Real,
    log_1: Real,
    beta_2: Real,
    epsilon: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """m ← β₁ m + (1 − β₁) g, u ← max(β₂ u, |g|), p ← p − η / (1 − β₁ᵗ) m / (u + ε)."""
    i, stop = span(p.size, chunk, chunks)
    all_rates = rates_of_worker(rate, rates, worker)
    correction = one_minus_power(log_1, t[0])
    while i < stop:
        n, first = run_at(i, stop, rate.size)
        eta, pi, gi = vector(all_rates + first * itemsize(), n), p[i : i + n], g[i : i + n]
        mi, ui = mean[i : i + n], largest[i : i + n]
        for k in range(n):
            m = beta_1 * mi[k] + rest_1 * gi[k]
            u = larger(beta_2 * ui[k], abs(gi[k]))
            mi[k], ui[k] = m, u
            pi[k] -= eta[k] / correction * m / (u + epsilon)
        i += n


@kernel()
def lion(
    p: Vector,
    g: Vector,
    mean: Vector,
    rate: Vector,
    rates: Matrix,
    beta_1: Real,
    rest_1: Real,
    beta_2: Real,
    rest_2: Real,
    weight_decay: Real,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """p ← p − η (sign(β₁ m + (1 − β₁) g) + λ p), m ← β₂ m + (1 − β₂) g."""
    i, stop = span(p.size, chunk, chunks)
    all_rates = rates_of_worker(rate, rates, worker)
    while i < stop:
        n, first = run_at(i, stop, rate.size)
        eta, pi, gi, mi = vector(all_rates + first * itemsize(), n), p[i : i + n], g[i : i + n], mean[i : i + n]
        for k in range(n):
            c = beta_1 * mi[k] + rest_1 * gi[k]
            mi[k] = beta_2 * mi[k] + rest_2 * gi[k]
            sign = real(1) if c > 0 else (real(-1) if c < 0 else c)
            pi[k] -= eta[k] * (sign + weight_decay * pi[k])
        i += n
