"""Samples of the loss scale: after an overflow, in the middle, when it is raised, at both ends."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.samples import Sample, Samples


def call(scale: float, steps: int, loss: float, finite: bool, patience: int = 3) -> Sample:
    arrays = (np.float64(scale), np.uint32(steps), np.float64(loss), np.bool_(finite))
    return Sample(tuple(np.asarray(a) for a in arrays), {"patience": patience})


def fixed(rng: np.random.Generator) -> list[Sample]:
    return [
        call(8, 0, 1.0, True), call(8, 2, 1.0, True), call(8, 1, 1.0, False), call(1, 1, 1.0, False),
        call(2.0**24, 2, 1.0, True), call(8, 1, float("inf"), False),
    ]  # fmt: skip


random = st.builds(
    call, st.sampled_from([1.0, 2.0, 1024.0]), st.integers(0, 5), st.sampled_from([1.0, float("nan")]), st.booleans()
)
SAMPLES = {"loss_scale": Samples(fixed, random=random, undifferentiated=True)}
