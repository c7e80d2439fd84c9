"""Focal losses (Lin et al. 2017, arXiv:1708.02002): cross-entropy in which what is right already counts less.

Conventions as in chapter loss; γ (``gamma``) is the strength, and 0 gives the cross-entropy itself. Definitions as in
Keras 3.
"""

from __future__ import annotations

from omomi.ops.loss import EPSILON, error_of, probabilities, share_of, termwise, through_scaling
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# Binary, from probabilities clipped to q = min(max(x, ε), 1 − ε). With p = t q + (1 − t)(1 − q), the probability of
# what is right, and b the binary cross-entropy,
#   forward   ℓ = (1/m) Σⱼ c (1 − p)^γ b          c = α t + (1 − α)(1 − t) balances the classes, or is 1
#   backward  ∂ℓ/∂x = c ((1 − p)^γ (q − t)/(q (1 − q)) − γ (1 − p)^(γ−1) (2t − 1) b) / m,      0 beyond the clip


def _balance(t: Array, alpha: float | None) -> Array | float:
    return 1.0 if alpha is None else alpha * t + (1 - alpha) * (1 - t)


def _parts(xp: Namespace, x: Array, t: Array, epsilon: float) -> tuple[Array, Array, Array]:
    """q, 1 − p and b."""
    q = xp.clip(x, epsilon, 1 - epsilon)
    return q, 1 - (t * q + (1 - t) * (1 - q)), -(t * xp.log(q) + (1 - t) * xp.log(1 - q))


def _binary_term(
    xp: Namespace, x: Array, t: Array, *, gamma: float = 2.0, alpha: float | None = None, epsilon: float = EPSILON
) -> Array:
    _, wrong, b = _parts(xp, x, t, epsilon)
    return _balance(t, alpha) * wrong**gamma * b


def _binary_slope(
    xp: Namespace, x: Array, t: Array, *, gamma: float = 2.0, alpha: float | None = None, epsilon: float = EPSILON
) -> Array:
    q, wrong, b = _parts(xp, x, t, epsilon)
    slope = wrong**gamma * (q - t) / (q * (1 - q))
    if gamma:
        slope = slope - gamma * wrong ** (gamma - 1) * (2 * t - 1) * b
    return xp.where(x == q, _balance(t, alpha) * slope, 0)


binary_focal_cross_entropy = termwise(
    "binary_focal_cross_entropy",
    _binary_term,
    _binary_slope,
    "E = −(1/M) Σₙ wₙ (1/m) Σⱼ c (1 − p)^γ ln p, p the probability of what is right",
    "gx = gy wₙ/M c ((1 − p)^γ (q − t)/(q (1 − q)) − γ (1 − p)^(γ−1) (2t − 1) b)/m",
)


# Categorical: p = x / Σ x, q = clip(p, ε, 1 − ε), and
#   forward   ℓ = −Σⱼ α (1 − qⱼ)^γ tⱼ ln qⱼ                   α: a number, or one for each class
#   backward  ∂ℓ/∂p = −α t ((1 − q)^γ / q − γ (1 − q)^(γ−1) ln q),   then through p = x / Σ x as in chapter loss

Alpha = float | tuple[float, ...]


def categorical_focal_forward(
    xp: Namespace,
    x: Array,
    t: Array,
    w: Array,
    *,
    alpha: Alpha = 0.25,
    gamma: float = 2.0,
    epsilon: float = EPSILON,
) -> tuple[Array, Saved]:
    s, p, q = probabilities(xp, x, epsilon)
    a = xp.asarray(alpha, dtype=x.dtype)
    return error_of(xp, w, -xp.sum(a * (1 - q) ** gamma * t * xp.log(q), axis=-1)), (s, p, q, t, w)


def categorical_focal_backward(
    xp: Namespace,
    saved: Saved,
    gy: Array,
    wanted: Wanted,
    *,
    alpha: Alpha = 0.25,
    gamma: float = 2.0,
    epsilon: float = EPSILON,
) -> tuple[Array | None, ...]:
    s, p, q, t, w = saved
    slope = (1 - q) ** gamma / q
    if gamma:
        slope = slope - gamma * (1 - q) ** (gamma - 1) * xp.log(q)
    gp = xp.where(p == q, -xp.asarray(alpha, dtype=q.dtype) * t * slope, 0)
    return share_of(gy, w) * through_scaling(xp, s, p, gp), None, None


categorical_focal_cross_entropy = Rule(
    "categorical_focal_cross_entropy",
    categorical_focal_forward,
    categorical_focal_backward,
    "E = −(1/M) Σₙ wₙ Σⱼ α (1 − p)^γ t ln p, p = x / Σⱼ x clipped to [ε, 1 − ε]",
    "gx = gy wₙ/M (gp − Σⱼ gp p) / Σⱼ x, gp = −α t ((1 − p)^γ / p − γ (1 − p)^(γ−1) ln p)",
    constants=("t", "w"),
)
