"""Normalisations: numbers centred and scaled by their own mean and variance, then given a learned scale γ and shift β.

They differ in which numbers share a mean: a channel over the batch (batch normalisation), a sample (layer and root mean
square normalisation), or a group of channels of a sample (group normalisation).

In batch normalisation a channel is an entry of the last axis; means and sums run over all other axes: over N for
(N, D), over N, H and W for (N, H, W, C). M is how many numbers a channel has; in the code x is the matrix (M, C).
"""

from __future__ import annotations

from functools import reduce
from math import prod
from operator import add

from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# Batch normalisation in training (Ioffe and Szegedy 2015, arXiv:1502.03167)
#   forward   μ = 1/M Σ x         σ² = 1/M Σ (x − μ)²         x̂ = (x − μ) / √(σ² + ε)         y = γ x̂ + β
#
#   backward  step by step, from y to x. x reaches y by three routes: directly, through σ² and through μ.
#             gγ = Σ gy x̂                          gβ = Σ gy
#             ∂L/∂x̂  = gy γ
#             ∂L/∂σ² = Σ ∂L/∂x̂ (x − μ) · (−½) (σ² + ε)^(−3/2)
#             ∂L/∂μ  = Σ ∂L/∂x̂ · (−1) / √(σ² + ε)            the route through x̂
#                    + ∂L/∂σ² · 1/M Σ −2 (x − μ)              the route through σ²: zero, since Σ (x − μ) = 0
#             gx     = ∂L/∂x̂ / √(σ² + ε) + ∂L/∂σ² · 2 (x − μ) / M + ∂L/∂μ / M
#
#             Put in, with (x − μ) = x̂ √(σ² + ε), the three terms share a factor. The closed form, as in the code:
#             gx     = γ / √(σ² + ε) · (gy − gβ/M − x̂ · gγ/M)
#
#   The running statistics, for inference, follow those of the batches (σ² stays the biased one):
#             μ' = m μ_running + (1 − m) μ                      σ²' = m σ²_running + (1 − m) σ²
#   They are outputs, which the layer keeps. A loss does not look at them; if one did, it would add
#             gx    += (1 − m)/M (gμ' + 2 (x − μ) gσ²')


def batch_normalization_forward(
    xp: Namespace,
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_variance: Array,
    *,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
) -> tuple[tuple[Array, Array, Array], Saved]:
    shape, count = x.shape, prod(x.shape[:-1])
    x = x.reshape(count, shape[-1])
    mean = xp.einsum("mc->c", x) / count
    centred = x - mean
    variance = xp.einsum("mc,mc->c", centred, centred) / count
    deviation = xp.sqrt(variance + epsilon)
    x_hat = centred / deviation
    y = gamma * x_hat + beta
    new_mean = momentum * running_mean + (1 - momentum) * mean
    new_variance = momentum * running_variance + (1 - momentum) * variance
    return (y.reshape(shape), new_mean, new_variance), (x_hat, deviation, gamma, shape)


def batch_normalization_backward(
    xp: Namespace,
    saved: Saved,
    gy: tuple[Array | None, Array | None, Array | None],
    wanted: Wanted,
    *,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
) -> tuple[Array | None, ...]:
    x_hat, deviation, gamma, shape = saved
    delta, g_mean, g_variance = gy
    count = x_hat.shape[0]
    routes, g_gamma, g_beta = [], None, None
    if delta is not None:
        delta = delta.reshape(x_hat.shape)
        g_gamma, g_beta = xp.einsum("mc,mc->c", delta, x_hat), xp.einsum("mc->c", delta)
        if wanted[0]:
            routes.append((delta - g_beta / count - x_hat * (g_gamma / count)) * (gamma / deviation))
    if g_mean is not None:
        routes.append(xp.broadcast_to((1 - momentum) / count * g_mean, x_hat.shape))
    if g_variance is not None:
        routes.append((2 * (1 - momentum) / count * deviation * g_variance) * x_hat)
    gx = reduce(add, routes).reshape(shape) if wanted[0] else None
    return gx, g_gamma if wanted[1] else None, g_beta if wanted[2] else None, None, None


batch_normalization = Rule(
    "batch_normalization",
    batch_normalization_forward,
    batch_normalization_backward,
    "y = γ (x − μ) / √(σ² + ε) + β, μ and σ² of the batch",
    "gx = γ / √(σ² + ε) (gy − mean gy − x̂ mean(gy x̂)), gγ = Σ gy x̂, gβ = Σ gy",
    constants=("running_mean", "running_variance"),
)


# Batch normalisation in inference: the running statistics are given numbers, so the rule is affine in x.
#   forward   y = γ x̂ + β,  x̂ = (x − μ) / √(σ² + ε)
#   backward  gx = gy γ / √(σ² + ε)         gγ = Σ gy x̂         gβ = Σ gy


