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

Dropout of the recurrence, ``kept`` (N, H), 0 or 1/(1 − p): a cell multiplies U with h_{t−1} ⊙ k in place of h_{t−1},
with the same k in every step of a sequence (Gal and Ghahramani 2016, arXiv:1512.05287). What a state hands on to the
next one without U is not touched.

The formulas below are those without mask and dropout. f is the cell's ``activation`` (tanh, unless told), σ the gates'
``recurrent_activation`` (the sigmoid); both by name.
"""

from __future__ import annotations

from collections.abc import Callable

from omomi.errors import ShapeError, UnknownNameError
from omomi.ops.activation import (
    SELU_ALPHA,
    SELU_SCALE,
    elu_forward,
    selu_forward,
    sigmoid_forward,
    softplus_forward,
)
from omomi.ops.linear import rows
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

Function = Callable[[Namespace, Array], Array]


def _sigmoid(xp: Namespace, u: Array) -> Array:
    return sigmoid_forward(xp, u)[0]


def _hard_sigmoid(xp: Namespace, u: Array) -> Array:
    return xp.minimum(xp.maximum(u + 3, 0), 6) / 6


def _between(xp: Namespace, y: Array, low: float, high: float) -> Array:
    return ((y > low) & (y < high)).astype(y.dtype)


# f of a cell or a gate, and f' from y = f(u): there is no other trace of u.
ACTIVATIONS: dict[str, tuple[Function, Function]] = {
    "linear": (lambda xp, u: u, lambda xp, y: xp.ones_like(y)),
    "tanh": (lambda xp, u: xp.tanh(u), lambda xp, y: 1 - y * y),
    "sigmoid": (_sigmoid, lambda xp, y: y * (1 - y)),
    "hard_sigmoid": (_hard_sigmoid, lambda xp, y: _between(xp, y, 0, 1) / 6),
    # that of Keras 1 and 2, and of Theano: clip(u / 5 + 1/2, 0, 1)
    "hard_sigmoid_fifth": (
        lambda xp, u: xp.minimum(xp.maximum(0.2 * u + 0.5, 0), 1),
        lambda xp, y: 0.2 * _between(xp, y, 0, 1),
    ),
    "relu": (lambda xp, u: xp.maximum(u, 0), lambda xp, y: (y > 0).astype(y.dtype)),
    "relu6": (lambda xp, u: xp.minimum(xp.maximum(u, 0), 6), lambda xp, y: _between(xp, y, 0, 6)),
    "elu": (lambda xp, u: elu_forward(xp, u)[0], lambda xp, y: xp.where(y > 0, 1, y + 1).astype(y.dtype)),
    "selu": (
        lambda xp, u: selu_forward(xp, u)[0],
        lambda xp, y: xp.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA).astype(y.dtype),
    ),
    "softplus": (lambda xp, u: softplus_forward(xp, u)[0], lambda xp, y: -xp.expm1(-y)),
    "softsign": (lambda xp, u: u / (1 + xp.abs(u)), lambda xp, y: (1 - xp.abs(y)) ** 2),
    "exponential": (lambda xp, u: xp.exp(u), lambda xp, y: y),
}


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


def _dropped(h: Array, kept: Array | None) -> Array:
    """What U is multiplied with, and back: the delta of h from that of the product."""
    return h if kept is None else h * kept


def _gradients(
    xp: Namespace,
    wanted: Wanted,
    deltas: Array,
    before: Array,
    kept: Array | None,
    gstates: tuple[Array, ...],
    inputs: int,
) -> tuple[Array | None, ...]:
    """Of u, U and the first states; ``None`` for the other inputs."""
    gu = by_time(xp, deltas) if wanted[0] else None
    gU = rows(_dropped(before, kept)).T @ rows(deltas) if wanted[1] else None
    first = [g if want else None for g, want in zip(gstates, wanted[2:], strict=False)]
    return (gu, gU, *first, *([None] * (inputs - 2 - len(first))))


# The simple cell (Elman 1990): the state is the output of the step before.
#   forward   h_t = f(u_t + h_{t−1} U)               u_t = x_t W + b
#   backward  δ_t = (gh_t + δ_{t+1} Uᵀ) f'(h_t)      gu_t = δ_t,  gU = Σ_t h_{t−1}ᵀ δ_t,  gh_0 = δ_1 Uᵀ


def simple_recurrence_forward(
    xp: Namespace,
    u: Array,
    U: Array,
    h0: Array,
    mask: Array | None = None,
    kept: Array | None = None,
    *,
    activation: str = "tanh",
) -> tuple[Array, Saved]:
    f, _ = _activation(activation)
    u, m = _times(xp, u, U, h0, 1, "simple_recurrence", mask)

    def cell(h: Array, now: tuple[Array, Array]) -> tuple[Array, tuple[Array, Array]]:
        u, m = now
        y = f(xp, u + _dropped(h, kept) @ U)
        h = m * y + (1 - m) * h
        return h, (h, y)

    _, (h, y) = xp.scan(cell, h0, (u, xp.broadcast_to(m, (*u.shape[:2], 1))))
    return by_time(xp, h), (U, kept, y, _before(xp, h0, h), m)


def simple_recurrence_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, activation: str = "tanh"
) -> tuple[Array | None, ...]:
    U, kept, y, before, m = saved
    _, derivative = _activation(activation)

    def cell(gh: Array, now: tuple[Array, ...]) -> tuple[Array, Array]:
        gy, slope, m = now
        gh = gh + gy
        delta = m * gh * slope
        return _dropped(delta @ U.T, kept) + (1 - m) * gh, delta

    sequence = (by_time(xp, gy), derivative(xp, y), xp.broadcast_to(m, (*y.shape[:2], 1)))
    gh0, deltas = xp.scan(cell, xp.zeros_like(before[0]), sequence, reverse=True)
    return _gradients(xp, wanted, deltas, before, kept, (gh0,), len(wanted))


simple_recurrence = Rule(
    "simple_recurrence",
    simple_recurrence_forward,
    simple_recurrence_backward,
    "h_t = f(u_t + h_{t−1} U)",
    "δ_t = (gh_t + δ_{t+1} Uᵀ) f'(h_t); gu = δ, gU = Σ_t h_{t−1}ᵀ δ_t",
    constants=("mask", "kept"),
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
    xp: Namespace,
    u: Array,
    U: Array,
    h0: Array,
    c0: Array,
    mask: Array | None = None,
    kept: Array | None = None,
    *,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
) -> tuple[tuple[Array, Array], Saved]:
    u, m = _times(xp, u, U, h0, 4, "lstm", mask)
    (squash, _), (gate, _) = _activation(activation), _activation(recurrent_activation)

    def cell(state: tuple[Array, Array], now: tuple[Array, Array]) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
        (h, c), (u, m) = state, now
        a_i, a_f, a_g, a_o = xp.split(u + _dropped(h, kept) @ U, 4, axis=-1)
        i, f, g, o = gate(xp, a_i), gate(xp, a_f), squash(xp, a_g), gate(xp, a_o)
        new = f * c + i * g
        squashed = squash(xp, new)
        h, c = m * (o * squashed) + (1 - m) * h, m * new + (1 - m) * c
        return (h, c), (h, c, i, f, g, o, squashed)

    (_, last), (h, c, *gates) = xp.scan(cell, (h0, c0), (u, xp.broadcast_to(m, (*u.shape[:2], 1))))
    return (by_time(xp, h), last), (U, kept, *gates, _before(xp, h0, h), _before(xp, c0, c), m)


def lstm_backward(
    xp: Namespace,
    saved: Saved,
    gy: tuple[Array | None, Array | None],
    wanted: Wanted,
    *,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
) -> tuple[Array | None, ...]:
    U, kept, *gates, before, memory, m = saved
    gh, gc = gy
    (_, d_squash), (_, d_gate) = _activation(activation), _activation(recurrent_activation)

    def cell(state: tuple[Array, Array], now: tuple[Array, ...]) -> tuple[tuple[Array, Array], Array]:
        (gh, gc), (gy, i, f, g, o, squashed, c, m) = state, now
        gh = gh + gy
        gnew = m * gh
        gmemory = m * gc + gnew * o * d_squash(xp, squashed)
        delta = xp.concatenate(
            [
                gmemory * g * d_gate(xp, i),
                gmemory * c * d_gate(xp, f),
                gmemory * i * d_squash(xp, g),
                gnew * squashed * d_gate(xp, o),
            ],
            axis=-1,
        )
        return (_dropped(delta @ U.T, kept) + (1 - m) * gh, gmemory * f + (1 - m) * gc), delta

    zeros = xp.zeros_like(before)
    given = zeros if gh is None else by_time(xp, gh)
    state = (zeros[0], zeros[0] if gc is None else gc)
    sequence = (given, *gates, memory, xp.broadcast_to(m, (*before.shape[:2], 1)))
    (gh0, gc0), deltas = xp.scan(cell, state, sequence, reverse=True)
    return _gradients(xp, wanted, deltas, before, kept, (gh0, gc0), len(wanted))


lstm = Rule(
    "lstm",
    lstm_forward,
    lstm_backward,
    "i, f, o = σ(…), g = tanh(…) of u_t + h_{t−1} U; c_t = f c_{t−1} + i g, h_t = o tanh c_t",
    "gc_t += gh_t o (1 − tanh² c_t); gc_{t−1} = gc_t f, gh_{t−1} = δ Uᵀ; gu = δ, gU = Σ_t h_{t−1}ᵀ δ_t",
    constants=("mask", "kept"),
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
    xp: Namespace,
    u: Array,
    U: Array,
    h0: Array,
    b: Array,
    mask: Array | None = None,
    kept: Array | None = None,
    *,
    reset_after: bool = True,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
) -> tuple[Array, Saved]:
    u, m = _times(xp, u, U, h0, 3, "gru", mask)
    (squash, _), (gate, _) = _activation(activation), _activation(recurrent_activation)
    units = h0.shape[-1]
    U_zr, U_n = U[:, : 2 * units], U[:, 2 * units :]
    b_zr, b_n = b[: 2 * units], b[2 * units :]

    def cell(h: Array, now: tuple[Array, Array]) -> tuple[Array, tuple[Array, ...]]:
        u, m = now
        k = _dropped(h, kept)
        z, r = xp.split(gate(xp, u[:, : 2 * units] + k @ U_zr + b_zr), 2, axis=-1)
        inner = k @ U_n + b_n if reset_after else r * k
        n = squash(xp, u[:, 2 * units :] + (r * inner if reset_after else inner @ U_n + b_n))
        h = m * (z * h + (1 - z) * n) + (1 - m) * h
        return h, (h, z, r, n, inner)

    _, (h, *parts) = xp.scan(cell, h0, (u, xp.broadcast_to(m, (*u.shape[:2], 1))))
    return by_time(xp, h), (U, kept, *parts, _before(xp, h0, h), m)


def gru_backward(
    xp: Namespace,
    saved: Saved,
    gy: Array,
    wanted: Wanted,
    *,
    reset_after: bool = True,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
) -> tuple[Array | None, ...]:
    U, kept, *parts, before, m = saved
    (_, d_squash), (_, d_gate) = _activation(activation), _activation(recurrent_activation)
    units = before.shape[-1]
    U_zr, U_n = U[:, : 2 * units], U[:, 2 * units :]

    def cell(gh: Array, now: tuple[Array, ...]) -> tuple[Array, tuple[Array, Array]]:
        gy, z, r, n, inner, h, m = now
        gh = gh + gy
        gnew = m * gh
        delta_z = gnew * (h - n) * d_gate(xp, z)
        delta_n = gnew * (1 - z) * d_squash(xp, n)
        # What reaches the candidate's product h U_n, or (r h) U_n.
        sent = r * delta_n if reset_after else delta_n
        through = sent @ U_n.T
        delta_r = (delta_n * inner if reset_after else through * _dropped(h, kept)) * d_gate(xp, r)
        gates = xp.concatenate([delta_z, delta_r], axis=-1)
        back = gnew * z + _dropped(gates @ U_zr.T + (through if reset_after else r * through), kept)
        deltas = xp.concatenate([gates, delta_n], axis=-1)
        return back + (1 - m) * gh, (deltas, xp.concatenate([gates, sent], axis=-1))

    sequence = (by_time(xp, gy), *parts, before, xp.broadcast_to(m, (*before.shape[:2], 1)))
    gh0, (deltas, sent) = xp.scan(cell, xp.zeros_like(before[0]), sequence, reverse=True)
    gu, _, gh0, *rest = _gradients(xp, (wanted[0], False, wanted[2]), deltas, before, kept, (gh0,), len(wanted) - 1)
    gU = None
    if wanted[1]:
        left = _dropped(before, kept)
        factor = left if reset_after else parts[3]  # what U_n is multiplied with: h, or r h
        gU = xp.concatenate(
            [rows(left).T @ rows(sent[..., : 2 * units]), rows(factor).T @ rows(sent[..., 2 * units :])], axis=1
        )
    gb = rows(sent).sum(axis=0) if wanted[3] else None
    return (gu, gU, gh0, gb, *rest)


gru = Rule(
    "gru",
    gru_forward,
    gru_backward,
    "z, r = σ(…), n = tanh(u_n + r (h_{t−1} U_n + b_n)); h_t = z h_{t−1} + (1 − z) n",
    "δ_z = gh (h_{t−1} − n) z (1 − z), δ_n = gh (1 − z)(1 − n²), δ_r = δ_n (h_{t−1} U_n + b_n) r (1 − r)",
    constants=("mask", "kept"),
)
