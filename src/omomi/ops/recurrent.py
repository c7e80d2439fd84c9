"""Recurrence: one cell, used again and again along a sequence. Sequences are (N, T, C), states (N, H).

Each rule goes over the whole sequence: its cell is written once, forward is a scan through time, backward a scan in
reverse (backpropagation through time; Werbos 1990). What a step takes from the input does not depend on the state, so
it is computed for all steps at once, before and outside: u = x W + b is an affine rule, and u (N, T, …) is the input
here.

Two things arrive at a step's state on the way back: the delta of its output, and what the next step's cell sends. The
gradient of the recurrent kernel U adds up over time; it is one product at the end, of all states before a step and all
deltas of u.

A mask (N, T) says which steps exist: 1, or 0 for padding. A step that does not exist keeps the state, and its output is
that of the step before:   h_t = m_t h'_t + (1 − m_t) h_{t−1}.
"""

from __future__ import annotations

from collections.abc import Callable

from omomi.errors import ShapeError, UnknownNameError
from omomi.ops.activation import sigmoid_forward
from omomi.ops.linear import rows
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

Function = Callable[[Namespace, Array], Array]


# f of a simple cell, and f' from y = f(u).
ACTIVATIONS: dict[str, tuple[Function, Function]] = {
    "linear": (lambda xp, u: u, lambda xp, y: xp.ones_like(y)),
    "tanh": (lambda xp, u: xp.tanh(u), lambda xp, y: 1 - y * y),
    "sigmoid": (lambda xp, u: _sigmoid(xp, u), lambda xp, y: y * (1 - y)),
    "relu": (lambda xp, u: xp.maximum(u, 0), lambda xp, y: (y > 0).astype(y.dtype)),
}


def _sigmoid(xp: Namespace, u: Array) -> Array:
    y, _ = sigmoid_forward(xp, u)
    return y


def _activation(name: str) -> tuple[Function, Function]:
    if name not in ACTIVATIONS:
        raise UnknownNameError("activation of a recurrent rule", name, ACTIVATIONS)
    return ACTIVATIONS[name]


def by_time(xp: Namespace, x: Array) -> Array:
    """(N, T, …) as (T, N, …), and back."""
    return xp.swapaxes(x, 0, 1)


def _times(
    xp: Namespace, u: Array, U: Array, h: Array, gates: int, where: str, mask: Array | None
) -> tuple[Array, Array]:
    """u and the mask by time, after a look at the shapes; a mask of ones (T, N, 1) if there is none."""
    width = gates * h.shape[-1]
    if u.ndim != 3 or u.shape[2] != width or U.shape != (h.shape[-1], width) or h.shape[0] != u.shape[0]:
        raise ShapeError(
            "sequence, recurrent kernel and state do not fit together.",
            where=where,
            expected=f"u (N, T, {gates} H), U (H, {gates} H) and states (N, H)",
            received=f"{u.shape}, {U.shape} and {h.shape}",
        )
    if mask is None:
        return by_time(xp, u), xp.ones((u.shape[1], 1, 1), u.dtype)
    if mask.shape != u.shape[:2]:
        raise ShapeError("the mask has one entry per step.", where=where, expected=u.shape[:2], received=mask.shape)
    return by_time(xp, u), by_time(xp, mask)[:, :, None].astype(u.dtype)


def _before(xp: Namespace, h0: Array, h: Array) -> Array:
    """The state before each step, (T, N, H), from the first one and those after each step."""
    return xp.concatenate([h0[None], h[:-1]])


def _gradients(
    xp: Namespace, wanted: Wanted, deltas: Array, before: Array, gstates: tuple[Array, ...], rest: int
) -> tuple[Array | None, ...]:
    """Of u, U, the first states, and ``rest`` inputs that have none."""
    gu = by_time(xp, deltas) if wanted[0] else None
    gU = rows(before).T @ rows(deltas) if wanted[1] else None
    first = [g if want else None for g, want in zip(gstates, wanted[2:], strict=False)]
    return (gu, gU, *first, *([None] * rest))


# The simple cell (Elman 1990): the state is the output of the step before.
#   forward   h_t = f(u_t + h_{t−1} U)               u_t = x_t W + b
#   backward  δ_t = (gh_t + δ_{t+1} Uᵀ) f'(h_t)      gu_t = δ_t,  gU = Σ_t h_{t−1}ᵀ δ_t,  gh_0 = δ_1 Uᵀ


def simple_recurrence_forward(
    xp: Namespace, u: Array, U: Array, h0: Array, mask: Array | None = None, *, activation: str = "tanh"
) -> tuple[Array, Saved]:
    f, _ = _activation(activation)
    u, m = _times(xp, u, U, h0, 1, "simple_recurrence", mask)

    def cell(h: Array, now: tuple[Array, Array]) -> tuple[Array, tuple[Array, Array]]:
        u, m = now
        y = f(xp, u + h @ U)
        h = m * y + (1 - m) * h
        return h, (h, y)

    _, (h, y) = xp.scan(cell, h0, (u, xp.broadcast_to(m, (*u.shape[:2], 1))))
    return by_time(xp, h), (U, y, _before(xp, h0, h), m, mask is not None)