def batch_normalization_inference_forward(
    xp: Namespace, x: Array, gamma: Array, beta: Array, mean: Array, variance: Array, *, epsilon: float = 1e-3
) -> tuple[Array, Saved]:
    deviation = xp.sqrt(variance + epsilon)
    y = (x - mean) * (gamma / deviation) + beta
    return y, (x, gamma, mean, deviation)


def batch_normalization_inference_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, epsilon: float = 1e-3
) -> tuple[Array | None, ...]:
    x, gamma, mean, deviation = saved
    axes = tuple(range(x.ndim - 1))
    return (
        gy * (gamma / deviation) if wanted[0] else None,
        (gy * ((x - mean) / deviation)).sum(axis=axes) if wanted[1] else None,
        gy.sum(axis=axes) if wanted[2] else None,
        None,
        None,
    )


batch_normalization_inference = Rule(
    "batch_normalization_inference",
    batch_normalization_inference_forward,
    batch_normalization_inference_backward,
    "y = γ (x − μ) / √(σ² + ε) + β, μ and σ² given",
    "gx = gy γ / √(σ² + ε), gγ = Σ gy x̂, gβ = Σ gy",
    constants=("mean", "variance"),
)


# Layer normalisation (Ba, Kiros and Hinton 2016, arXiv:1607.06450): as batch normalisation, but the mean and the
# variance are those of one sample, so training and inference are the same. i runs over the D entries that share them:
# the axes of γ, which are the last of x.
#   forward   μ = 1/D Σᵢ xᵢ       σ² = 1/D Σᵢ (xᵢ − μ)²       x̂ = (x − μ) / √(σ² + ε)       y = γ x̂ + β
#   backward  with g = gy γ = ∂L/∂x̂, by the three routes of batch normalisation:
#             gx = 1/√(σ² + ε) · (g − 1/D Σᵢ gᵢ − x̂ · 1/D Σᵢ gᵢ x̂ᵢ)         gγ = Σ gy x̂         gβ = Σ gy
#             The sums of gγ and gβ run over everything that shares γ: samples and places.


def layer_normalization_forward(
    xp: Namespace, x: Array, gamma: Array, beta: Array, *, epsilon: float = 1e-3
) -> tuple[Array, Saved]:
    rows = _rows(x, gamma)
    centred = rows - rows.mean(axis=1, keepdims=True)
    inverse = 1 / xp.sqrt((centred * centred).mean(axis=1, keepdims=True) + epsilon)
    x_hat = centred * inverse
    y = gamma.reshape(-1) * x_hat + beta.reshape(-1)
    return y.reshape(x.shape), (x_hat, inverse, gamma, x.shape)


def _rows(x: Array, gamma: Array) -> Array:
    """x as a matrix: one row for each set of entries that share their statistics."""
    return x.reshape(prod(x.shape[: x.ndim - gamma.ndim]), prod(gamma.shape))


def layer_normalization_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, epsilon: float = 1e-3
) -> tuple[Array | None, ...]:
    x_hat, inverse, gamma, shape = saved
    gy = gy.reshape(x_hat.shape)
    gx = None
    if wanted[0]:
        g = gy * gamma.reshape(-1)
        through_mean = g.mean(axis=1, keepdims=True)
        through_variance = x_hat * (g * x_hat).mean(axis=1, keepdims=True)
        gx = (inverse * (g - through_mean - through_variance)).reshape(shape)
    return (
        gx,
        xp.einsum("nd,nd->d", gy, x_hat).reshape(gamma.shape) if wanted[1] else None,
        xp.einsum("nd->d", gy).reshape(gamma.shape) if wanted[2] else None,
    )


layer_normalization = Rule(
    "layer_normalization",
    layer_normalization_forward,
    layer_normalization_backward,
    "y = γ (x − μ) / √(σ² + ε) + β, μ and σ² of the sample",
    "gx = (g − mean g − x̂ mean(g x̂)) / √(σ² + ε), g = gy γ, gγ = Σ gy x̂, gβ = Σ gy",
)


# Root mean square normalisation (Zhang and Sennrich 2019, arXiv:1910.07467): layer normalisation without the mean. What
# matters is the scale of a sample, they found, not its centre.
#   forward   r = √(1/D Σᵢ xᵢ² + ε)         x̂ = x / r         y = γ x̂
#   backward  with g = gy γ:  gx = (g − x̂ · 1/D Σᵢ gᵢ x̂ᵢ) / r      gγ = Σ gy x̂       since ∂r/∂xᵢ = x̂ᵢ / D


