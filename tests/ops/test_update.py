"""The optimisers: twenty steps beside the papers, first steps by hand, and the contract that all of them keep."""

from __future__ import annotations

from math import copysign, sin, sqrt

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omomi.engines.reference import xp
from omomi.ops import UPDATES
from tests.ops import traced
from tests.samples import Sample, optimization, update, update_with_norms
from tests.samples.update import call, step

OPTIMIZERS = sorted(update.SAMPLES)
SAMPLES = update.SAMPLES | optimization.SAMPLES | update_with_norms.SAMPLES
NAMES = sorted(UPDATES)
STEPS = 20


# ---- the papers' algorithms, on single numbers -------------------------------------------------------------------
#
# Each takes the gradient as a function of position and step, the start and the rate, and returns the positions after
# each step. They were written from the papers, in the papers' order, and share nothing with the rules.


def gradient(p: float, t: int) -> float:
    """Of a bowl, with a disturbance that changes its sign."""
    return 2.5 * p + sin(3 * t)


def paper_sgd(p, rate):
    path = []
    for t in range(1, STEPS + 1):
        p = p - rate * gradient(p, t)
        path.append(p)
    return path


def paper_momentum(p, rate, momentum=0.9):
    """The heavy ball: p_(t+1) = p_t − η g + α (p_t − p_(t−1))."""
    path, before = [], p
    for t in range(1, STEPS + 1):
        p, before = p - rate * gradient(p, t) + momentum * (p - before), p
        path.append(p)
    return path


def paper_nesterov(theta, rate, momentum=0.9):
    """v ← α v − η ∇f(θ + α v), θ ← θ + v. The rule's p is the point θ + α v at which the next gradient is taken."""
    path, v = [], 0.0
    for t in range(1, STEPS + 1):
        v = momentum * v - rate * gradient(theta + momentum * v, t)
        theta = theta + v
        path.append(theta + momentum * v)
    return path


def paper_adagrad(p, rate, epsilon=1e-7):
    path, squares = [], [0.1]
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        squares.append(g**2)
        p = p - rate / sqrt(sum(squares) + epsilon) * g
        path.append(p)
    return path


