"""Samples of pooling: overlapping, touching and separate windows, with and without a border."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.samples import Sample, Samples

Generator = np.random.Generator


def call(rng: Generator, shape: tuple[int, int, int, int], **attributes: Any) -> Sample:
    """Images whose values are all at least 0.1 apart, so that no window has two largest."""
    x = (rng.permutation(int(np.prod(shape))).reshape(shape) + rng.uniform(0, 0.1, shape)) / 5 - 2
    return Sample((x,), attributes)


def fixed(rng: Generator) -> list[Sample]:
    return [
        call(rng, (2, 4, 4, 1)),
        call(rng, (1, 5, 5, 2), size=(3, 2), strides=(1, 2)),
        call(rng, (1, 5, 3, 2), size=(2, 2), strides=(3, 1)),
        call(rng, (1, 4, 5, 2), size=(3, 3), strides=(2, 2), padding=((1, 1), (0, 2))),
        call(rng, (3, 1, 1, 2), size=(2, 2), strides=(1, 1), padding=((1, 0), (1, 1))),
    ]


@st.composite
def calls(draw: st.DrawFn) -> Sample:
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    size, strides = draw(pairs), draw(pairs)
    padding = tuple(draw(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1))) for k in size)
    height, width = (max(1, k - sum(zeros)) + draw(st.integers(0, 4)) for k, zeros in zip(size, padding, strict=True))
    shape = (draw(st.integers(0, 3)), height, width, draw(st.integers(0, 3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return call(rng, shape, size=size, strides=strides, padding=padding)


SAMPLES = {name: Samples(fixed, random=calls()) for name in ("max_pooling_2d", "average_pooling_2d")}
