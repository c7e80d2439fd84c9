"""Schedules: how a learning rate follows from the number of the step.

    η₀  the rate at the start: a number, or one rate per unit          t  the steps taken so far: 0 in the first step

Each rule returns ηₜ, of η₀'s shape and dtype. t is an array input, so that a recorded step stays valid. The formulas
are computed in double precision: they cost nothing, and steps are counted into the millions. Names and conventions
that Keras also has are those of Keras 3.
"""

from __future__ import annotations

from math import pi

from omomi.ops.rule import Array, Namespace, Rule, Saved


def _real(xp: Namespace, number: Array) -> Array:
    """A number in double precision."""
    return xp.asarray(number).astype(xp.float64)


def _like(xp: Namespace, rate: Array, value: Array) -> Array:
    """ηₜ in the shape and dtype of η₀."""
    return xp.asarray(value * xp.ones(rate.shape, xp.float64)).astype(rate.dtype)


def _progress(xp: Namespace, t: Array, steps: float, staircase: bool) -> Array:
    """t / T, whole numbers only if the rate goes down in stairs."""
    p = _real(xp, t) / steps
    return xp.floor(p) if staircase else p


# Exponential decay: the same factor d in every T steps.
#   ηₜ = η₀ d^(t/T)                                 in stairs: d^⌊t/T⌋


def exponential_decay_forward(
    xp: Namespace, rate: Array, t: Array, *, decay_steps: float, decay_rate: float, staircase: bool = False
) -> tuple[Array, Saved]:
    return _like(xp, rate, _real(xp, rate) * decay_rate ** _progress(xp, t, decay_steps, staircase)), ()


exponential_decay = Rule("exponential_decay", exponential_decay_forward, None, "ηₜ = η₀ d^(t/T)")


# Inverse time decay (Robbins and Monro 1951 ask for Σ η = ∞ and Σ η² < ∞, which 1/t keeps).
#   ηₜ = η₀ / (1 + d t/T)                           in stairs: ⌊t/T⌋


def inverse_time_decay_forward(
    xp: Namespace, rate: Array, t: Array, *, decay_steps: float, decay_rate: float, staircase: bool = False
) -> tuple[Array, Saved]:
    return _like(xp, rate, _real(xp, rate) / (1 + decay_rate * _progress(xp, t, decay_steps, staircase))), ()


inverse_time_decay = Rule("inverse_time_decay", inverse_time_decay_forward, None, "ηₜ = η₀ / (1 + d t/T)")


# Polynomial decay to η_T within T steps; k = 1 is a straight line.
#   ηₜ = (η₀ − η_T) (1 − min(t, T)/T)ᵏ + η_T
# In a cycle the T steps become the first multiple of T that is at least t (and at least T).


def polynomial_decay_forward(
    xp: Namespace,
    rate: Array,
    t: Array,
    *,
    decay_steps: float,
    end_learning_rate: float = 1e-4,
    power: float = 1.0,
    cycle: bool = False,
) -> tuple[Array, Saved]:
    start, t = _real(xp, rate), _real(xp, t)
    if cycle:
        progress = t / (decay_steps * xp.maximum(xp.ceil(t / decay_steps), 1))
    else:
        progress = xp.minimum(t / decay_steps, 1)
    return _like(xp, rate, (start - end_learning_rate) * (1 - progress) ** power + end_learning_rate), ()


polynomial_decay = Rule("polynomial_decay", polynomial_decay_forward, None, "ηₜ = (η₀ − η_T) (1 − min(t, T)/T)ᵏ + η_T")


# Constants, one after the other: the i-th as long as t ≤ bᵢ.
#   ηₜ = values[#{i : t > bᵢ}]


def piecewise_constant_decay_forward(
    xp: Namespace, rate: Array, t: Array, *, boundaries: tuple[float, ...], values: tuple[float, ...]
) -> tuple[Array, Saved]:
    passed = xp.sum(_real(xp, t) > xp.asarray(boundaries, dtype=xp.float64))
    return _like(xp, rate, xp.take(xp.asarray(values, dtype=xp.float64), passed)), ()


piecewise_constant_decay = Rule(
    "piecewise_constant_decay", piecewise_constant_decay_forward, None, "ηₜ = values[#{i : t > bᵢ}]"
)


# Cosine decay (Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts) down to the share α, after a warm-up in
# a straight line to η_w within w steps, if there is one.
#   ηₜ = η₀ + (η_w − η₀) t/w                        t < w
#   ηₜ = η_w ((1 − α) ½ (1 + cos π p) + α),         p = min((t − w)/T, 1); without warm-up η_w = η₀, w = 0


def cosine_decay_forward(
    xp: Namespace,
    rate: Array,
    t: Array,
    *,
    decay_steps: float,
    alpha: float = 0.0,
    warmup_target: float | None = None,
    warmup_steps: int = 0,
) -> tuple[Array, Saved]:
    start, t = _real(xp, rate), _real(xp, t)
    top, w = (start, 0) if warmup_target is None else (warmup_target, warmup_steps)
    progress = xp.clip((t - w) / decay_steps, 0, 1)
    falling = top * ((1 - alpha) * 0.5 * (1 + xp.cos(pi * progress)) + alpha)
    rising = start + (top - start) * t / max(w, 1)
    return _like(xp, rate, xp.where(t < w, rising, falling)), ()


