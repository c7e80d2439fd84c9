"""Precision: how the loss is scaled where deltas are float16.

The smallest float16 is 6 · 10⁻⁸; smaller deltas become 0. So backpropagation starts from s ∂E/∂E instead of 1, which
scales every delta and gradient by s, and the gradients are divided by s, in float32, before the update. The largest s
that does not overflow is best; it is found by trying.

Source: Micikevicius et al. 2018, "Mixed precision training", arXiv:1710.03740, section 3.2.
"""

from __future__ import annotations

from omomi.ops.rule import Array, Namespace, Rule, Saved

START, LARGEST = 2.0**15, 2.0**24
PATIENCE = 2000  # steps without overflow after which a larger scale is tried

# The loss scale after a step: halved if a gradient overflowed, doubled after PATIENCE steps without.
#   s' = s / 2 (1 at least), k' = 0       if the step's numbers were not finite: the step is left out
#   s' = 2 s, k' = 0                      if k + 1 = PATIENCE
#   s' = s, k' = k + 1                    else                                    k: steps without overflow
# Whether training goes on: a step that was not finite is forgiven as long as s can be halved, and E itself was finite.


def loss_scale_forward(
    xp: Namespace, scale: Array, steps: Array, loss: Array, finite: Array, *, patience: int = PATIENCE
) -> tuple[tuple[Array, Array, Array], Saved]:
    full = steps + 1 >= patience
    raised = xp.where(full, xp.minimum(2 * scale, LARGEST), scale)
    new_scale = xp.where(finite, raised, xp.maximum(scale / 2, 1)).astype(scale.dtype)
    new_steps = xp.where(finite & ~full, steps + 1, 0).astype(steps.dtype)
    going = finite | ((scale > 1) & xp.isfinite(loss))
    return (new_scale, new_steps, going), ()


loss_scale = Rule("loss_scale", loss_scale_forward, None, "s' = s/2 after an overflow, 2 s after many steps without")
