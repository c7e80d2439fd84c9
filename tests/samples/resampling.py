"""Samples of resampling: every interpolation, larger and smaller, along each axis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from omomi.ops.resampling import INTERPOLATIONS
from tests.samples import Sample, Samples


def fixed(rng: np.random.Generator) -> list[Sample]:
    made = [
        Sample((rng.standard_normal((2, 3, 2, 1)),), {"axis": 1, "size": 6}),
        Sample((rng.standard_normal((1, 2, 4, 2)),), {"axis": 2, "size": 5, "interpolation": "bilinear"}),
        Sample((rng.standard_normal((5, 2)),), {"axis": 0, "size": 3, "interpolation": "nearest"}),
        Sample((rng.standard_normal((2, 1)),), {"axis": -1, "size": 3}),
    ]
    others = ("bicubic", "lanczos3", "lanczos5")
    return made + [Sample((rng.standard_normal((2, 6)),), {"axis": 1, "size": 9, "interpolation": k}) for k in others]


@st.composite
def calls(draw: st.DrawFn) -> Sample:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(0, 2)), draw(st.integers(1, 7)), draw(st.integers(1, 3)))
    kind = draw(st.sampled_from(INTERPOLATIONS))
    return Sample((rng.standard_normal(shape),), {"axis": 1, "size": draw(st.integers(1, 9)), "interpolation": kind})


SAMPLES = {"resampling": Samples(fixed, random=calls())}
