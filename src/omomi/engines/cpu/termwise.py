"""The losses that add up terms of single outputs, in one pass forward and one backward.

    forward    E = (1/M) Σₙ wₙ (1/m) Σⱼ e(x, t)            (squared_error, kl_divergence: no 1/m)
    backward   gx = gy wₙ/M (1/m) ∂e/∂x

A *code* names the loss, so that one kernel serves them all; the parameter is Huber's δ, the ε of a clipped
probability, or what is added before a logarithm. d is x − t, and σ the sigmoid function.

====  ======================  ==========================================  ===========================================
code  name                    e                                           ∂e/∂x
====  ======================  ==========================================  ===========================================
0     squared_error           ½ d²                                        d
1     mean_squared_error      d²                                          2 d
2     mean_absolute_error     |d|                                         sign d
3     huber                   c (|d| − ½ c), c = min(|d|, δ)              d clipped to [−δ, δ]
4     log_cosh                |d| + log(1 + e^(−2|d|)) − log 2            tanh d
5     sigmoid_cross_entropy   max(x, 0) − x t + log(1 + e^(−|x|))         σ(x) − t
6     binary_cross_entropy    −t log q − (1 − t) log(1 − q)               (q − t) / (q (1 − q)) if q = x, else 0
                              q = x clipped to [ε, 1 − ε]
7     hinge                   max(1 − t x, 0)                             −t if t x < 1, else 0
8     squared_hinge           max(1 − t x, 0)²                            −2 t max(1 − t x, 0)
9     kl_divergence           p log(p / q)                                −p / q if q = x, else 0
                              p, q = t, x clipped to [ε, 1]
10    poisson                 x − t log(x + ε)                            1 − t / (x + ε)
====  ======================  ==========================================  ===========================================

The terms of several rows are computed in one loop, into memory of the thread, and added up row by row from there. How
the rows come together is told in ``loss``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from omomi.engines.cpu.elementary import exp, sigmoid, tanh
from omomi.engines.cpu.kernel import Doubles, Matrix, Real, Vector, helper, kernel, share
from omomi.engines.cpu.launch import Array, Launch, aligned, scratch
from omomi.engines.cpu.logarithm import log, log1p
from omomi.engines.cpu.passes import add_sums, chunks_for
from omomi.engines.cpu.primitives import address, itemsize, real, vector

CODES = {
    "squared_error": 0,
    "mean_squared_error": 1,
    "mean_absolute_error": 2,
    "huber": 3,
    "log_cosh": 4,
    "sigmoid_cross_entropy": 5,
    "binary_cross_entropy": 6,
    "hinge": 7,
    "squared_hinge": 8,
    "kl_divergence": 9,
    "poisson": 10,
}
SUMS = ("squared_error", "kl_divergence")  # ℓ is the sum of the terms, not their mean
# The attribute that is the parameter, and what it is where it is not given.
PARAMETERS = {
    "huber": ("delta", 1.0),
    "binary_cross_entropy": ("epsilon", 1e-7),
    "kl_divergence": ("epsilon", 1e-7),
    "poisson": ("epsilon", 1e-7),
}
RUN = 1024  # numbers at a time, at least


@helper
def clipped(x, low, high):  # type: ignore[no-untyped-def]
    """x between two bounds; what is not a number stays so."""
    x = low if x < low else x
    return high if x > high else x


@helper
def terms(x, t, e, code, parameter):  # type: ignore[no-untyped-def]
    """e(x, t) along a run."""
    n = e.size
    zero, one, half = real(0), real(1), real(0.5)
    if code == 0:
        for i in range(n):
            d = x[i] - t[i]
            e[i] = half * d * d
    elif code == 1:
        for i in range(n):
            d = x[i] - t[i]
            e[i] = d * d
    elif code == 2:
        for i in range(n):
            e[i] = abs(x[i] - t[i])
    elif code == 3:
        for i in range(n):
            size = abs(x[i] - t[i])
            c = parameter if size > parameter else size
            e[i] = c * (size - half * c)
    elif code == 4:
        for i in range(n):
            size = abs(x[i] - t[i])
            e[i] = size + log1p(exp(real(-2) * size)) - real(math.log(2))
    elif code == 5:
        for i in range(n):
            v = x[i]
            e[i] = (v if v > real(0) else real(0)) - v * t[i] + log1p(exp(-abs(v)))
    elif code == 6:
        for i in range(n):
            q = clipped(x[i], parameter, one - parameter)
            e[i] = -(t[i] * log(q) + (one - t[i]) * log(one - q))
    elif code == 7:
        for i in range(n):
            short = one - t[i] * x[i]
            e[i] = zero if short <= zero else short
    elif code == 8:
        for i in range(n):
            short = one - t[i] * x[i]
            short = zero if short <= zero else short
            e[i] = short * short
    elif code == 9:
        for i in range(n):
            p, q = clipped(t[i], parameter, one), clipped(x[i], parameter, one)
            e[i] = p * log(p / q)
    elif code == 10:
        for i in range(n):
            e[i] = x[i] - t[i] * log(x[i] + parameter)


@helper
def slopes(x, t, gx, code, parameter):  # type: ignore[no-untyped-def]
    """∂e/∂x along a run."""
    n = gx.size
    zero, one = real(0), real(1)
    if code == 0:
        for i in range(n):
            gx[i] = x[i] - t[i]
    elif code == 1:
        for i in range(n):
            gx[i] = real(2) * (x[i] - t[i])
    elif code == 2:
        for i in range(n):
            d = x[i] - t[i]
            gx[i] = one if d > zero else (-one if d < zero else d)
    elif code == 3:
        for i in range(n):
            gx[i] = clipped(x[i] - t[i], -parameter, parameter)
    elif code == 4:
        for i in range(n):
            gx[i] = tanh(x[i] - t[i])
    elif code == 5:
        for i in range(n):
            gx[i] = sigmoid(x[i]) - t[i]
    elif code == 6:
        for i in range(n):
            q = clipped(x[i], parameter, one - parameter)
            gx[i] = (q - t[i]) / (q * (one - q)) if x[i] == q else zero
    elif code == 7:
        for i in range(n):
            gx[i] = -t[i] if t[i] * x[i] < one else zero
    elif code == 8:
        for i in range(n):
            short = one - t[i] * x[i]
            gx[i] = real(-2) * t[i] * (zero if short <= zero else short)
    elif code == 9:
        for i in range(n):
            p, q = clipped(t[i], parameter, one), clipped(x[i], parameter, one)
            gx[i] = -p / q if x[i] == q else zero
    elif code == 10:
        for i in range(n):
            gx[i] = one - t[i] / (x[i] + parameter)


@kernel(fastmath=("reassoc",))
def termwise_forward(
    x: Matrix,
    t: Matrix,
    w: Vector,
    error: Vector,
    sums: Doubles,
    rooms: Matrix,
    run: int,
    code: int,
    parameter: Real,
    divisor: int,
    chunk: int,
    chunks: int,
    worker: int,
) -> None:
    """Σ w ℓ of a range of rows, which are taken ``run`` at a time; ℓ = Σ e / divisor."""
    m = x.shape[1]
    start, stop = share(x.shape[0], chunk, chunks)
    room = address(rooms, worker * rooms.shape[1])
    value = 0.0
    for first in range(start, stop, run):
        rows = min(run, stop - first)
        xs, ts = vector(address(x, first * m), rows * m), vector(address(t, first * m), rows * m)
        terms(xs, ts, vector(room, rows * m), code, parameter)
        for n in range(rows):
            row = vector(room + n * m * itemsize(), m)
            total = real(0)
            for j in range(m):
                total += row[j]
            value += w[first + n] * (total / real(divisor))
    sums[chunk] = value
    if chunks == 1:
        error[0] = real(value / max(w.size, 1))


@kernel()
def termwise_backward(
    x: Matrix,
    t: Matrix,
    w: Vector,
    gy: Vector,
    gx: Matrix,
    run: int,
    code: int,
    parameter: Real,
    divisor: int,
    chunk: int,
    chunks: int,
) -> None:
    """gx = gy w/M ∂e/∂x / divisor for a range of rows."""
    m = x.shape[1]
    start, stop = share(x.shape[0], chunk, chunks)
    for first in range(start, stop, run):
        count = min(run, stop - first) * m
        xs, ts = vector(address(x, first * m), count), vector(address(t, first * m), count)
        results = vector(address(gx, first * m), count)
        slopes(xs, ts, results, code, parameter)
        for i in range(0, count, m):
            part = gy[0] * w[first + i // m] / real(w.size) / real(divisor)
            for j in range(i, i + m):
                results[j] *= part


def forward(name: str, x: Array, t: Array, w: Array, error: Array, **attributes: float) -> list[Launch]:
    """E (1,) of x and t (N, m) and the weights w (N,), all of one dtype; the attributes are the rule's."""
    run, cut = _run(x), _cut(x)
    sums = aligned((cut["chunks"],), np.float64)
    rooms = scratch(run * x.shape[1], x.dtype)
    launches = [Launch(termwise_forward, x, t, w, error, sums, rooms, run, *_numbers(name, x, attributes), **cut)]
    if cut["chunks"] > 1:
        launches.append(Launch(add_sums, sums, error, max(w.size, 1), dtype=x.dtype.name))
    return launches


def backward(name: str, x: Array, t: Array, w: Array, gy: Array, gx: Array, **attributes: float) -> list[Launch]:
    """gx (N, m) from gy (1,)."""
    return [Launch(termwise_backward, x, t, w, gy, gx, _run(x), *_numbers(name, x, attributes), **_cut(x))]


def _numbers(name: str, x: Array, attributes: dict[str, float]) -> tuple[int, float, int]:
    """The code, the parameter and by what the sum over a row is divided."""
    attribute, default = PARAMETERS.get(name, ("", 0.0))
    return CODES[name], attributes.get(attribute, default), 1 if name in SUMS else x.shape[1]


def _run(x: Array) -> int:
    """How many rows are taken at a time."""
    return int(-(-RUN // x.shape[1]))


def _cut(x: Array) -> dict[str, Any]:
    return {"dtype": x.dtype.name, "chunks": chunks_for(x.size, x.shape[1]), "work": 4 * x.size}
