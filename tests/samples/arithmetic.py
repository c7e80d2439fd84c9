"""Samples of arithmetic: two operands that broadcast, on either side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from tests.drawing import SHAPES, Generator, Shape, away_from, broadcastable, normal, samples, uniform
from tests.samples import Sample, Samples

PAIRS: list[tuple[Shape, Shape]] = [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (4,)), ((3, 1, 2), (2, 1))]


def two_normal(rng: Generator, shapes: tuple[Shape, Shape]) -> Sample:
    return Sample((normal(rng, shapes[0]), normal(rng, shapes[1])))


def quotient(rng: Generator, shapes: tuple[Shape, Shape]) -> Sample:
    return Sample((normal(rng, shapes[0]), away_from(rng, shapes[1], 0.0, margin=0.4)))


def positive_base(rng: Generator, shapes: tuple[Shape, Shape]) -> Sample:
    return Sample((uniform(rng, shapes[0], 0.3, 2), normal(rng, shapes[1])))


def never_equal(rng: Generator, shapes: tuple[Shape, Shape]) -> Sample:
    """a near the whole numbers, b near the halves between them."""
    a, b = (rng.integers(-2, 3, shape) + uniform(rng, shape, -0.15, 0.15) for shape in shapes)
    return Sample((np.asarray(a), np.asarray(b + 0.5)))


def choice(rng: Generator, shapes: tuple[Shape, Shape, Shape]) -> Sample:
    condition, a, b = shapes
    return Sample((np.asarray(rng.random(condition) < 0.5), normal(rng, a), normal(rng, b)))


def one(rng: Generator, shape: Shape) -> Sample:
    return Sample((normal(rng, shape),))


def power(rng: Generator, case: tuple[Shape, float]) -> Sample:
    """Whole exponents with bases of either sign, others with positive ones."""
    shape, exponent = case
    x = away_from(rng, shape, 0.0, margin=0.4) if exponent == int(exponent) else uniform(rng, shape, 0.3, 2)
    return Sample((x,), {"exponent": exponent})


def _two(draw: Callable[..., Sample]) -> Samples:
    return samples(draw, PAIRS, broadcastable(2))


EXPONENTS = (2.0, 3.0, 1.0, 0.0, -1.0, -2.0, 0.5, -0.5, 2.7)

SAMPLES = {
    "add": _two(two_normal),
    "subtract": _two(two_normal),
    "multiply": _two(two_normal),
    "divide": _two(quotient),
    "exponentiation": _two(positive_base),
    "maximum": _two(never_equal),
    "minimum": _two(never_equal),
    "where": samples(choice, [((2, 3), (2, 3), (3,)), ((2, 1), (3,), ()), ((), (2,), (2, 1))], broadcastable(3)),
    "negative": samples(one),
    "power": samples(power, [((2, 3), k) for k in EXPONENTS], st.tuples(SHAPES, st.sampled_from(EXPONENTS))),
}
