"""The gradient check itself: it must fail on rules that are wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from omomi.inspect.gradient_check import (
    check_rule,
    derivative,
    differentiable,
    directional,
    error,
    input_names,
    jacobian,
    un_broadcast,
)
from omomi.ops import RULES, activation, arithmetic, linear, shape
from omomi.ops.rule import Rule
from tests.samples import collect

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])
B = np.array([0.4, -0.2, 1.1])


def with_backward(rule: Rule, change: Callable[..., Any]) -> Rule:
    """The rule, with a backward that changes the gradients of the right one."""

    def backward(xp: Any, saved: Any, gy: Any, wanted: Any, **attributes: Any) -> Any:
        return change(rule.backward(xp, saved, gy, wanted, **attributes), gy)

    return replace(rule, backward=backward)


def test_the_difference_of_a_polynomial_is_exact_to_ten_digits() -> None:
    # f(h) = (h³ + 2h, e^h): f'(0) = (2, 1). Richardson's step removes the h² that h³ leaves in a central difference.
    found = derivative(lambda h: np.array([h**3 + 2 * h, np.exp(h)]))
    np.testing.assert_allclose(found, [2, 1], atol=1e-11)


def test_a_jacobian_by_hand() -> None:
    # f(x, y) = (x y, x², y): J = [[y, x], [2x, 0], [0, 1]], at (2, 3); along (1, −1): (1, 4, −1).
    def f(z: np.ndarray) -> np.ndarray:
        return np.array([z[0] * z[1], z[0] ** 2, z[1]])

    point = np.array([2.0, 3.0])
    np.testing.assert_allclose(jacobian(f, point), [[3, 2], [4, 0], [0, 1]], atol=1e-10)
    np.testing.assert_allclose(directional(f, point, np.array([1.0, -1.0])), [1, 4, -1], atol=1e-10)
    assert jacobian(f, point).shape == (3, 2)
    assert jacobian(lambda z: np.ones(2), np.zeros((0, 3))).shape == (2, 0)


def test_the_error_is_absolute_below_one_and_relative_above() -> None:
    assert error(np.array([0.1, 0.2]), np.array([0.1, 0.3])) == pytest.approx(0.1)
    assert error(np.array([10.0, 200.0]), np.array([10.0, 100.0])) == pytest.approx(0.5)
    assert error(np.zeros(0), np.zeros(0)) == 0
    assert error(np.array([np.nan]), np.array([1.0])) == np.inf


def test_un_broadcasting_sums_over_the_copies() -> None:
    g = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(un_broadcast(g, (3,)), [3, 5, 7])
    np.testing.assert_array_equal(un_broadcast(g, (2, 1)), [[3], [12]])
    np.testing.assert_array_equal(un_broadcast(g, ()), 15)
    assert un_broadcast(g, (2, 2)) is None
    assert un_broadcast(g, (1, 2, 3)) is None


@pytest.mark.parametrize("full", [True, False])
def test_a_right_rule_passes(full: bool) -> None:
    assert check_rule(arithmetic.multiply, [X, B], full=full).passed
    assert check_rule(linear.affine, [X, np.ones((3, 2)), np.ones(2)], full=full).passed


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("i", [0, 1])
def test_a_derivative_that_is_off_by_a_thousandth_fails(i: int, full: bool) -> None:
    wrong = with_backward(
        arithmetic.multiply, lambda g, gy: tuple(1.001 * gx if j == i else gx for j, gx in enumerate(g))
    )
    report = check_rule(wrong, [X, B], full=full)
    assert not report.passed
    assert [entry.error > report.tolerance for entry in report.entries] == [i == 0, i == 1]


def test_every_rule_that_is_off_by_a_thousandth_fails() -> None:
    samples = collect()
    for name, rule in RULES.items():
        if rule.backward is None or rule is activation.step:  # the step function's gradient is zero
            continue
        wrong = with_backward(rule, lambda g, gy: tuple(None if gx is None else 1.001 * gx for gx in g))
        calls = samples[name].fixed(np.random.default_rng(5))
        assert not all(check_rule(wrong, call.arrays, call.attributes).passed for call in calls), name


@pytest.mark.parametrize("full", [True, False])
def test_a_missing_sum_over_what_was_broadcast_fails(full: bool) -> None:
    first_row = with_backward(arithmetic.add, lambda g, gy: (g[0], gy[0]))  # of the right shape, and not the sum
    assert not check_rule(first_row, [X, B], full=full).passed
    too_small = with_backward(shape.sum_to, lambda g, gy: (gy,))  # of a shape that no sum turns into that of x
    report = check_rule(too_small, [X], {"shape": (3,)}, full=full)
    assert not report.passed
    assert "shape (3,) for an input of shape (2, 3)" in str(report)


@pytest.mark.parametrize("full", [True, False])
def test_a_wrong_none_fails(full: bool) -> None:
    missing = with_backward(arithmetic.multiply, lambda g, gy: (g[0], None))
    report = check_rule(missing, [X, B], full=full)
    assert not report.passed
    assert "None where a gradient belongs" in str(report)
    assert report.error == np.inf
    indices = np.array([1, 0, 1])
    assert check_rule(shape.take, [X, indices], full=full).passed
    superfluous = with_backward(shape.take, lambda g, gy: (g[0], np.zeros(3)))
    assert "a gradient where None belongs" in str(check_rule(superfluous, [X, indices], full=full))


def test_a_none_passes_where_the_used_outputs_do_not_depend_on_the_input() -> None:
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return (2 * a, 3 * b), ()

    def backward(xp: Any, saved: Any, gy: Any, wanted: Any) -> Any:
        return None if gy[0] is None else 2 * gy[0], None if gy[1] is None else 3 * gy[1]

    pair = Rule("pair", forward, backward, "y = 2a, z = 3b")
    report = check_rule(pair, [X, B])
    assert report.passed
    assert len(report.entries) == 6  # a and b, from y alone, from z alone, and from both
    assert not check_rule(with_backward(pair, lambda g, gy: (None, g[1])), [X, B]).passed


def test_a_gradient_that_is_not_a_number_fails() -> None:
    broken = with_backward(activation.tanh, lambda g, gy: (np.where(X > 1, np.nan, g[0]),))
    assert not check_rule(broken, [X]).passed


def test_ones_upstream_would_pass_a_wrong_softmax() -> None:
    """Σ y is always 1, so the gradient for gy = 1 is zero, and any multiple of it as well."""
    wrong = with_backward(activation.softmax, lambda g, gy: (2 * g[0],))
    assert wrong.backward is not None
    y, saved = wrong.forward(np, X)
    np.testing.assert_allclose(wrong.backward(np, saved, np.ones_like(y), (True,))[0], 0, atol=1e-15)
    assert not check_rule(wrong, [X]).passed


def test_names_and_constants_of_the_inputs() -> None:
    assert input_names(linear.affine, 3) == ["x", "W", "b"]
    assert input_names(shape.concatenate, 2) == ["xs[0]", "xs[1]"]
    assert differentiable(arithmetic.where, [X > 0, X, X]) == (False, True, True)
    constant = replace(arithmetic.multiply, constants=("b",))
    assert differentiable(constant, [X, B]) == (True, False)


def test_the_report_is_one_line_per_input() -> None:
    report = check_rule(arithmetic.multiply, [X, B])
    first, *lines = str(report).splitlines()
    assert first == "multiply: right (tolerance 1e-07)"
    assert [line.split()[:2] for line in lines] == [["a", "right"], ["b", "right"]]
