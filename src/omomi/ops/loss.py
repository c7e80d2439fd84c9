"""Losses: one number E that says how far the output x lies from the target t.

Every rule here takes x, t and the sample weights w. A sample is one row along the last axis, so x of shape (N, m)
has N samples and w has shape (N,). With ℓₙ the loss of sample n and M the number of samples,

    E = (1/M) Σₙ wₙ ℓₙ            and so            ∂E/∂xₙ = (wₙ/M) ∂ℓₙ/∂xₙ,

which is why every backward below starts from gy wₙ/M. The formulas above the rules are those of ℓ. The floats
among x, t and w have one dtype; class indices are integers.

Names and conventions that Keras also has are those of Keras 3; ``squared_error`` is the textbook's ½ Σⱼ (xⱼ − tⱼ)².
"""

from __future__ import annotations

from collections.abc import Callable
from math import log

from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

EPSILON = 1e-7  # probabilities are kept this far from 0 and 1 before a logarithm is taken


def error_of(xp: Namespace, w: Array, losses: Array) -> Array:
    """E = (1/M) Σₙ wₙ ℓₙ; no samples give 0."""
    return xp.sum(w * losses) / max(w.size, 1)


def share_of(gy: Array, w: Array) -> Array:
    """gy wₙ/M, with a last axis of length one to multiply ∂ℓₙ/∂xₙ with."""
    return (gy * w / max(w.size, 1))[..., None]


# ---------------------------------------------------------------------------------------------------------------
# Losses that add up terms of single outputs.


def termwise(
    name: str,
    term: Callable[..., Array],
    slope: Callable[..., Array],
    formula: str,
    gradient: str,
    *,
    mean: bool = True,
    of_difference: bool = False,
) -> Rule:
    """The rule of ℓ = Σⱼ e(xⱼ, tⱼ), or of the mean over the m outputs.

    Args:
        term: e(xp, x, t, **attributes), elementwise.
        slope: ∂e/∂x, with the same arguments.
        mean: divide by m.
        of_difference: e depends on x − t alone. Then what moves x up moves t down, gt = −gx; otherwise t is constant.
    """

    def forward(xp: Namespace, x: Array, t: Array, w: Array, **attributes: float) -> tuple[Array, Saved]:
        m = max(x.shape[-1], 1) if mean else 1
        return error_of(xp, w, xp.sum(term(xp, x, t, **attributes), axis=-1) / m), (x, t, w)

    def backward(
        xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, **attributes: float
    ) -> tuple[Array | None, ...]:
        x, t, w = saved
        m = max(x.shape[-1], 1) if mean else 1
        gx = share_of(gy, w) / m * slope(xp, x, t, **attributes)
        return gx if wanted[0] else None, -gx if wanted[1] and of_difference else None, None

    return Rule(name, forward, backward, formula, gradient, constants=("w",) if of_difference else ("t", "w"))


# Squared error of the textbook: with an identity output its delta is x − t.
#   forward   ℓ = ½ Σⱼ (xⱼ − tⱼ)²                     backward   ∂ℓ/∂x = x − t

squared_error = termwise(
    "squared_error",
    lambda xp, x, t: 0.5 * (x - t) * (x - t),
    lambda xp, x, t: x - t,
    "E = (1/M) Σₙ wₙ ½ Σⱼ (x − t)²",
    "gx = gy wₙ/M (x − t), gt = −gx",
    mean=False,
    of_difference=True,
)


# Mean squared error: the mean over the m outputs, without the ½.
#   forward   ℓ = (1/m) Σⱼ (xⱼ − tⱼ)²                 backward   ∂ℓ/∂x = 2 (x − t) / m

mean_squared_error = termwise(
    "mean_squared_error",
    lambda xp, x, t: (x - t) * (x - t),
    lambda xp, x, t: 2 * (x - t),
    "E = (1/M) Σₙ wₙ (1/m) Σⱼ (x − t)²",
    "gx = gy wₙ/M 2 (x − t)/m, gt = −gx",
    of_difference=True,
)


# Mean absolute error.
#   forward   ℓ = (1/m) Σⱼ |xⱼ − tⱼ|                  backward   ∂ℓ/∂x = sign(x − t) / m       (0 where x = t)

mean_absolute_error = termwise(
    "mean_absolute_error",
    lambda xp, x, t: xp.abs(x - t),
    lambda xp, x, t: xp.sign(x - t),
    "E = (1/M) Σₙ wₙ (1/m) Σⱼ |x − t|",
    "gx = gy wₙ/M sign(x − t)/m, gt = −gx",
    of_difference=True,
)


