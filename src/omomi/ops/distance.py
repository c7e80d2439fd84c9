"""More losses: relative and logarithmic distances, directions, and classes that compete by a margin.

Conventions as in chapter loss: x outputs, t targets, w one weight for each row; the formulas are those of ℓ. Names and
definitions are Keras 3's.
"""

from __future__ import annotations

from omomi.ops.loss import EPSILON, error_of, share_of, termwise
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# Mean absolute percentage error: differences in per cent of the target's size.
#   forward   ℓ = (100/m) Σⱼ |xⱼ − tⱼ| / max(|tⱼ|, ε)         backward   ∂ℓ/∂x = 100 sign(x − t) / max(|t|, ε) / m

mean_absolute_percentage_error = termwise(
    "mean_absolute_percentage_error",
    lambda xp, x, t, *, epsilon=EPSILON: 100 * xp.abs(x - t) / xp.maximum(xp.abs(t), epsilon),
    lambda xp, x, t, *, epsilon=EPSILON: 100 * xp.sign(x - t) / xp.maximum(xp.abs(t), epsilon),
    "E = (1/M) Σₙ wₙ (100/m) Σⱼ |x − t| / max(|t|, ε)",
    "gx = gy wₙ/M 100 sign(x − t) / max(|t|, ε)/m",
)


# Mean squared logarithmic error: the ratio counts, and not the difference. Numbers below ε count as ε.
#   forward   ℓ = (1/m) Σⱼ (ln(1 + xⱼ) − ln(1 + tⱼ))²         backward   ∂ℓ/∂x = 2 (ln(1 + x) − ln(1 + t)) / (1 + x) / m


def _log_ratio(xp: Namespace, x: Array, t: Array, epsilon: float) -> Array:
    return xp.log1p(xp.maximum(x, epsilon)) - xp.log1p(xp.maximum(t, epsilon))


mean_squared_logarithmic_error = termwise(
    "mean_squared_logarithmic_error",
    lambda xp, x, t, *, epsilon=EPSILON: _log_ratio(xp, x, t, epsilon) ** 2,
    lambda xp, x, t, *, epsilon=EPSILON: xp.where(
        x > epsilon, 2 * _log_ratio(xp, x, t, epsilon) / (1 + xp.maximum(x, epsilon)), 0
    ),
    "E = (1/M) Σₙ wₙ (1/m) Σⱼ (ln(1 + x) − ln(1 + t))²",
    "gx = gy wₙ/M 2 (ln(1 + x) − ln(1 + t)) / (1 + x)/m",
)


# Cosine similarity, with a minus, so that the least is the best: of directions, whatever the lengths.
#   forward   ℓ = −x̂·t̂,   x̂ = x / ‖x‖, t̂ = t / ‖t‖          backward   ∂ℓ/∂x = −(t̂ − (x̂·t̂) x̂) / ‖x‖
# Lengths below √ε count as √ε; there x̂ = x / √ε and ∂ℓ/∂x = −t̂ / √ε.

SMALLEST_SQUARE = 1e-12


def _direction(xp: Namespace, x: Array) -> tuple[Array, Array, Array]:
    """x̂, the length that x was divided by, and whether that is x's own."""
    square = xp.sum(x * x, axis=-1, keepdims=True)
    length = xp.sqrt(xp.maximum(square, SMALLEST_SQUARE))
    return x / length, length, square >= SMALLEST_SQUARE


def cosine_similarity_forward(xp: Namespace, x: Array, t: Array, w: Array) -> tuple[Array, Saved]:
    x_hat, length, own = _direction(xp, x)
    t_hat, _, _ = _direction(xp, t)
    cosine = xp.sum(x_hat * t_hat, axis=-1)
    return error_of(xp, w, -cosine), (x_hat, t_hat, cosine, length, own, w)


def cosine_similarity_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    x_hat, t_hat, cosine, length, own, w = saved
    turned = t_hat - xp.where(own, cosine[..., None] * x_hat, 0)
    return -share_of(gy, w) * turned / length, None, None


cosine_similarity = Rule(
    "cosine_similarity",
    cosine_similarity_forward,
    cosine_similarity_backward,
    "E = −(1/M) Σₙ wₙ x̂·t̂",
    "gx = −gy wₙ/M (t̂ − (x̂·t̂) x̂) / ‖x‖",
    constants=("t", "w"),
)


# Categorical hinge: the output of the right class ahead of all others by 1, t one-hot (Crammer and Singer 2001).
#   forward   ℓ = max(0, 1 + maxⱼ (1 − tⱼ) xⱼ − Σⱼ tⱼ xⱼ)
#   backward  ∂ℓ/∂x = (1 − t) [j is the largest] − t         where ℓ > 0, else 0; several that are largest share


def categorical_hinge_forward(xp: Namespace, x: Array, t: Array, w: Array) -> tuple[Array, Saved]:
    others = (1 - t) * x
    rival = xp.max(others, axis=-1, keepdims=True)
    margin = 1 + rival - xp.sum(t * x, axis=-1, keepdims=True)
    return error_of(xp, w, xp.maximum(margin, 0)[..., 0]), (others == rival, margin > 0, t, w)


def categorical_hinge_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    largest, active, t, w = saved
    of_rivals = (1 - t) * largest / xp.sum(largest, axis=-1, keepdims=True)
    return xp.where(active, share_of(gy, w) * (of_rivals - t), 0).astype(t.dtype), None, None


categorical_hinge = Rule(
    "categorical_hinge",
    categorical_hinge_forward,
    categorical_hinge_backward,
    "E = (1/M) Σₙ wₙ max(0, 1 + max (1 − t) x − Σⱼ t x)",
    "gx = gy wₙ/M ((1 − t) [largest] − t) where active",
    constants=("t", "w"),
)
