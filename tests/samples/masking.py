"""Samples of the masks of sequences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.drawing import Generator, Shape, samples
from tests.samples import Sample

AXES = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple)


def steps(rng: Generator, case: tuple[Shape, dict[str, Any]]) -> Sample:
    """Small whole numbers, so that padding occurs; as floats where steps are vectors."""
    shape, attributes = case
    x = rng.integers(0, 2, shape)
    return Sample((x.astype(float) if attributes.get("vectors") else x,), attributes)


def weights(rng: Generator, case: tuple[Shape, int, dict[str, Any]]) -> Sample:
    shape, axes, attributes = case
    return Sample((rng.uniform(0.5, 2, shape), rng.random(shape[:axes]) > 0.4), attributes)


SAMPLES = {
    "existing": samples(
        steps,
        [((2, 3), {}), ((2, 3), {"padding": 1.0}), ((2, 3, 2), {"vectors": True})],
        st.tuples(AXES, st.sampled_from([{}, {"padding": 1.0}, {"vectors": True}])),
    ),
    "masked_weights": samples(
        weights,
        [((2, 3), 2, {}), ((2, 3), 2, {"mean": False}), ((2, 3, 2), 2, {}), ((4,), 1, {})],
        st.tuples(AXES, st.just(1), st.sampled_from([{}, {"mean": False}])),
    ),
}
SAMPLES = {name: replace(found, undifferentiated=True) for name, found in SAMPLES.items()}
