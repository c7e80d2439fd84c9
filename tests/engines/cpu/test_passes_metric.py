"""Metrics against the rules in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import metric
from omomi.engines.cpu.launch import run
from omomi.engines.reference import xp
from omomi.ops import metric as rules
from tests.engines.cpu.passes import DTYPES, normal

SHAPES = [(1, 1), (1, 3), (32, 10), (7, 33), (40, 1000)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", list(metric.ACCURACIES))
@pytest.mark.parametrize("shape", SHAPES)
def test_accuracies(shape: tuple[int, int], name: str, dtype: str) -> None:
    rng = np.random.default_rng(3)
    x, w = np.round(4 * normal(1, *shape, dtype=dtype)), rng.uniform(0, 2, shape[0]).astype(dtype)  # with ties
    sparse = name.startswith("sparse")
    t = rng.integers(0, shape[1], shape[0]) if sparse else rng.uniform(0, 1, shape).astype(dtype)
    if name == "binary_accuracy":
        t = np.round(t)
    x[0, -1] = np.nan
    total, weight = np.empty(1, np.float32), np.empty(1, np.float32)
    run(metric.accuracy(name, x, t, w, total, weight))
    doubles = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in (x, t, w)]
    expected, _ = getattr(rules, name).forward(xp, *doubles)
    np.testing.assert_allclose([total[0], weight[0]], expected, rtol=2e-7)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_first_k_by_hand(k: int) -> None:
    """Class 0 is second, shares the third place, has no number, and does not exist."""
    x = np.array([[2, 3, 1], [1, 1, 2], [np.nan, 0, 0], [1, 2, 3]], np.float32)
    w, total, weight = np.array([1, 2, 4, 8], np.float32), np.empty(1, np.float32), np.empty(1, np.float32)
    run(metric.accuracy("sparse_top_k_categorical_accuracy", x, np.array([0, 0, 0, 3]), w, total, weight, k=k))
    assert (total[0], weight[0]) == ({1: 0, 2: 3, 3: 3}[k], 15)
