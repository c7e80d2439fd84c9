"""Samples of the normalisations: (N, D) and (N, H, W, C), with channels far from centre and scale one."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.drawing import away_from, samples
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


def of_samples(rng: Generator, case: tuple[tuple[int, ...], int, bool]) -> Sample:
    """x, γ of its last axes, and β: layer and root mean square normalisation."""
    shape, axes, with_beta = case
    size = shape[len(shape) - axes :]
    x = rng.standard_normal(shape) * 1.5 + 0.5
    gamma, beta = rng.uniform(-2, 2, size), rng.uniform(-2, 2, size)
    return Sample((x, gamma, beta)[: 2 + with_beta], {"epsilon": 0.01})


def of_groups(rng: Generator, case: tuple[tuple[int, ...], int]) -> Sample:
    shape, groups = case
    x = rng.standard_normal(shape) * 1.5 + 0.5
    gamma, beta = rng.uniform(-2, 2, shape[-1]), rng.uniform(-2, 2, shape[-1])
    return Sample((x, gamma, beta), {"groups": groups, "epsilon": 0.01})


def vectors(rng: Generator, case: tuple[tuple[int, ...], dict[str, Any]]) -> Sample:
    """Vectors that are not near length ε, on either side."""
    shape, attributes = case
    return Sample((away_from(rng, shape, 0.0),), attributes)


def _rows(with_beta: bool) -> Samples:
    fixed = [((4, 5), 1, with_beta), ((2, 3, 2, 2), 1, with_beta), ((3, 2, 4), 2, with_beta), ((3, 1), 1, with_beta)]
    shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
    random = shapes.flatmap(lambda shape: st.tuples(st.just(shape), st.integers(1, len(shape)), st.just(with_beta)))
    return samples(of_samples, fixed, random)


GROUPS = st.tuples(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.integers(1, 3), st.integers(1, 3)).map(
    lambda sizes: ((*sizes[0], sizes[1] * sizes[2]), sizes[1])
)
AXES = [
    ((3, 4), {}),
    ((2, 3, 2), {"axis": 1}),
    ((2, 2, 3), {"axis": (1, 2)}),
    ((2, 3), {"epsilon": 100.0}),  # every vector is shorter
    ((4,), {"axis": 0, "epsilon": 1e-3}),
]

SAMPLES = {
    "layer_normalization": _rows(True),
    "rms_normalization": _rows(False),
    "group_normalization": samples(
        of_groups, [((3, 4), 2), ((2, 2, 3, 6), 3), ((2, 2, 2, 3), 3), ((2, 3, 4), 1)], GROUPS
    ),
    "unit_normalization": samples(
        vectors, AXES, st.lists(st.integers(1, 4), min_size=1, max_size=3).map(lambda shape: (tuple(shape), {}))
    ),
    "batch_normalization": Samples(in_training, random=_random(1, with_momentum=True)),
    "batch_normalization_inference": Samples(in_inference, random=_random(0, with_momentum=False)),
}
