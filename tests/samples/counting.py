"""Samples of the counts behind metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.samples import Sample, Samples
from tests.samples.loss import FIXED_SHAPES, SHAPES, indices, weights

Generator = np.random.Generator
THRESHOLDS = (0.1, 0.5, 0.7)


def binary(*variants: dict[str, Any]) -> Callable[[Generator, tuple[int, ...]], Sample]:
    def draw(rng: Generator, shape: tuple[int, ...]) -> Sample:
        x, t = rng.uniform(0, 1, shape), rng.integers(0, 2, shape).astype(float)
        return Sample((x, t, weights(rng, shape)), variants[rng.integers(len(variants))])

    return draw


def numbers(rng: Generator, shape: tuple[int, ...]) -> Sample:
    return Sample((rng.standard_normal(shape), rng.standard_normal(shape), weights(rng, shape)))


def rounded(rng: Generator, shape: tuple[int, ...]) -> Sample:
    x, t = rng.integers(0, 3, shape).astype(float), rng.integers(0, 3, shape).astype(float)
    return Sample((x, t, weights(rng, shape)))


def labels(rng: Generator, shape: tuple[int, ...]) -> Sample:
    ids = [rng.integers(-1, 4, shape[:-1]) for _ in range(2)]
    return Sample((*(np.asarray(i) for i in ids), weights(rng, shape)), {"classes": 3})


def values(rng: Generator, shape: tuple[int, ...]) -> Sample:
    return Sample((np.asarray(rng.standard_normal(shape[:-1])), weights(rng, shape)))


def _samples(draw: Callable[[Generator, tuple[int, ...]], Sample]) -> Samples:
    return Samples(
        fixed=lambda rng: [draw(rng, shape) for shape in FIXED_SHAPES * 2],
        random=st.builds(
            lambda shape, seed: draw(np.random.default_rng(seed), shape), SHAPES, st.integers(0, 2**32 - 1)
        ),
        undifferentiated=True,
    )


SAMPLES = {
    "threshold_counts": _samples(
        binary(
            {"thresholds": THRESHOLDS},
            {"thresholds": THRESHOLDS, "labels": True},
            {"thresholds": (0.5,), "class_id": 0},
            {"thresholds": (0.5,), "top_k": 2},
        )
    ),
    "class_counts": _samples(binary({}, {"threshold": 0.4})),
    "label_confusion": _samples(labels),
    "residual_sums": _samples(numbers),
    "exact_accuracy": _samples(rounded),
    "one_hot": _samples(lambda rng, shape: Sample((indices(rng, shape),), {"classes": shape[-1]})),
    "weighted_sum": _samples(values),
    "largest": _samples(lambda rng, shape: Sample((rng.standard_normal(shape),))),
}
