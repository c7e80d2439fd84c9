"""Activations: from the pre-activation u to the unit's output z = f(u). Rules call them x and y.

Two things recur. An exponential is taken only of a number that is not positive, or is cut off, so that it never
overflows (a ``where`` around it would not help: it computes both its branches). And a derivative is written in y where
that is shorter, so that y is all that has to be saved.
"""

from __future__ import annotations

from math import pi, sqrt

from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# Identity: the output layer of a regression.
#   forward   y = x                 backward   gx = gy


def identity_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    return x, ()


def identity_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    return (gy,)


identity = Rule("identity", identity_forward, identity_backward, "y = x", "gx = gy")


# Step: the perceptron's unit (Rosenblatt 1958), which fires or does not.
#   forward   y = 1 if x > 0 else 0                    backward   gx = 0
#
# Its derivative is 0 wherever there is one, so no delta passes and nothing below it learns by gradients. That is why
# differentiable activations took its place.


def step_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    return (x > 0).astype(x.dtype), ()


def step_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    return (xp.zeros_like(gy),)


step = Rule("step", step_forward, step_backward, "y = 1 if x > 0 else 0", "gx = 0")


# Sigmoid, the logistic function: a probability from log odds. The output layer of a two-class classifier.
#   forward   y = 1 / (1 + e⁻ˣ)             backward   gx = gy y (1 − y)              never more than gy / 4
#               = eˣ / (1 + eˣ)                        the form for x < 0, where e⁻ˣ would overflow
#               = e^min(x, 0) / (1 + e^−|x|)           both in one


def sigmoid_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    y = _logistic(xp, x)
    return y, (y,)


def _logistic(xp: Namespace, x: Array) -> Array:
    return xp.exp(xp.minimum(x, 0)) / (1 + xp.exp(-xp.abs(x)))


def sigmoid_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    (y,) = saved
    return (gy * (y * (1 - y)),)


sigmoid = Rule("sigmoid", sigmoid_forward, sigmoid_backward, "y = 1 / (1 + e⁻ˣ)", "gx = gy y (1 − y)")


# Hyperbolic tangent: the sigmoid stretched to (−1, 1), so that hidden outputs are centred on zero.
#   forward   y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)             backward   gx = gy (1 − y²)


def tanh_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    y = xp.tanh(x)
    return y, (y,)


def tanh_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    (y,) = saved
    return (gy * (1 - y * y),)


tanh = Rule("tanh", tanh_forward, tanh_backward, "y = tanh x", "gx = gy (1 − y²)")


# ReLU, the rectified linear unit (Nair and Hinton, ICML 2010): the usual hidden unit of deep networks. It does not
# saturate for x > 0. At its kink, x = 0, the derivative is taken as 0.
#   forward   y = max(x, 0)                 backward   gx = gy [x > 0] = gy [y > 0]


def relu_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    y = xp.maximum(x, 0)
    return y, (y,)


def relu_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    (y,) = saved
    return (gy * (y > 0),)


relu = Rule("relu", relu_forward, relu_backward, "y = max(x, 0)", "gx = gy if x > 0 else 0")


# ReLU6 (Krizhevsky 2010, "Convolutional deep belief networks on CIFAR-10"): cut off at 6, for arithmetic of few bits.
#   forward   y = min(max(x, 0), 6)         backward   gx = gy [0 < x < 6] = gy [0 < y < 6]


def relu6_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    y = xp.minimum(xp.maximum(x, 0), 6)
    return y, (y,)


def relu6_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    (y,) = saved
    return (gy * ((y > 0) & (y < 6)),)


relu6 = Rule("relu6", relu6_forward, relu6_backward, "y = min(max(x, 0), 6)", "gx = gy if 0 < x < 6 else 0")


# Leaky ReLU (Maas et al., ICML 2013): a small slope α for x ≤ 0, so that no unit is dead for good.
#   forward   y = x if x > 0 else α x       backward   gx = gy if x > 0 else α gy
#               = max(x, 0) + α min(x, 0)


def leaky_relu_forward(xp: Namespace, x: Array, *, alpha: float = 0.01) -> tuple[Array, Saved]:
    return xp.maximum(x, 0) + alpha * xp.minimum(x, 0), (x > 0,)


def leaky_relu_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, alpha: float = 0.01
) -> tuple[Array, ...]:
    (positive,) = saved
    return (xp.where(positive, gy, alpha * gy),)


leaky_relu = Rule(
    "leaky_relu", leaky_relu_forward, leaky_relu_backward, "y = x if x > 0 else α x", "gx = gy if x > 0 else α gy"
)


# PReLU (He et al. 2015, arXiv:1502.01852): the leaky ReLU with a learned slope α, which broadcasts over the batch.
#   forward   y = x if x > 0 else α x       backward   gx = gy if x > 0 else α gy
#                                                      gα = gy min(x, 0)


