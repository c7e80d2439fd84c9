"""Samples of the penalties: away from 0, where |x| has its kink."""

from __future__ import annotations

from tests.drawing import FIXED_SHAPES, SHAPES, Generator, Shape, away_from, samples
from tests.samples import Sample


def sized(rng: Generator, shape: Shape) -> Sample:
    return Sample((away_from(rng, shape, 0.0),), {"factor": float(rng.choice([0.01, 0.5, 2.0]))})


SAMPLES = {name: samples(sized, FIXED_SHAPES, SHAPES) for name in ("l1_penalty", "l2_penalty")}
