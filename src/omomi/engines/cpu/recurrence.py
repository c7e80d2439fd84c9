"""The simple cell and the LSTM over whole sequences; the formulas are those of their rules (chapter: recurrent).

Sequences are (N, T, …), states (N, H). A chunk takes some samples through all times: they have nothing to do with those
of other chunks. What a step takes from the state before is one product for all its samples, u_t + h U; backward, δ Uᵀ.
The gradient of U adds up over samples and times: it is one product of its own, hᵀ δ, at the end.

A mask says which steps exist, 1 or 0 for each; one without entries: all do. A step that does not keeps the states, its
δ is 0, and the delta that is carried along passes it untouched.

Kept from forward for backward are the state before each step and, of the LSTM, the gates i, f, g, o and the memory c.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.engines.cpu import affine
from omomi.engines.cpu.activation import CODES, activate, deactivate
from omomi.engines.cpu.contraction import contract
from omomi.engines.cpu.elementary import sigmoid, tanh
from omomi.engines.cpu.kernel import Matrix, Vector, helper, kernel, share
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.microkernel import ACCUMULATE
from omomi.engines.cpu.primitives import address, copy, real, vector

SAMPLES = 14  # of a chunk, at least if there are so many: the rows of the widest register block


@helper
def exists(mask, step):  # type: ignore[no-untyped-def]
    """Whether a step exists."""
    return mask.size == 0 or mask[step] != real(0)


@helper
def fill(x, value):  # type: ignore[no-untyped-def]
    """x = value along a run of numbers."""
    for j in range(x.size):
        x[j] = value


@kernel(uses=(contract,))
def simple_forward(
    u: Vector,
    U: Matrix,
    h0: Matrix,
    mask: Vector,
    y: Vector,
    before: Vector,
    steps: int,
    code: int,
    chunk: int,
    chunks: int,
) -> None:
    """h = f(u + h U) of a range of samples, time after time."""
    units = h0.shape[1]
    start, stop = share(h0.shape[0], chunk, chunks)
    for n in range(start, stop):
        copy(address(before, n * steps * units), address(h0, n * units), units)
        copy(address(y, n * steps * units), address(u, n * steps * units), steps * units)
    for t in range(steps):
        contract(
            address(before, (start * steps + t) * units), steps * units, 0, 1,
            address(U, 0), 0, units,
            address(y, (start * steps + t) * units), steps * units,
            stop - start, units, 1, units, 0, ACCUMULATE,
        )  # fmt: skip
        for n in range(start, stop):
            at = (n * steps + t) * units
            h = vector(address(y, at), units)
            if exists(mask, n * steps + t):
                activate(h, h, code, real(1))
            else:
                copy(address(h, 0), address(before, at), units)
            if t + 1 < steps:
                copy(address(before, at + units), address(h, 0), units)


@kernel(uses=(contract,))
def simple_backward(
    UT: Matrix,
    mask: Vector,
    y: Vector,
    gy: Vector,
    deltas: Vector,
    gh: Matrix,
    steps: int,
    code: int,
    chunk: int,
    chunks: int,
) -> None:
    """δ of a range of samples, time after time from the last; gh is carried along to that of h₀."""
    units = gh.shape[1]
    start, stop = share(gh.shape[0], chunk, chunks)
    for n in range(start, stop):
        for j in range(units):
            gh[n, j] = real(0)
    for t in range(steps - 1, -1, -1):
        for n in range(start, stop):
            at, carried = (n * steps + t) * units, gh[n]
            given, delta = vector(address(gy, at), units), vector(address(deltas, at), units)
            for j in range(units):
                carried[j] += given[j]
            if exists(mask, n * steps + t):
                deactivate(carried, vector(address(y, at), units), delta, code, real(1))
                fill(carried, real(0))
            else:
                fill(delta, real(0))
        contract(
            address(deltas, (start * steps + t) * units), steps * units, 0, 1,
            address(UT, 0), 0, units,
            address(gh, start * units), units,
            stop - start, units, 1, units, 0, ACCUMULATE,
        )  # fmt: skip


@kernel(uses=(contract,))
def lstm_forward(
    u: Vector,
    U: Matrix,
    h0: Matrix,
    c0: Matrix,
    mask: Vector,
    y: Vector,
    last: Matrix,
    gates: Vector,
    memory: Vector,
    before: Vector,
    steps: int,
    chunk: int,
    chunks: int,
) -> None:
    """h, c and the gates of a range of samples, time after time."""
    units = h0.shape[1]
    width = 4 * units
    start, stop = share(h0.shape[0], chunk, chunks)
    for n in range(start, stop):
        copy(address(before, n * steps * units), address(h0, n * units), units)
        copy(address(gates, n * steps * width), address(u, n * steps * width), steps * width)
    for t in range(steps):
        contract(
            address(before, (start * steps + t) * units), steps * units, 0, 1,
            address(U, 0), 0, width,
            address(gates, (start * steps + t) * width), steps * width,
            stop - start, width, 1, units, 0, ACCUMULATE,
        )  # fmt: skip
        for n in range(start, stop):
            at = (n * steps + t) * units
            opened = vector(address(gates, 4 * at), 2 * units)
            candidate = vector(address(gates, 4 * at + 2 * units), units)
            shown = vector(address(gates, 4 * at + 3 * units), units)
            c, h = vector(address(memory, at), units), vector(address(y, at), units)
            copy(address(c, 0), address(memory, at - units) if t > 0 else address(c0, n * units), units)
            if exists(mask, n * steps + t):
                for j in range(2 * units):
                    opened[j] = sigmoid(opened[j])
                for j in range(units):
                    candidate[j] = tanh(candidate[j])
                for j in range(units):
                    shown[j] = sigmoid(shown[j])
                for j in range(units):
                    c[j] = opened[units + j] * c[j] + opened[j] * candidate[j]
                for j in range(units):
                    h[j] = shown[j] * tanh(c[j])
            else:
                copy(address(h, 0), address(before, at), units)
            if t + 1 < steps:
                copy(address(before, at + units), address(h, 0), units)
            else:
                copy(address(last, n * units), address(c, 0), units)


@kernel()
def transposed(U: Matrix, UT: Matrix) -> None:
    """Uᵀ."""
    for i in range(U.shape[0]):
        for j in range(U.shape[1]):
            UT[j, i] = U[i, j]


@kernel(uses=(contract,))
def lstm_backward(
    UT: Matrix,
    c0: Matrix,
    mask: Vector,
    gates: Vector,
    memory: Vector,
    gy: Vector,
    g_last: Matrix,
    deltas: Vector,
    gh: Matrix,
    gc: Matrix,
    steps: int,
    chunk: int,
    chunks: int,
) -> None:
    """δ of a range of samples, time after time from the last; gh and gc are carried along to those of h₀ and c₀."""
    units = c0.shape[1]
    width, one = 4 * units, real(1)
    start, stop = share(c0.shape[0], chunk, chunks)
    for n in range(start, stop):
        for j in range(units):
            gh[n, j] = real(0)
            gc[n, j] = g_last[n, j] if g_last.size > 0 else real(0)
    for t in range(steps - 1, -1, -1):
        for n in range(start, stop):
            at = (n * steps + t) * units
            carried_h, carried_c = gh[n], gc[n]
            if gy.size > 0:
                given = vector(address(gy, at), units)
                for j in range(units):
                    carried_h[j] += given[j]
            i, f = vector(address(gates, 4 * at), units), vector(address(gates, 4 * at + units), units)
            g, o = vector(address(gates, 4 * at + 2 * units), units), vector(address(gates, 4 * at + 3 * units), units)
            c = vector(address(memory, at), units)
            c_before = vector(address(memory, at - units) if t > 0 else address(c0, n * units), units)
            delta = vector(address(deltas, 4 * at), width)
            if not exists(mask, n * steps + t):
                fill(delta, real(0))
                continue
            for j in range(units):  # the last quarter holds tanh c for a while
                delta[3 * units + j] = tanh(c[j])
            for j in range(units):
                squashed = delta[3 * units + j]
                carried_c[j] += carried_h[j] * o[j] * (one - squashed * squashed)
                delta[3 * units + j] = carried_h[j] * squashed * o[j] * (one - o[j])
            for j in range(units):
                delta[j] = carried_c[j] * g[j] * i[j] * (one - i[j])
            for j in range(units):
                delta[units + j] = carried_c[j] * c_before[j] * f[j] * (one - f[j])
            for j in range(units):
                delta[2 * units + j] = carried_c[j] * i[j] * (one - g[j] * g[j])
            for j in range(units):
                carried_c[j] *= f[j]
            fill(carried_h, real(0))
        contract(
            address(deltas, (start * steps + t) * width), steps * width, 0, 1,
            address(UT, 0), 0, units,
            address(gh, start * units), units,
            stop - start, units, 1, width, 0, ACCUMULATE,
        )  # fmt: skip


def simple(
    u: Array, U: Array, h0: Array, y: Array, before: Array, *, mask: Array | None = None, activation: str = "tanh"
) -> list[Launch]:
    """The states y (N, T, H) of a simple cell.

    Args:
        u, U, h0: (N, T, H), (H, H) and (N, H).
        before: (N, T, H), written: what backward needs.
        mask: (N, T), which steps exist.
        activation: one of the rule's.
    """
    arrays = u.reshape(-1), U, h0, steps_of(mask, U), y.reshape(-1), before.reshape(-1)
    return [Launch(simple_forward, *arrays, u.shape[1], CODES[activation], **cut(u))]


def simple_gradient(
    U: Array,
    y: Array,
    before: Array,
    gy: Array,
    gu: Array,
    gh0: Array,
    UT: Array,
    *,
    gU: Array | None = None,
    mask: Array | None = None,
    activation: str = "tanh",
) -> list[Launch]:
    """gu and gh0, and gU if it is wanted; UT is (H, H), written."""
    arrays = UT, steps_of(mask, U), y.reshape(-1), gy.reshape(-1), gu.reshape(-1), gh0
    launches = [
        Launch(transposed, U, UT, dtype=U.dtype.name),
        Launch(simple_backward, *arrays, gu.shape[1], CODES[activation], **cut(gu)),
    ]
    if gU is not None:
        launches += affine.backward(before.reshape(-1, len(U)), U, gu.reshape(-1, len(U)), gW=gU)
    return launches


def lstm(
    u: Array,
    U: Array,
    h0: Array,
    c0: Array,
    y: Array,
    last: Array,
    gates: Array,
    memory: Array,
    before: Array,
    *,
    mask: Array | None = None,
) -> list[Launch]:
    """The states y (N, T, H) and the last memory (N, H).

    Args:
        u, U, h0, c0: (N, T, 4H), (H, 4H), (N, H) and (N, H).
        gates, memory, before: (N, T, 4H), (N, T, H) and (N, T, H), written: what backward needs.
        mask: (N, T), which steps exist.
    """
    vectors = [array.reshape(-1) for array in (gates, memory, before)]
    arrays = (u.reshape(-1), U, h0, c0, steps_of(mask, U), y.reshape(-1), last, *vectors)
    return [Launch(lstm_forward, *arrays, u.shape[1], **cut(u))]


def lstm_gradient(
    U: Array,
    c0: Array,
    gates: Array,
    memory: Array,
    before: Array,
    gy: Array,
    g_last: Array,
    gu: Array,
    gh0: Array,
    gc0: Array,
    UT: Array,
    *,
    gU: Array | None = None,
    mask: Array | None = None,
) -> list[Launch]:
    """gu, gh0 and gc0, and gU if it is wanted.

    Args:
        gy, g_last: (N, T, H) and (N, H), of the states and of the last memory; without entries where there is none.
        UT: (4H, H), written.
    """
    launches = [
        Launch(transposed, U, UT, dtype=U.dtype.name),
        Launch(
            lstm_backward,
            UT,
            c0,
            steps_of(mask, U),
            gates.reshape(-1),
            memory.reshape(-1),
            gy.reshape(-1),
            g_last,
            gu.reshape(-1),
            gh0,
            gc0,
            gu.shape[1],
            **cut(gu),
        ),
    ]
    if gU is not None:
        units, width = U.shape
        launches += affine.backward(before.reshape(-1, units), U, gu.reshape(-1, width), gW=gU)
    return launches


def steps_of(mask: Array | None, like: Array) -> Array:
    """A mask as a vector; one without entries where there is none."""
    return np.zeros(0, like.dtype) if mask is None else mask.reshape(-1)


def cut(u: Array) -> dict[str, Any]:
    """How the samples of u (N, T, …) are cut into chunks."""
    samples, _, width = u.shape
    return {"dtype": u.dtype.name, "chunks": max(1, samples // SAMPLES), "work": u.size * max(1, width // 4)}
