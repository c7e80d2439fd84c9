"""Samples of the reductions: over all axes, one, or some; no two numbers near each other."""

from __future__ import annotations

from math import prod

from hypothesis import strategies as st

from tests.drawing import SHAPES, Generator, Shape, distinct, samples
from tests.samples import Sample

Axis = int | tuple[int, ...] | None
Case = tuple[Shape, Axis, bool]

FIXED: list[Case] = [
    ((2, 3), None, False),
    ((2, 3), None, True),
    ((2, 3), 0, False),
    ((2, 3), -1, True),
    ((2, 3, 2), (0, 2), False),
    ((2, 3, 2), (-1, 1), True),
    ((3, 1), 1, False),
    ((), None, False),
]


def reduced(rng: Generator, case: Case) -> Sample:
    shape, axis, keepdims = case
    return Sample((distinct(rng, shape),), {"axis": axis, "keepdims": keepdims})


@st.composite
def cases(draw: st.DrawFn, of_nothing: bool) -> Case:
    """Some axes of some shape; reductions ``of_nothing``, which only a sum has, where they are asked for."""
    shape = draw(SHAPES)
    axes = [k for k, size in enumerate(shape) if size or of_nothing]
    some = draw(st.lists(st.sampled_from(axes), unique=True)) if axes else []
    axis: Axis = tuple(k - len(shape) if draw(st.booleans()) else k for k in some)
    if len(some) == 1 and draw(st.booleans()):
        axis = axis[0]
    if not some and (of_nothing or prod(shape)):
        axis = None
    return shape, axis, draw(st.booleans())


SAMPLES = {
    "sum": samples(reduced, FIXED, cases(of_nothing=True)),
    **{
        name: samples(reduced, FIXED, cases(of_nothing=False))
        for name in ("mean", "variance", "max", "min", "logsumexp")
    },
}
