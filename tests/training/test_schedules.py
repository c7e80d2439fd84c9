"""Schedules of the learning rate, beside Keras and PyTorch, and in training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import errors
from omomi.layers import Dense
from omomi.optimizers import SGD, Adam, schedules
from tests.oracles.schedule_cases import CASES

OTHERS = {"StepDecay": [(0.1, 4, 0.5)], "Warmup": [(0.1, 4), (schedules.ExponentialDecay(0.1, 2, 0.5), 4, 0.02)]}
ALL = [(name, arguments) for name, cases in (CASES | OTHERS).items() for arguments in cases]
X = np.array([[1.0], [1.0]])
Y = np.array([[0.0], [0.0]])


@pytest.fixture(scope="module")
def rates():
    """What tests/oracles/schedules.py wrote."""
    with np.load(Path(__file__).parent.parent / "oracles" / "schedules.npz") as file:
        return dict(file)


@pytest.mark.parametrize("name", sorted(CASES))
def test_rates_are_those_of_keras_and_pytorch(name, rates):
    for i, arguments in enumerate(CASES[name]):
        schedule = getattr(schedules, name)(*arguments)
        expected = rates[f"{name}/{i}"]
        assert_allclose([schedule(t) for t in range(len(expected))], expected, rtol=1e-12, err_msg=str(arguments))


def test_rates_by_hand():
    assert [schedules.StepDecay(0.1, 4, 0.5)(t) for t in (0, 3, 4, 8)] == pytest.approx([0.1, 0.1, 0.05, 0.025])
    warm = schedules.Warmup(schedules.ExponentialDecay(0.1, 2, 0.5), 4, start=0.02)
    # from 0.02 to 0.1 in four steps; then the decay, whose step 0 is step 4
    assert [warm(t) for t in (0, 1, 3, 4, 6)] == pytest.approx([0.02, 0.04, 0.08, 0.1, 0.05])
    assert [schedules.Warmup(0.1, 4)(t) for t in (0, 2, 4, 9)] == pytest.approx([0, 0.05, 0.1, 0.1])
    assert_allclose(schedules.ExponentialDecay([0.1, 0.2], 1, 0.5)(2), [0.025, 0.05])


@pytest.mark.parametrize(("name", "arguments"), ALL)
def test_a_schedule_can_be_described_and_made_again(name, arguments):
    schedule = getattr(schedules, name)(*arguments)
    again = SGD(**SGD(schedule).get_config())
    assert repr(schedule) in repr(again)
    assert again._given_rate[""] == schedule
    assert again.learning_rate == pytest.approx(float(np.float32(schedule(0))))


def one_weight(optimizer, **options):
    """One weight w, started from 1; E = w², so that a step is w ← w − η 2 w."""
    model = omomi.Sequential([Dense(1, use_bias=False, input_shape=(1,))], dtype="float64", seed=0)
    model.compile(optimizer, "mean_squared_error", **options)
    model.set_weights([np.ones((1, 1))])
    return model


@pytest.mark.parametrize("engine", ["numpy", "numba", "jax"])
def test_every_step_of_training_has_its_rate(engine):
    schedule = schedules.Warmup(schedules.CosineDecay(0.1, 6), 3)
    with omomi.use(engine):
        model = one_weight(SGD(schedule))
        model.fit(X, Y, batch_size=1, epochs=5, verbose=0)
        expected = np.prod([1 - 2 * schedule(t) for t in range(10)])
        assert_allclose(model.get_weights()[0], [[expected]], rtol=1e-12)
        assert model.optimizer.learning_rate == pytest.approx(schedule(10))


def test_rates_of_layers_and_units_can_be_schedules():
    rate = {"dense": schedules.ExponentialDecay([0.0, 0.1], 1, 0.5), "dense_1/bias": 0.0, "": schedules.Warmup(0.2, 2)}
    model = omomi.Sequential([Dense(2, input_shape=(1,)), Dense(1)], dtype="float64", seed=0)
    model.compile(SGD(rate), "mean_squared_error")
    moves = []
    for _ in range(3):
        before = model.get_weights()
        gradients = gradients_of(model)
        model.train_on_batch(X[:1], Y[:1])
        moves.append([b - a for a, b in zip(before, model.get_weights(), strict=True)])
        for p, move, g, eta in zip(range(4), moves[-1], gradients, rates_by_hand(len(moves) - 1), strict=True):
            assert_allclose(move, -np.asarray(eta) * g, atol=1e-15, err_msg=str(p))


def rates_by_hand(t):
    """Of kernel and bias of the first layer, kernel and bias of the second, after t steps."""
    first = np.array([0.0, 0.1]) * 0.5**t
    return first, first, 0.2 * min(t / 2, 1), 0.0


def gradients_of(model):
    loss = omomi.losses.MeanSquaredError()(Y[:1], model(X[:1]))
    loss.backward()
    gradients = [p.grad for p in model.parameters().values()]
    model.cleargrads()
    return gradients


def test_a_rate_for_each_unit_scales_its_column_and_its_bias():
    """A6, worked by hand: x = (1, 2), W = 0, b = 0, targets (1, 1), E = ½ Σ (f − y)²: δ = f − y = (−1, −1), so that
    gW = xᵀδ = [[−1, −1], [−2, −2]] and gb = (−1, −1); with ε = (0.1, 0.3) the columns move by 0.1 and 0.3 times
    that."""
    model = omomi.Sequential([Dense(2, input_shape=(2,))], dtype="float64", seed=0)
    model.compile(SGD(np.array([0.1, 0.3])), "squared_error")
    model.set_weights([np.zeros((2, 2)), np.zeros(2)])
    model.train_on_batch(np.array([[1.0, 2.0]]), np.array([[1.0, 1.0]]))
    kernel, bias = model.get_weights()
    assert_allclose(kernel, [[0.1, 0.3], [0.2, 0.6]], rtol=1e-15)
    assert_allclose(bias, [0.1, 0.3], rtol=1e-15)


class Halving(schedules.LearningRateSchedule):
    """A schedule of one's own, with functions on Variables."""

    def __init__(self):
        super().__init__(0.1)

    def __call__(self, step):
        return 0.1 * 2**-1.0 / (step + 1)


