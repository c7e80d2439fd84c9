"""Activations: from the pre-activation u to the unit's output z = f(u). Rules call them x and y."""

from __future__ import annotations

from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# Hyperbolic tangent: the sigmoid stretched to (−1, 1), so that hidden outputs are centred on zero.
#   forward   y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)             backward   gx = gy (1 − y²)


def tanh_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    y = xp.tanh(x)
    return y, (y,)


def tanh_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    (y,) = saved
    return (gy * (1 - y * y),)


tanh = Rule("tanh", tanh_forward, tanh_backward, "y = tanh x", "gx = gy (1 − y²)")


# ELU (Clevert et al. 2015, arXiv:1511.07289): the identity for x > 0, and a soft floor of −α below.
#   forward   y = x                 x > 0        backward   gx = gy             x > 0
#             y = α (eˣ − 1)        x ≤ 0                   gx = gy (y + α)     x ≤ 0      since α eˣ = y + α


def elu_forward(xp: Namespace, x: Array, *, alpha: float = 1.0) -> tuple[Array, Saved]:
    y = xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0)))  # clamp: the unused branch stays finite
    return y, (x > 0, y)


def elu_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, alpha: float = 1.0) -> tuple[Array, ...]:
    positive, y = saved
    return (xp.where(positive, gy, gy * (y + alpha)),)


elu = Rule("elu", elu_forward, elu_backward, "y = x if x > 0 else α(eˣ − 1)", "gx = gy if x > 0 else gy (y + α)")