# Huber's loss (Huber 1964, "Robust estimation of a location parameter"): a parabola near 0, straight beyond ±δ.
#   forward   ℓ = (1/m) Σⱼ h(dⱼ), d = x − t           backward   ∂ℓ/∂x = clip(d, −δ, δ) / m
#             h = ½ d²           |d| ≤ δ
#             h = δ (|d| − ½ δ)  |d| > δ              both in one, with c = min(|d|, δ):  h = c (|d| − ½ c)


def _huber_term(xp: Namespace, x: Array, t: Array, *, delta: float = 1.0) -> Array:
    size = xp.abs(x - t)
    c = xp.minimum(size, delta)
    return c * (size - 0.5 * c)


huber = termwise(
    "huber",
    _huber_term,
    lambda xp, x, t, *, delta=1.0: xp.clip(x - t, -delta, delta),
    "E = (1/M) Σₙ wₙ (1/m) Σⱼ h(x − t), h(d) = ½ d² if |d| ≤ δ else δ (|d| − ½ δ)",
    "gx = gy wₙ/M clip(x − t, −δ, δ)/m, gt = −gx",
    of_difference=True,
)


# Logarithm of the hyperbolic cosine: like ½ d² near 0, like |d| − log 2 far away, and smooth.
#   forward   ℓ = (1/m) Σⱼ log cosh(xⱼ − tⱼ)          backward   ∂ℓ/∂x = tanh(x − t) / m
#             log cosh d = |d| + log(1 + e^(−2|d|)) − log 2, in which nothing overflows


def _log_cosh_term(xp: Namespace, x: Array, t: Array) -> Array:
    size = xp.abs(x - t)
    return size + xp.log1p(xp.exp(-2 * size)) - log(2)


log_cosh = termwise(
    "log_cosh",
    _log_cosh_term,
    lambda xp, x, t: xp.tanh(x - t),
    "E = (1/M) Σₙ wₙ (1/m) Σⱼ log cosh(x − t)",
    "gx = gy wₙ/M tanh(x − t)/m, gt = −gx",
    of_difference=True,
)


# Sigmoid cross-entropy, from logits: with y = σ(x), ℓ = −(1/m) Σⱼ tⱼ log yⱼ + (1 − tⱼ) log(1 − yⱼ).
#   forward   ℓ = (1/m) Σⱼ max(x, 0) − x t + log(1 + e^(−|x|))         backward   ∂ℓ/∂x = (y − t) / m


def _sigmoid_minus_target(xp: Namespace, x: Array, t: Array) -> Array:
    e = xp.exp(-xp.abs(x))  # at most 1: σ(x) = 1/(1 + e) for x ≥ 0, e/(1 + e) below
    return xp.where(x >= 0, 1, e) / (1 + e) - t


sigmoid_cross_entropy = termwise(
    "sigmoid_cross_entropy",
    lambda xp, x, t: xp.maximum(x, 0) - x * t + xp.log1p(xp.exp(-xp.abs(x))),
    _sigmoid_minus_target,
    "E = −(1/M) Σₙ wₙ (1/m) Σⱼ t log σ(x) + (1 − t) log(1 − σ(x))",
    "gx = gy wₙ/M (σ(x) − t)/m",
)


# Binary cross-entropy, from probabilities clipped to q = min(max(x, ε), 1 − ε).
#   forward   ℓ = −(1/m) Σⱼ tⱼ log qⱼ + (1 − tⱼ) log(1 − qⱼ)
#   backward  ∂ℓ/∂x = (q − t) / (q (1 − q)) / m       where ε ≤ x ≤ 1 − ε, that is x = q; else 0


def _binary_term(xp: Namespace, x: Array, t: Array, *, epsilon: float = EPSILON) -> Array:
    q = xp.clip(x, epsilon, 1 - epsilon)
    return -(t * xp.log(q) + (1 - t) * xp.log(1 - q))


def _binary_slope(xp: Namespace, x: Array, t: Array, *, epsilon: float = EPSILON) -> Array:
    q = xp.clip(x, epsilon, 1 - epsilon)
    return xp.where(x == q, (q - t) / (q * (1 - q)), 0)


binary_cross_entropy = termwise(
    "binary_cross_entropy",
    _binary_term,
    _binary_slope,
    "E = −(1/M) Σₙ wₙ (1/m) Σⱼ t log x + (1 − t) log(1 − x), x clipped to [ε, 1 − ε]",
    "gx = gy wₙ/M (x − t)/(x (1 − x))/m",
)


# Hinge loss (Cortes and Vapnik 1995, "Support-vector networks"), for targets ±1: 0 beyond the margin.
#   forward   ℓ = (1/m) Σⱼ max(1 − tⱼ xⱼ, 0)          backward   ∂ℓ/∂x = −t / m       where t x < 1, else 0

