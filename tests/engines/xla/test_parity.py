"""Parity by introspection: every rule on the engine jax against the rule on NumPy, on that rule's fixed samples.

In float64 to 1e-10, in float32 within rounding. The gradients are also held against ``jax.vjp`` of the forward rule,
which knows nothing of Omomi's backward formulas.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from omomi.engines import selection
from omomi.engines.reference import numpy_engine
from omomi.ops import RULES, UPDATES
from tests.engines.xla.calls import SAMPLES, by_engine, by_vjp, calls, compiled, un_broadcast

REFERENCE = numpy_engine()


@pytest.fixture(scope="module")
def engine():
    return selection.get("jax")


def close(found, expected, dtype, what, size):
    """Equal within the rounding of sums over everything that goes in; the same dtype and shape."""
    expected = np.asarray(expected)
    assert found.dtype == expected.dtype, what
    assert found.shape == expected.shape, what
    if expected.dtype.kind != "f":
        assert_array_equal(found, expected, what)
        return
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    tolerance = 1e-10 if dtype == "float64" else 16 * np.sqrt(size) * np.finfo(np.float32).eps
    assert_allclose(found, expected, rtol=0, atol=tolerance * scale, err_msg=what)


def check(engine, found, made, dtype):
    for (outputs, gradients), call in zip(found, made, strict=True):
        expected, expected_gradients = by_engine(REFERENCE, call, call.arrays)
        size = max((a.size for a in call.arrays), default=1)
        for k, (y, e) in enumerate(zip(outputs, expected, strict=True)):
            close(y, e, dtype, f"output {k} of {call.sample.attributes}", size)
        assert len(gradients) == len(expected_gradients)
        for k, (g, e) in enumerate(zip(gradients, expected_gradients, strict=True)):
            close(g, e, dtype, f"gradient {k} of {call.sample.attributes}", size)


@pytest.mark.parametrize("name", sorted(RULES))
def test_rules_in_float64_and_their_gradients_by_an_independent_derivation(engine, name):
    made = calls(name, "float64")
    derived = [any(c.wanted) and c.rule.backward is not None and any(d is not None for d in c.deltas) for c in made]

    def program(inputs):
        ours = [by_engine(engine, call, arrays) for call, arrays in zip(made, inputs, strict=True)]
        theirs = [
            by_vjp(engine, c, arrays) if needed else [] for c, arrays, needed in zip(made, inputs, derived, strict=True)
        ]
        return ours, theirs

    ours, theirs = compiled(program, [c.arrays for c in made])
    check(engine, ours, made, "float64")
    for call, (_, gradients), independent in zip(made, ours, theirs, strict=True):
        if not independent:
            assert not gradients
            continue
        shapes = [a.shape for a, want in zip(call.arrays, call.wanted, strict=True) if want]
        assert len(gradients) == len(independent)
        for g, e, shape in zip(gradients, independent, shapes, strict=True):
            scale = max(1.0, float(np.abs(e).max(initial=0)))
            assert_allclose(un_broadcast(g, shape), e, rtol=0, atol=1e-10 * scale, err_msg=str(call.sample.attributes))


@pytest.mark.parametrize("name", sorted(RULES))
def test_rules_in_float32(engine, name):
    made = calls(name, "float32")

    def program(inputs):
        return [by_engine(engine, call, arrays) for call, arrays in zip(made, inputs, strict=True)]

    check(engine, compiled(program, [c.arrays for c in made]), made, "float32")


@pytest.mark.parametrize("name", sorted(UPDATES))
def test_optimisers(engine, name):
    """Two steps of each optimiser's rule, in both dtypes."""
    rule = UPDATES[name]
    rng = np.random.default_rng(0)
    made = [
        (tuple(a.astype(d) if a.dtype.kind == "f" else a for a in sample.arrays), dict(sample.attributes), d)
        for sample in SAMPLES[name].fixed(rng)
        for d in ("float32", "float64")
    ]

    def two(on, arrays, attributes):
        p, g, t, rate, *slots = arrays
        slots = tuple(slots)
        for _ in range(2):
            p, slots = on.update(rule, p, g, slots, t, rate, attributes)
        return (p, *slots)

    found = compiled(
        lambda inputs: [two(engine, x, attributes) for x, (_, attributes, _) in zip(inputs, made, strict=True)],
        [arrays for arrays, _, _ in made],
    )
    for result, (arrays, attributes, dtype) in zip(found, made, strict=True):
        for k, (a, e) in enumerate(zip(result, two(REFERENCE, arrays, attributes), strict=True)):
            close(a, e, dtype, f"{k} of {attributes}", 10 * arrays[0].size)
