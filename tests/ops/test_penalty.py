"""Penalties: numbers worked by hand."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from omomi.engines.reference import xp
from omomi.ops.penalty import l1_penalty, l2_penalty

X = np.array([[3.0, -2.0], [0.0, 0.5]])


def test_l1():
    # ½ (3 + 2 + 0 + ½) = 2.75; every number but 0 is pulled by gy λ = 2 · ½ = 1
    y, saved = l1_penalty.forward(xp, X, factor=0.5)
    assert_allclose(y, 2.75)
    (gx,) = l1_penalty.backward(xp, saved, np.asarray(2.0), (True,), factor=0.5)
    assert_allclose(gx, [[1.0, -1.0], [0.0, 1.0]])


def test_l2_has_no_half():
    # 0.1 (9 + 4 + 0 + ¼) = 1.325; gx = 2 λ gy x = 2 · 0.1 · 2 x = 0.4 x
    y, saved = l2_penalty.forward(xp, X, factor=0.1)
    assert_allclose(y, 1.325)
    (gx,) = l2_penalty.backward(xp, saved, np.asarray(2.0), (True,), factor=0.1)
    assert_allclose(gx, [[1.2, -0.8], [0.0, 0.2]])
