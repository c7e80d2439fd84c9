"""More optimisers' rules: one whose step follows from a minimum of its own (FTRL), one that looks at a whole layer
(LAMB).

Notation as in chapter update. Names and defaults are those of Keras 3.
"""

from __future__ import annotations

from omomi.ops.rule import Array, Namespace, UpdateRule
from omomi.ops.update import Slots, in_dtype_of, one_minus_power

# FTRL-Proximal (McMahan et al. 2013, "Ad click prediction"): p is where the linear sum of all gradients so far, with
# penalties, is least; L1 gives exact zeros. κ < 0 is the power of the rate, −½ in the paper.
#   n' = n + g²
#   σ = (n'^(−κ) − n^(−κ)) / η
#   z ← z + g + 2 λ_s p − σ p
#   p ← (clip(z, −λ₁, λ₁) − z) / (n'^(−κ)/η + 2 λ₂ + β/η),   n ← n'
# n starts from 0.1. A unit whose rate is 0 stays where it is.


def ftrl_step(
    xp: Namespace,
    p: Array,
    g: Array,
    slots: Slots,
    t: Array,
    rate: Array,
    *,
    learning_rate_power: float = -0.5,
    l1: float = 0.0,
    l2: float = 0.0,
    shrinkage: float = 0.0,
    beta: float = 0.0,
) -> tuple[Array, Slots]:
    rate = in_dtype_of(xp, p, rate)
    moves = rate > 0
    eta = xp.where(moves, rate, 1)
    n, z = slots
    squares = n + g * g
    root, old_root = squares**-learning_rate_power, n**-learning_rate_power
    z = z + g + 2 * shrinkage * p - (root - old_root) / eta * p
    new = (xp.clip(z, -l1, l1) - z) / (root / eta + 2 * (l2 + beta / (2 * eta)))
    return xp.where(moves, new, p), (squares, z)


ftrl = UpdateRule(
    "ftrl",
    ftrl_step,
    (("accumulator", 0.1), ("linear", 0.0)),
    "n' = n + g², z ← z + g − (n'^(−κ) − n^(−κ))/η p, p ← (clip(z, ±λ₁) − z) / (n'^(−κ)/η + 2 λ₂)",
)


# LAMB (You et al. 2020, arXiv:1904.00962): a step of Adam, as long as the parameter itself, for very large batches. The
# norms are those of a whole parameter.
#   m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²
#   u = m̂ / (√v̂ + ε),       m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)
#   p ← p − η u ‖p‖/‖u‖                              ‖p‖/‖u‖ = 1 where one of them is 0


def lamb_step(
    xp: Namespace,
    p: Array,
    g: Array,
    slots: Slots,
    t: Array,
    rate: Array,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> tuple[Array, Slots]:
    t, rate = in_dtype_of(xp, p, t), in_dtype_of(xp, p, rate)
    m, v = slots
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    m_hat, v_hat = m / one_minus_power(xp, beta_1, t), v / one_minus_power(xp, beta_2, t)
    u = m_hat / (xp.sqrt(v_hat) + epsilon)
    length, of_step = xp.sqrt(xp.sum(p * p)), xp.sqrt(xp.sum(u * u))
    both = (length > 0) & (of_step > 0)
    trust = xp.where(both, length / xp.where(both, of_step, 1), 1)
    return p - rate * trust * u, (m, v)


lamb = UpdateRule(
    "lamb",
    lamb_step,
    (("mean", 0.0), ("mean_square", 0.0)),
    "m, v as in Adam, u = m̂ / (√v̂ + ε), p ← p − η u ‖p‖/‖u‖",
)


# Adafactor (Shazeer and Stern 2018, arXiv:1804.04235): Adam without the mean, and with a mean square that is kept for
# the rows and columns of a matrix (the last two axes) only: of n m numbers n + m are kept. For vectors v is kept in
# full.
#   ρₜ = min(η, 1/√t) with relative steps, else η;    αₜ = max(ε₂, rms p) ρₜ;    β₂ₜ = 1 − t^κ,  κ = −0.8
#   R ← β₂ₜ R + (1 − β₂ₜ) mean over columns of (g² + ε₁),   C likewise over rows
#   v̂ = R C / mean R,    u = g / √v̂,    û = u / max(1, rms u / d)
#   p ← p − αₜ û
# As in Keras, ε₁ is added to g², and ρₜ takes the smaller of both rates.


def _rms(xp: Namespace, x: Array) -> Array:
    return xp.sqrt(xp.mean(x * x))


def adafactor_shapes(shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Of R, C and v: those that are not needed have one number."""
    if len(shape) < 2:
        return (1,), (1,), shape
    return shape[:-1], (*shape[:-2], shape[-1]), (1,)


def adafactor_step(
    xp: Namespace,
    p: Array,
    g: Array,
    slots: Slots,
    t: Array,
    rate: Array,
    *,
    beta_2_decay: float = -0.8,
    epsilon_1: float = 1e-30,
    epsilon_2: float = 1e-3,
    clip_threshold: float = 1.0,
    relative_step: bool = True,
) -> tuple[Array, Slots]:
    t, rate = in_dtype_of(xp, p, t), in_dtype_of(xp, p, rate)
    if relative_step:
        rate = xp.minimum(rate, 1 / xp.sqrt(t))
    rows, columns, full = slots
    kept = 1 - t**beta_2_decay
    squares = g * g + epsilon_1
    if p.ndim < 2:
        full = kept * full + (1 - kept) * squares
        u = g / xp.sqrt(full)
    else:
        rows = kept * rows + (1 - kept) * xp.mean(squares, axis=-1)
        columns = kept * columns + (1 - kept) * xp.mean(squares, axis=-2)
        share = rows / xp.mean(rows, axis=-1, keepdims=True)
        # a root of each: where a row or column of gradients is 0, their product would be too small for float32
        u = g / (xp.sqrt(share)[..., None] * xp.sqrt(columns)[..., None, :])
    u = u / xp.maximum(1, _rms(xp, u) / clip_threshold)
    return p - xp.maximum(epsilon_2, _rms(xp, p)) * rate * u, (rows, columns, full)


adafactor = UpdateRule(
    "adafactor",
    adafactor_step,
    (("row_mean_square", 0.0), ("column_mean_square", 0.0), ("mean_square", 0.0)),
    "v̂ = R C / mean R, u = g/√v̂, p ← p − max(ε₂, rms p) ρ u / max(1, rms u / d)",
    shapes=adafactor_shapes,
)
