"""Penalties on the size of numbers: what regularisation adds to the loss, for the weights of a layer or its output.

They pull numbers towards 0. The pull of L2 is proportional to the number and so never quite gets there; the pull of L1
is the same everywhere, and takes small numbers to 0. Sources: Hoerl and Kennard 1970 (L2, ridge); Tibshirani 1996 (L1,
lasso); Goodfellow, Bengio and Courville 2016, section 7.1.
"""

from __future__ import annotations

from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# L1: the sum of absolute values.
#   forward   y = λ Σᵢ |xᵢ|                 backward   gxᵢ = gy λ sign(xᵢ)       (0 where x = 0)


def l1_penalty_forward(xp: Namespace, x: Array, *, factor: float = 0.01) -> tuple[Array, Saved]:
    return factor * xp.abs(x).sum(), (x,)


def l1_penalty_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, factor: float = 0.01
) -> tuple[Array, ...]:
    (x,) = saved
    return (gy * factor * xp.sign(x),)


l1_penalty = Rule("l1_penalty", l1_penalty_forward, l1_penalty_backward, "y = λ Σᵢ |xᵢ|", "gxᵢ = gy λ sign(xᵢ)")


# L2: the sum of squares, without ½.
#   forward   y = λ Σᵢ xᵢ²                  backward   gxᵢ = 2 λ gy xᵢ


def l2_penalty_forward(xp: Namespace, x: Array, *, factor: float = 0.01) -> tuple[Array, Saved]:
    return factor * (x * x).sum(), (x,)


def l2_penalty_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, factor: float = 0.01
) -> tuple[Array, ...]:
    (x,) = saved
    return (2 * factor * gy * x,)


l2_penalty = Rule("l2_penalty", l2_penalty_forward, l2_penalty_backward, "y = λ Σᵢ xᵢ²", "gxᵢ = 2 λ gy xᵢ")
