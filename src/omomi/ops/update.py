"""How optimisers move a parameter: one rule each, written as the algorithm box of its paper.

    p   the parameter              g   its gradient                 t   the number of the step, from 1 on
    η   the rate: a number, or an array that broadcasts against p (one rate per unit scales the columns of a kernel)
    slots are carried from step to step and start from the number beside their name

Names, defaults and the place of ε are those of Keras 3; where a paper has it otherwise, the comment says so. ε only
keeps the division finite. Products and roots are entry by entry. What p, g and the slots hold, in float32 say, stays
in that dtype, whatever t and η come in.
"""

from __future__ import annotations

from math import inf, log

from omomi.ops.rule import Array, Namespace, UpdateRule

Slots = tuple[Array, ...]


def in_dtype_of(xp: Namespace, p: Array, number: Array) -> Array:
    """t or η in the dtype of p: a float64 scalar would otherwise turn a float32 parameter into float64."""
    return xp.asarray(number).astype(p.dtype)


def one_minus_power(xp: Namespace, beta: float, t: Array) -> Array:
    """1 − βᵗ, which starts near 0: as −(e^(t ln β) − 1), so that no digits cancel in float32."""
    return -xp.expm1(t * (log(beta) if beta > 0 else -inf))


# Stochastic gradient descent (Robbins and Monro 1951): a step down the slope.
#   p ← p − η g


def sgd_step(xp: Namespace, p: Array, g: Array, slots: Slots, t: Array, rate: Array) -> tuple[Array, Slots]:
    rate = in_dtype_of(xp, p, rate)
    return -rate * g + p, ()  # this way round NumPy adds p into the product and needs no third array


sgd = UpdateRule("sgd", sgd_step, (), "p ← p − η g")


# Momentum (Polyak 1964): a ball with velocity v that rolls down the slope under friction α.
#   v ← α v − η g
#   p ← p + v
# η is inside v, so a change of η acts from now on only. At a constant g, v tends to −η g / (1 − α).


def momentum_step(
    xp: Namespace, p: Array, g: Array, slots: Slots, t: Array, rate: Array, *, momentum: float = 0.9
) -> tuple[Array, Slots]:
    rate = in_dtype_of(xp, p, rate)
    (v,) = slots
    v = momentum * v - rate * g
    return p + v, (v,)


momentum = UpdateRule("momentum", momentum_step, (("velocity", 0.0),), "v ← α v − η g, p ← p + v")


# Nesterov's momentum (Nesterov 1983; Sutskever, Martens, Dahl, Hinton 2013): the gradient is taken where the velocity
# will have carried the parameter. Here p is that point, p = θ + α v, so that its gradient is the one at hand
# (Bengio, Boulanger-Lewandowski, Pascanu 2012, arXiv:1212.0901):
#   v ← α v − η g
#   p ← p + α v − η g


def nesterov_step(
    xp: Namespace, p: Array, g: Array, slots: Slots, t: Array, rate: Array, *, momentum: float = 0.9
) -> tuple[Array, Slots]:
    rate = in_dtype_of(xp, p, rate)
    (v,) = slots
    downhill = rate * g
    v = momentum * v - downhill
    return p + momentum * v - downhill, (v,)


nesterov = UpdateRule("nesterov", nesterov_step, (("velocity", 0.0),), "v ← α v − η g, p ← p + α v − η g")


# AdaGrad (Duchi, Hazan, Singer, JMLR 12, 2011): a rate of its own for every entry, which only falls.
#   h ← h + g²
#   p ← p − η g / √(h + ε)
# h starts from 0.1, as in Keras, so that the first steps are not all of size η.


def adagrad_step(
    xp: Namespace, p: Array, g: Array, slots: Slots, t: Array, rate: Array, *, epsilon: float = 1e-7
) -> tuple[Array, Slots]:
    rate = in_dtype_of(xp, p, rate)
    (h,) = slots
    h = h + g * g
    return p - rate * g / xp.sqrt(h + epsilon), (h,)


adagrad = UpdateRule("adagrad", adagrad_step, (("accumulator", 0.1),), "h ← h + g², p ← p − η g / √(h + ε)")


# RMSProp (Tieleman and Hinton 2012, lecture 6e; centred, with momentum: Graves 2013, arXiv:1308.0850): AdaGrad that
# forgets, by a running mean of g² in place of the sum.
#   s ← ρ s + (1 − ρ) g²
#   m ← ρ m + (1 − ρ) g                             if centred, else m = 0
#   v ← α v + η g / √(s − m² + ε)                   s − m²: the variance of the gradient
#   p ← p − v
# ε is inside the root, as in Graves and Keras.