def simple_recurrence_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, activation: str = "tanh"
) -> tuple[Array | None, ...]:
    U, y, before, m, masked = saved
    _, derivative = _activation(activation)

    def cell(gh: Array, now: tuple[Array, ...]) -> tuple[Array, Array]:
        gy, slope, m = now
        gh = gh + gy
        delta = m * gh * slope
        return delta @ U.T + (1 - m) * gh, delta

    sequence = (by_time(xp, gy), derivative(xp, y), xp.broadcast_to(m, (*y.shape[:2], 1)))
    gh0, deltas = xp.scan(cell, xp.zeros_like(before[0]), sequence, reverse=True)
    return _gradients(xp, wanted, deltas, before, (gh0,), int(masked))


simple_recurrence = Rule(
    "simple_recurrence",
    simple_recurrence_forward,
    simple_recurrence_backward,
    "h_t = f(u_t + h_{t−1} U)",
    "δ_t = (gh_t + δ_{t+1} Uᵀ) f'(h_t); gu = δ, gU = Σ_t h_{t−1}ᵀ δ_t",
    constants=("mask",),
)


# LSTM, long short-term memory (Hochreiter and Schmidhuber 1997; the forget gate: Gers, Schmidhuber, Cummins 2000). The
# columns of u and U are those of the input gate, the forget gate, the candidate and the output gate, H each.
#   forward   [a_i, a_f, a_g, a_o] = u_t + h_{t−1} U
#             i, f, o = σ(a_i), σ(a_f), σ(a_o)      g = tanh(a_g)
#             c_t = f c_{t−1} + i g                 h_t = o tanh(c_t)
#   backward  gc_t += gh_t o (1 − tanh²c_t)
#             δ_i = gc_t g i (1 − i)     δ_f = gc_t c_{t−1} f (1 − f)
#             δ_g = gc_t i (1 − g²)      δ_o = gh_t tanh(c_t) o (1 − o)
#             gc_{t−1} = gc_t f          gh_{t−1} = [δ_i, δ_f, δ_g, δ_o] Uᵀ
# The memory c passes from step to step through a product with f alone: where f is near 1, its delta does not vanish.


def lstm_forward(
    xp: Namespace, u: Array, U: Array, h0: Array, c0: Array, mask: Array | None = None
) -> tuple[tuple[Array, Array], Saved]:
    u, m = _times(xp, u, U, h0, 4, "lstm", mask)

    def cell(state: tuple[Array, Array], now: tuple[Array, Array]) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
        (h, c), (u, m) = state, now
        a_i, a_f, a_g, a_o = xp.split(u + h @ U, 4, axis=-1)
        i, f, g, o = _sigmoid(xp, a_i), _sigmoid(xp, a_f), xp.tanh(a_g), _sigmoid(xp, a_o)
        new = f * c + i * g
        squashed = xp.tanh(new)
        h, c = m * (o * squashed) + (1 - m) * h, m * new + (1 - m) * c
        return (h, c), (h, c, i, f, g, o, squashed)

    (_, last), (h, c, *gates) = xp.scan(cell, (h0, c0), (u, xp.broadcast_to(m, (*u.shape[:2], 1))))
    return (by_time(xp, h), last), (U, *gates, _before(xp, h0, h), _before(xp, c0, c), m, mask is not None)


def lstm_backward(
    xp: Namespace, saved: Saved, gy: tuple[Array | None, Array | None], wanted: Wanted
) -> tuple[Array | None, ...]:
    U, *gates, before, memory, m, masked = saved
    gh, gc = gy

    def cell(state: tuple[Array, Array], now: tuple[Array, ...]) -> tuple[tuple[Array, Array], Array]:
        (gh, gc), (gy, i, f, g, o, squashed, c, m) = state, now
        gh = gh + gy
        gnew = m * gh
        gmemory = m * gc + gnew * o * (1 - squashed * squashed)
        delta = xp.concatenate(
            [
                gmemory * g * i * (1 - i),
                gmemory * c * f * (1 - f),
                gmemory * i * (1 - g * g),
                gnew * squashed * o * (1 - o),
            ],
            axis=-1,
        )
        return (delta @ U.T + (1 - m) * gh, gmemory * f + (1 - m) * gc), delta

    zeros = xp.zeros_like(before)
    given = zeros if gh is None else by_time(xp, gh)
    state = (zeros[0], zeros[0] if gc is None else gc)
    sequence = (given, *gates, memory, xp.broadcast_to(m, (*before.shape[:2], 1)))
    (gh0, gc0), deltas = xp.scan(cell, state, sequence, reverse=True)
    return _gradients(xp, wanted, deltas, before, (gh0, gc0), int(masked))


