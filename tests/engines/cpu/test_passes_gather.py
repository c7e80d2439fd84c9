"""Batches gathered in one pass against NumPy's indexing."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import gather
from omomi.engines.cpu.launch import run
from tests.engines.cpu.passes import assert_near, check_bits, normal

INDEX = np.random.default_rng(1).integers(0, 50, 33)


@pytest.mark.parametrize("source", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("target", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (7,), (28, 28, 1), (9, 5, 3)])
def test_converted(source: str, target: str, shape: tuple[int, ...]) -> None:
    x = np.abs(30 * normal(1, 50, *shape)).astype(source)
    given = x.copy()
    y = np.empty((33, *shape), target)
    assert gather.accepts(source, target)
    run(gather.gather(x, INDEX, y))
    np.testing.assert_array_equal(y, x[INDEX].astype(target))
    run(gather.gather(x, INDEX, y, factor=1 / 255, offset=0.5))
    assert_near(y, x[INDEX].astype(target) * y.dtype.type(1 / 255) + y.dtype.type(0.5))
    np.testing.assert_array_equal(x, given)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float64"])
def test_copied(dtype: str) -> None:
    for shape in ((), (3,), (28, 28)):
        x = (30 * normal(1, 50, *shape)).astype(dtype)
        y = np.empty((33, *shape), dtype)
        assert gather.accepts(dtype, dtype)
        run(gather.gather(x, INDEX, y))
        np.testing.assert_array_equal(y, x[INDEX])


def test_other_samples_with_the_same_launch() -> None:
    x, y = normal(1, 50, 4), np.empty((8, 4))
    (launch,) = gather.gather(x, INDEX[:8], y)
    launch.replace("index", INDEX[8:16])
    run([launch])
    np.testing.assert_array_equal(y, x[INDEX[8:16]])


def test_whole_numbers_do_not_become_others() -> None:
    assert not gather.accepts("int64", "float32")
    assert not gather.accepts("uint8", "int64")


def test_bits_do_not_depend_on_threads() -> None:
    x, y = np.abs(30 * normal(1, 50, 3000)).astype(np.uint8), np.empty((33, 3000), np.float32)
    check_bits(lambda: gather.gather(x, INDEX, y, factor=1 / 255), y)
