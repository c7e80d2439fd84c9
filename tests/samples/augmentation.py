"""Samples of augmentation. An image is linear in its entries, so no place is a kink."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from omomi.engines import random
from tests.drawing import Generator, Shape, normal, samples, uniform
from tests.samples import Sample


def address(rng: Generator) -> np.ndarray:
    return random.address(int(rng.integers(2**63)), "model/flip", int(rng.integers(100)), int(rng.integers(3)))


def drawn(rng: Generator, attributes: dict[str, Any]) -> Sample:
    return Sample((address(rng),), attributes)


def images(rng: Generator, case: tuple[Shape, dict[str, Any]]) -> Sample:
    shape, attributes = case
    return Sample((normal(rng, shape), address(rng)), attributes)


def warped(rng: Generator, case: tuple[Shape, dict[str, Any]]) -> Sample:
    """Maps that leave the image; none reads at a place where rounding decides which entry is the nearest."""
    shape, attributes = case
    matrix = uniform(rng, (shape[0], 2, 3), -1.5, 1.5) + np.eye(2, 3)
    return Sample((normal(rng, shape), matrix), attributes)


AFFINE = {
    "angle": (-0.5, 1.0),
    "height_zoom": (0.5, 1.5),
    "width_zoom": (0.8, 0.9),
    "height_shift": (-0.2, 0.3),
    "width_shift": (0.1, 0.1),
}
WARPS: list[dict[str, Any]] = [
    {},
    {"fill_mode": "constant", "fill_value": 0.5},
    {"fill_mode": "constant", "interpolation": "nearest"},
    {"fill_mode": "nearest"},
    {"fill_mode": "wrap", "interpolation": "nearest", "fill_value": 2.0},
    {"fill_mode": "wrap"},
]
IMAGES = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 2))


def _drawing(fixed: list[dict[str, Any]]) -> Any:
    found = samples(drawn, fixed, st.sampled_from(fixed))
    return type(found)(found.fixed, random=found.random, undifferentiated=True)


SAMPLES = {
    "random_uniform": _drawing([{"shape": (3, 1)}, {"shape": (5,), "low": -2.0, "high": 3.0}, {"shape": ()}]),
    "random_affine": _drawing(
        [
            {"count": 3, "size": (5, 8)},
            {"count": 2, "size": (4, 3), **AFFINE},
            {"count": 2, "size": (4, 3), **AFFINE, "width_zoom": None},
        ]
    ),
    "warp": samples(
        warped,
        [((2, 3, 4, 2), way) for way in WARPS] + [((1, 1, 3, 1), {})],
        st.tuples(IMAGES, st.sampled_from(WARPS)),
    ),
    "random_flip": samples(
        images,
        [((4, 3, 2, 1), {"axes": (1, 2)}), ((3, 4), {"axes": (1,)}), ((3, 2, 2, 2), {"axes": (2,)})],
        st.tuples(IMAGES, st.sampled_from([{"axes": (1,)}, {"axes": (1, 2)}])),
    ),
    "random_crop": samples(
        images,
        [((3, 4, 5, 1), {"size": (2, 3)}), ((2, 3, 3, 2), {"size": (3, 3)}), ((2, 4, 3, 2), {"size": (1, 3)})],
        IMAGES.map(lambda shape: (shape, {"size": (1 + shape[1] // 2, 1 + shape[2] // 3)})),
    ),
}
