"""Samples of the activations, away from their kinks."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.drawing import FIXED_SHAPES, SHAPES, Generator, Shape, away_from, normal, samples, uniform
from tests.samples import Sample, Samples


def activated(
    rng: Generator, case: tuple[Shape, dict[str, Any]], kinks: tuple[float, ...], low: float, high: float
) -> Sample:
    shape, attributes = case
    return Sample((away_from(rng, shape, *kinks, low=low, high=high),), attributes)


def with_slope(rng: Generator, shapes: tuple[Shape, Shape]) -> Sample:
    x, alpha = shapes
    return Sample((away_from(rng, x, 0.0), uniform(rng, alpha, -0.5, 0.5)))


def scores(rng: Generator, case: tuple[Shape, dict[str, int]]) -> Sample:
    shape, attributes = case
    return Sample((2 * normal(rng, shape),), attributes)


def _elementwise(
    kinks: tuple[float, ...] = (), low: float = -3.0, high: float = 3.0, **attributes: tuple[Any, ...]
) -> Samples:
    """An activation without attributes, or with one of which some values are given; it is also left out."""
    ways: list[dict[str, Any]] = [{}] + [{name: value} for name, values in attributes.items() for value in values]
    return samples(
        activated,
        [(shape, way) for shape in FIXED_SHAPES for way in ways],
        st.tuples(SHAPES, st.sampled_from(ways)),
        kinks=kinks,
        low=low,
        high=high,
    )


@st.composite
def slopes(draw: st.DrawFn) -> tuple[Shape, Shape]:
    """α has the shape of one sample, or 1 along some of its axes, or is one number."""
    x = draw(SHAPES)
    alpha = tuple(draw(st.sampled_from([1, size])) for size in x[1:])
    return x, draw(st.sampled_from([alpha, ()]))


@st.composite
def classes(draw: st.DrawFn) -> tuple[Shape, dict[str, int]]:
    shape = draw(st.lists(st.integers(0, 4), min_size=1, max_size=3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    shape[axis] = draw(st.integers(1, 5))
    return tuple(shape), {"axis": axis}


CLASSES: list[tuple[Shape, dict[str, int]]] = [
    ((2, 4), {}),
    ((3, 2), {"axis": 0}),
    ((2, 3, 2), {"axis": 1}),
    ((3,), {}),
]

SAMPLES = {
    "identity": _elementwise(),
    "step": _elementwise(kinks=(0.0,)),
    "sigmoid": _elementwise(low=-5, high=5),
    "tanh": _elementwise(),
    "relu": _elementwise(kinks=(0.0,)),
    "relu6": _elementwise(kinks=(0.0, 6.0), high=9),
    "leaky_relu": _elementwise(kinks=(0.0,), alpha=(0.3, -0.5, 2.0)),
    "prelu": samples(with_slope, [((2, 3), (3,)), ((2, 3), (1,)), ((2, 2, 3), (1, 3)), ((4,), ())], slopes()),
    "elu": _elementwise(kinks=(0.0,), alpha=(0.5, 2.0)),
    "selu": _elementwise(kinks=(0.0,)),
    "softplus": _elementwise(low=-5, high=5),
    "softsign": _elementwise(kinks=(0.0,)),
    "swish": _elementwise(low=-5, high=5),
    "mish": _elementwise(low=-5, high=5),
    "gelu": _elementwise(approximate=(True, False)),
    "hard_sigmoid": _elementwise(kinks=(-3.0, 3.0), low=-6, high=6),
    "softmax": samples(scores, CLASSES, classes()),
    "log_softmax": samples(scores, CLASSES, classes()),
}
