"""Activations in one pass, forward and backward, and their use at the end of a product.

A *code* names the activation, so that one kernel serves them all; α is the slope or floor of those that have one.
Backward needs only what forward returned: y determines f'(x) for every activation here.

====  ===============  =============================================  ==========================================
code  name             y = f(x)                                       gx
====  ===============  =============================================  ==========================================
0     linear           x                                              gy
1     relu             x if x > 0 else 0                              gy if y > 0 else 0
2     tanh             tanh x                                         gy (1 − y²)
3     sigmoid          1 / (1 + e⁻ˣ)                                  gy y (1 − y)
4     leaky_relu       x if x > 0 else α x                            gy if y > 0 else α gy           (α ≥ 0)
5     elu              x if x > 0 else α (eˣ − 1)                     gy if y > 0 else gy (y + α)     (α ≥ 0)
====  ===============  =============================================  ==========================================
"""

from __future__ import annotations

from omomi.engines.cpu.elementary import expm1, sigmoid, tanh
from omomi.engines.cpu.kernel import Real, Vector, helper, kernel, share
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.primitives import address, copy, real

CODES = {"linear": 0, "relu": 1, "tanh": 2, "sigmoid": 3, "leaky_relu": 4, "elu": 5}
RUN = 2048  # numbers at a time: they stay in the nearest cache between the copy and the change


@helper
def activate(x, y, code, alpha):  # type: ignore[no-untyped-def]
    """y = f(x) along a run of numbers; the two may be the same.

    x is copied to y and changed there: in a loop over one array, LLVM need not fear that writing one number changes
    another, and takes whole vectors. Each loop has one activation for the same reason.
    """
    if address(x, 0) != address(y, 0):
        copy(address(y, 0), address(x, 0), x.size)
    zero = real(0)
    n = y.size
    if code == 1:
        for i in range(n):
            v = y[i]
            y[i] = zero if v <= zero else v  # a NaN stays one
    elif code == 2:
        for i in range(n):
            y[i] = tanh(y[i])
    elif code == 3:
        for i in range(n):
            y[i] = sigmoid(y[i])
    elif code == 4:
        for i in range(n):
            v = y[i]
            y[i] = v if v > zero else alpha * v
    elif code == 5:
        for i in range(n):
            v = y[i]
            y[i] = v if v > zero else alpha * expm1(zero if v > zero else v)


@helper
def deactivate(gy, y, gx, code, alpha):  # type: ignore[no-untyped-def]
    """gx = gy f'(x) along a run of numbers; gx may be gy."""
    if address(gy, 0) != address(gx, 0):
        copy(address(gx, 0), address(gy, 0), gy.size)
    zero, one = real(0), real(1)
    n = gx.size
    if code == 1:
        for i in range(n):
            g, v = gx[i], y[i]
            gx[i] = g if v > zero else zero
    elif code == 2:
        for i in range(n):
            v = y[i]
            gx[i] *= one - v * v
    elif code == 3:
        for i in range(n):
            v = y[i]
            gx[i] *= v * (one - v)
    elif code == 4:
        for i in range(n):
            g, v = gx[i], y[i]
            gx[i] = g if v > zero else alpha * g
    elif code == 5:
        for i in range(n):
            g, v = gx[i], y[i]
            gx[i] = g if v > zero else g * (v + alpha)


@kernel()
def activation_forward(x: Vector, y: Vector, code: int, alpha: Real, chunk: int, chunks: int) -> None:
    """y = f(x)."""
    start, stop = share(x.size, chunk, chunks)
    for i in range(start, stop, RUN):
        j = min(i + RUN, stop)
        activate(x[i:j], y[i:j], code, alpha)


@kernel()
def activation_backward(gy: Vector, y: Vector, gx: Vector, code: int, alpha: Real, chunk: int, chunks: int) -> None:
    """gx = gy f'(x)."""
    start, stop = share(y.size, chunk, chunks)
    for i in range(start, stop, RUN):
        j = min(i + RUN, stop)
        deactivate(gy[i:j], y[i:j], gx[i:j], code, alpha)


def forward(x: Array, y: Array, name: str, alpha: float = 0.0) -> list[Launch]:
    """y = f(x), over vectors."""
    return [Launch(activation_forward, x, y, CODES[name], alpha, dtype=x.dtype.name, chunks=_chunks(x), work=x.size)]


def backward(gy: Array, y: Array, gx: Array, name: str, alpha: float = 0.0) -> list[Launch]:
    """gx = gy f'(x), over vectors."""
    return [
        Launch(activation_backward, gy, y, gx, CODES[name], alpha, dtype=y.dtype.name, chunks=_chunks(y), work=y.size)
    ]


def _chunks(x: Array) -> int:
    return max(1, x.size // 2**14)
