"""Activations: numbers worked out by hand, and the far ends of float32."""

from __future__ import annotations

from math import erf, exp, log, pi, sqrt, tanh

import numpy as np
import pytest

from omomi.engines.reference import xp
from omomi.ops import activation
from omomi.ops.rule import Array, Rule

L2, L3 = log(2), log(3)  # e^ln 3 = 3: exponentials by hand
S, A = 1.0507009873554805, 1.6732632423543772
PHI_1 = exp(-0.5) / sqrt(2 * pi)  # the normal density at 1
T_1 = tanh(sqrt(2 / pi) * 1.044715)  # GELU's approximation at 1: x + 0.044715 x³ = 1.044715

# rule, attributes, x, y, dy/dx
BY_HAND = [
    (activation.identity, {}, [-2, 0, 3], [-2, 0, 3], [1, 1, 1]),
    (activation.step, {}, [-2, 0, 3], [0, 0, 1], [0, 0, 0]),
    # 1/(1 + 1/3) = 3/4, slope 3/4 · 1/4; at −ln 3: 1/(1 + 3) = 1/4
    (activation.sigmoid, {}, [0, L3, -L3], [0.5, 0.75, 0.25], [0.25, 0.1875, 0.1875]),
    # (3 − 1/3) / (3 + 1/3) = 0.8, slope 1 − 0.64
    (activation.tanh, {}, [0, L3, -L3], [0, 0.8, -0.8], [1, 0.36, 0.36]),
    (activation.relu, {}, [-2, 0, 3], [0, 0, 3], [0, 0, 1]),
    (activation.relu6, {}, [-2, 0, 3, 6, 7], [0, 0, 3, 6, 6], [0, 0, 1, 0, 0]),
    (activation.leaky_relu, {}, [-2, 0, 3], [-0.02, 0, 3], [0.01, 0.01, 1]),
    (activation.leaky_relu, {"alpha": 0.3}, [-2, 3], [-0.6, 3], [0.3, 1]),
    # e^−ln 3 − 1 = −2/3, slope e^−ln 3 = 1/3
    (activation.elu, {}, [-L3, 0, 2], [-2 / 3, 0, 2], [1 / 3, 1, 1]),
    (activation.elu, {"alpha": 0.6}, [-L3, 2], [-0.4, 2], [0.2, 1]),
    (activation.selu, {}, [-L3, 2], [-2 / 3 * S * A, 2 * S], [S * A / 3, S]),
    # ln(1 + 1) = ln 2; ln(1 + 3) = ln 4, slope 3/4
    (activation.softplus, {}, [0, L3, -L3], [L2, 2 * L2, log(4 / 3)], [0.5, 0.75, 0.25]),
    (activation.softsign, {}, [-3, 0, 1], [-0.75, 0, 0.5], [1 / 16, 1, 0.25]),
    # at ln 3: y = ¾ ln 3, slope ¾ + ln 3 · 3/16
    (activation.swish, {}, [0, L3, -L3], [0, 0.75 * L3, -0.25 * L3], [0.5, 0.75 + 3 / 16 * L3, 0.25 - 3 / 16 * L3]),
    # e = 3: tanh(ln 4) = (16 − 1)/(16 + 1) = 15/17; slope 15/17 + ln 3 · 64/289 · 3/4. At 0: tanh(ln 2) = 3/5
    (activation.mish, {}, [0, L3], [0, 15 / 17 * L3], [0.6, 15 / 17 + 48 / 289 * L3]),
    # 1 · Φ(1) with Φ(1) = ½ (1 + erf 1/√2), slope Φ(1) + φ(1)
    (
        activation.gelu,
        {},
        [0, 1, -1],
        [0, (1 + erf(sqrt(0.5))) / 2, -(1 - erf(sqrt(0.5))) / 2],
        [0.5, (1 + erf(sqrt(0.5))) / 2 + PHI_1, (1 - erf(sqrt(0.5))) / 2 - PHI_1],
    ),
    (
        activation.gelu,
        {"approximate": True},
        [0, 1],
        [0, (1 + T_1) / 2],
        [0.5, (1 + T_1) / 2 + (1 - T_1**2) / 2 * sqrt(2 / pi) * 1.134145],
    ),
    (activation.hard_sigmoid, {}, [-4, -3, 0, 1.5, 3, 4], [0, 0, 0.5, 0.75, 1, 1], [0, 0, 1 / 6, 1 / 6, 0, 0]),
]


def value_and_slope(rule: Rule, x: Array, **attributes: float) -> tuple[Array, Array]:
    y, saved = rule.forward(xp, x, **attributes)
    assert rule.backward is not None
    (gx,) = rule.backward(xp, saved, np.ones_like(y), (True,), **attributes)
    return y, gx


