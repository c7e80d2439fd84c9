"""Samples of the optimisers' rules. The arrays of a sample are p, g, t, rate and then the slots.

A sample is what a parameter meets after some steps of training: its slots have come from the rule itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from omomi.engines import reference
from omomi.ops.rule import UpdateRule
from omomi.ops.update import (
    adadelta,
    adagrad,
    adam,
    adamax,
    adamw,
    amsgrad,
    lion,
    momentum,
    nadam,
    nesterov,
    rmsprop,
    sgd,
)
from tests.samples import Sample, Samples

Generator = np.random.Generator


def step(rule: UpdateRule, sample: Sample, xp: Any = reference.xp) -> tuple[Any, ...]:
    """One step of the rule: the new p, then the new slots."""
    p, g, t, rate, *slots = sample.arrays
    p, new_slots = rule.step(xp, p, g, tuple(slots), t, rate, **sample.attributes)
    return p, *new_slots


def call(rng: Generator, rule: UpdateRule, shape: tuple[int, ...], rate: Any, steps: int, **attributes: Any) -> Sample:
    """The call that follows after ``steps`` steps from a random start."""
    rate = np.asarray(rate, np.float64)
    state = [
        rng.standard_normal(shape),
        *(np.full(s, start) for s, (_, start) in zip(rule.slot_shapes(shape), rule.slots, strict=True)),
    ]
    for t in range(1, steps + 2):
        p, *slots = state
        sample = Sample((p, rng.standard_normal(shape), np.asarray(t, np.uint32), rate, *slots), attributes)
        state = list(step(rule, sample))
    return sample


def of_rule(rule: UpdateRule, *variants: dict[str, Any], smallest: int = 0) -> Samples:
    def fixed(rng: Generator) -> list[Sample]:
        plain = [call(rng, rule, (3, 4), 0.1, steps) for steps in (0, 1, 5)]
        per_unit = call(rng, rule, (3, 4), [0.0, 0.1, 0.2, 0.3], 3)
        return [*plain, per_unit, *(call(rng, rule, (5,), 0.05, 4, **attributes) for attributes in variants)]

    shapes = st.lists(st.integers(smallest, 6), max_size=3).map(tuple)
    return Samples(
        fixed,
        random=st.builds(
            lambda seed, shape, steps, attributes: call(
                np.random.default_rng(seed), rule, shape, 0.1, steps, **attributes
            ),
            st.integers(0, 2**32 - 1),
            shapes,
            st.integers(0, 3),
            st.sampled_from([{}, *variants]),
        ),
        undifferentiated=True,
    )


BETAS = {"beta_1": 0.8, "beta_2": 0.95}
LIKE_ADAM = ({**BETAS, "epsilon": 1e-3}, {"beta_1": 0.0})

SAMPLES = {
    "sgd": of_rule(sgd),
    "momentum": of_rule(momentum, {"momentum": 0.5}),
    "nesterov": of_rule(nesterov, {"momentum": 0.5}),
    "adagrad": of_rule(adagrad, {"epsilon": 1e-3}),
    "rmsprop": of_rule(
        rmsprop,
        {"rho": 0.8, "epsilon": 1e-3},
        {"momentum": 0.5},
        {"centered": True},
        {"momentum": 0.9, "centered": True},
    ),
    "adadelta": of_rule(adadelta, {"rho": 0.8, "epsilon": 1e-3}),
    "adam": of_rule(adam, *LIKE_ADAM),
    "adamw": of_rule(adamw, {"weight_decay": 0.1}, *LIKE_ADAM),
    "amsgrad": of_rule(amsgrad, *LIKE_ADAM),
    "nadam": of_rule(nadam, *LIKE_ADAM),
    "adamax": of_rule(adamax, *LIKE_ADAM),
    "lion": of_rule(lion, BETAS, {"weight_decay": 0.1}),
}