def prelu_forward(xp: Namespace, x: Array, alpha: Array) -> tuple[Array, Saved]:
    return xp.maximum(x, 0) + alpha * xp.minimum(x, 0), (x, alpha)


def prelu_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    x, alpha = saved
    return (
        xp.where(x > 0, gy, alpha * gy) if wanted[0] else None,
        gy * xp.minimum(x, 0) if wanted[1] else None,
    )


prelu = Rule(
    "prelu",
    prelu_forward,
    prelu_backward,
    "y = x if x > 0 else α x",
    "gx = gy if x > 0 else α gy, gα = gy min(x, 0)",
)


# ELU (Clevert et al. 2015, arXiv:1511.07289): the identity for x > 0, and a soft floor of −α below.
#   forward   y = x                 x > 0        backward   gx = gy             x > 0
#             y = α (eˣ − 1)        x ≤ 0                   gx = gy (y + α)     x ≤ 0      since α eˣ = y + α
#               = max(x, 0) + α (e^min(x, 0) − 1)         since one of the two terms is always 0


def elu_forward(xp: Namespace, x: Array, *, alpha: float = 1.0) -> tuple[Array, Saved]:
    y = xp.maximum(x, 0) + alpha * xp.expm1(xp.minimum(x, 0))
    return y, (x > 0, y)


def elu_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, alpha: float = 1.0) -> tuple[Array, ...]:
    positive, y = saved
    return (xp.where(positive, gy, gy * (y + alpha)),)


elu = Rule("elu", elu_forward, elu_backward, "y = x if x > 0 else α(eˣ − 1)", "gx = gy if x > 0 else gy (y + α)")


# SELU (Klambauer et al. 2017, arXiv:1706.02515): λ ELU with the λ and α for which outputs of mean 0 and variance 1
# keep them from layer to layer.
#   forward   y = λ x               x > 0        backward   gx = λ gy           x > 0
#             y = λ α (eˣ − 1)      x ≤ 0                   gx = gy (y + λ α)   x ≤ 0

SELU_SCALE = 1.0507009873554805  # λ
SELU_ALPHA = 1.6732632423543772  # α


def selu_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    y = SELU_SCALE * xp.maximum(x, 0) + SELU_SCALE * SELU_ALPHA * xp.expm1(xp.minimum(x, 0))
    return y, (y,)


def selu_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    (y,) = saved
    return (xp.where(y > 0, SELU_SCALE * gy, gy * (y + SELU_SCALE * SELU_ALPHA)),)


selu = Rule(
    "selu", selu_forward, selu_backward, "y = λ (x if x > 0 else α(eˣ − 1))", "gx = λ gy if x > 0 else gy (y + λα)"
)


# Softplus: the smooth ReLU, whose derivative is the sigmoid.
#   forward   y = ln(1 + eˣ)                backward   gx = gy / (1 + e⁻ˣ)
#               = max(x, 0) + ln(1 + e^−|x|)


def softplus_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x))), (x,)


def softplus_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    (x,) = saved
    return (gy * _logistic(xp, x),)


softplus = Rule("softplus", softplus_forward, softplus_backward, "y = ln(1 + eˣ)", "gx = gy / (1 + e⁻ˣ)")


# Softsign (Glorot and Bengio, AISTATS 2010): like tanh, with tails that saturate more slowly.
#   forward   y = x / (1 + |x|)             backward   gx = gy / (1 + |x|)²


def softsign_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    d = 1 + xp.abs(x)
    return x / d, (d,)


def softsign_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    (d,) = saved
    return (gy / (d * d),)


softsign = Rule("softsign", softsign_forward, softsign_backward, "y = x / (1 + |x|)", "gx = gy / (1 + |x|)²")


# Swish, also called SiLU (Ramachandran et al. 2017, arXiv:1710.05941): x times its own sigmoid.
#   forward   y = x σ,  σ = 1 / (1 + e⁻ˣ)   backward   gx = gy (σ + x σ (1 − σ)) = gy (σ + y (1 − σ))


def swish_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    sigma = _logistic(xp, x)
    y = x * sigma
    return y, (sigma, y)


def swish_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    sigma, y = saved
    return (gy * (sigma + y * (1 - sigma)),)


swish = Rule("swish", swish_forward, swish_backward, "y = x σ, σ = 1 / (1 + e⁻ˣ)", "gx = gy (σ + y (1 − σ))")


# Mish (Misra 2019, arXiv:1908.08681)
#   forward   y = x t,  t = tanh(ln(1 + eˣ))           backward   gx = gy (t + x (1 − t²) σ),  σ = eˣ / (1 + eˣ)
#
# With e = eˣ, t = ((1 + e)² − 1) / ((1 + e)² + 1) = n / (n + 2), n = e (e + 2). From x = 20 on it is 1 to the last
# digit, so x is cut off there.


