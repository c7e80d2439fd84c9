"""Samples of more losses: x, t and sample weights w, away from every kink."""

from __future__ import annotations

import numpy as np

from tests.samples import Sample
from tests.samples.loss import SHAPES_WITH_NO_OUTPUTS, indices, of_loss, signed, weights

Generator = np.random.Generator


def relative(rng: Generator, shape: tuple[int, ...]) -> Sample:
    t = signed(rng, shape, low=0.5)
    return Sample((t + signed(rng, shape), t, weights(rng, shape)), {"epsilon": 0.01})


def positive(rng: Generator, shape: tuple[int, ...]) -> Sample:
    """Outputs above ε, some clearly below."""
    x = rng.choice([-0.5, 0.5, 2.0], shape) + rng.uniform(-0.1, 0.1, shape)
    return Sample((x, rng.uniform(0, 2, shape), weights(rng, shape)), {"epsilon": 0.05})


def directions(rng: Generator, shape: tuple[int, ...]) -> Sample:
    return Sample((signed(rng, shape), signed(rng, shape), weights(rng, shape)))


def margins(rng: Generator, shape: tuple[int, ...]) -> Sample:
    """Outputs of which no two are near one another, and margins that are not near 0."""
    x = 0.7 * np.argsort(rng.random(shape), axis=-1) + 0.35
    t = np.eye(shape[-1])[indices(rng, shape)]
    return Sample((x + rng.uniform(-0.05, 0.05, shape), t, weights(rng, shape)))


SAMPLES = {
    "mean_absolute_percentage_error": of_loss(relative, shapes=SHAPES_WITH_NO_OUTPUTS),
    "mean_squared_logarithmic_error": of_loss(positive, shapes=SHAPES_WITH_NO_OUTPUTS),
    "cosine_similarity": of_loss(directions),
    "categorical_hinge": of_loss(margins),
}
