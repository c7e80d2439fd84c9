"""Attention: every query looks at all keys, and takes the mean of the values, weighted by how well the keys fit."""

from __future__ import annotations

from math import sqrt

from omomi.errors import ShapeError
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762, section 3.2.1).
#   forward   s = q kᵀ / √d                          how well each key fits each query
#             p = exp s / Σ exp s                    a distribution over the keys that the query may look at
#             y = (p ⊙ m) v                          m: dropout of the probabilities; 1 without it
#   backward  gv = (p ⊙ m)ᵀ gy                       gp = (gy vᵀ) ⊙ m + what reaches p itself
#             gs = p ⊙ (gp − Σ gp p) / √d            as through a softmax
#             gq = gs k                              gk = gsᵀ q
#
# The outputs are y and p. A query looks at a key where the mask is true, and, if the attention is ``causal``, where the
# key does not come after it. A query that may look at nothing gets p = 0 and y = 0. In place of 1/√d another ``scale``.
#
#   Shapes    q (…, T, D), k (…, S, D), v (…, S, E), mask and ``kept`` (m) broadcast to (…, T, S)
#             → y (…, T, E), p (…, T, S); the leading axes, batch and heads, broadcast


def _allowed(xp: Namespace, s: Array, mask: Array | None, causal: bool) -> Array | None:
    """Which keys each query may look at; ``None``: all."""
    allowed = None if mask is None else mask.astype(bool)
    if not causal:
        return allowed
    past = xp.arange(s.shape[-2])[:, None] >= xp.arange(s.shape[-1])[None, :]
    return past if allowed is None else allowed & past


def scaled_dot_product_attention_forward(
    xp: Namespace,
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None = None,
    kept: Array | None = None,
    *,
    causal: bool = False,
    scale: float | None = None,
) -> tuple[tuple[Array, Array], Saved]:
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ShapeError(
            "queries, keys and values do not fit together.",
            where="scaled_dot_product_attention",
            expected="q (…, T, D), k (…, S, D) and v (…, S, E)",
            received=f"{q.shape}, {k.shape} and {v.shape}",
        )
    factor = 1 / sqrt(q.shape[-1]) if scale is None else scale
    s = (q @ xp.swapaxes(k, -1, -2)) * factor
    allowed = _allowed(xp, s, mask, causal)
    if allowed is None:
        e = xp.exp(s - s.max(axis=-1, keepdims=True))
        p = e / e.sum(axis=-1, keepdims=True)
    else:
        # What is not allowed does not count for the largest score, and weighs nothing.
        s = xp.where(allowed, s, xp.asarray(xp.finfo(s.dtype).min / 2, s.dtype))
        e = xp.exp(s - s.max(axis=-1, keepdims=True)) * allowed.astype(s.dtype)
        total = e.sum(axis=-1, keepdims=True)
        p = e / xp.where(total > 0, total, xp.ones_like(total))
    weights = p if kept is None else p * kept
    return (weights @ v, p), (q, k, v, p, kept)


def scaled_dot_product_attention_backward(
    xp: Namespace,
    saved: Saved,
    gy: tuple[Array | None, Array | None],
    wanted: Wanted,
    *,
    causal: bool = False,
    scale: float | None = None,
) -> tuple[Array | None, ...]:
    q, k, v, p, kept = saved
    g, gp = gy
    factor = 1 / sqrt(q.shape[-1]) if scale is None else scale
    gq = gk = gv = None
    if g is not None:
        through = g @ xp.swapaxes(v, -1, -2)
        through = through if kept is None else through * kept
        gp = through if gp is None else gp + through
        if wanted[2]:
            gv = xp.swapaxes(p if kept is None else p * kept, -1, -2) @ g
    assert gp is not None
    gs = p * (gp - (gp * p).sum(axis=-1, keepdims=True)) * factor
    if wanted[0]:
        gq = gs @ k
    if wanted[1]:
        gk = xp.swapaxes(gs, -1, -2) @ q
    return (gq, gk, gv, *([None] * (len(wanted) - 3)))


scaled_dot_product_attention = Rule(
    "scaled_dot_product_attention",
    scaled_dot_product_attention_forward,
    scaled_dot_product_attention_backward,
    "p = softmax(q kᵀ / √d), y = p v",
    "gv = pᵀ gy, gp = gy vᵀ, gs = p ⊙ (gp − Σ gp p) / √d, gq = gs k, gk = gsᵀ q",
    constants=("mask", "kept"),
)
