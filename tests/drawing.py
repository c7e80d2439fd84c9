"""Drawing arrays for samples: numbers of given shapes, with a distance from kinks, from a seeded generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from tests.samples import Sample, Samples

Generator = np.random.Generator
Shape = tuple[int, ...]

SHAPES = st.lists(st.integers(0, 4), max_size=3).map(tuple)
FIXED_SHAPES: list[Shape] = [(2, 3), (4,), ()]


def normal(rng: Generator, shape: Shape) -> np.ndarray:
    return np.asarray(rng.standard_normal(shape))


def uniform(rng: Generator, shape: Shape, low: float, high: float) -> np.ndarray:
    return np.asarray(rng.uniform(low, high, shape))


def away_from(
    rng: Generator, shape: Shape, *kinks: float, low: float = -3.0, high: float = 3.0, margin: float = 0.1
) -> np.ndarray:
    """Numbers in [low, high], a margin away from each kink: one of the pieces between, then a number on it."""
    ends = [low, *kinks, high]
    pieces = rng.integers(0, len(ends) - 1, shape)
    left = np.take(ends, pieces) + margin
    right = np.take(ends, pieces + 1) - margin
    return np.asarray(left + (right - left) * rng.random(shape))


def distinct(rng: Generator, shape: Shape) -> np.ndarray:
    """Numbers of which no two are closer than 0.1."""
    size = int(np.prod(shape))
    return ((rng.permutation(size) - size / 2) * 0.2 + rng.uniform(0, 0.1, size)).reshape(shape)


def broadcastable(arrays: int) -> st.SearchStrategy[tuple[Shape, ...]]:
    """Shapes that broadcast to one, sizes 0 and 1 among them."""
    shapes = mutually_broadcastable_shapes(num_shapes=arrays, min_side=0, max_side=4, max_dims=3)
    return shapes.map(lambda found: found.input_shapes)


def seeded(draw: Callable[..., Sample], arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Sample]:
    """Samples ``draw(rng, argument)``; hypothesis chooses the argument and the generator's seed."""
    return st.builds(
        lambda argument, seed: draw(np.random.default_rng(seed), argument), arguments, st.integers(0, 2**32 - 1)
    )


def samples(
    draw: Callable[..., Sample],
    fixed: Sequence[Any] = FIXED_SHAPES,
    random: st.SearchStrategy[Any] = SHAPES,
    **options: Any,
) -> Samples:
    """Samples ``draw(rng, argument, **options)``: of the ``fixed`` arguments, and of those that ``random`` finds."""
    draw = partial(draw, **options)
    return Samples(fixed=lambda rng: [draw(rng, argument) for argument in fixed], random=seeded(draw, random))
