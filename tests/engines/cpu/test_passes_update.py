"""Each optimiser's pass against its rule, over a few steps."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import update
from omomi.engines.cpu.launch import Array, run
from omomi.engines.reference import xp
from omomi.ops import UPDATES
from tests.engines.cpu.passes import DTYPES, assert_near, check_bits, normal

CASES = [
    ("sgd", {}),
    ("momentum", {}),
    ("momentum", {"momentum": 0.5}),
    ("nesterov", {}),
    ("adagrad", {}),
    ("rmsprop", {}),
    ("rmsprop", {"centered": True, "momentum": 0.7, "rho": 0.8, "epsilon": 1e-3}),
    ("adadelta", {}),
    ("adam", {}),
    ("adam", {"beta_1": 0.0, "beta_2": 0.9, "epsilon": 1e-3}),
    ("adamw", {}),
    ("amsgrad", {}),
    ("nadam", {}),
    ("adamax", {}),
    ("lion", {}),
    ("lion", {"weight_decay": 0.1}),
    ("weight_decay", {"weight_decay": 0.1}),
    ("soft_threshold", {"factor": 5.0}),
    ("accumulate", {}),
    ("accumulate", {"every": 3}),
    ("average", {"momentum": 0.5}),
    ("average", {"every": 3}),
    ("overwrite", {"frequency": 3}),
]


def _slots(name: str, p: Array) -> tuple[Array, ...]:
    return tuple(np.full_like(p, start) for _, start in UPDATES[name].slots)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "attributes"), CASES)
@pytest.mark.parametrize(("shape", "rate_shape"), [((5, 7, 33), ()), ((70, 10), (10,)), ((3,), (1,)), ((9, 3), (9, 3))])
def test_steps(name: str, attributes: dict, shape: tuple, rate_shape: tuple, dtype: str) -> None:
    p = normal(1, *shape, dtype=dtype)
    rate = np.full(rate_shape, 0.01, dtype) * (1 + np.arange(np.prod(rate_shape), dtype=dtype).reshape(rate_shape))
    expected = p.astype(np.float64)
    slots, expected_slots = _slots(name, p), _slots(name, expected)
    t = np.zeros(1, np.uint32)
    gradient = np.empty_like(p)
    assert update.accepts_rate(shape, rate_shape)
    launches = update.update(
        name,
        p.reshape(-1),
        gradient.reshape(-1),
        tuple(s.reshape(-1) for s in slots),
        t,
        rate.reshape(-1),
        **attributes,
    )
    for step in (1, 2, 3, 1200):
        t[0], gradient[...] = step, normal(step, *shape, dtype=dtype)
        given = gradient.copy()
        run(launches)
        np.testing.assert_array_equal(gradient, given)
        expected, expected_slots = UPDATES[name].step(
            xp, expected, gradient.astype(np.float64), expected_slots, t[0], rate.astype(np.float64), **attributes
        )
    assert_near(p, expected, scale=3)
    for received, slot in zip(slots, expected_slots, strict=True):
        assert_near(received, slot, scale=3)


def test_every_rule_has_a_pass() -> None:
    assert set(update.PASSES) <= set(UPDATES)


def test_which_rates_are_accepted() -> None:
    assert update.accepts_rate((3, 4, 5), ())
    assert update.accepts_rate((3, 4, 5), (5,))
    assert update.accepts_rate((3, 4, 5), (1, 4, 5))
    assert not update.accepts_rate((3, 4, 5), (4, 1))
    assert not update.accepts_rate((3, 4, 5), (4,))


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_bits_do_not_depend_on_threads(name: str) -> None:
    p, g = normal(1, 100_003, dtype="float32"), normal(2, 100_003, dtype="float32")
    slots, rate, t = _slots(name, p), np.array([0.1], np.float32), np.array([3], np.uint32)
    check_bits(lambda: update.update(name, p, g, slots, t, rate), p, *slots)
