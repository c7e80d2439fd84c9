"""Samples of batch normalisation: (N, D) and (N, H, W, C), with channels far from centre and scale one."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.samples import Sample, Samples

Generator = np.random.Generator


def call(rng: Generator, shape: tuple[int, ...], **attributes: Any) -> Sample:
    channels = shape[-1]
    x = rng.standard_normal(shape) * rng.uniform(0.5, 2, channels) + rng.uniform(-2, 2, channels)
    gamma, beta, mean = (rng.uniform(-2, 2, channels) for _ in range(3))
    return Sample((x, gamma, beta, mean, rng.uniform(0.5, 2, channels)), attributes)


def in_training(rng: Generator) -> list[Sample]:
    return [
        call(rng, (5, 3)),
        call(rng, (2, 3, 2, 4), momentum=0.9, epsilon=0.5),
        call(rng, (1, 2, 3, 2), momentum=0.0, epsilon=0.01),
        call(rng, (1, 3), epsilon=1.0),  # one sample: x̂ = 0, and x does not reach y
    ]


def in_inference(rng: Generator) -> list[Sample]:
    return [call(rng, (5, 3)), call(rng, (2, 3, 2, 4), epsilon=0.5), call(rng, (4,))]


def _random(least: int, with_momentum: bool) -> st.SearchStrategy[Sample]:
    """Shapes (…, C): the leading sizes from ``least`` on, since an empty batch has no mean."""

    def build(shape: tuple[int, ...], seed: int) -> Sample:
        rng = np.random.default_rng(seed)
        attributes = {"momentum": rng.uniform(0, 1)} if with_momentum else {}
        return call(rng, shape, epsilon=rng.uniform(0.05, 1), **attributes)

    leading = st.lists(st.integers(least, 5), min_size=1, max_size=3)
    shapes = st.tuples(leading, st.integers(0, 4)).map(lambda sizes: (*sizes[0], sizes[1]))
    return st.builds(build, shapes, st.integers(0, 2**32 - 1))


SAMPLES = {
    "batch_normalization": Samples(in_training, random=_random(1, with_momentum=True)),
    "batch_normalization_inference": Samples(in_inference, random=_random(0, with_momentum=False)),
}
