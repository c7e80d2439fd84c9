"""Functions of one number, forward and backward: activations that no product takes along, and elementary functions.

    forward    y = f(x)                     backward   gx = gy f'(x)

A *code* names the function, so that one kernel serves them all; low and high are the ends of a clip. Backward reads x,
or y where f' is shorter in y (``OF_OUTPUT``). σ is the sigmoid function, Φ and φ the standard normal distribution and
its density, λ and α the numbers of the SELU.

====  ============  ==========================================  ===================================================
code  name          y = f(x)                                    gx
====  ============  ==========================================  ===================================================
0     relu6         x cut off at 0 and 6                        gy if 0 < y < 6, else 0
1     selu          λ x if x > 0, else λ α (eˣ − 1)             λ gy if y > 0, else gy (y + λ α)
2     hard_sigmoid  x + 3 cut off at 0 and 6, by 6              gy / 6 if 0 < y < 1, else 0
3     softplus      max(x, 0) + ln(1 + e^−|x|)                  gy σ(x)
4     softsign      x / (1 + |x|)                               gy / (1 + |x|)²
5     swish         x σ(x)                                      gy (σ + y (1 − σ))
6     mish          x t, t = tanh(ln(1 + eˣ))                   gy (t + x (1 − t²) σ)
7     gelu          x Φ(x)                                      gy (Φ(x) + x φ(x))
8     gelu_tanh     x ½ (1 + t)                                 gy (½ (1 + t) + x ½ (1 − t²) ∂/∂x of what t is of)
                    t = tanh(√(2/π) (x + 0.044715 x³))
9     step          1 if x > 0, else 0                          0
10    negative      −x                                          −gy
11    square        x²                                          2 gy x
12    absolute      |x|                                         gy sign x
13    sqrt          √x                                          gy / (2 y)
14    exp           eˣ                                          gy y
15    expm1         eˣ − 1                                      gy (y + 1)
16    log           ln x                                        gy / x
17    log1p         ln(1 + x)                                   gy / (1 + x)
18    clip          x cut off at low and high                   gy if low ≤ x ≤ high, else 0
====  ============  ==========================================  ===================================================
"""

from __future__ import annotations

import math
from typing import Any

from omomi.engines.cpu.elementary import exp, sigmoid, tanh
from omomi.engines.cpu.elementary import expm1 as expm1_below
from omomi.engines.cpu.elementwise import copy_run
from omomi.engines.cpu.error_function import erf
from omomi.engines.cpu.kernel import Real, Vector, helper, kernel
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.logarithm import log
from omomi.engines.cpu.logarithm import log1p as log1p_above
from omomi.engines.cpu.passes import chunks_for, span
from omomi.engines.cpu.primitives import real

CODES = {
    "relu6": 0,
    "selu": 1,
    "hard_sigmoid": 2,
    "softplus": 3,
    "softsign": 4,
    "swish": 5,
    "mish": 6,
    "gelu": 7,
    "gelu_tanh": 8,
    "step": 9,
    "negative": 10,
    "square": 11,
    "absolute": 12,
    "sqrt": 13,
    "exp": 14,
    "expm1": 15,
    "log": 16,
    "log1p": 17,
    "clip": 18,
}
OF_OUTPUT = ("relu6", "selu", "hard_sigmoid", "sqrt", "exp", "expm1")  # f' is written in y

SELU_SCALE = 1.0507009873554805  # λ
SELU_FLOOR = SELU_SCALE * 1.6732632423543772  # λ α
MISH_END = 20.0  # from here on t is 1 to the last digit
GELU_SLOPE, GELU_CUBIC = math.sqrt(2 / math.pi), 0.044715
ROOT_HALF, NORMAL_DENSITY = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)
RUN = 2048  # numbers at a time: they stay in the nearest cache between the copy and the change


@helper
def cut(v, low, high):  # type: ignore[no-untyped-def]
    """v between two bounds; what is not a number stays so."""
    v = low if v < low else v
    return high if v > high else v


