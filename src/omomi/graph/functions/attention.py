"""Attention. The formulas stand in ``omomi.ops.attention``."""

from __future__ import annotations

from typing import Any

from omomi.engines.selection import current
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import attention as _attention

Input = Any  # a Variable, an array, or numbers


def scaled_dot_product_attention(
    q: Input,
    k: Input,
    v: Input,
    mask: Input | None = None,
    kept: Input | None = None,
    *,
    causal: bool = False,
    scale: float | None = None,
) -> tuple[Variable, Variable]:
    """Attention of queries q (…, T, D) to keys k (…, S, D) with values v (…, S, E): outputs (…, T, E) and p (…, T, S).

    Args:
        mask: broadcasts to (…, T, S), true where a query may look at a key.
        kept: broadcasts to (…, T, S), what the probabilities are multiplied with: their dropout.
        causal: no query looks at keys that come after it.
        scale: what the scores are multiplied with, 1/√D unless given.

    Raises:
        ShapeError: the shapes do not fit together.
    """
    arrays = [as_variable(x) for x in (q, k, v)]
    if mask is not None or kept is not None:
        arrays.append(as_variable(current().xp.ones((1, 1), bool) if mask is None else mask))
    if kept is not None:
        arrays.append(as_variable(kept))
    given = None if scale is None else float(scale)
    return apply(_attention.scaled_dot_product_attention, *arrays, causal=bool(causal), scale=given)
