"""Rows of a table against NumPy, and that a sum does not depend on threads."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import table
from omomi.engines.cpu.launch import run
from tests.engines.cpu.passes import DTYPES, assert_near, check_bits, normal


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "width", "count"), [(1, 1, 1), (7, 5, 40), (100, 33, 500), (50, 8, 3)])
def test_deltas_add_up(rows: int, width: int, count: int, dtype: str) -> None:
    gy, index = normal(0, count, width, dtype=dtype), np.random.default_rng(1).integers(0, rows, count)
    gW = np.full((rows, width), np.nan, dtype)
    run(table.scatter(gy, index, gW))
    expected = np.zeros((rows, width))
    np.add.at(expected, index, gy.astype(np.float64))
    assert_near(gW, expected, scale=20)
    check_bits(lambda: table.scatter(gy, index, gW), gW)