@pytest.mark.parametrize(("rule", "attributes", "x", "y", "slope"), BY_HAND, ids=lambda v: getattr(v, "name", ""))
def test_numbers_by_hand(rule: Rule, attributes: dict[str, float], x: Array, y: Array, slope: Array) -> None:
    found = value_and_slope(rule, np.array(x, np.float64), **attributes)
    np.testing.assert_allclose(found[0], y, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(found[1], slope, rtol=1e-14, atol=1e-15)


# what each elementwise activation tends to at −10⁴ and at 10⁴, and its slope there
FAR = {
    "identity": ([-1e4, 1e4], [1, 1]),
    "step": ([0, 1], [0, 0]),
    "sigmoid": ([0, 1], [0, 0]),
    "tanh": ([-1, 1], [0, 0]),
    "relu": ([0, 1e4], [0, 1]),
    "relu6": ([0, 6], [0, 0]),
    "leaky_relu": ([-100, 1e4], [0.01, 1]),
    "elu": ([-1, 1e4], [0, 1]),
    "selu": ([-S * A, S * 1e4], [0, S]),
    "softplus": ([0, 1e4], [0, 1]),
    "softsign": ([-1, 1], [0, 0]),
    "swish": ([0, 1e4], [0, 1]),
    "mish": ([0, 1e4], [0, 1]),
    "gelu": ([0, 1e4], [0, 1]),
    "hard_sigmoid": ([0, 1], [0, 0]),
}


@pytest.mark.parametrize("name", FAR)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_far_ends_are_finite_and_right(name: str, dtype: type) -> None:
    """At |u| = 10⁴, where exp overflows. A RuntimeWarning is an error here, also from a branch that is not taken."""
    rule = getattr(activation, name)
    values, slopes = FAR[name]
    for attributes in [{}, {"approximate": True}] if name == "gelu" else [{}]:
        y, gx = value_and_slope(rule, np.array([-1e4, 1e4], dtype), **attributes)
        np.testing.assert_allclose(y, values, rtol=2e-4, atol=2e-4)
        np.testing.assert_allclose(gx, slopes, rtol=1e-6, atol=1e-7)


def test_every_activation_is_tried_at_the_far_ends() -> None:
    rules = {rule.name for rule in vars(activation).values() if isinstance(rule, Rule)}
    assert rules == FAR.keys() | {"prelu", "softmax", "log_softmax"}


def test_prelu_by_hand_and_at_the_far_ends() -> None:
    # α = (0.5, −1): y = (−2 · 0.5, −1 · −1; 3, 4); gx = (α gy; gy) and gα the sum of gy x over the negative x.
    x, alpha = np.array([[-2.0, -1.0], [3.0, 4.0]]), np.array([0.5, -1.0])
    y, saved = activation.prelu.forward(xp, x, alpha)
    np.testing.assert_array_equal(y, [[-1, 1], [3, 4]])
    gy = np.array([[10.0, 20.0], [30.0, 40.0]])
    assert activation.prelu.backward is not None
    gx, g_alpha = activation.prelu.backward(xp, saved, gy, (True, True))
    np.testing.assert_array_equal(gx, [[5, -20], [30, 40]])
    np.testing.assert_array_equal(g_alpha.sum(axis=0), [-20, -20])
    far, _ = activation.prelu.forward(xp, np.array([-1e4, 1e4], np.float32), np.float32(0.25))
    np.testing.assert_array_equal(far, [-2500, 1e4])


def test_the_sigmoid_keeps_the_digits_of_small_probabilities() -> None:
    y, _ = activation.sigmoid.forward(xp, np.array([-80.0, -30.0], np.float32))
    np.testing.assert_allclose(y, [exp(-80), exp(-30)], rtol=1e-5)


def test_selu_keeps_mean_zero_and_variance_one() -> None:
    """What λ and α are chosen for, by integrating over the normal density."""
    z = np.linspace(-12, 12, 200_001)
    density = np.exp(-0.5 * z * z) / sqrt(2 * pi) * (z[1] - z[0])
    y, _ = activation.selu.forward(xp, z)
    assert np.sum(y * density) == pytest.approx(0, abs=1e-8)
    assert np.sum(y * y * density) == pytest.approx(1, abs=1e-8)


def test_softmax_by_hand() -> None:
    # scores ln 1, ln 2, ln 5 → 1/8, 2/8, 5/8. gy = (8, 0, 0): Σ gy y = 1, gx = y (gy − 1) = (7/8, −2/8, −5/8)
    x, gy = np.log([1.0, 2.0, 5.0]), np.array([8.0, 0.0, 0.0])
    y, saved = activation.softmax.forward(xp, x)
    np.testing.assert_allclose(y, [1 / 8, 2 / 8, 5 / 8], rtol=1e-15)
    assert activation.softmax.backward is not None
    (gx,) = activation.softmax.backward(xp, saved, gy, (True,))
    np.testing.assert_allclose(gx, [7 / 8, -2 / 8, -5 / 8], rtol=1e-15)


def test_log_softmax_by_hand() -> None:
    # Σ gy = 8: gx = gy − 8 p = (8 − 1, −2, −5)
    x, gy = np.log([1.0, 2.0, 5.0]), np.array([8.0, 0.0, 0.0])
    y, saved = activation.log_softmax.forward(xp, x)
    np.testing.assert_allclose(y, np.log([1 / 8, 2 / 8, 5 / 8]), rtol=1e-15)
    assert activation.log_softmax.backward is not None
    (gx,) = activation.log_softmax.backward(xp, saved, gy, (True,))
    np.testing.assert_allclose(gx, [7, -2, -5], rtol=1e-14)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_of_far_scores(axis: int) -> None:
    x = np.array([[1e4, -1e4], [-1e4, 1e4]], np.float32)
    y, gx = value_and_slope(activation.softmax, x, axis=axis)
    np.testing.assert_array_equal(y, [[1, 0], [0, 1]])
    np.testing.assert_array_equal(gx, np.zeros((2, 2)))
    logs, slopes = value_and_slope(activation.log_softmax, x, axis=axis)
    np.testing.assert_array_equal(logs, [[0, -2e4], [-2e4, 0]])
    np.testing.assert_array_equal(slopes, [[-1, 1], [1, -1]])
