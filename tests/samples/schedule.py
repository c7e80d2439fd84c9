"""Samples of the schedules: the rate at the start, a number or one for each unit, and the number of steps taken."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.samples import Sample, Samples

STEPS = (0, 1, 4, 5, 9, 10, 31, 2**24 + 1)


def _samples(*variants: dict[str, Any], rated: bool = True) -> Samples:
    def call(rate: Any, t: int, attributes: dict[str, Any]) -> Sample:
        step = np.asarray(t, np.uint32)
        return Sample((np.asarray(rate, np.float64), step) if rated else (step,), attributes)

    rates = (0.1, [0.1, 0.0, 2.0])
    return Samples(
        lambda rng: [call(rate, t, attributes) for attributes in variants for t in STEPS for rate in rates],
        random=st.builds(call, st.sampled_from(rates), st.integers(0, 10**6), st.sampled_from(variants)),
        undifferentiated=True,
    )


DECAY = {"decay_steps": 5, "decay_rate": 0.5}
SAMPLES = {
    "exponential_decay": _samples(DECAY, {**DECAY, "staircase": True}),
    "inverse_time_decay": _samples(DECAY, {**DECAY, "staircase": True}),
    "polynomial_decay": _samples(
        {"decay_steps": 10}, {"decay_steps": 5, "end_learning_rate": 0.01, "power": 2.0, "cycle": True}
    ),
    "piecewise_constant_decay": _samples({"boundaries": (4, 9), "values": (1.0, 0.5, 0.1)}),
    "cosine_decay": _samples(
        {"decay_steps": 10}, {"decay_steps": 5, "alpha": 0.1, "warmup_target": 2.0, "warmup_steps": 5}
    ),
    "cosine_decay_restarts": _samples(
        {"first_decay_steps": 5}, {"first_decay_steps": 4, "t_mul": 1.0, "m_mul": 0.5, "alpha": 0.1}
    ),
    "one_cycle": _samples({"total_steps": 10}, {"total_steps": 1}, {"total_steps": 10, "pct_start": 0.0}),
    "warmup": _samples({"steps": 5}, {"steps": 10, "start": 0.05}),
    "steps_after": _samples({"steps": 5}, rated=False),
    "updates_made": _samples({"every": 4}, rated=False),
}
