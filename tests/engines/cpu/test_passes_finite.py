"""Whether numbers are finite, looked at and bounded."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import finite
from omomi.engines.cpu.launch import run
from tests.engines.cpu.passes import DTYPES, normal


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_all_finite(bad: float, dtype: str) -> None:
    """One number anywhere is found; the largest numbers of the dtype, whose sum overflows, are no false alarm."""
    arrays = [np.full(size, np.finfo(dtype).max, dtype) for size in (70_001, 5, 17)]
    answer = np.array([9], np.uint8)
    launches = finite.all_finite(arrays, answer)
    run(launches)
    assert answer[0] == 1
    for array, place in ((0, 0), (0, 70_000), (0, 40_000), (1, 4), (2, 3)):
        before, arrays[array][place] = arrays[array][place], bad
        run(launches)
        assert answer[0] == 0
        arrays[array][place] = before
    run(launches)
    assert answer[0] == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_product_that_is_never_made(dtype: str) -> None:
    """Its bound refuses whatever is not finite, and what comes near the largest number; ordinary numbers pass."""
    largest = np.finfo(dtype).max
    answer = np.array([9], np.uint8)
    pairs = [(normal(7, 300, dtype=dtype).ravel(), normal(7, 40, dtype=dtype).ravel()) for _ in range(2)]
    launches = finite.all_finite([normal(1, 5, dtype=dtype).ravel()], answer, pairs)
    run(launches)
    assert answer[0] == 1
    for pair in pairs:
        for array in pair:
            for bad in (np.nan, np.inf, -np.inf, largest / 10):
                before, array[3] = array[3], bad
                run(launches)
                assert answer[0] == 0
                array[3] = before
    run(launches)
    assert answer[0] == 1
