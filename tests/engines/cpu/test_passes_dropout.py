"""Dropout's pass against the rule: the same mask, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines import random
from omomi.engines.cpu import dropout
from omomi.engines.cpu.launch import run
from omomi.engines.reference import xp
from omomi.ops import dropout as rules
from tests.engines.cpu.passes import DTYPES, check_bits, normal


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 3, 4, 7, 1000, 70_001])
@pytest.mark.parametrize("rate", [0.0, 0.25, 0.999])
def test_same_bits_as_the_rule(dtype: str, count: int, rate: float) -> None:
    address = random.address(2**63 + count, "net/dropout", step=2**32 - 3, draw=5)
    x, gy = normal(1, count, dtype=dtype), normal(2, count, dtype=dtype)
    given = x.copy(), gy.copy()
    mask, y, gx = np.empty(dropout.mask_size(count), np.uint8), np.empty_like(x), np.empty_like(x)
    run([*dropout.forward(x, address, mask, y, rate=rate), *dropout.backward(mask, gy, gx, rate=rate)])
    expected, saved = rules.dropout.forward(xp, x, address, rate=rate)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(gx, rules.dropout.backward(xp, saved, gy, (True, False), rate=rate)[0])
    assert all(np.array_equal(a, b) for a, b in zip((x, gy), given, strict=True))


def test_bits_do_not_depend_on_threads() -> None:
    x = normal(1, 150_001, dtype="float32")
    mask, y = np.empty(dropout.mask_size(x.size), np.uint8), np.empty_like(x)
    address = random.address(7, "dropout")
    assert dropout.forward(x, address, mask, y, rate=0.5)[0].chunks > 4
    check_bits(lambda: dropout.forward(x, address, mask, y, rate=0.5), mask, y)
    check_bits(lambda: dropout.backward(mask, x, y, rate=0.5), y)


def test_draw_address() -> None:
    seed, step = np.array([0xFFFFFFFF, 0x80000001], np.uint32), np.array([0x90000000], np.uint32)
    address = np.zeros(5, np.uint32)
    run(dropout.draw_address(seed, step, address, path=0xDEADBEEF, draw=3))
    expected, _ = rules.draw_address.forward(xp, seed, step[0], path=0xDEADBEEF, draw=3)
    np.testing.assert_array_equal(address, expected)
