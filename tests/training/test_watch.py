"""The first number that is not finite is named wherever it comes from, and nothing that was finite is lost."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import omomi
from omomi import Sequential, errors
from omomi import functions as F
from omomi.engines import selection
from omomi.graph.variable import apply
from omomi.layers import BatchNormalization, Dense, Dropout
from omomi.ops.rule import Rule

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).astype(np.float32)
Y = X[:, :1] + 1


@pytest.fixture(params=["numpy", "numba"], autouse=True)
def engine(request):
    before = selection.current().name
    omomi.use(request.param)
    yield request.param
    omomi.use(before)


def network(*between, optimizer="sgd", loss="mse", activation="tanh"):
    first = Dense(6, activation=activation, input_shape=(4,), name="first")
    model = Sequential([first, *between, Dense(1, name="second")], seed=0)
    model.compile(optimizer, loss)
    return model


def state_of(model):
    return {p: np.array(e.array) for p, e in {**model.state(), **model.optimizer.entries()}.items()}


def fails(model, x=X, y=Y, **options):
    """Fit, and return the error; the state is what it was after the last good step."""
    with pytest.raises(errors.NonFiniteError) as caught:
        model.fit(x, y, verbose=0, **options)
    return caught.value


def unhurt(model, before):
    for path, array in state_of(model).items():
        if path != "step" and path in before:
            assert_array_equal(array, before[path], err_msg=path)


class Log(omomi.Layer):
    """The logarithm: not finite for what is not positive."""

    def call(self, x):
        return F.log(x)


# √x has the slope 1/(2√x): at 0 the value is finite and the slope is not.
def root_forward(xp, x):
    y = xp.sqrt(x)
    return y, (y,)


def root_backward(xp, saved, gy, wanted):
    return (gy / (2 * saved[0]),)


root = Rule("root", root_forward, root_backward, "y = √x", "gx = gy / (2y)")


class Root(omomi.Layer):
    replayable = True

    def call(self, x):
        return apply(root, x * 0.0)


def test_in_the_forward_pass():
    model = network(Log(name="the_log"))
    before = state_of(model)
    error = fails(model)
    assert error.culprit == "rule log of layer the_log, forward"
    assert error.step == 0
    unhurt(model, before)


def test_in_the_backward_pass_although_the_loss_is_finite():
    model = network(Root(name="the_root"))
    before = state_of(model)
    assert np.isfinite(model.evaluate(X, Y))
    error = fails(model)
    assert error.culprit == "rule root of layer the_root, backward"
    unhurt(model, before)


def test_in_a_loss_of_one_s_own():
    model = network(loss=lambda t, y: F.log(y - y))
    error = fails(model)
    assert error.culprit == "rule log after layer second, forward"


def test_in_a_loss_of_omomi_s():
    model = network(loss="poisson")
    model.set_weights([*model.get_weights()[:3], np.full(1, -np.float32(5))])
    error = fails(model, y=np.ones((40, 1)))
    assert error.culprit.startswith("rule poisson after layer second, ")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_in_a_parameter(value):
    model = network(Dropout(0.5))
    weights = model.get_weights()
    weights[2][1, 0] = value
    model.set_weights(weights)
    before = state_of(model)
    error = fails(model)
    assert error.culprit == "in second/kernel, before the step; met by rule affine of layer second, forward"
    unhurt(model, before)


def test_in_a_slot_of_the_optimiser():
    model = network(optimizer="adam")
    model.fit(X, Y, verbose=0)
    slot = model.optimizer.entries()["optimizer/mean/second/kernel"]
    slot.assign(np.full(slot.shape, np.nan))
    error = fails(model, epochs=2)
    assert "before the step" in error.culprit
    assert "second/kernel" in error.culprit


def test_in_the_running_statistics():
    layer = BatchNormalization()
    model = network(layer)
    layer.moving_variance.assign(np.full(6, -1.0))
    layer.trainable = False
    error = fails(model)
    assert error.culprit == "rule batch_normalization_inference of layer batch_normalization, forward"


def test_in_the_data():
    x, y = X.copy(), Y.copy()
    x[3, 1], y[5, 0] = np.nan, -np.inf
    with pytest.raises(errors.DataError, match=r"x\[3, 1\]"):
        network().fit(x, Y, verbose=0)
    with pytest.raises(errors.DataError, match=r"y\[5, 0\]"):
        network().fit(X, y, verbose=0)


def test_in_data_that_is_too_large_for_the_model_s_dtype():
    model, y = network(), Y.astype(np.float64)
    y[7] = 1e300  # finite as float64, infinite as float32
    error = fails(model, y=y, batch_size="full")
    assert error.culprit.startswith("in the targets of this batch; met by rule mean_squared_error")


def test_in_the_update():
    """The gradients are finite, the rate makes the weights infinite: the next step says so, whatever it is."""
    model = network(optimizer=omomi.optimizers.SGD(3e38))
    error = fails(model, epochs=5)
    assert "before the step" in error.culprit


def test_in_a_later_step_in_mid_epoch():
    x = X.copy()
    x[30:] = 3e38
    model = network(BatchNormalization(), activation="relu")
    error = fails(model, x=x, y=Y, batch_size=10, shuffle=False)
    assert error.step == 3 == int(model.state()["step"].array)
    assert "step 3" in str(error)


def test_training_goes_on_after_a_step_that_failed():
    model, bad = network(optimizer="adam"), np.where(Y > 1, 3e38, Y)
    other = network(optimizer="adam")
    for m in (model, other):
        m.fit(X, Y, verbose=0)
    fails(model, y=bad, batch_size="full")
    for m in (model, other):
        m.fit(X, Y, epochs=2, verbose=0)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_one_batch_at_a_time_and_by_hand():
    model = network(Log(name="the_log"))
    with pytest.raises(errors.NonFiniteError, match="rule log of layer the_log, forward"):
        model.train_on_batch(X, Y)


def test_all_of_it_is_off_the_record_for_hooks_of_one_s_own():
    """A hook around fit() sees the step once: neither its compilation nor the search for the culprit."""
    seen = []

    class Count(omomi.Hook):
        def after_forward(self, rule, arrays, attributes, path, y):
            seen.append(rule.name)

    model = network(Log(name="the_log"))
    with Count():
        fails(model)
    assert seen.count("log") == 1


def test_a_hook_sees_a_step_once_also_the_one_in_which_it_is_compiled():
    seen = []

    class Count(omomi.Hook):
        def after_forward(self, rule, arrays, attributes, path, y):
            seen.append((rule.name, "forward"))

        def after_backward(self, node, gy, gx):
            seen.append((node.rule.name, "backward"))

    model = network()
    with Count():
        model.fit(X, Y, batch_size="full", verbose=0)
    assert seen.count(("tanh", "forward")) == seen.count(("tanh", "backward")) == 1