@helper
def expm1(v):  # type: ignore[no-untyped-def]
    """eᵛ − 1 on both sides of 0: for v > 0 it is −eᵛ (e⁻ᵛ − 1)."""
    below = expm1_below(-abs(v))
    return -exp(v) * below if v > real(0) else (below if v <= real(0) else v)


@helper
def log1p(v):  # type: ignore[no-untyped-def]
    """ln(1 + v): ln of the rounded sum, and what rounding took off it."""
    above = real(1) + v
    rest = (v - (above - real(1))) / above
    return log(above) + (rest if real(0) < above < real(math.inf) else real(0))


@helper
def gelu_tangent(v):  # type: ignore[no-untyped-def]
    """t = tanh(√(2/π) (v + 0.044715 v³))."""
    return tanh(real(GELU_SLOPE) * v * (real(1) + real(GELU_CUBIC) * v * v))


@helper
def softplus_tangent(v):  # type: ignore[no-untyped-def]
    """t = tanh(ln(1 + e)) and e = eᵛ: with n = e (e + 2), t = n / (n + 2)."""
    e = exp(real(MISH_END) if v > real(MISH_END) else v)
    n = e * (e + real(2))
    return n / (n + real(2)), e


@helper
def apply(y, code, low, high):  # type: ignore[no-untyped-def]
    """y = f(y) along a run of numbers. One loop for each function, so that each runs in vectors."""
    zero, half, one = real(0), real(0.5), real(1)
    n = y.size
    if code == 0:
        for i in range(n):
            y[i] = cut(y[i], zero, real(6))
    elif code == 1:
        for i in range(n):
            v = y[i]
            y[i] = real(SELU_SCALE) * v if v > zero else real(SELU_FLOOR) * expm1_below(zero if v > zero else v)
    elif code == 2:
        for i in range(n):
            y[i] = cut(y[i] + real(3), zero, real(6)) / real(6)
    elif code == 3:
        for i in range(n):
            v = y[i]
            y[i] = (v if v > zero else zero) + log1p_above(exp(-abs(v)))
    elif code == 4:
        for i in range(n):
            y[i] /= one + abs(y[i])
    elif code == 5:
        for i in range(n):
            y[i] *= sigmoid(y[i])
    elif code == 6:
        for i in range(n):
            t, _ = softplus_tangent(y[i])
            y[i] *= t
    elif code == 7:
        for i in range(n):
            y[i] *= half * (one + erf(y[i] * real(ROOT_HALF)))
    elif code == 8:
        for i in range(n):
            y[i] *= half * (one + gelu_tangent(y[i]))
    elif code == 9:
        for i in range(n):
            y[i] = one if y[i] > zero else zero
    elif code == 10:
        for i in range(n):
            y[i] = -y[i]
    elif code == 11:
        for i in range(n):
            y[i] *= y[i]
    elif code == 12:
        for i in range(n):
            y[i] = abs(y[i])
    elif code == 13:
        for i in range(n):
            y[i] = math.sqrt(y[i])
    elif code == 14:
        for i in range(n):
            y[i] = exp(y[i])
    elif code == 15:
        for i in range(n):
            y[i] = expm1(y[i])
    elif code == 16:
        for i in range(n):
            y[i] = log(y[i])
    elif code == 17:
        for i in range(n):
            y[i] = log1p(y[i])
    else:
        for i in range(n):
            y[i] = cut(y[i], low, high)


