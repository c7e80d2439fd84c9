"""Around an optimiser's rule: clipping, decay of the weights, accumulated gradients, averaged parameters.

The rules that move an array are optimisers' rules like those of chapter update: p is what moves, g what moves it. t is
the number of the step, from 1 on. Where gradients are accumulated, only every K-th step (``every``) is an update.
"""

from __future__ import annotations

from typing import Any

from omomi.ops.rule import Array, Namespace, Rule, Saved, UpdateRule
from omomi.ops.update import Slots, in_dtype_of

# Clipping by the norm (Pascanu, Mikolov, Bengio 2013, arXiv:1211.5063): a gradient, or all of them as one vector, that
# is longer than c is shortened to c. The inputs are the sums of squares of its pieces; the gradients are then
# multiplied by
#   y = c / max(√(s₁ + s₂ + …), c)


def clip_factor_forward(xp: Namespace, *squares: Array, norm: float) -> tuple[Array, Saved]:
    total = squares[0]
    for s in squares[1:]:
        total = total + s
    return norm / xp.maximum(xp.sqrt(total), norm), ()


clip_factor = Rule("clip_factor", clip_factor_forward, None, "y = c / max(√(s₁ + s₂ + …), c)")


# Decay of the weights beside the gradient's step (Loshchilov and Hutter 2019, arXiv:1711.05101), scaled by the rate as
# in Keras. g is not read.
#   p ← p − η λ p


def weight_decay_step(
    xp: Namespace, p: Array, g: Array, slots: Slots, t: Array, rate: Array, *, weight_decay: float = 0.004
) -> tuple[Array, Slots]:
    return p - in_dtype_of(xp, p, rate) * weight_decay * p, ()


weight_decay = UpdateRule("weight_decay", weight_decay_step, (), "p ← p − η λ p")


# The proximal step of an L1 penalty λ Σ |p| (soft thresholding; Donoho 1995; Parikh and Boyd 2014, section 6.5.2),
# after a step that knew nothing of the penalty. g is not read.
#   p ← sign(p) max(|p| − η λ, 0)


def soft_threshold_step(
    xp: Namespace, p: Array, g: Array, slots: Slots, t: Array, rate: Array, *, factor: float = 0.01
) -> tuple[Array, Slots]:
    return xp.sign(p) * xp.maximum(xp.abs(p) - in_dtype_of(xp, p, rate) * factor, 0), ()


soft_threshold = UpdateRule("soft_threshold", soft_threshold_step, (), "p ← sign(p) max(|p| − η λ, 0)")


# Accumulation: the mean of the gradients of K steps, which starts anew after them. With batches of equal size it is the
# gradient of the batch that is K times as large.
#   p ← g/K            in the first of the K steps
#   p ← p + g/K        in the others


def accumulate_step(
    xp: Namespace, p: Array, g: Array, slots: Slots, t: Array, rate: Array, *, every: int = 1
) -> tuple[Array, Slots]:
    first = (xp.asarray(t) - 1) % every == 0
    return xp.where(first, 0, p) + g / every, ()


accumulate = UpdateRule("accumulate", accumulate_step, (), "p ← (p, or 0 in the first of K steps) + g/K")


# The running average of a parameter (Polyak and Juditsky 1992; exponential, as in Keras): g is the parameter.
#   p ← m p + (1 − m) g                             p ← g in the first update


def average_step(
    xp: Namespace, p: Array, g: Array, slots: Slots, t: Array, rate: Array, *, momentum: float = 0.99, every: int = 1
) -> tuple[Array, Slots]:
    t = xp.asarray(t)
    kept = xp.where(t // every <= 1, 0, momentum).astype(p.dtype)
    return xp.where(t % every == 0, kept * p + (1 - kept) * g, p), ()


average = UpdateRule("average", average_step, (), "p ← m p + (1 − m) g, p ← g at first")


# Every F-th update the parameter is replaced by its average g.
#   p ← g              if t is a multiple of F K


def overwrite_step(
    xp: Namespace, p: Array, g: Array, slots: Slots, t: Array, rate: Array, *, frequency: int = 1
) -> tuple[Array, Slots]:
    return xp.where(xp.asarray(t) % frequency == 0, g, p), ()


overwrite = UpdateRule("overwrite", overwrite_step, (), "p ← g if t is a multiple of F")


def sparse(rule: UpdateRule) -> UpdateRule:
    """The rule that moves in every K-th step only (attribute ``every``), which it counts as one."""

    def step(
        xp: Namespace, p: Array, g: Array, slots: Slots, t: Array, rate: Array, *, every: int, **attributes: Any
    ) -> tuple[Array, Slots]:
        t = xp.asarray(t)
        now = t % every == 0
        new_p, new_slots = rule.step(xp, p, g, slots, xp.maximum(t // every, 1), rate, **attributes)
        kept = tuple(xp.where(now, new, old) for new, old in zip(new_slots, slots, strict=True))
        return xp.where(now, new_p, p), kept

    return UpdateRule(
        f"{rule.name}_every", step, rule.slots, f"{rule.formula}, in every K-th step", inner=rule, shapes=rule.shapes
    )