def paper_rmsprop(p, rate, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    """Graves 2013, equations 38 to 41: n, g, Δ."""
    path, n, average, delta = [], 0.0, 0.0, 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        n = rho * n + (1 - rho) * g**2
        average = rho * average + (1 - rho) * g
        spread = n - average**2 if centered else n
        delta = momentum * delta - rate * g / sqrt(spread + epsilon)
        p = p + delta
        path.append(p)
    return path


def paper_adadelta(p, rate, rho=0.95, epsilon=1e-7):
    path, mean_g2, mean_dx2 = [], 0.0, 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        mean_g2 = rho * mean_g2 + (1 - rho) * g**2
        dx = -sqrt(mean_dx2 + epsilon) / sqrt(mean_g2 + epsilon) * g
        mean_dx2 = rho * mean_dx2 + (1 - rho) * dx**2
        p = p + rate * dx
        path.append(p)
    return path


def paper_adam(p, rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7, weight_decay=0.0):
    """Kingma and Ba's algorithm 1, with the ε that makes it that of their section 2; decay as in AdamW."""
    path, m, v = [], 0.0, 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
        p = p - rate * m_hat / (sqrt(v_hat) + epsilon / sqrt(1 - beta_2**t)) - rate * weight_decay * p
        path.append(p)
    return path


def paper_adamw(p, rate, weight_decay=0.004, **others):
    return paper_adam(p, rate, weight_decay=weight_decay, **others)


def paper_amsgrad(p, rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    path, m, v, largest = [], 0.0, 0.0, 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        largest = max(largest, v)
        corrected = rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)
        p = p - corrected * m / (sqrt(largest) + epsilon)
        path.append(p)
    return path


def paper_nadam(p, rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """Dozat's algorithm with Keras's schedule μᵢ = β₁ (1 − ½ 0.96ⁱ), the product kept from step to step."""
    path, m, v, product = [], 0.0, 0.0, 1.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        now, coming = beta_1 * (1 - 0.5 * 0.96**t), beta_1 * (1 - 0.5 * 0.96 ** (t + 1))
        product *= now
        g_hat = g / (1 - product)
        m = beta_1 * m + (1 - beta_1) * g
        m_hat = m / (1 - product * coming)
        v = beta_2 * v + (1 - beta_2) * g**2
        v_hat = v / (1 - beta_2**t)
        p = p - rate * ((1 - now) * g_hat + coming * m_hat) / (sqrt(v_hat) + epsilon)
        path.append(p)
    return path


def paper_adamax(p, rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    path, m, u = [], 0.0, 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        m = beta_1 * m + (1 - beta_1) * g
        u = max(beta_2 * u, abs(g))
        p = p - (rate / (1 - beta_1**t)) * m / (u + epsilon)
        path.append(p)
    return path


def paper_lion(p, rate, beta_1=0.9, beta_2=0.99, weight_decay=0.0):
    path, m = [], 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        update = beta_1 * m + (1 - beta_1) * g
        m = beta_2 * m + (1 - beta_2) * g
        p = p - rate * (copysign(1.0, update) + weight_decay * p)
        path.append(p)
    return path


PAPERS = {name.removeprefix("paper_"): f for name, f in list(globals().items()) if name.startswith("paper_")}

VARIANTS = [
    *((name, {}) for name in OPTIMIZERS),
    ("momentum", {"momentum": 0.5}),
    ("nesterov", {"momentum": 0.5}),
    ("adagrad", {"epsilon": 0.1}),
    ("rmsprop", {"rho": 0.8, "momentum": 0.5}),
    ("rmsprop", {"rho": 0.7, "centered": True, "epsilon": 0.1}),
    ("rmsprop", {"momentum": 0.9, "centered": True}),
    ("adadelta", {"rho": 0.5, "epsilon": 1e-2}),
    ("adam", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.1}),
    ("adam", {"beta_1": 0.0}),
    ("adamw", {"weight_decay": 0.3}),
    ("amsgrad", {"beta_1": 0.5, "beta_2": 0.6}),
    ("nadam", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.1}),
    ("adamax", {"beta_1": 0.5, "beta_2": 0.6}),
    ("lion", {"beta_1": 0.5, "beta_2": 0.9, "weight_decay": 0.3}),
]


def walk(name, start, rate, gradients, dtype=np.float64, **attributes):
    """The positions of p under the rule; ``gradients`` is a function of position and step."""
    rule, p, path = UPDATES[name], np.asarray(start, dtype), []
    slots = tuple(np.full(p.shape, begin, dtype) for _, begin in rule.slots)
    for t in range(1, STEPS + 1):
        g = np.asarray(gradients(p, t), dtype)
        p, slots = rule.step(xp, p, g, slots, np.asarray(t, np.uint32), np.asarray(rate), **attributes)
        path.append(p)
    return np.array(path)


@pytest.mark.parametrize(("name", "attributes"), VARIANTS, ids=lambda value: str(value))
def test_twenty_steps_beside_the_paper(name, attributes):
    starts = [1.5, -0.7, 0.01]
    found = walk(name, starts, 0.05, lambda p, t: 2.5 * p + sin(3 * t), **attributes)
    expected = np.array([PAPERS[name](start, 0.05, **attributes) for start in starts]).T
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


def test_every_optimiser_has_its_paper():
    assert set(PAPERS) == set(OPTIMIZERS)
    assert set(NAMES) <= set(SAMPLES)


# ---- the first two steps by hand, from p = 1 with g = 2 and then g = −1, η = 0.1 -----------------------------------

BY_HAND = [
    ("sgd", {}, 1 - 0.2, 0.8 + 0.1),
    # v = −0.2, then −0.1 + 0.1 = 0
    ("momentum", {"momentum": 0.5}, 0.8, 0.8),
    # p = 1 + 0.5·(−0.2) − 0.2, then v = 0 and p = 0.7 + 0 + 0.1
    ("nesterov", {"momentum": 0.5}, 0.7, 0.8),
    # h = 0.1 + 4 = 4.1 (+ ε = 4.9: 9), then 5.1 + 4.9 = 10
    ("adagrad", {"epsilon": 4.9}, 1 - 0.2 / 3, 1 - 0.2 / 3 + 0.1 / sqrt(10)),
    # s = ½·4 = 2 (+ ε = 2: root 2), then 1 + ½ = 1.5
    ("rmsprop", {"rho": 0.5, "epsilon": 2.0}, 1 - 0.1, 0.9 + 0.1 / sqrt(3.5)),
    # centred: m = 1, s − m² = 1 (+ ε = 3: root 2), then m = 0, s = 1.5, root √4.5
    ("rmsprop", {"rho": 0.5, "epsilon": 3.0, "centered": True}, 0.9, 0.9 + 0.1 / sqrt(4.5)),
    # s = 2, Δ = −√(2/4)·2 = −√2, u = 1; then s = 1.5, Δ = √(3/3.5)
    ("adadelta", {"rho": 0.5, "epsilon": 2.0}, 1 - 0.1 * sqrt(2), 1 - 0.1 * sqrt(2) + 0.1 * sqrt(3 / 3.5)),
    # m̂ = g and v̂ = g² at first: a step of η. Then m = 0.5·1 − 0.5 = 0
    ("adam", {"beta_1": 0.5, "beta_2": 0.5, "epsilon": 0.0}, 0.9, 0.9),
    ("adamw", {"beta_1": 0.5, "beta_2": 0.5, "epsilon": 0.0, "weight_decay": 1.0}, 0.9 - 0.1, 0.8 - 0.08),
    # u = 2 and m̂ = 2: a step of η. Then m = 0
    ("adamax", {"beta_1": 0.5, "beta_2": 0.5, "epsilon": 0.0}, 0.9, 0.9),
    # sign 1; m = 0.5·2 = 1 (β₂ = ½), then c = 0.9 − 0.1 = 0.8: sign 1
    ("lion", {"beta_1": 0.9, "beta_2": 0.5}, 0.9, 0.8),
]


@pytest.mark.parametrize(("name", "attributes", "first", "second"), BY_HAND)
def test_two_steps_by_hand(name, attributes, first, second):
    path = walk(name, 1.0, 0.1, lambda p, t: {1: 2.0, 2: -1.0}.get(t, 0.0), **attributes)
    assert path[:2] == pytest.approx([first, second], abs=1e-14)


def test_amsgrad_keeps_the_largest_denominator():
    """β₂ = 0 makes v = g²: after g = 10 a gradient of 1 is still divided by 10, where Adam divides by 1."""
    moves = {}
    for name in ("amsgrad", "adam"):
        path = walk(name, 0.0, 1.0, lambda p, t: 10.0 if t == 1 else 1.0, beta_1=0.0, beta_2=0.0, epsilon=0.0)
        moves[name] = path[1] - path[0]
    assert moves == pytest.approx({"amsgrad": -0.1, "adam": -1.0})


# ---- the contract --------------------------------------------------------------------------------------------------


def as_float32(sample: Sample) -> Sample:
    p, g, t, rate, *slots = sample.arrays
    narrow = [a.astype(np.float32) for a in (p, g, *slots)]
    return Sample((*narrow[:2], t, rate, *narrow[2:]), sample.attributes)  # the rate stays float64, t uint32


def samples_of(name: str) -> list[Sample]:
    return SAMPLES[name].fixed(np.random.default_rng(0))


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_dtypes_are_kept(name):
    for sample in samples_of(name):
        given = (sample.arrays[0], *sample.arrays[4:])
        narrow, wides = step(UPDATES[name], as_float32(sample)), step(UPDATES[name], sample)
        for found, wide, before in zip(narrow, wides, given, strict=True):
            assert found.dtype == np.float32
            assert wide.dtype == np.float64
            assert found.shape == wide.shape == before.shape
            np.testing.assert_allclose(found, wide, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_mutated(name):
    for sample in samples_of(name):
        for array in sample.arrays:
            array.flags.writeable = False
        step(UPDATES[name], sample)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_shapes(name, data):
    sample = data.draw(SAMPLES[name].random)
    for found, before in zip(step(UPDATES[name], sample), (sample.arrays[0], *sample.arrays[4:]), strict=True):
        assert found.shape == before.shape
        assert np.isfinite(found).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_can_be_traced(name):
    for sample in samples_of(name):
        hidden = Sample(traced.wrap(sample.arrays), sample.attributes)
        found = traced.unwrap(step(UPDATES[name], hidden, xp=traced.xp))
        for a, b in zip(found, step(UPDATES[name], sample), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_one_rate_per_unit_moves_each_column_at_its_own_rate(name):
    rates = [0.0, 0.01, 0.3]
    together = call(np.random.default_rng(1), UPDATES[name], (4, 3), rates, 5)
    p, g, t, _, *slots = together.arrays
    moved = step(UPDATES[name], together)
    for unit, rate in enumerate(rates):
        alone = Sample((p[:, unit], g[:, unit], t, np.asarray(rate), *(slot[:, unit] for slot in slots)))
        for found, expected in zip(moved, step(UPDATES[name], alone), strict=True):
            np.testing.assert_allclose(found[:, unit], expected, rtol=1e-14)


@pytest.mark.parametrize("name", ["adam", "adamw", "amsgrad", "nadam", "adamax"])
def test_the_first_steps_are_exact_in_float32(name):
    """1 − β₂ᵗ = 0.001 at first, a difference of nearly equal numbers: rounded early, it would cost four digits."""
    attributes = {"weight_decay": 0.0} if name == "adamw" else {}
    narrow, wide = (
        walk(name, [0.0], 1.0, lambda p, t: [0.5 + 0.1 * t], dtype, **attributes) for dtype in (np.float32, np.float64)
    )
    np.testing.assert_allclose(narrow[:3], wide[:3], rtol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_late_steps_stay_finite(name):
    for t in (10**4, 2**24, 2**32 - 1):
        p, g, _, rate, *slots = call(np.random.default_rng(3), UPDATES[name], (4,), 0.1, 3).arrays
        for found in step(UPDATES[name], as_float32(Sample((p, g, np.asarray(t, np.uint32), rate, *slots)))):
            assert np.isfinite(found).all()


def test_weight_decay_pulls_the_weights_to_zero_beside_the_gradient():
    """Without a gradient p shrinks by 1 − η λ in each step: 0.9²⁰ after twenty."""
    for name in ("adamw", "lion"):
        path = walk(name, [2.0], 0.5, lambda p, t: [0.0], weight_decay=0.2)
        np.testing.assert_allclose(path[:, 0], 2 * 0.9 ** np.arange(1, STEPS + 1), rtol=1e-13)
