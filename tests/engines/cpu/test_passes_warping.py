"""Warp's passes against the rule in double precision, and the same bits for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import warping
from omomi.engines.cpu.launch import run
from omomi.engines.reference import xp
from omomi.ops import augmentation as rules
from tests.engines.cpu.passes import check_bits, normal


@pytest.mark.parametrize("mode", warping.MODES)
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_against_the_rule(mode: str, interpolation: str) -> None:
    x, gy = normal(1, 5, 40, 33, 3), normal(2, 5, 40, 33, 3)
    matrix = normal(3, 5, 6) + np.eye(2, 3).ravel()
    options = {"interpolation": interpolation, "fill_mode": mode, "fill_value": 0.5}
    expected, saved = rules.warp.forward(xp, x, matrix.reshape(5, 2, 3), **options)
    wanted, _ = rules.warp.backward(xp, saved, gy, (True, False), **options)
    y, gx = np.full_like(x, np.nan), np.full_like(x, np.nan)
    run(warping.forward(x, matrix, y, **options))
    run(warping.backward(matrix, gy, gx, interpolation=interpolation, fill_mode=mode))
    np.testing.assert_allclose(y, expected, atol=1e-12)
    np.testing.assert_allclose(gx, wanted, atol=1e-11)


def test_maps_that_are_no_numbers_read_inside_the_image() -> None:
    x, y = normal(1, 2, 4, 4, 1), np.empty((2, 4, 4, 1))
    for mode in warping.MODES:
        for value in (np.nan, np.inf, -1e300):
            run(warping.forward(x, np.full((2, 6), value), y, fill_mode=mode))
            run(warping.backward(np.full((2, 6), value), x, y, fill_mode=mode))


def test_bits_do_not_depend_on_threads() -> None:
    x, matrix = normal(1, 40, 32, 32, 3, dtype="float32"), normal(2, 40, 6, dtype="float32")
    y, gx = np.empty_like(x), np.empty_like(x)
    check_bits(lambda: warping.forward(x, matrix, y), y)
    check_bits(lambda: warping.backward(matrix, x, gx), gx)