cosine_decay = Rule("cosine_decay", cosine_decay_forward, None, "ηₜ = η₀ ((1 − α) ½ (1 + cos π t/T) + α)")


# Cosine decay with warm restarts (Loshchilov and Hutter 2017, arXiv:1608.03983): cycle i has T τⁱ steps and starts from
# η₀ mⁱ.
#   ηₜ = η₀ ((1 − α) mⁱ ½ (1 + cos π p) + α),       p: the share of cycle i that has passed
# Cycle i begins after T (τⁱ − 1)/(τ − 1) steps. i is found by a logarithm, and then set right where rounding put a
# step at the very edge of a cycle on the wrong side.


def cosine_decay_restarts_forward(
    xp: Namespace,
    rate: Array,
    t: Array,
    *,
    first_decay_steps: float,
    t_mul: float = 2.0,
    m_mul: float = 1.0,
    alpha: float = 0.0,
) -> tuple[Array, Saved]:
    cycles = _real(xp, t) / first_decay_steps
    if t_mul == 1:
        i = xp.floor(cycles)
        p = cycles - i
    else:

        def begin(i: Array) -> Array:
            return (t_mul**i - 1) / (t_mul - 1)

        i = xp.floor(xp.log1p(cycles * (t_mul - 1)) / xp.log(t_mul))
        i = xp.where(begin(i + 1) <= cycles, i + 1, xp.where(begin(i) > cycles, i - 1, i))
        p = (cycles - begin(i)) / t_mul**i
    decayed = (1 - alpha) * m_mul**i * 0.5 * (1 + xp.cos(pi * p)) + alpha
    return _like(xp, rate, _real(xp, rate) * decayed), ()


cosine_decay_restarts = Rule(
    "cosine_decay_restarts", cosine_decay_restarts_forward, None, "ηₜ = η₀ ((1 − α) mⁱ ½ (1 + cos π p) + α)"
)


# One cycle (Smith and Topin 2018, arXiv:1708.07120): from η₀/a up to η₀ within a share s of the T steps, and down to
# η₀/(a b) in the others, both along half a cosine. The first step is at the lower end and the last at the upper.
#   up     from η₀/a to η₀,          p = t / (s T − 1)                  t ≤ s T − 1
#   down   from η₀ to η₀/(a b),      p = (t − (s T − 1)) / (T − s T)


def one_cycle_forward(
    xp: Namespace,
    rate: Array,
    t: Array,
    *,
    total_steps: int,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> tuple[Array, Saved]:
    top, t = _real(xp, rate), xp.minimum(_real(xp, t), total_steps - 1)
    peak = pct_start * total_steps - 1
    low, end = top / div_factor, top / (div_factor * final_div_factor)

    def along(start: Array, stop: Array, p: Array) -> Array:
        return stop + (start - stop) * 0.5 * (1 + xp.cos(pi * xp.clip(p, 0, 1)))

    up = along(low, top, t / peak if peak > 0 else xp.ones_like(t))
    down = along(top, end, (t - peak) / max(total_steps - 1 - peak, 1))
    return _like(xp, rate, xp.where(t <= peak, up, down)), ()


one_cycle = Rule("one_cycle", one_cycle_forward, None, "ηₜ from η₀/a up to η₀, then down to η₀/(a b), along cosines")


# Warm-up (Goyal et al. 2017, arXiv:1706.02677, section 2.2): in a straight line from η_s to η within w steps. A
# schedule that follows starts to count after them.
#   ηₜ = η_s + (η − η_s) min(t/w, 1)                t' = max(t − w, 0)


def warmup_forward(xp: Namespace, rate: Array, t: Array, *, steps: int, start: float = 0.0) -> tuple[Array, Saved]:
    share = xp.minimum(_real(xp, t) / steps, 1)
    return _like(xp, rate, start * (1 - share) + _real(xp, rate) * share), ()


warmup = Rule("warmup", warmup_forward, None, "ηₜ = η_s + (η − η_s) min(t/w, 1)")


def steps_after_forward(xp: Namespace, t: Array, *, steps: int) -> tuple[Array, Saved]:
    return xp.maximum(t, xp.asarray(steps).astype(t.dtype)) - xp.asarray(steps).astype(t.dtype), ()


steps_after = Rule("steps_after", steps_after_forward, None, "t' = max(t − w, 0)")


# The number of updates, where one is made in every K-th step only.
#   y = ⌊t/K⌋


def updates_made_forward(xp: Namespace, t: Array, *, every: int) -> tuple[Array, Saved]:
    return t // xp.asarray(every).astype(t.dtype), ()


updates_made = Rule("updates_made", updates_made_forward, None, "y = ⌊t/K⌋")