hinge = termwise(
    "hinge",
    lambda xp, x, t: xp.maximum(1 - t * x, 0),
    lambda xp, x, t: xp.where(t * x < 1, -t, 0),
    "E = (1/M) Σₙ wₙ (1/m) Σⱼ max(1 − t x, 0)",
    "gx = gy wₙ/M (−t if t x < 1 else 0)/m",
)


# Squared hinge: the same with a penalty that starts gently.
#   forward   ℓ = (1/m) Σⱼ max(1 − tⱼ xⱼ, 0)²         backward   ∂ℓ/∂x = −2 t max(1 − t x, 0) / m

squared_hinge = termwise(
    "squared_hinge",
    lambda xp, x, t: xp.maximum(1 - t * x, 0) ** 2,
    lambda xp, x, t: -2 * t * xp.maximum(1 - t * x, 0),
    "E = (1/M) Σₙ wₙ (1/m) Σⱼ max(1 − t x, 0)²",
    "gx = −gy wₙ/M 2 t max(1 − t x, 0)/m",
)


# Kullback–Leibler divergence (1951) of the distribution t from x, both clipped to [ε, 1].
#   forward   ℓ = Σⱼ tⱼ log(tⱼ / xⱼ)                  backward   ∂ℓ/∂x = −t / x       where ε ≤ x ≤ 1, else 0


def _divergence_term(xp: Namespace, x: Array, t: Array, *, epsilon: float = EPSILON) -> Array:
    p, q = xp.clip(t, epsilon, 1), xp.clip(x, epsilon, 1)
    return p * xp.log(p / q)


def _divergence_slope(xp: Namespace, x: Array, t: Array, *, epsilon: float = EPSILON) -> Array:
    p, q = xp.clip(t, epsilon, 1), xp.clip(x, epsilon, 1)
    return xp.where(x == q, -p / q, 0)


kl_divergence = termwise(
    "kl_divergence",
    _divergence_term,
    _divergence_slope,
    "E = (1/M) Σₙ wₙ Σⱼ t log(t / x), both clipped to [ε, 1]",
    "gx = −gy wₙ/M t/x",
    mean=False,
)


# Poisson loss: the negative log-likelihood of the counts t under the rates x, without the term of t alone.
#   forward   ℓ = (1/m) Σⱼ xⱼ − tⱼ log(xⱼ + ε)        backward   ∂ℓ/∂x = (1 − t / (x + ε)) / m

poisson = termwise(
    "poisson",
    lambda xp, x, t, *, epsilon=EPSILON: x - t * xp.log(x + epsilon),
    lambda xp, x, t, *, epsilon=EPSILON: 1 - t / (x + epsilon),
    "E = (1/M) Σₙ wₙ (1/m) Σⱼ x − t log(x + ε)",
    "gx = gy wₙ/M (1 − t/(x + ε))/m",
)


# ---------------------------------------------------------------------------------------------------------------
# Losses in which the outputs of a sample compete.


def _softmax(xp: Namespace, x: Array) -> tuple[Array, Array]:
    """y = softmax x and log y = (x − c) − log Σ e^(x − c), with c = max x so that nothing overflows."""
    shifted = x - xp.max(x, axis=-1, keepdims=True)
    powers = xp.exp(shifted)
    total = xp.sum(powers, axis=-1, keepdims=True)
    return powers / total, shifted - xp.log(total)


def _pick(xp: Namespace, x: Array, t: Array) -> Array:
    """The entry x_t of each row."""
    return xp.take_along_axis(x, t[..., None], axis=-1)[..., 0]


# Softmax cross-entropy: y = softmax x; t is one-hot or soft, of x's shape.
#   forward   ℓ = −Σⱼ tⱼ log yⱼ                       backward   ∂ℓ/∂x = (Σₖ tₖ) y − t
# since ∂ log yₖ/∂xⱼ = [k = j] − yⱼ; where the row of t sums to one this is y − t.


def softmax_cross_entropy_forward(xp: Namespace, x: Array, t: Array, w: Array) -> tuple[Array, Saved]:
    y, log_y = _softmax(xp, x)
    return error_of(xp, w, -xp.sum(t * log_y, axis=-1)), (y, t, w)


def softmax_cross_entropy_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    y, t, w = saved
    return share_of(gy, w) * (xp.sum(t, axis=-1, keepdims=True) * y - t), None, None


softmax_cross_entropy = Rule(
    "softmax_cross_entropy",
    softmax_cross_entropy_forward,
    softmax_cross_entropy_backward,
    "E = −(1/M) Σₙ wₙ Σⱼ t log softmax(x)",
    "gx = gy wₙ/M (softmax(x) Σⱼ t − t)",
    constants=("t", "w"),
)


