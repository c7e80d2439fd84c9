"""Samples of the constraints: kernels whose norms lie on either side of the bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.samples import Sample, Samples


def kernel(rng: np.random.Generator, shape: tuple[int, ...], attributes: dict[str, Any]) -> Sample:
    return Sample((np.asarray(rng.standard_normal(shape) * rng.uniform(0.1, 3, shape[-1])),), attributes)


def _samples(*variants: dict[str, Any]) -> Samples:
    return Samples(
        lambda rng: [kernel(rng, shape, attributes) for attributes in variants for shape in ((4, 3), (2, 2, 2, 3))],
        random=st.builds(
            lambda seed, attributes: kernel(np.random.default_rng(seed), (3, 4), attributes),
            st.integers(0, 2**32 - 1),
            st.sampled_from([v for v in variants if not isinstance(v.get("axis"), tuple)]),
        ),
        undifferentiated=True,
    )


SAMPLES = {
    "max_norm": _samples({}, {"max_value": 0.5, "axis": -1}, {"axis": (0, 1)}),
    "unit_norm": _samples({}, {"axis": -1}, {"axis": (0, 1)}),
    "min_max_norm": _samples({}, {"min_value": 1.0, "max_value": 1.5, "rate": 0.5, "axis": 1}, {"axis": (0, 1)}),
    "non_negative": _samples({}),
}
