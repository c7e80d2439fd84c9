"""Constraints: what a parameter may be. After each step it is moved to where it may be, the nearest place in that
sense.

    n  the norms √Σ w² over ``axis``, with that axis of length one: for a kernel (in, units) and axis 0, one for each
    unit

Nothing is differentiated. Names and defaults are Keras 3's. Where a norm is 0 there is no direction, and w stays 0.
"""

from __future__ import annotations

from omomi.ops.rule import Array, Namespace, Rule, Saved

EPSILON = 1e-7  # the smallest norm that is divided by
Axis = int | tuple[int, ...]


def _norms(xp: Namespace, w: Array, axis: Axis) -> Array:
    return xp.sqrt(xp.sum(w * w, axis=axis, keepdims=True))


def _rescaled(xp: Namespace, w: Array, norms: Array, wanted: Array) -> Array:
    """w with other norms; exactly w where they are what they were."""
    return w * (wanted / xp.maximum(norms, EPSILON))


# At most so long (Srebro, Rennie, Jaakkola 2005; for networks: Hinton et al. 2012, arXiv:1207.0580).
#   y = w min(n, c) / n


def max_norm_forward(xp: Namespace, w: Array, *, max_value: float = 2.0, axis: Axis = 0) -> tuple[Array, Saved]:
    n = _norms(xp, w, axis)
    return xp.where(n <= max_value, w, _rescaled(xp, w, n, max_value)), ()


max_norm = Rule("max_norm", max_norm_forward, None, "y = w min(n, c) / n")


# Of length one.
#   y = w / n


def unit_norm_forward(xp: Namespace, w: Array, *, axis: Axis = 0) -> tuple[Array, Saved]:
    return w / xp.maximum(_norms(xp, w, axis), EPSILON), ()


unit_norm = Rule("unit_norm", unit_norm_forward, None, "y = w / n")


# Between two lengths; with a rate r below 1, only this share of the way there.
#   y = w (r min(max(n, low), high) + (1 − r) n) / n


def min_max_norm_forward(
    xp: Namespace, w: Array, *, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0
) -> tuple[Array, Saved]:
    n = _norms(xp, w, axis)
    inside = (n >= min_value) & (n <= max_value)
    wanted = rate * xp.clip(n, min_value, max_value) + (1 - rate) * n
    return xp.where(inside, w, _rescaled(xp, w, n, wanted)), ()


min_max_norm = Rule("min_max_norm", min_max_norm_forward, None, "y = w (r min(max(n, low), high) + (1 − r) n) / n")


# Not negative.
#   y = max(w, 0)


def non_negative_forward(xp: Namespace, w: Array) -> tuple[Array, Saved]:
    return xp.maximum(w, 0), ()


non_negative = Rule("non_negative", non_negative_forward, None, "y = max(w, 0)")
