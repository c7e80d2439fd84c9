"""The contract that every rule keeps, tried on the samples of every rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omomi.engines import reference
from omomi.inspect.gradient_check import check_rule, differentiable, error
from omomi.ops import RULES, UPDATES
from omomi.ops.rule import Rule
from tests.ops import traced
from tests.samples import Sample, collect

SAMPLES = collect()
NAMES = sorted(RULES.keys() & SAMPLES.keys())
WITH_BACKWARD = [name for name in NAMES if RULES[name].backward is not None]
FOLLOWS_INPUT = [name for name in NAMES if not SAMPLES[name].undifferentiated]

Outputs = tuple[Any, ...]


def samples_of(name: str) -> list[Sample]:
    return SAMPLES[name].fixed(np.random.default_rng(0))


def call(rule: Rule, sample: Sample, wanted: tuple[bool, ...] | None = None, xp: Any = reference.xp) -> Outputs:
    """All outputs, then all gradients; the upstream gradient depends on nothing but the outputs' shapes."""
    y, saved = rule.forward(xp, *sample.arrays, **sample.attributes)
    outputs = y if isinstance(y, tuple) else (y,)
    if rule.backward is None:
        return outputs
    gy = upstream(outputs)
    if xp is traced.xp:
        gy = traced.wrap(gy)
    wanted = wanted or differentiable(rule, sample.arrays)
    gradients = rule.backward(xp, saved, gy if isinstance(y, tuple) else gy[0], wanted, **sample.attributes)
    assert isinstance(gradients, tuple)
    assert len(gradients) == len(sample.arrays), "one entry per array input"
    return (*outputs, *gradients)


def upstream(outputs: Outputs) -> Outputs:
    """Random gradients of the float outputs, read-only; ``None`` for others."""
    rng = np.random.default_rng(1)
    gys = tuple(
        np.asarray(rng.uniform(-1, 1, y.shape), y.dtype) if np.issubdtype(y.dtype, np.floating) else None
        for y in outputs
    )
    for gy in gys:
        if gy is not None:
            gy.flags.writeable = False
    return gys


def assert_same(found: Outputs, expected: Outputs, tolerance: float = 1e-12) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert (a is None) == (b is None)
        if a is None:
            continue
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f") or error(a, b) <= tolerance


def as_float32(sample: Sample) -> Sample:
    return Sample(
        tuple(a.astype(np.float32) if np.issubdtype(a.dtype, np.floating) else a for a in sample.arrays),
        sample.attributes,
    )


def layouts(a: np.ndarray) -> Iterator[np.ndarray]:
    """The same numbers laid out in memory in other ways."""
    if a.ndim:
        yield np.asfortranarray(a)
        yield np.repeat(a, 2, axis=-1)[..., ::2]
        yield np.flip(np.flip(a).copy())


def replaced(sample: Sample, i: int, array: np.ndarray) -> Sample:
    return Sample((*sample.arrays[:i], array, *sample.arrays[i + 1 :]), sample.attributes)


def test_every_rule_has_samples_and_every_sample_a_rule() -> None:
    assert not RULES.keys() - SAMPLES.keys(), "rules without samples"
    assert not SAMPLES.keys() - RULES.keys() - UPDATES.keys(), "samples without a rule"


@pytest.mark.parametrize("name", NAMES)
def test_only_what_has_no_derivative_has_no_backward(name: str) -> None:
    assert (RULES[name].backward is None) == SAMPLES[name].undifferentiated


@pytest.mark.parametrize("name", WITH_BACKWARD)
def test_the_whole_jacobian(name: str) -> None:
    rng = np.random.default_rng(2)
    for sample in samples_of(name):
        report = check_rule(RULES[name], sample.arrays, sample.attributes, rng)
        assert report.passed, f"{report}\n  attributes {sample.attributes}"


