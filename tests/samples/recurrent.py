"""Samples of the recurrent rules: short sequences, with and without a mask."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.drawing import Generator, away_from, normal, samples
from tests.samples import Sample

Argument = tuple[int, int, int, bool, dict[str, Any]]  # N, T, H, whether there is a mask, attributes


def recurrence(rng: Generator, argument: Argument, *, gates: int, states: int, bias: bool = False) -> Sample:
    n, t, h, masked, attributes = argument
    width = gates * h
    u = normal(rng, (n, t, width))
    if attributes.get("activation") == "relu":
        u = away_from(rng, u.shape, 0.0, margin=0.5)
    scale = 0.05 if attributes.get("activation") == "relu" else 0.7  # no state crosses the kink
    arrays = [u, scale * normal(rng, (h, width)), *(scale * normal(rng, (n, h)) for _ in range(states))]
    if bias:
        arrays.append(normal(rng, (width,)))
    if masked:
        arrays.append((rng.random((n, t)) > 0.4).astype(float))
    return Sample(tuple(arrays), attributes)


def arguments(**attributes: list[Any]) -> st.SearchStrategy[Argument]:
    drawn = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in attributes.items()})
    return st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(1, 3), st.booleans(), drawn)


SAMPLES = {
    "simple_recurrence": samples(
        recurrence,
        [
            (2, 3, 2, False, {}),
            (2, 4, 2, True, {}),
            (1, 1, 3, False, {"activation": "relu"}),
            (2, 2, 2, True, {"activation": "sigmoid"}),
            (2, 3, 1, False, {"activation": "linear"}),
        ],
        arguments(activation=["tanh", "relu", "sigmoid", "linear"]),
        gates=1,
        states=1,
    ),
    "lstm": samples(
        recurrence, [(2, 3, 2, False, {}), (2, 3, 1, True, {}), (1, 1, 1, False, {})], arguments(), gates=4, states=2
    ),
    "gru": samples(
        recurrence,
        [
            (2, 3, 2, False, {}),
            (2, 3, 1, True, {}),
            (2, 3, 2, False, {"reset_after": False}),
            (1, 2, 1, True, {"reset_after": False}),
        ],
        arguments(reset_after=[True, False]),
        gates=3,
        states=1,
        bias=True,
    ),
}
