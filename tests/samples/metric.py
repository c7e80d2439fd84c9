"""Samples of the metrics, which are computed and not differentiated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from tests.samples import Sample, Samples, distance, loss
from tests.samples.loss import FIXED_SHAPES, SHAPES, SHAPES_WITH_NO_OUTPUTS, indices, weights

Generator = np.random.Generator
METRICS_OF_LOSSES = (
    "mean_squared_error",
    "mean_absolute_error",
    "binary_cross_entropy",
    "categorical_cross_entropy",
    "sparse_categorical_cross_entropy",
    "hinge",
    "kl_divergence",
    "huber",
    "log_cosh",
    "poisson",
    "squared_hinge",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
)
DISTANCES = tuple(distance.SAMPLES)


def binary(rng: Generator, shape: tuple[int, ...]) -> Sample:
    x, t = rng.uniform(0, 1, shape), rng.integers(0, 2, shape).astype(float)
    return Sample((x, t, weights(rng, shape)), {"threshold": float(rng.choice([0.3, 0.5]))})


def one_hot(rng: Generator, shape: tuple[int, ...]) -> Sample:
    t = np.eye(shape[-1])[indices(rng, shape)]
    return Sample((rng.standard_normal(shape), t, weights(rng, shape)))


def by_index(rng: Generator, shape: tuple[int, ...]) -> Sample:
    return Sample((rng.standard_normal(shape), indices(rng, shape), weights(rng, shape)))


def top_k(draw: Callable[[Generator, tuple[int, ...]], Sample]) -> Callable[[Generator, tuple[int, ...]], Sample]:
    return lambda rng, shape: Sample(draw(rng, shape).arrays, {"k": int(rng.integers(1, 4))})


def any_numbers(rng: Generator, shape: tuple[int, ...]) -> Sample:
    """One to three arrays; in some of them one number is not finite."""
    arrays = [np.asarray(rng.standard_normal(shape)) for _ in range(rng.integers(1, 4))]
    for a in arrays:
        if a.size and rng.random() < 0.3:
            a.flat[rng.integers(a.size)] = rng.choice([np.nan, np.inf, -np.inf])
    return Sample(tuple(arrays))


def _samples(
    draw: Callable[[Generator, tuple[int, ...]], Sample], shapes: st.SearchStrategy[tuple[int, ...]] = SHAPES
) -> Samples:
    return Samples(
        fixed=lambda rng: [draw(rng, shape) for shape in FIXED_SHAPES],
        random=st.builds(
            lambda shape, seed: draw(np.random.default_rng(seed), shape), shapes, st.integers(0, 2**32 - 1)
        ),
        undifferentiated=True,
    )


SAMPLES = {
    "binary_accuracy": _samples(binary, SHAPES_WITH_NO_OUTPUTS),
    "categorical_accuracy": _samples(one_hot),
    "sparse_categorical_accuracy": _samples(by_index),
    "top_k_categorical_accuracy": _samples(top_k(one_hot)),
    "sparse_top_k_categorical_accuracy": _samples(top_k(by_index)),
    "confusion": _samples(by_index),
    "all_finite": _samples(any_numbers, SHAPES_WITH_NO_OUTPUTS),
    **{f"{name}_metric": replace(loss.SAMPLES[name], undifferentiated=True) for name in METRICS_OF_LOSSES},
    **{f"{name}_metric": replace(distance.SAMPLES[name], undifferentiated=True) for name in DISTANCES},
}
