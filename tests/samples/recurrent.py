"""Samples of the recurrent rules: short sequences, with and without a mask."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from omomi.ops.recurrent import ACTIVATIONS
from tests.drawing import Generator, away_from, normal, samples
from tests.samples import Sample

# N, T, H, whether there are a mask and a dropout of the recurrence, attributes
Argument = tuple[int, int, int, str, dict[str, Any]]
KINKS = {
    "relu",
    "relu6",
    "hard_sigmoid",
    "hard_sigmoid_fifth",
    "elu",
    "selu",
}  # inputs stay away from where their slope jumps


def recurrence(rng: Generator, argument: Argument, *, gates: int, states: int, bias: bool = False) -> Sample:
    n, t, h, extras, attributes = argument
    width = gates * h
    kinked = bool(KINKS & set(attributes.values()))
    far = 1.8 if "hard_sigmoid_fifth" in attributes.values() else 2.5  # that one bends at 2.5
    u = away_from(rng, (n, t, width), 0.0, low=-far, high=far, margin=0.5) if kinked else normal(rng, (n, t, width))
    scale = 0.05 if kinked else 0.7
    arrays = [u, scale * normal(rng, (h, width)), *(scale * normal(rng, (n, h)) for _ in range(states))]
    if bias:
        arrays.append(scale * normal(rng, (width,)))
    if extras:
        arrays.append((rng.random((n, t)) > 0.4).astype(float))
    if extras == "dropped":
        arrays.append(2.0 * (rng.random((n, h)) > 0.5))
    return Sample(tuple(arrays), attributes)


def arguments(**attributes: list[Any]) -> st.SearchStrategy[Argument]:
    drawn = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in attributes.items()})
    extras = st.sampled_from(["", "masked", "dropped"])
    return st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(1, 3), extras, drawn)


CELLS = {"activation": ["tanh", "softsign", "linear"], "recurrent_activation": ["sigmoid", "hard_sigmoid"]}
SAMPLES = {
    "simple_recurrence": samples(
        recurrence,
        [
            (2, 3, 2, "", {}),
            (2, 4, 2, "masked", {}),
            (2, 3, 2, "dropped", {}),
            (2, 2, 2, "masked", {"activation": "sigmoid"}),
            *((1, 2, 2, "", {"activation": name}) for name in ACTIVATIONS),
        ],
        arguments(activation=sorted(ACTIVATIONS)),
        gates=1,
        states=1,
    ),
    "lstm": samples(
        recurrence,
        [
            (2, 3, 2, "", {}),
            (2, 3, 1, "masked", {}),
            (2, 3, 1, "dropped", {}),
            (1, 1, 1, "", {}),
            (1, 2, 1, "", {"activation": "relu", "recurrent_activation": "hard_sigmoid"}),
            (1, 2, 1, "masked", {"activation": "linear"}),
        ],
        arguments(**CELLS),
        gates=4,
        states=2,
    ),
    "gru": samples(
        recurrence,
        [
            (2, 3, 2, "", {}),
            (2, 3, 1, "masked", {}),
            (2, 3, 1, "dropped", {}),
            (2, 3, 2, "", {"reset_after": False}),
            (1, 2, 1, "masked", {"reset_after": False}),
            (1, 2, 2, "dropped", {"reset_after": False}),
            (1, 2, 1, "", {"activation": "softsign", "recurrent_activation": "hard_sigmoid"}),
        ],
        arguments(reset_after=[True, False], **CELLS),
        gates=3,
        states=1,
        bias=True,
    ),
}
