"""Linear units: Omomi's rule ``affine`` forward and backward, on plain float64 arrays.

The learning rules of this package differ in what they feed into the backward pass as δ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.engines.reference import xp
from omomi.ops.linear import affine_backward, affine_forward


def forward(x: np.ndarray, W: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, Any]:
    """u = x W + b, and what the backward pass needs of it: x (n, d), W (d, m), b (m,) → (n, m)."""
    u, saved = affine_forward(xp, x, W, b)
    return np.asarray(u), saved


def backward(saved: Any, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """gW = xᵀ δ (d, m) and gb = Σₙ δₙ (m,) from δ (n, m)."""
    _, gW, gb = affine_backward(xp, saved, delta, (False, True, True))
    return np.asarray(gW), np.asarray(gb)