@helper
def apply_slope(v, gx, code, low, high):  # type: ignore[no-untyped-def]
    """gx = gx f' along a run of numbers; v is y for the functions of ``OF_OUTPUT``, x for the others."""
    zero, half, one = real(0), real(0.5), real(1)
    n = gx.size
    if code == 0:
        for i in range(n):
            gx[i] *= one if zero < v[i] < real(6) else zero
    elif code == 1:
        for i in range(n):
            gx[i] *= real(SELU_SCALE) if v[i] > zero else v[i] + real(SELU_FLOOR)
    elif code == 2:
        for i in range(n):
            gx[i] *= real(1 / 6) if zero < v[i] < one else zero
    elif code == 3:
        for i in range(n):
            gx[i] *= sigmoid(v[i])
    elif code == 4:
        for i in range(n):
            d = one + abs(v[i])
            gx[i] /= d * d
    elif code == 5:
        for i in range(n):
            sigma = sigmoid(v[i])
            gx[i] *= sigma + v[i] * sigma * (one - sigma)
    elif code == 6:
        for i in range(n):
            t, e = softplus_tangent(v[i])
            gx[i] *= t + v[i] * (one - t * t) * e / (one + e)
    elif code == 7:
        for i in range(n):
            x = v[i]
            density = real(NORMAL_DENSITY) * exp(-half * x * x)
            gx[i] *= half * (one + erf(x * real(ROOT_HALF))) + x * density
    elif code == 8:
        for i in range(n):
            x = v[i]
            t = gelu_tangent(x)
            slope = real(GELU_SLOPE) * (one + real(3 * GELU_CUBIC) * x * x)
            gx[i] *= half * (one + t) + x * half * (one - t * t) * slope
    elif code == 9:
        for i in range(n):
            gx[i] = zero
    elif code == 10:
        for i in range(n):
            gx[i] = -gx[i]
    elif code == 11:
        for i in range(n):
            gx[i] *= real(2) * v[i]
    elif code == 12:
        for i in range(n):
            x = v[i]
            gx[i] *= one if x > zero else (-one if x < zero else x)
    elif code == 13:
        for i in range(n):
            gx[i] /= real(2) * v[i]
    elif code == 14:
        for i in range(n):
            gx[i] *= v[i]
    elif code == 15:
        for i in range(n):
            gx[i] *= v[i] + one
    elif code == 16:
        for i in range(n):
            gx[i] /= v[i]
    elif code == 17:
        for i in range(n):
            gx[i] /= one + v[i]
    else:
        for i in range(n):
            gx[i] *= one if low <= v[i] <= high else zero


@kernel()
def unary_forward(x: Vector, y: Vector, code: int, low: Real, high: Real, chunk: int, chunks: int) -> None:
    """y = f(x)."""
    start, stop = span(y.size, chunk, chunks)
    for i in range(start, stop, RUN):
        j = min(i + RUN, stop)
        copy_run(x[i:j], y[i:j])
        apply(y[i:j], code, low, high)


@kernel()
def unary_backward(
    gy: Vector, v: Vector, gx: Vector, code: int, low: Real, high: Real, chunk: int, chunks: int
) -> None:
    """gx = gy f', v being x or y."""
    start, stop = span(gx.size, chunk, chunks)
    for i in range(start, stop, RUN):
        j = min(i + RUN, stop)
        copy_run(gy[i:j], gx[i:j])
        apply_slope(v[i:j], gx[i:j], code, low, high)


def forward(name: str, x: Array, y: Array, *, low: float | None = None, high: float | None = None) -> list[Launch]:
    """y = f(x), over vectors; low and high are those of a clip."""
    return [Launch(unary_forward, x, y, CODES[name], *_ends(low, high), **_cut(x))]


def backward(
    name: str, gy: Array, v: Array, gx: Array, *, low: float | None = None, high: float | None = None
) -> list[Launch]:
    """gx = gy f', over vectors; v is y for the names of ``OF_OUTPUT``, x for the others."""
    return [Launch(unary_backward, gy, v, gx, CODES[name], *_ends(low, high), **_cut(gx))]


def _ends(low: float | None, high: float | None) -> tuple[float, float]:
    return -math.inf if low is None else low, math.inf if high is None else high


def _cut(x: Array) -> dict[str, Any]:
    return {"dtype": x.dtype.name, "chunks": chunks_for(x.size), "work": 4 * x.size}
