"""Samples of the rules around an optimiser's. Those that move an array are tried as optimisers' rules are."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from omomi.ops.optimization import accumulate, average, overwrite, soft_threshold, weight_decay
from tests.samples import Sample, Samples
from tests.samples.update import of_rule

Generator = np.random.Generator


def squares(rng: Generator, pieces: int) -> Sample:
    """Sums of squares whose root lies on either side of the norm."""
    return Sample(tuple(np.asarray(s) for s in rng.uniform(0, 2, pieces)), {"norm": float(rng.uniform(0.3, 2))})


SAMPLES = {
    "clip_factor": Samples(
        lambda rng: [squares(rng, pieces) for pieces in (1, 2, 5, 1, 2)],
        random=st.builds(
            lambda seed, pieces: squares(np.random.default_rng(seed), pieces),
            st.integers(0, 2**32 - 1),
            st.integers(1, 4),
        ),
        undifferentiated=True,
    ),
    "weight_decay": of_rule(weight_decay, {"weight_decay": 0.1}),
    "soft_threshold": of_rule(soft_threshold, {"factor": 2.0}),
    "accumulate": of_rule(accumulate, {"every": 2}, {"every": 5}),
    "average": of_rule(average, {"momentum": 0.5}, {"every": 5}, {"momentum": 0.5, "every": 2}),
    "overwrite": of_rule(overwrite, {"frequency": 5}, {"frequency": 2}),
}
