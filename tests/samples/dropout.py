"""Samples of dropout and of the addresses of draws."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from omomi.engines import random
from tests.samples import Sample, Samples

Generator = np.random.Generator


def dropped(rng: Generator, shape: tuple[int, ...], rate: float) -> Sample:
    address = random.address(int(rng.integers(2**63)), "model/dropout", int(rng.integers(100)), int(rng.integers(3)))
    return Sample((rng.standard_normal(shape), address), {"rate": rate})


def drawn(rng: Generator) -> Sample:
    seed = rng.integers(0, 2**32, 2, dtype=np.uint32)
    step = rng.integers(0, 2**32, (), dtype=np.uint32)
    return Sample((seed, np.asarray(step)), {"path": int(rng.integers(2**32)), "draw": int(rng.integers(5))})


SHAPES = st.lists(st.integers(0, 5), max_size=3).map(tuple)
SEEDS = st.integers(0, 2**32 - 1)

SAMPLES = {
    "dropout": Samples(
        fixed=lambda rng: [dropped(rng, (4, 5), 0.5), dropped(rng, (2, 3, 3, 2), 0.25), dropped(rng, (3,), 0.0)],
        random=st.builds(
            lambda seed, shape, rate: dropped(np.random.default_rng(seed), shape, rate),
            SEEDS,
            SHAPES,
            st.floats(0, 0.9),
        ),
    ),
    "draw_address": Samples(
        fixed=lambda rng: [drawn(rng), drawn(rng)],
        random=st.builds(lambda seed: drawn(np.random.default_rng(seed)), SEEDS),
        undifferentiated=True,
    ),
}
