"""Samples of noise: every draw at an address of its own."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from omomi.engines import random
from tests.drawing import SHAPES, Generator, Shape, normal, samples
from tests.samples import Sample


def drawn(rng: Generator, case: tuple[Shape, dict[str, Any]]) -> Sample:
    shape, attributes = case
    address = random.address(int(rng.integers(2**63)), "model/noise", int(rng.integers(100)), int(rng.integers(3)))
    return Sample((normal(rng, shape), address), attributes)


def _cases(name: str, values: tuple[float, ...]) -> Any:
    fixed = [(shape, {name: value}) for shape in ((4, 5), (3,), ()) for value in values]
    random_cases = st.tuples(SHAPES, st.floats(0, 0.9).map(lambda value: {name: value}))
    return fixed, random_cases


RATES, RANDOM_RATES = _cases("rate", (0.5, 0.0, 0.1))

SAMPLES = {
    "gaussian_noise": samples(drawn, *_cases("stddev", (0.5, 0.0))),
    "gaussian_dropout": samples(drawn, RATES, RANDOM_RATES),
    "alpha_dropout": samples(drawn, [*RATES, ((3, 4, 2), {"rate": 0.4, "noise_shape": (3, 1, 2)})], RANDOM_RATES),
}