def mish_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    e = xp.exp(xp.minimum(x, 20))
    n = e * (e + 2)
    t = n / (n + 2)
    return x * t, (x, e, t)


def mish_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    x, e, t = saved
    return (gy * (t + x * (1 - t * t) * e / (1 + e)),)


mish = Rule("mish", mish_forward, mish_backward, "y = x t, t = tanh(ln(1 + eˣ))", "gx = gy (t + x (1 − t²) σ)")


# GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415): x times the probability Φ(x) that a standard normal number is
# smaller than x; φ is its density.
#   forward   y = x Φ(x)                    backward   gx = gy (Φ(x) + x φ(x))
#             Φ(x) = ½ (1 + erf(x / √2))               φ(x) = exp(−x²/2) / √(2π)
#
# The approximation of the same paper, by a tanh (``approximate=True``):
#             Φ(x) ≈ ½ (1 + t),  t = tanh(√(2/π) (x + 0.044715 x³))
#             φ(x) ≈ ½ (1 − t²) √(2/π) (1 + 3 · 0.044715 x²)


def gelu_forward(xp: Namespace, x: Array, *, approximate: bool = False) -> tuple[Array, Saved]:
    if approximate:
        t = xp.tanh(sqrt(2 / pi) * x * (1 + 0.044715 * x * x))
        probability = 0.5 * (1 + t)
        density = 0.5 * (1 - t * t) * (sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x))
    else:
        probability = 0.5 * (1 + xp.erf(x * sqrt(0.5)))
        density = xp.exp(-0.5 * x * x) * (1 / sqrt(2 * pi))
    return x * probability, (x, probability, density)


def gelu_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, approximate: bool = False
) -> tuple[Array, ...]:
    x, probability, density = saved
    return (gy * (probability + x * density),)


gelu = Rule("gelu", gelu_forward, gelu_backward, "y = x Φ(x)", "gx = gy (Φ(x) + x φ(x))")


# Hard sigmoid: the sigmoid of straight lines (Howard et al. 2019, arXiv:1905.02244).
#   forward   y = min(max(x + 3, 0), 6) / 6            backward   gx = gy / 6 [−3 < x < 3] = gy / 6 [0 < y < 1]


def hard_sigmoid_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    y = xp.minimum(xp.maximum(x + 3, 0), 6) / 6
    return y, (y,)


def hard_sigmoid_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    (y,) = saved
    return (gy / 6 * ((y > 0) & (y < 1)),)


hard_sigmoid = Rule(
    "hard_sigmoid",
    hard_sigmoid_forward,
    hard_sigmoid_backward,
    "y = min(max(x + 3, 0), 6) / 6",
    "gx = gy / 6 if −3 < x < 3 else 0",
)


# Softmax: a distribution over the m classes of an axis, from their scores. Every yⱼ depends on every xᵢ:
# ∂yⱼ/∂xᵢ = yⱼ ([i = j] − yᵢ).
#   forward   yᵢ = exp xᵢ / Σⱼ exp xⱼ       backward   gxᵢ = Σⱼ gyⱼ ∂yⱼ/∂xᵢ = yᵢ (gyᵢ − Σⱼ gyⱼ yⱼ)
#
# A number subtracted from all x changes nothing; it is the largest, so that no exponent is positive.


def softmax_forward(xp: Namespace, x: Array, *, axis: int = -1) -> tuple[Array, Saved]:
    e = xp.exp(x - x.max(axis=axis, keepdims=True))
    y = e / e.sum(axis=axis, keepdims=True)
    return y, (y,)


def softmax_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: int = -1) -> tuple[Array, ...]:
    (y,) = saved
    return (y * (gy - (gy * y).sum(axis=axis, keepdims=True)),)


softmax = Rule("softmax", softmax_forward, softmax_backward, "yᵢ = exp xᵢ / Σⱼ exp xⱼ", "gxᵢ = yᵢ (gyᵢ − Σⱼ gyⱼ yⱼ)")


# Log-softmax: the logarithm of the softmax p, exact where p itself would round to 0.
#   forward   yᵢ = xᵢ − ln Σⱼ exp xⱼ        backward   gxᵢ = gyᵢ − pᵢ Σⱼ gyⱼ,  p = exp y


def log_softmax_forward(xp: Namespace, x: Array, *, axis: int = -1) -> tuple[Array, Saved]:
    z = x - x.max(axis=axis, keepdims=True)
    y = z - xp.log(xp.exp(z).sum(axis=axis, keepdims=True))
    return y, (y,)


def log_softmax_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: int = -1
) -> tuple[Array, ...]:
    (y,) = saved
    return (gy - xp.exp(y) * gy.sum(axis=axis, keepdims=True),)


log_softmax = Rule(
    "log_softmax", log_softmax_forward, log_softmax_backward, "yᵢ = xᵢ − ln Σⱼ exp xⱼ", "gxᵢ = gyᵢ − pᵢ Σⱼ gyⱼ"
)
