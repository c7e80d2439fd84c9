"""Batch normalisation: every channel centred and scaled, then given a learned scale γ and shift β.

A channel is an entry of the last axis; means and sums run over all other axes: over N for (N, D), over N, H and W for
(N, H, W, C). M is how many numbers a channel has, and in the code x is the matrix (M, C) of them.
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