def rmsprop_step(
    xp: Namespace,
    p: Array,
    g: Array,
    slots: Slots,
    t: Array,
    rate: Array,
    *,
    rho: float = 0.9,
    momentum: float = 0.0,
    epsilon: float = 1e-7,
    centered: bool = False,
) -> tuple[Array, Slots]:
    rate = in_dtype_of(xp, p, rate)
    s, m, v = slots
    s = rho * s + (1 - rho) * g * g
    m = rho * m + (1 - rho) * g if centered else m
    v = momentum * v + rate * g / xp.sqrt((s - m * m if centered else s) + epsilon)
    return p - v, (s, m, v)


rmsprop = UpdateRule(
    "rmsprop",
    rmsprop_step,
    (("mean_square", 0.0), ("mean", 0.0), ("velocity", 0.0)),
    "s ← ρ s + (1 − ρ) g², v ← α v + η g / √(s + ε), p ← p − v",
)


# AdaDelta (Zeiler 2012, arXiv:1212.5701): the step in the units of the parameter, from the sizes of past steps.
#   s ← ρ s + (1 − ρ) g²
#   Δ = −√(u + ε) / √(s + ε) · g
#   u ← ρ u + (1 − ρ) Δ²
#   p ← p + η Δ                                     η = 1 in the paper


def adadelta_step(
    xp: Namespace,
    p: Array,
    g: Array,
    slots: Slots,
    t: Array,
    rate: Array,
    *,
    rho: float = 0.95,
    epsilon: float = 1e-7,
) -> tuple[Array, Slots]:
    rate = in_dtype_of(xp, p, rate)
    s, u = slots
    s = rho * s + (1 - rho) * g * g
    move = -xp.sqrt((u + epsilon) / (s + epsilon)) * g
    u = rho * u + (1 - rho) * move * move
    return p + rate * move, (s, u)


adadelta = UpdateRule(
    "adadelta",
    adadelta_step,
    (("mean_square_gradient", 0.0), ("mean_square_move", 0.0)),
    "s ← ρ s + (1 − ρ) g², Δ = −√(u + ε)/√(s + ε) g, u ← ρ u + (1 − ρ) Δ², p ← p + η Δ",
)


# Adam (Kingma and Ba 2015, arXiv:1412.6980): momentum over RMSProp, both freed of their start from 0.
#   m ← β₁ m + (1 − β₁) g
#   v ← β₂ v + (1 − β₂) g²
#   ηₜ = η √(1 − β₂ᵗ) / (1 − β₁ᵗ)
#   p ← p − ηₜ m / (√v + ε̂)
# This is the order of the paper's section 2, whose ε̂ stands beside √v; algorithm 1 has √v̂ + ε with
# v̂ = v / (1 − β₂ᵗ), so ε̂ = ε √(1 − β₂ᵗ).