# The same with class indices: t has one integer per sample, which stands for the one-hot row.
#   forward   ℓ = −log y_t                            backward   ∂ℓ/∂xⱼ = yⱼ − [j = t]


def sparse_softmax_cross_entropy_forward(xp: Namespace, x: Array, t: Array, w: Array) -> tuple[Array, Saved]:
    y, log_y = _softmax(xp, x)
    return error_of(xp, w, -_pick(xp, log_y, t)), (y, t, w)


def sparse_softmax_cross_entropy_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted
) -> tuple[Array | None, ...]:
    y, t, w = saved
    return share_of(gy, w) * xp.where(t[..., None] == xp.arange(y.shape[-1]), y - 1, y), None, None


sparse_softmax_cross_entropy = Rule(
    "sparse_softmax_cross_entropy",
    sparse_softmax_cross_entropy_forward,
    sparse_softmax_cross_entropy_backward,
    "E = −(1/M) Σₙ wₙ log softmax(x)ₜ",
    "gx = gy wₙ/M (softmax(x) − onehot(t))",
    constants=("t", "w"),
)


# Categorical cross-entropy: each row is scaled to sum to one, p = x / s with s = Σⱼ xⱼ, and q = clip(p, ε, 1 − ε).
#   forward   ℓ = −Σⱼ tⱼ log qⱼ
#   backward  ∂ℓ/∂x = (gp − Σⱼ gpⱼ pⱼ) / s,  since ∂pⱼ/∂xₖ = ([j = k] − pⱼ) / s,
#             with gp = ∂ℓ/∂p = −t / q  where ε ≤ p ≤ 1 − ε, that is p = q; else 0


def probabilities(xp: Namespace, x: Array, epsilon: float) -> tuple[Array, Array, Array]:
    s = xp.sum(x, axis=-1, keepdims=True)
    p = x / s
    return s, p, xp.clip(p, epsilon, 1 - epsilon)


def through_scaling(xp: Namespace, s: Array, p: Array, gp: Array) -> Array:
    """From ∂ℓ/∂p to ∂ℓ/∂x through p = x / Σ x."""
    return (gp - xp.sum(gp * p, axis=-1, keepdims=True)) / s


def categorical_cross_entropy_forward(
    xp: Namespace, x: Array, t: Array, w: Array, *, epsilon: float = EPSILON
) -> tuple[Array, Saved]:
    s, p, q = probabilities(xp, x, epsilon)
    return error_of(xp, w, -xp.sum(t * xp.log(q), axis=-1)), (s, p, q, t, w)


def categorical_cross_entropy_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, epsilon: float = EPSILON
) -> tuple[Array | None, ...]:
    s, p, q, t, w = saved
    gp = xp.where(p == q, -t / q, 0)
    return share_of(gy, w) * through_scaling(xp, s, p, gp), None, None


categorical_cross_entropy = Rule(
    "categorical_cross_entropy",
    categorical_cross_entropy_forward,
    categorical_cross_entropy_backward,
    "E = −(1/M) Σₙ wₙ Σⱼ t log p, p = x / Σⱼ x clipped to [ε, 1 − ε]",
    "gx = gy wₙ/M (gp − Σⱼ gp p) / Σⱼ x, gp = −t/p",
    constants=("t", "w"),
)


# The same with class indices.
#   forward   ℓ = −log q_t                            backward   gpⱼ = −[j = t] / qⱼ, and on as above


def sparse_categorical_cross_entropy_forward(
    xp: Namespace, x: Array, t: Array, w: Array, *, epsilon: float = EPSILON
) -> tuple[Array, Saved]:
    s, p, q = probabilities(xp, x, epsilon)
    return error_of(xp, w, -xp.log(_pick(xp, q, t))), (s, p, q, t, w)


def sparse_categorical_cross_entropy_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, epsilon: float = EPSILON
) -> tuple[Array | None, ...]:
    s, p, q, t, w = saved
    gp = xp.where((t[..., None] == xp.arange(p.shape[-1])) & (p == q), -1 / q, 0)
    return share_of(gy, w) * through_scaling(xp, s, p, gp), None, None


sparse_categorical_cross_entropy = Rule(
    "sparse_categorical_cross_entropy",
    sparse_categorical_cross_entropy_forward,
    sparse_categorical_cross_entropy_backward,
    "E = −(1/M) Σₙ wₙ log pₜ, p = x / Σⱼ x clipped to [ε, 1 − ε]",
    "gx = gy wₙ/M (gp − Σⱼ gp p) / Σⱼ x, gp = −onehot(t)/p",
    constants=("t", "w"),
)
