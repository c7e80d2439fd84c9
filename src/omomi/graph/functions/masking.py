"""Masks of sequences. The formulas stand in ``omomi.ops.masking``."""

from __future__ import annotations

from typing import Any

from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import masking as _masking

Input = Any  # a Variable, an array, or numbers


def existing(x: Input, padding: float = 0.0, vectors: bool = False) -> Variable:
    """Which steps exist: those that differ from ``padding``. With ``vectors``, (N, T, C) → (N, T)."""
    return apply(_masking.existing, as_variable(x), padding=float(padding), vectors=bool(vectors))


def masked_weights(w: Input, mask: Input, mean: bool = True) -> Variable:
    """Weights w (N, T, …) of steps, 0 where the mask (N, T) has none; with ``mean``, the rest scaled by M / Σ mask."""
    return apply(_masking.masked_weights, as_variable(w), as_variable(mask), mean=bool(mean))
