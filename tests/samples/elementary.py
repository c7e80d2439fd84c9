"""Samples of the elementary functions, inside their domains and away from their kinks."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.drawing import FIXED_SHAPES, SHAPES, Generator, Shape, away_from, samples
from tests.samples import Sample


def unary(rng: Generator, shape: Shape, kinks: tuple[float, ...] = (), low: float = -3, high: float = 3) -> Sample:
    return Sample((away_from(rng, shape, *kinks, low=low, high=high),))


def clip(rng: Generator, case: tuple[Shape, float | None, float | None]) -> Sample:
    shape, low, high = case
    kinks = [end for end in (low, high) if end is not None]
    return Sample((away_from(rng, shape, *kinks),), {"low": low, "high": high})


LOW, HIGH = (None, -1.0, 0.0), (None, 0.5, 2.0)

SAMPLES = {
    "exp": samples(unary),
    "expm1": samples(unary),
    "log": samples(unary, low=0.1),
    "log1p": samples(unary, low=-0.9),
    "sqrt": samples(unary, low=0.1),
    "square": samples(unary),
    "absolute": samples(unary, kinks=(0.0,)),
    "sin": samples(unary),
    "cos": samples(unary),
    "clip": samples(
        clip,
        [(shape, low, high) for shape in FIXED_SHAPES for low in LOW for high in HIGH],
        st.tuples(SHAPES, st.sampled_from(LOW), st.sampled_from(HIGH)),
    ),
}