def rms_normalization_forward(xp: Namespace, x: Array, gamma: Array, *, epsilon: float = 1e-6) -> tuple[Array, Saved]:
    rows = _rows(x, gamma)
    inverse = 1 / xp.sqrt((rows * rows).mean(axis=1, keepdims=True) + epsilon)
    x_hat = rows * inverse
    return (gamma.reshape(-1) * x_hat).reshape(x.shape), (x_hat, inverse, gamma, x.shape)


def rms_normalization_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, epsilon: float = 1e-6
) -> tuple[Array | None, ...]:
    x_hat, inverse, gamma, shape = saved
    gy = gy.reshape(x_hat.shape)
    gx = None
    if wanted[0]:
        g = gy * gamma.reshape(-1)
        gx = (inverse * (g - x_hat * (g * x_hat).mean(axis=1, keepdims=True))).reshape(shape)
    return gx, xp.einsum("nd,nd->d", gy, x_hat).reshape(gamma.shape) if wanted[1] else None


rms_normalization = Rule(
    "rms_normalization",
    rms_normalization_forward,
    rms_normalization_backward,
    "y = γ x / √(mean x² + ε), the mean over the sample",
    "gx = (g − x̂ mean(g x̂)) / √(mean x² + ε), g = gy γ, gγ = Σ gy x̂",
)


# Group normalisation (Wu and He 2018, arXiv:1803.08494): the C channels of the last axis are cut into groups of
# neighbours, and one sample's mean and variance are taken over the places and channels of a group; as many groups as
# channels is instance normalisation. γ and β belong to the channels.
#   forward   μ, σ² of each sample and group        x̂ = (x − μ) / √(σ² + ε)        y = γ x̂ + β
#   backward  as in layer normalisation, the means over the places and channels of a group


def group_normalization_forward(
    xp: Namespace, x: Array, gamma: Array, beta: Array, *, groups: int, epsilon: float = 1e-3
) -> tuple[Array, Saved]:
    parts = x.reshape(x.shape[0], prod(x.shape[1:-1]), groups, x.shape[-1] // groups)
    centred = parts - parts.mean(axis=(1, 3), keepdims=True)
    inverse = 1 / xp.sqrt((centred * centred).mean(axis=(1, 3), keepdims=True) + epsilon)
    x_hat = centred * inverse
    return gamma * x_hat.reshape(x.shape) + beta, (x_hat, inverse, gamma, x.shape)


def group_normalization_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, groups: int, epsilon: float = 1e-3
) -> tuple[Array | None, ...]:
    x_hat, inverse, gamma, shape = saved
    gx = None
    if wanted[0]:
        g = (gy * gamma).reshape(x_hat.shape)
        through_mean = g.mean(axis=(1, 3), keepdims=True)
        through_variance = x_hat * (g * x_hat).mean(axis=(1, 3), keepdims=True)
        gx = (inverse * (g - through_mean - through_variance)).reshape(shape)
    gy = gy.reshape(prod(shape[:-1]), shape[-1])
    return (
        gx,
        xp.einsum("mc,mc->c", gy, x_hat.reshape(gy.shape)) if wanted[1] else None,
        xp.einsum("mc->c", gy) if wanted[2] else None,
    )


group_normalization = Rule(
    "group_normalization",
    group_normalization_forward,
    group_normalization_backward,
    "y = γ (x − μ) / √(σ² + ε) + β, μ and σ² of a sample's group of channels",
    "gx = (g − mean g − x̂ mean(g x̂)) / √(σ² + ε), g = gy γ, gγ = Σ gy x̂, gβ = Σ gy",
)


# Unit normalisation: every vector scaled to length 1. One shorter than ε is divided by ε instead, so that 0 stays 0.
#   forward   r = max(√(Σᵢ xᵢ²), ε)         y = x / r
#   backward  gx = (gy − y Σᵢ gyᵢ yᵢ) / r             gx = gy / ε  for a vector shorter than ε: r is constant there


def unit_normalization_forward(
    xp: Namespace, x: Array, *, axis: int | tuple[int, ...] = -1, epsilon: float = 1e-12
) -> tuple[Array, Saved]:
    length = xp.sqrt((x * x).sum(axis=axis, keepdims=True))
    inverse = 1 / xp.maximum(length, epsilon)
    y = x * inverse
    return y, (y, inverse, length > epsilon)


def unit_normalization_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: int | tuple[int, ...] = -1, epsilon: float = 1e-12
) -> tuple[Array | None, ...]:
    y, inverse, long = saved
    along = (gy * y).sum(axis=axis, keepdims=True) * long
    return (inverse * (gy - y * along),)


unit_normalization = Rule(
    "unit_normalization",
    unit_normalization_forward,
    unit_normalization_backward,
    "y = x / max(√(Σ x²), ε)",
    "gx = (gy − y Σ gy y) / √(Σ x²)",
)