@pytest.mark.parametrize("name", WITH_BACKWARD)
@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_directions(name: str, data: st.DataObject) -> None:
    sample = data.draw(SAMPLES[name].random)
    report = check_rule(RULES[name], sample.arrays, sample.attributes, np.random.default_rng(3), full=False)
    assert report.passed, f"{report}\n  attributes {sample.attributes}"


@pytest.mark.parametrize("name", WITH_BACKWARD)
def test_gradients_come_only_where_they_are_wanted(name: str) -> None:
    rule = RULES[name]
    for sample in samples_of(name):
        every = differentiable(rule, sample.arrays)
        full = call(rule, sample)
        outputs = len(full) - len(every)
        for i in [i for i, float_input in enumerate(every) if float_input]:
            alone = call(rule, sample, tuple(j == i for j in range(len(every))))
            expected = tuple(g if j == i else None for j, g in enumerate(full[outputs:]))
            assert_same(alone[outputs:], expected)


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32(name: str) -> None:
    rule = RULES[name]
    for sample in samples_of(name):
        narrow = as_float32(sample)
        found, wide = call(rule, narrow), call(rule, sample)
        outputs = len(found) - (0 if rule.backward is None else len(sample.arrays))
        asked = np.dtype(sample.attributes.get("dtype", np.float32))  # a cast says which dtype it makes
        for k, (a, b) in enumerate(zip(found, wide, strict=True)):
            if a is not None and np.issubdtype(a.dtype, np.floating):
                assert a.dtype == (asked if k < outputs else np.float32), f"entry {k} of {name}"
                assert error(a, b) < 1e-4


@pytest.mark.parametrize("name", FOLLOWS_INPUT)
def test_float64_stays_float64(name: str) -> None:
    rule = RULES[name]
    for sample in samples_of(name):
        found = call(rule, sample)
        for k, a in enumerate(found[: len(found) - len(sample.arrays)]):
            if np.issubdtype(a.dtype, np.floating):
                assert a.dtype == np.dtype(sample.attributes.get("dtype", np.float64)), f"output {k} of {name}"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_mutated(name: str) -> None:
    """The inputs and gy are read-only here, so that a write raises; and backward can run twice on what was saved."""
    rule = RULES[name]
    for sample in samples_of(name):
        for array in sample.arrays:
            array.flags.writeable = False
        call(rule, sample)
        if rule.backward is not None:
            y, saved = rule.forward(reference.xp, *sample.arrays, **sample.attributes)
            gy = upstream(y) if isinstance(y, tuple) else upstream((y,))[0]
            wanted = differentiable(rule, sample.arrays)
            once, twice = (
                [None if g is None else g.copy() for g in gradients]
                for gradients in (rule.backward(reference.xp, saved, gy, wanted, **sample.attributes) for _ in range(2))
            )
            assert_same(tuple(twice), tuple(once), tolerance=0)


@pytest.mark.parametrize("name", NAMES)
def test_any_layout_in_memory(name: str) -> None:
    """Fortran order, every second entry, backwards: the same answer. Broadcast: that of the copied-out array."""
    rule = RULES[name]
    for sample in samples_of(name):
        expected = call(rule, sample)
        for i, array in enumerate(sample.arrays):
            for other in layouts(array):
                assert_same(call(rule, replaced(sample, i, other)), expected)
            if array.ndim and array.shape[0]:
                repeated = np.broadcast_to(array[:1], array.shape)
                assert_same(call(rule, replaced(sample, i, repeated)), call(rule, replaced(sample, i, repeated.copy())))


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_can_be_traced(name: str) -> None:
    """No branch on a value, no mask as an index, no write: see tests/ops/traced.py."""
    for sample in samples_of(name):
        hidden = Sample(traced.wrap(sample.arrays), sample.attributes)
        assert_same(traced.unwrap(call(RULES[name], hidden, xp=traced.xp)), call(RULES[name], sample), tolerance=0)


@pytest.mark.parametrize("name", NAMES)
def test_attributes_are_static(name: str) -> None:
    """They can be the key of a recorded step."""
    for sample in samples_of(name):
        hash(tuple(sorted(sample.attributes.items())))