def adam_step(
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
    rate = rate * xp.sqrt(one_minus_power(xp, beta_2, t)) / one_minus_power(xp, beta_1, t)
    return p - rate * m / (xp.sqrt(v) + epsilon), (m, v)


adam = UpdateRule(
    "adam",
    adam_step,
    (("mean", 0.0), ("mean_square", 0.0)),
    "m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², p ← p − η √(1 − β₂ᵗ)/(1 − β₁ᵗ) m / (√v + ε)",
)


# AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101): the decay of the weights beside Adam's step, not inside g.
#   p ← p − η λ p
#   p ← Adam(p, g)
# As in Keras the decay is scaled by η; the paper scales it by the schedule alone, so its λ is η λ here.


def adamw_step(
    xp: Namespace,
    p: Array,
    g: Array,
    slots: Slots,
    t: Array,
    rate: Array,
    *,
    weight_decay: float = 0.004,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> tuple[Array, Slots]:
    rate = in_dtype_of(xp, p, rate)
    p = p - rate * weight_decay * p
    return adam_step(xp, p, g, slots, t, rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)


adamw = UpdateRule("adamw", adamw_step, (("mean", 0.0), ("mean_square", 0.0)), "p ← p − η λ p, then a step of Adam")


# AMSGrad (Reddi, Kale, Kumar 2018, arXiv:1904.09237): Adam whose denominator never falls, so that rates never rise.
#   m ← β₁ m + (1 − β₁) g
#   v ← β₂ v + (1 − β₂) g²
#   w ← max(w, v)
#   p ← p − ηₜ m / (√w + ε̂)                         ηₜ as in Adam; the paper has η / √t without the correction


def amsgrad_step(
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
    m, v, w = slots
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    w = xp.maximum(w, v)
    rate = rate * xp.sqrt(one_minus_power(xp, beta_2, t)) / one_minus_power(xp, beta_1, t)
    return p - rate * m / (xp.sqrt(w) + epsilon), (m, v, w)


amsgrad = UpdateRule(
    "amsgrad",
    amsgrad_step,
    (("mean", 0.0), ("mean_square", 0.0), ("largest_mean_square", 0.0)),
    "m, v as in Adam, w ← max(w, v), p ← p − η √(1 − β₂ᵗ)/(1 − β₁ᵗ) m / (√w + ε)",
)


# Nadam (Dozat 2016, ICLR workshop): Adam with Nesterov's momentum, the coming step's momentum already in this one.
#   μᵢ = β₁ (1 − ½ 0.96ⁱ)                           the momentum grows toward β₁; in the paper 0.96^(i/250)
#   Πₜ = μ₁ μ₂ … μₜ
#   m ← β₁ m + (1 − β₁) g
#   v ← β₂ v + (1 − β₂) g²
#   m̂ = μₜ₊₁ m / (1 − Πₜ₊₁) + (1 − μₜ) g / (1 − Πₜ)
#   p ← p − η m̂ / (√(v / (1 − β₂ᵗ)) + ε)
# No slot is needed for Πₜ = β₁ᵗ Π (1 − ½ 0.96ⁱ): after 1,000 factors the next ones are 1 in double precision.


def nadam_step(
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
    i = xp.arange(1, 1001, dtype=p.dtype)
    product = beta_1**t * xp.prod(xp.where(i <= t, 1 - 0.5 * 0.96**i, 1))
    now, coming = beta_1 * (1 - 0.5 * 0.96**t), beta_1 * (1 - 0.5 * 0.96 ** (t + 1))
    m, v = slots
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g * g
    m_hat = coming / (1 - product * coming) * m + (1 - now) / (1 - product) * g
    v_hat = v / one_minus_power(xp, beta_2, t)
    return p - rate * m_hat / (xp.sqrt(v_hat) + epsilon), (m, v)


nadam = UpdateRule(
    "nadam",
    nadam_step,
    (("mean", 0.0), ("mean_square", 0.0)),
    "m, v as in Adam, m̂ = μₜ₊₁ m / (1 − Πₜ₊₁) + (1 − μₜ) g / (1 − Πₜ), p ← p − η m̂ / (√v̂ + ε)",
)


# Adamax (Kingma and Ba 2015, section 7.1): Adam with the largest |g|, fading, in place of the root mean square.
#   m ← β₁ m + (1 − β₁) g
#   u ← max(β₂ u, |g|)
#   p ← p − η / (1 − β₁ᵗ) · m / (u + ε)             the paper has no ε


def adamax_step(
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
    m, u = slots
    m = beta_1 * m + (1 - beta_1) * g
    u = xp.maximum(beta_2 * u, xp.abs(g))
    return p - rate / one_minus_power(xp, beta_1, t) * m / (u + epsilon), (m, u)


adamax = UpdateRule(
    "adamax",
    adamax_step,
    (("mean", 0.0), ("largest", 0.0)),
    "m ← β₁ m + (1 − β₁) g, u ← max(β₂ u, |g|), p ← p − η / (1 − β₁ᵗ) m / (u + ε)",
)


# Lion (Chen et al. 2023, arXiv:2302.06675): every entry moves by exactly η, in the direction of a mixed momentum.
#   c = β₁ m + (1 − β₁) g
#   p ← p − η (sign c + λ p)
#   m ← β₂ m + (1 − β₂) g


def lion_step(
    xp: Namespace,
    p: Array,
    g: Array,
    slots: Slots,
    t: Array,
    rate: Array,
    *,
    weight_decay: float = 0.0,
    beta_1: float = 0.9,
    beta_2: float = 0.99,
) -> tuple[Array, Slots]:
    rate = in_dtype_of(xp, p, rate)
    (m,) = slots
    direction = xp.sign(beta_1 * m + (1 - beta_1) * g)
    m = beta_2 * m + (1 - beta_2) * g
    return p - rate * (direction + weight_decay * p), (m,)


lion = UpdateRule(
    "lion", lion_step, (("mean", 0.0),), "p ← p − η (sign(β₁ m + (1 − β₁) g) + λ p), m ← β₂ m + (1 − β₂) g"
)
