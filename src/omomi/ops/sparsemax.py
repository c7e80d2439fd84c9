"""Sparsemax: probabilities of which some are exactly 0."""

from __future__ import annotations

from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# Sparsemax (Martins and Astudillo, ICML 2016): the distribution nearest to the scores x. Unlike softmax it gives
# probability 0 to all that lie too far below the best.
#   forward   yᵢ = max(xᵢ − c, 0),  Σ yᵢ = 1          backward   gxᵢ = [yᵢ > 0] (gyᵢ − mean gy where y > 0)
#
# With x sorted downward, x₍₁₎ ≥ x₍₂₎ ≥ …, the k best have probability, k the last with 1 + k x₍ₖ₎ > Σᵢ≤ₖ x₍ᵢ₎, and
# c = (Σᵢ≤ₖ x₍ᵢ₎ − 1) / k.


def sparsemax_forward(xp: Namespace, x: Array, *, axis: int = -1) -> tuple[Array, Saved]:
    z = x - x.max(axis=axis, keepdims=True)  # changes nothing, and keeps the sums small
    best = xp.flip(xp.sort(z, axis=axis), axis)
    ranks = xp.arange(1, x.shape[axis] + 1, dtype=x.dtype).reshape((-1,) + (1,) * ((x.ndim - 1 - axis) % x.ndim))
    sums = xp.cumsum(best, axis=axis, dtype=x.dtype)
    inside = 1 + ranks * best > sums
    count = inside.sum(axis=axis, keepdims=True, dtype=x.dtype)
    c = ((best * inside).sum(axis=axis, keepdims=True) - 1) / count
    y = xp.maximum(z - c, 0)
    return y, (y > 0,)


def sparsemax_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: int = -1) -> tuple[Array, ...]:
    (positive,) = saved
    count = positive.sum(axis=axis, keepdims=True, dtype=gy.dtype)
    mean = (gy * positive).sum(axis=axis, keepdims=True) / count
    return (positive * (gy - mean),)


sparsemax = Rule(
    "sparsemax",
    sparsemax_forward,
    sparsemax_backward,
    "yᵢ = max(xᵢ − c, 0), Σᵢ yᵢ = 1",
    "gxᵢ = gyᵢ − mean gy where yᵢ > 0, else 0",
)
