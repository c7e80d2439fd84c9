"""What the tests of the passes share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from omomi.engines.cpu import threads
from omomi.engines.cpu.launch import Array, Launch, run

DTYPES = ("float32", "float64")
TOLERANCE = {"float32": 2e-6, "float64": 1e-13}


def normal(seed: int, *shape: int, dtype: str = "float64") -> Array:
    """Standard normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def assert_near(received: Array, expected: Array, scale: float = 1.0) -> None:
    """Equal but for rounding: relative to the expected numbers, and absolute below one."""
    tolerance = TOLERANCE[received.dtype.name] * scale
    np.testing.assert_allclose(received, expected, rtol=tolerance, atol=tolerance)


@contextmanager
def thread_count(count: int) -> Iterator[None]:
    """That many threads, for a while."""
    before = threads.pool().threads
    threads.set_threads(count)
    try:
        yield
    finally:
        threads.set_threads(before)


def check_bits(launches: Callable[[], Sequence[Launch]], *results: Array) -> None:
    """The results are the same bits for 1, 2 and 4 threads; what runs before each time starts from the same arrays."""
    before = [result.copy() for result in results]
    expected: list[bytes] = []
    for count in (1, 2, 4):
        for result, start in zip(results, before, strict=True):
            result[...] = start
        with thread_count(count):
            run(launches())
        received = [result.tobytes() for result in results]
        expected = expected or received
        assert received == expected, f"{count} threads"
