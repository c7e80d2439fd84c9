"""Masks: which steps of a sequence exist. A batch of sequences of unequal lengths is filled up with padding, and a mask
m (N, T) says what is padding: true where a step exists, false where it does not.

Masks are constants: no delta flows through them.
"""

from __future__ import annotations

from omomi.ops.rule import Array, Namespace, Rule, Saved

# Which steps exist, from the steps themselves: those that differ from the value that padding has. Where a step is a
# vector, one entry that differs is enough.
#   forward   m = [x ≠ padding]             whole numbers, (N, T) → (N, T)
#             m = any [x ≠ padding]         vectors, (N, T, C) → (N, T): over the last axis


def existing_forward(xp: Namespace, x: Array, *, padding: float = 0.0, vectors: bool = False) -> tuple[Array, Saved]:
    m = x != padding
    return (xp.any(m, axis=-1) if vectors else m), ()


existing = Rule("existing", existing_forward, None, "m = [x ≠ padding]")


# The weights of the steps of a sequence in a loss or a metric. A step that does not exist weighs nothing. A loss is a
# mean over all M steps; it becomes the mean over those that exist if each of them weighs M / Σ m (``mean``). Where none
# exists the weights are 0.
#   forward   y = w m                       y = w m M / max(Σ m, 1)            w (N, T, …), m (N, T)


def masked_weights_forward(xp: Namespace, w: Array, m: Array, *, mean: bool = True) -> tuple[Array, Saved]:
    kept = m.astype(w.dtype)
    if mean:
        kept = kept * (kept.size / xp.maximum(xp.sum(kept), 1))
    return w * kept.reshape(*kept.shape, *(1,) * (w.ndim - kept.ndim)), ()


masked_weights = Rule("masked_weights", masked_weights_forward, None, "y = w m M / max(Σ m, 1)")
