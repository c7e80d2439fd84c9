"""Samples of sparsemax, away from the points where a probability vanishes."""

from __future__ import annotations

import numpy as np

from tests.drawing import Generator, Shape, normal, samples
from tests.samples import Sample
from tests.samples.activation import CLASSES, classes


def apart(rng: Generator, case: tuple[Shape, dict[str, int]]) -> Sample:
    """Scores of which none comes near the point where its probability vanishes."""
    shape, attributes = case
    while True:
        x = 0.7 * normal(rng, shape)
        axis = attributes.get("axis", -1)
        best = -np.sort(-x, axis=axis)
        ranks = np.arange(1, shape[axis] + 1).reshape((-1,) + (1,) * ((len(shape) - 1 - axis) % len(shape)))
        if (np.abs(1 + ranks * best - np.cumsum(best, axis=axis)) > 1e-2).all():
            return Sample((x,), attributes)


SAMPLES = {"sparsemax": samples(apart, CLASSES, classes())}