@pytest.mark.parametrize("engine", ["numpy", "numba", "jax"])
def test_a_schedule_of_one_s_own(engine):
    with omomi.use(engine):
        model = one_weight(SGD(Halving()))
        model.fit(X, Y, batch_size=1, epochs=2, verbose=0)
        expected = np.prod([1 - 2 * 0.05 / (t + 1) for t in range(4)])
        assert_allclose(model.get_weights()[0], [[expected]], rtol=1e-6)
        with pytest.raises(errors.ConfigurationError, match="schedule of your own"):
            model.optimizer.get_config()


def test_a_saved_model_goes_on_at_its_rate(tmp_path):
    def made():
        return one_weight(Adam({"dense": schedules.CosineDecay(0.1, 8), "": 0.01}))

    whole = made()
    whole.fit(X, Y, batch_size=1, epochs=4, shuffle=False, verbose=0)
    half = made()
    half.fit(X, Y, batch_size=1, epochs=2, shuffle=False, verbose=0)
    half.save(tmp_path / "half.omomi")
    again = omomi.load_model(tmp_path / "half.omomi")
    again.fit(X, Y, batch_size=1, epochs=2, shuffle=False, verbose=0)
    assert_array_equal(again.get_weights()[0], whole.get_weights()[0])


def test_a_number_cannot_take_the_place_of_a_schedule_but_another_schedule_can():
    model = one_weight(SGD(schedules.StepDecay(0.1, 2)))
    with pytest.raises(errors.ConfigurationError, match=r"a schedule moves(.|\n)*another schedule"):
        model.optimizer.learning_rate = 0.5
    model.fit(X, Y, verbose=0)
    model.optimizer.learning_rate = schedules.StepDecay(0.0, 2)
    before = model.get_weights()[0]
    model.fit(X, Y, verbose=0)
    assert_array_equal(model.get_weights()[0], before)
    other = one_weight("sgd")
    other.fit(X, Y, verbose=0)
    other.optimizer.learning_rate = {"dense": 0.0, "": 0.1}  # other places than before: the step is compiled anew
    before = other.get_weights()[0]
    other.fit(X, Y, verbose=0)
    assert_array_equal(other.get_weights()[0], before)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.ExponentialDecay(-0.1, 5, 0.5), "finite and not negative"),
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps is a number above 0"),
        (lambda: schedules.PiecewiseConstantDecay([5, 1], [1, 2, 3]), "one rate more than there are boundaries"),
        (lambda: schedules.OneCycle(0.1, 10, pct_start=2), "pct_start is a share"),
        (lambda: schedules.CosineDecayRestarts(0.1, 10, t_mul=0.5), "cycles do not become shorter"),
        (lambda: SGD({"class_name": "Cosine", "config": {}}), "no schedule named 'Cosine'"),
        (lambda: SGD(lr=0.1), r"SGD: there is no argument named 'lr'"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(errors.OmomiError, match=message):
        make()


def test_old_names_of_the_rate_are_answered_with_the_new_ones():
    with pytest.raises(errors.UnknownNameError, match="fix: learning_rate=…"):
        SGD(lr=0.1)
    with pytest.raises(errors.UnknownNameError, match="InverseTimeDecay") as caught:  # and not weight_decay
        SGD(0.1, decay=1e-6)
    assert "did you mean" not in str(caught.value)