lstm = Rule(
    "lstm",
    lstm_forward,
    lstm_backward,
    "i, f, o = σ(…), g = tanh(…) of u_t + h_{t−1} U; c_t = f c_{t−1} + i g, h_t = o tanh c_t",
    "gc_t += gh_t o (1 − tanh² c_t); gc_{t−1} = gc_t f, gh_{t−1} = δ Uᵀ; gu = δ, gU = Σ_t h_{t−1}ᵀ δ_t",
    constants=("mask",),
)


# GRU, the gated recurrent unit (Cho et al. 2014, arXiv:1406.1078). The columns of u and U are those of the update gate,
# the reset gate and the candidate. Where the reset gate acts is an attribute: on the product h U (``reset_after``, what
# fast libraries compute, with a bias b of its own there), or on h before it, as in the paper.
#   forward   z, r = σ(u_z + h U_z + b_z), σ(u_r + h U_r + b_r)        h = h_{t−1}
#             n = tanh(u_n + r (h U_n + b_n))       reset after       n = tanh(u_n + (r h) U_n + b_n)     before
#             h_t = z h + (1 − z) n
#   backward  δ_z = gh_t (h − n) z (1 − z)          δ_n = gh_t (1 − z) (1 − n²)
#     after   δ_r = δ_n (h U_n + b_n) r (1 − r)     gh = gh_t z + [δ_z, δ_r, r δ_n] Uᵀ
#     before  δ_r = (δ_n U_nᵀ) h r (1 − r)          gh = gh_t z + [δ_z, δ_r] U_zrᵀ + r (δ_n U_nᵀ)


def gru_forward(
    xp: Namespace, u: Array, U: Array, h0: Array, b: Array, mask: Array | None = None, *, reset_after: bool = True
) -> tuple[Array, Saved]:
    u, m = _times(xp, u, U, h0, 3, "gru", mask)
    units = h0.shape[-1]
    U_zr, U_n = U[:, : 2 * units], U[:, 2 * units :]
    b_zr, b_n = b[: 2 * units], b[2 * units :]

    def cell(h: Array, now: tuple[Array, Array]) -> tuple[Array, tuple[Array, ...]]:
        u, m = now
        z, r = xp.split(_sigmoid(xp, u[:, : 2 * units] + h @ U_zr + b_zr), 2, axis=-1)
        inner = h @ U_n + b_n if reset_after else r * h
        n = xp.tanh(u[:, 2 * units :] + (r * inner if reset_after else inner @ U_n + b_n))
        h = m * (z * h + (1 - z) * n) + (1 - m) * h
        return h, (h, z, r, n, inner)

    _, (h, *parts) = xp.scan(cell, h0, (u, xp.broadcast_to(m, (*u.shape[:2], 1))))
    return by_time(xp, h), (U, *parts, _before(xp, h0, h), m, mask is not None)


def gru_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, reset_after: bool = True
) -> tuple[Array | None, ...]:
    U, *parts, before, m, masked = saved
    units = before.shape[-1]
    U_zr, U_n = U[:, : 2 * units], U[:, 2 * units :]

    def cell(gh: Array, now: tuple[Array, ...]) -> tuple[Array, tuple[Array, Array]]:
        gy, z, r, n, inner, h, m = now
        gh = gh + gy
        gnew = m * gh
        delta_z = gnew * (h - n) * z * (1 - z)
        delta_n = gnew * (1 - z) * (1 - n * n)
        # What reaches the candidate's product h U_n, or (r h) U_n.
        sent = r * delta_n if reset_after else delta_n
        through = sent @ U_n.T
        delta_r = (delta_n * inner if reset_after else through * h) * r * (1 - r)
        gates = xp.concatenate([delta_z, delta_r], axis=-1)
        back = gnew * z + gates @ U_zr.T + (through if reset_after else r * through)
        deltas = xp.concatenate([gates, delta_n], axis=-1)
        return back + (1 - m) * gh, (deltas, xp.concatenate([gates, sent], axis=-1))

    sequence = (by_time(xp, gy), *parts, before, xp.broadcast_to(m, (*before.shape[:2], 1)))
    gh0, (deltas, sent) = xp.scan(cell, xp.zeros_like(before[0]), sequence, reverse=True)
    gu, gU, gh0, *_ = _gradients(xp, (wanted[0], False, wanted[2]), deltas, before, (gh0,), 0)
    if wanted[1]:
        factor = before if reset_after else parts[3]  # what U_n is multiplied with: h, or r h
        gU = xp.concatenate(
            [rows(before).T @ rows(sent[..., : 2 * units]), rows(factor).T @ rows(sent[..., 2 * units :])], axis=1
        )
    gb = rows(sent).sum(axis=0) if wanted[3] else None
    return (gu, gU, gh0, gb, *([None] * int(masked)))


gru = Rule(
    "gru",
    gru_forward,
    gru_backward,
    "z, r = σ(…), n = tanh(u_n + r (h_{t−1} U_n + b_n)); h_t = z h_{t−1} + (1 − z) n",
    "δ_z = gh (h_{t−1} − n) z (1 − z), δ_n = gh (1 − z)(1 − n²), δ_r = δ_n (h_{t−1} U_n + b_n) r (1 − r)",
    constants=("mask",),
)
