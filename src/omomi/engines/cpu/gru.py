"""The gated recurrent unit over whole sequences, the reset gate on the product; the formulas are those of its rule.

As in ``recurrence``: a chunk takes some samples through all times, a step that a mask leaves out keeps the state. Kept
from forward for backward are the state before each step, z, r and n, and the product h U_n + b_n that r is multiplied
with. Backward, δ of u and what reaches h U differ in the last third: δ_n there, r δ_n here.
"""

from __future__ import annotations

from omomi.engines.cpu import affine
from omomi.engines.cpu.contraction import contract
from omomi.engines.cpu.elementary import sigmoid, tanh
from omomi.engines.cpu.kernel import Matrix, Vector, kernel, share
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.microkernel import ACCUMULATE
from omomi.engines.cpu.primitives import address, copy, real, vector
from omomi.engines.cpu.recurrence import cut, exists, fill, steps_of, transposed


@kernel(uses=(contract,))
def gru_forward(
    u: Vector,
    U: Matrix,
    h0: Matrix,
    b: Vector,
    mask: Vector,
    y: Vector,
    gates: Vector,
    inner: Vector,
    before: Vector,
    steps: int,
    chunk: int,
    chunks: int,
) -> None:
    """h and the gates of a range of samples, time after time."""
    units = h0.shape[1]
    width, one = 3 * units, real(1)
    start, stop = share(h0.shape[0], chunk, chunks)
    for n in range(start, stop):
        copy(address(before, n * steps * units), address(h0, n * units), units)
        copy(address(gates, n * steps * width), address(u, n * steps * width), steps * width)
    for t in range(steps):
        contract(
            address(before, (start * steps + t) * units), steps * units, 0, 1,
            address(U, 0), 0, width,
            address(gates, (start * steps + t) * width), steps * width,
            stop - start, 2 * units, 1, units, 0, ACCUMULATE,
        )  # fmt: skip
        contract(
            address(before, (start * steps + t) * units), steps * units, 0, 1,
            address(U, 2 * units), 0, width,
            address(inner, (start * steps + t) * units), steps * units,
            stop - start, units, 1, units, address(b, 2 * units), 0,
        )  # fmt: skip
        for n in range(start, stop):
            at = (n * steps + t) * units
            z, r = vector(address(gates, 3 * at), units), vector(address(gates, 3 * at + units), units)
            both, fresh = vector(address(gates, 3 * at), 2 * units), vector(address(gates, 3 * at + 2 * units), units)
            product, h = vector(address(inner, at), units), vector(address(y, at), units)
            old = vector(address(before, at), units)
            if exists(mask, n * steps + t):
                for j in range(2 * units):
                    both[j] = sigmoid(both[j] + b[j])
                for j in range(units):
                    fresh[j] = tanh(fresh[j] + r[j] * product[j])
                for j in range(units):
                    h[j] = z[j] * old[j] + (one - z[j]) * fresh[j]
            else:
                copy(address(h, 0), address(old, 0), units)
            if t + 1 < steps:
                copy(address(before, at + units), address(h, 0), units)


@kernel(uses=(contract,))
def gru_backward(
    UT: Matrix,
    mask: Vector,
    gates: Vector,
    inner: Vector,
    before: Vector,
    gy: Vector,
    deltas: Vector,
    sent: Vector,
    gh: Matrix,
    steps: int,
    chunk: int,
    chunks: int,
) -> None:
    """δ of a range of samples, time after time from the last; gh is carried along to that of h₀."""
    units = gh.shape[1]
    width, one = 3 * units, real(1)
    start, stop = share(gh.shape[0], chunk, chunks)
    for n in range(start, stop):
        fill(gh[n], real(0))
    for t in range(steps - 1, -1, -1):
        for n in range(start, stop):
            at = (n * steps + t) * units
            carried, given = gh[n], vector(address(gy, at), units)
            delta, reached = vector(address(deltas, 3 * at), width), vector(address(sent, 3 * at), width)
            for j in range(units):
                carried[j] += given[j]
            if not exists(mask, n * steps + t):
                fill(delta, real(0))
                fill(reached, real(0))
                continue
            z, r = vector(address(gates, 3 * at), units), vector(address(gates, 3 * at + units), units)
            fresh, product = vector(address(gates, 3 * at + 2 * units), units), vector(address(inner, at), units)
            old = vector(address(before, at), units)
            for j in range(units):
                delta[j] = carried[j] * (old[j] - fresh[j]) * z[j] * (one - z[j])
            for j in range(units):
                delta[2 * units + j] = carried[j] * (one - z[j]) * (one - fresh[j] * fresh[j])
            for j in range(units):
                delta[units + j] = delta[2 * units + j] * product[j] * r[j] * (one - r[j])
            copy(address(reached, 0), address(delta, 0), 2 * units)
            for j in range(units):
                reached[2 * units + j] = r[j] * delta[2 * units + j]
            for j in range(units):
                carried[j] *= z[j]
        contract(
            address(sent, (start * steps + t) * width), steps * width, 0, 1,
            address(UT, 0), 0, units,
            address(gh, start * units), units,
            stop - start, units, 1, width, 0, ACCUMULATE,
        )  # fmt: skip


def gru(
    u: Array,
    U: Array,
    h0: Array,
    b: Array,
    y: Array,
    gates: Array,
    inner: Array,
    before: Array,
    *,
    mask: Array | None = None,
) -> list[Launch]:
    """The states y (N, T, H).

    Args:
        u, U, h0, b: (N, T, 3H), (H, 3H), (N, H) and (3H,).
        gates, inner, before: (N, T, 3H), (N, T, H) and (N, T, H), written: what backward needs.
        mask: (N, T), which steps exist.
    """
    vectors = [array.reshape(-1) for array in (y, gates, inner, before)]
    return [Launch(gru_forward, u.reshape(-1), U, h0, b, steps_of(mask, U), *vectors, u.shape[1], **cut(u))]


def gru_gradient(
    U: Array,
    gates: Array,
    inner: Array,
    before: Array,
    gy: Array,
    gu: Array,
    gh0: Array,
    sent: Array,
    UT: Array,
    *,
    gU: Array | None = None,
    gb: Array | None = None,
    mask: Array | None = None,
) -> list[Launch]:
    """gu and gh0, and gU and gb if they are wanted; gb comes with gU.

    Args:
        sent, UT: (N, T, 3H) and (3H, H), written.
    """
    units, width = U.shape
    vectors = [array.reshape(-1) for array in (gates, inner, before, gy, gu, sent)]
    launches = [
        Launch(transposed, U, UT, dtype=U.dtype.name),
        Launch(gru_backward, UT, steps_of(mask, U), *vectors, gh0, gu.shape[1], **cut(gu)),
    ]
    if gU is not None:
        launches += affine.backward(before.reshape(-1, units), U, sent.reshape(-1, width), gW=gU, gb=gb)
    return launches
