"""Samples of the shape operations."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices

from omomi.ops.shape import static_index
from tests.drawing import SHAPES, Generator, Shape, broadcastable, normal, samples
from tests.samples import Sample, Samples

FILLED = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)  # shapes with an axis, and no axis of length 0
WITH_AXIS = st.lists(st.integers(0, 4), min_size=1, max_size=3).map(tuple)
BROADCASTS: list[tuple[Shape, Shape]] = [
    ((3,), (2, 3)),
    ((2, 1), (2, 3)),
    ((), (2, 2)),
    ((1, 3, 1), (2, 3, 2)),
    ((2, 3), (2, 3)),
]


def one(rng: Generator, case: tuple[Shape, dict[str, Any]]) -> Sample:
    """One array of the given shape, and attributes."""
    shape, attributes = case
    return Sample((normal(rng, shape),), attributes)


def several(rng: Generator, case: tuple[list[Shape], dict[str, Any]]) -> Sample:
    shapes, attributes = case
    return Sample(tuple(normal(rng, shape) for shape in shapes), attributes)


def repeat(rng: Generator, shapes: tuple[Shape, Shape]) -> Sample:
    small, large = shapes
    return Sample((normal(rng, small),), {"shape": large})


def add_up(rng: Generator, shapes: tuple[Shape, Shape]) -> Sample:
    small, large = shapes
    return Sample((normal(rng, large),), {"shape": small})


def take(rng: Generator, case: tuple[Shape, Shape, int]) -> Sample:
    """Indices from the front and from the back, some of them repeated."""
    shape, places, axis = case
    return Sample((normal(rng, shape), rng.integers(-shape[axis], shape[axis], places)), {"axis": axis})


def embedding(rng: Generator, case: tuple[int, int, Shape]) -> Sample:
    """Rows of a table, some of them repeated."""
    rows, width, places = case
    return Sample((normal(rng, (rows, width)), rng.integers(0, rows, places)), {})


def cast(rng: Generator, case: tuple[Shape, str]) -> Sample:
    shape, source = case
    return Sample((np.asarray(3 * normal(rng, shape)).astype(source),), {"dtype": "float64"})


def axis_of(draw: st.DrawFn, shape: Shape) -> int:
    return draw(st.integers(-len(shape), len(shape) - 1))


@st.composite
def reshapes(draw: st.DrawFn) -> tuple[Shape, dict[str, Any]]:
    shape = draw(SHAPES)
    options = [(prod(shape),), shape[::-1], (1, *shape, 1)]
    if prod(shape):
        options.append((-1, *shape[1:]))
    return shape, {"shape": draw(st.sampled_from(options))}


@st.composite
def orders(draw: st.DrawFn) -> tuple[Shape, dict[str, Any]]:
    shape = draw(SHAPES)
    axes = tuple(draw(st.permutations(range(len(shape)))))
    return shape, {"axes": draw(st.sampled_from([None, axes, tuple(a - len(shape) for a in axes)]))}


@st.composite
def flips(draw: st.DrawFn) -> tuple[Shape, dict[str, Any]]:
    shape = draw(WITH_AXIS)
    axis = axis_of(draw, shape)
    return shape, {"axis": draw(st.sampled_from([None, axis, (axis,)]))}


@st.composite
def indices(draw: st.DrawFn) -> tuple[Shape, dict[str, Any]]:
    shape = draw(SHAPES)
    return shape, {"index": static_index(draw(basic_indices(shape, allow_newaxis=True)))}


@st.composite
def borders(draw: st.DrawFn) -> tuple[Shape, dict[str, Any]]:
    shape = draw(WITH_AXIS)
    widths = tuple(draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) for _ in shape)
    return shape, {"widths": widths, "value": draw(st.sampled_from([0.0, -1.5]))}


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Shape, dict[str, Any]]:
    shape = draw(FILLED)
    axis = axis_of(draw, shape)
    n = shape[axis]
    places = tuple(sorted(draw(st.lists(st.integers(0, n), min_size=1, max_size=2))))
    return shape, {"sections": draw(st.sampled_from([1, n, places])), "axis": axis}


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[Shape], dict[str, Any]]:
    """Shapes that differ along one axis only."""
    shape = list(draw(WITH_AXIS))
    axis = axis_of(draw, tuple(shape))
    shapes = []
    for length in draw(st.lists(st.integers(0, 3), min_size=1, max_size=3)):
        shape[axis] = length
        shapes.append(tuple(shape))
    return shapes, {"axis": axis}


@st.composite
def piles(draw: st.DrawFn) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(SHAPES)
    return [shape] * draw(st.integers(1, 3)), {"axis": draw(st.integers(-len(shape) - 1, len(shape)))}


@st.composite
def choices(draw: st.DrawFn) -> tuple[Shape, Shape, int]:
    shape = draw(FILLED)
    return shape, draw(SHAPES), axis_of(draw, shape)


def _broadcasts(draw: Callable[..., Sample]) -> Samples:
    def small_and_large(shapes: tuple[Shape, ...]) -> tuple[Shape, Shape]:
        return shapes[0], np.broadcast_shapes(*shapes)

    return samples(draw, BROADCASTS, broadcastable(2).map(small_and_large))


SAMPLES = {
    "reshape": samples(
        one, [((2, 3), {"shape": (3, 2)}), ((2, 3), {"shape": (-1,)}), ((), {"shape": (1,)})], reshapes()
    ),
    "transpose": samples(
        one,
        [((2, 3), {"axes": None}), ((2, 3, 4), {"axes": (1, 2, 0)}), ((2, 3, 4), {"axes": (-1, 0, -2)})],
        orders(),
    ),
    "flip": samples(one, [((2, 3), {}), ((2, 3), {"axis": 1}), ((2, 3, 2), {"axis": (0, -1)})], flips()),
    "broadcast_to": _broadcasts(repeat),
    "sum_to": _broadcasts(add_up),
    "concatenate": samples(
        several,
        [([(2, 3), (1, 3)], {}), ([(2, 1), (2, 2), (2, 3)], {"axis": -1}), ([(3,)], {"axis": 0})],
        chains(),
    ),
    "split": samples(
        one,
        [((4, 2), {"sections": 2}), ((2, 5), {"sections": (1, 3), "axis": -1}), ((3,), {"sections": (0, 2)})],
        cuts(),
    ),
    "stack": samples(several, [([(2, 3)] * 2, {}), ([(2,)] * 3, {"axis": -1}), ([()] * 2, {"axis": 0})], piles()),
    "pad": samples(
        one, [((2, 3), {"widths": ((1, 0), (0, 2)), "value": 0.5}), ((3,), {"widths": ((2, 1),)})], borders()
    ),
    "getitem": samples(
        one,
        [
            ((3, 4), {"index": static_index(1)}),
            ((3, 4), {"index": static_index((slice(None), -1))}),
            ((3, 4), {"index": static_index((slice(2, None, -1), None, slice(0, 4, 2)))}),
            ((3, 2, 2), {"index": static_index((..., np.int64(0)))}),
            ((3, 2, 2), {"index": static_index(())}),
        ],
        indices(),
    ),
    "take": samples(take, [((4, 2), (3,), 0), ((2, 3), (2, 4), 1), ((3, 2), (), -1), ((5,), (6,), 0)], choices()),
    "embedding": samples(
        embedding, [(4, 2, (3,)), (3, 2, (2, 4)), (2, 3, ())], st.tuples(st.integers(1, 4), st.integers(1, 3), SHAPES)
    ),
    "cast": samples(
        cast,
        [((2, 3), "float64"), ((2, 3), "int64"), ((), "bool")],
        st.tuples(SHAPES, st.sampled_from(["float64", "int32", "uint8"])),
    ),
}
