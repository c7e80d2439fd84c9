"""The graph: what is recorded, how deltas flow, and what is said when something is wrong."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from numpy.testing import assert_allclose

from omomi import Hook, Variable, errors, no_grad
from omomi import functions as F
from omomi.engines.random import address


def test_a_value_used_twice_receives_the_sum_of_its_deltas():
    x = Variable(np.array([2.0, 3.0]))
    y = x * x + x  # y' = 2x + 1
    y.sum().backward()
    assert_allclose(x.grad, [5.0, 7.0])


def test_a_diamond_runs_each_node_once_and_only_when_its_delta_is_complete():
    order = []

    class Order(Hook):
        def before_backward(self, node, gy):
            order.append(node.rule.name)

    x = Variable(np.array([0.5]))
    a = F.tanh(x)
    y = (F.exp(a) * a).sum()
    with Order():
        y.backward()
    assert order == ["sum", "multiply", "exp", "tanh"]
    t = np.tanh(0.5)
    assert_allclose(x.grad, (np.exp(t) * t + np.exp(t)) * (1 - t * t))


def test_what_was_broadcast_is_summed():
    x, b = Variable(np.ones((4, 3))), Variable(np.zeros((3,)))
    (x + b).sum().backward()
    assert_allclose(b.grad, [4.0, 4.0, 4.0])
    c = Variable(np.ones((4, 1)))
    (x * c).sum().backward()
    assert_allclose(c.grad, np.full((4, 1), 3.0))


def test_gradients_of_leaves_accumulate_until_cleared():
    x = Variable(np.array([1.0]))
    (x * 2).sum().backward()
    (x * 3).sum().backward()
    assert_allclose(x.grad, [5.0])
    x.cleargrad()
    assert x.grad is None


def test_python_numbers_take_the_partner_s_dtype():
    for dtype in ("float32", "float64"):
        x = Variable(np.ones(2, dtype))
        assert (1 - x * 2 / 3.0 + 0.5).dtype == dtype
    assert Variable([1.0, 2.0]).dtype == np.float32


def test_numpy_on_the_left_asks_the_variable():
    x = Variable(np.ones(3))
    assert isinstance(np.arange(3.0) * x, Variable)
    assert isinstance(np.ones((2, 3)) @ Variable(np.ones((3, 1))), Variable)


def test_nothing_is_recorded_inside_no_grad_or_for_arrays():
    x = Variable(np.ones(3))
    with no_grad():
        assert (x * x).creator is None
    assert F.exp(np.ones(3)).creator is None
    assert (x * x).creator is not None


def test_a_long_chain_needs_no_recursion():
    x = Variable(np.array(1.0))
    y = x
    for _ in range(20_000):
        y = y + 0.0
    y.backward()
    assert x.grad == 1.0
    del y
    gc.collect()


def test_the_graph_is_freed_without_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        x = Variable(np.ones((8, 8)))
        for _ in range(3):
            F.tanh(x @ x).sum().backward()
            x.cleargrad()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_backward_twice_needs_a_retained_graph():
    x = Variable(np.array([1.0]))
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert_allclose(x.grad, [4.0])
    with pytest.raises(errors.ConfigurationError, match="retain_graph"):
        y.backward()


def test_backward_starts_from_a_scalar_or_from_a_gradient_of_the_same_shape():
    x = Variable(np.ones((2, 2)))
    y = x * 2
    with pytest.raises(errors.ShapeError, match="scalar"):
        y.backward()
    with pytest.raises(errors.ShapeError, match="shape"):
        y.backward(np.ones(2))
    y.backward(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert_allclose(x.grad, [[2.0, 4.0], [6.0, 8.0]])


def test_nothing_to_differentiate_is_said():
    with pytest.raises(errors.ConfigurationError, match="nothing to differentiate"):
        F.exp(np.array(1.0)).backward()


def test_an_output_that_nobody_used_passes_none_on():
    x = Variable(np.random.default_rng(0).normal(size=(5, 2)))
    ones, zeros = np.ones(2), np.zeros(2)
    y, _, _ = F.batch_normalization(x, Variable(ones), Variable(zeros), zeros, ones)
    (y * y * y).sum().backward()
    assert x.grad.shape == (5, 2)


def test_hooks_see_forward_and_backward_and_nothing_after_they_leave():
    seen = []

    class Everything(Hook):
        def before_forward(self, rule, arrays, attributes, path):
            seen.append(("before", rule.name))

        def after_forward(self, rule, arrays, attributes, path, y):
            seen.append(("after", rule.name))

        def after_backward(self, node, gy, gx):
            seen.append(("backward", node.rule.name, gx[0].shape))

    x = Variable(np.ones((2, 3)))
    with Everything():
        F.tanh(x).sum().backward()
    F.tanh(x)
    assert seen == [
        ("before", "tanh"),
        ("after", "tanh"),
        ("before", "sum"),
        ("after", "sum"),
        ("backward", "sum", (2, 3)),
        ("backward", "tanh", (2, 3)),
    ]


def test_losses_never_broadcast_a_binary_target():
    with pytest.raises(errors.ShapeError, match=r"reshape\(-1, 1\)"):
        F.squared_error(Variable(np.zeros((4, 1))), np.zeros(4))


@pytest.mark.parametrize(
    ("function", "link"),
    [
        (F.squared_error, lambda u: u),
        (F.sigmoid_cross_entropy, lambda u: 1 / (1 + np.exp(-u))),
        (F.softmax_cross_entropy, lambda u: np.exp(u) / np.exp(u).sum(axis=1, keepdims=True)),
    ],
)
def test_canonical_links_start_at_y_minus_t(function, link):
    rng = np.random.default_rng(1)
    u, t = rng.normal(size=(6, 3)), np.eye(3)[rng.integers(0, 3, 6)]
    x = Variable(u)
    function(x, t).backward()
    terms = 6 * 3 if function is F.sigmoid_cross_entropy else 6  # binary cross-entropy is a mean over outputs too
    assert_allclose(x.grad, (link(u) - t) / terms, atol=1e-15)


def test_what_softmax_cross_entropy_s_targets_mean():
    x = Variable(np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]))
    by_row = F.softmax_cross_entropy(x, np.eye(3)[[2, 0]])
    for t in (np.array([2, 0]), np.array([[2], [0]])):
        assert_allclose(F.softmax_cross_entropy(x, t).array, by_row.array)
    with pytest.raises(errors.ShapeError, match="ambiguous"):
        F.softmax_cross_entropy(Variable(np.zeros((2, 1))), np.zeros((2, 1), int))
    with pytest.raises(errors.DtypeError, match="whole numbers"):
        F.softmax_cross_entropy(x, np.array([2.0, 0.0]))


def test_dropout_outside_a_model_takes_an_address_or_draws_on():
    x = np.ones(1000)
    one, other = F.dropout(x, 0.5).array, F.dropout(x, 0.5).array
    assert (one != other).any()
    where = address(3, "mask")
    assert_allclose(F.dropout(x, 0.5, where).array, F.dropout(x, 0.5, where).array)


def test_the_order_in_which_deltas_add_up_follows_from_the_graph_alone():
    # (1e8 + 1) − 1e8 is 0 in float32, and (1e8 − 1e8) + 1 is 1: a gradient of three parts tells the order of its sum.
    kept, found = [], set()
    for number in range(40):
        x = Variable(np.ones(1, np.float32))
        parts = [x * np.float32(factor) for factor in (1e8, 1.0, -1e8)]
        (parts[0] + parts[1] + parts[2]).backward()
        found.add(float(x.grad[0]))
        kept.append((parts, [object() for _ in range(number % 7)]))  # so that nodes get other addresses
        if number % 3 == 0:
            del kept[number % len(kept)]
    assert len(found) == 1
