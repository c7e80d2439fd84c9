"""Samples of the focal losses: as those of the cross-entropies, with the numbers that are their own."""

from __future__ import annotations

import numpy as np

from tests.samples import Sample
from tests.samples.loss import SHAPES_WITH_NO_OUTPUTS, of_loss, probabilities, unscaled_distributions

Generator = np.random.Generator


def binary(rng: Generator, shape: tuple[int, ...]) -> Sample:
    x, _, w = probabilities(rng, shape).arrays
    t = rng.integers(0, 2, shape) * 0.9 + 0.05  # as label smoothing leaves them
    own = [{}, {"gamma": 1.5, "alpha": 0.3}, {"gamma": 0.0}][rng.integers(3)]
    return Sample((x, t, w), {"epsilon": 0.05, **own})


def categorical(rng: Generator, shape: tuple[int, ...]) -> Sample:
    each = tuple(np.linspace(0.2, 0.8, shape[-1]).tolist())
    own = [{}, {"gamma": 1.5, "alpha": each}, {"gamma": 0.0, "alpha": 1.0}][rng.integers(3)]
    return Sample(unscaled_distributions(rng, shape).arrays, own)


SAMPLES = {
    "binary_focal_cross_entropy": of_loss(binary, shapes=SHAPES_WITH_NO_OUTPUTS),
    "categorical_focal_cross_entropy": of_loss(categorical),
}
