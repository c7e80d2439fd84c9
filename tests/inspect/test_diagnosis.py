"""Each verdict is provoked once, and a healthy network gets none."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import omomi
from omomi import Sequential, errors
from omomi.initializers import Constant, RandomNormal
from omomi.inspect import diagnose
from omomi.inspect.diagnosis import CHECKS
from omomi.layers import BatchNormalization, Dense, Flatten, Rescaling, Softmax
from omomi.losses import SparseCategoricalCrossentropy
from omomi.optimizers import SGD

(X, Y), (X_VAL, Y_VAL) = omomi.datasets.digits.load_data()
RNG = np.random.default_rng(0)
ALL = {check.name for check in CHECKS}


def deep(activation, initializer, layers=10, units=30, **options):
    return [Dense(units, activation=activation, kernel_initializer=initializer, **options) for _ in range(layers)]


def trained(
    layers, optimizer, x=X, y=Y, epochs=3, last="softmax", scale=1 / 16, loss="sparse_categorical_crossentropy"
):
    """A network for digits after a short training, and its history with a ledger."""
    first = [Flatten(input_shape=(8, 8)), *([Rescaling(scale)] if scale else [])]
    model = Sequential([*first, *layers, Dense(10, activation=last)], seed=0)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    with suppress(errors.NonFiniteError):  # the ledger has it
        model.fit(x, y, epochs=epochs, verbose=0, ledger=10, validation_data=(X_VAL, Y_VAL))
    return model, model.history


def verdicts(model, history, x=X, y=Y):
    return diagnose(model, history, data=(x, y))


def names(diagnosis):
    return [verdict.name for verdict in diagnosis.verdicts]


# ---- healthy -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "optimizer"),
    [
        (deep("relu", "he_normal"), SGD(0.05)),
        (deep("relu", "he_normal", 2), "adam"),
        (deep("tanh", "glorot_uniform", 2), SGD(0.1)),
        ([Dense(30), BatchNormalization(), Dense(30, activation="relu")], "adam"),
    ],
    ids=["ten layers of ReLU with He", "Adam", "tanh with Glorot", "batch normalisation"],
)
def test_a_healthy_network_gets_no_verdict(layers, optimizer):
    """This is the counterpart of every test below: all checks are made, and none finds anything."""
    model, history = trained(layers, optimizer)
    found = verdicts(model, history)
    assert names(found) == []
    assert found.healthy
    assert set(found.judged) == ALL
    assert "nothing conspicuous" in found.to_text()
    assert repr(found) == "<Diagnosis: healthy>"


# ---- what the ledger shows -----------------------------------------------------------------------------------------


def test_vanishing_names_the_first_starved_layer_and_the_factor():
    model, history = trained(deep("sigmoid", RandomNormal(stddev=0.05)), "sgd")
    found = verdicts(model, history)
    assert names(found) == ["vanishing", "initialisation"]
    verdict = found["vanishing"]
    # N(0, 0.05²), 30 units: a layer multiplies by about ¼ · 0.05 · √30 = 0.068, so δ falls below 1/1000 in three layers
    assert 0.05 < verdict.evidence["factor per layer"] < 0.1
    assert verdict.where == verdict.evidence["first starved layer"] == "dense_6"
    ledger = history.ledger
    last, first = ledger.get("delta", "dense_10"), ledger.get("delta", "dense")
    assert np.median(first / last) < 1e-9
    assert "ReLU in place of sigmoid" in verdict.remedy


def test_a_learning_rate_a_thousand_times_too_large_explodes_and_the_step_is_named():
    model, history = trained(deep("relu", "he_normal"), SGD(50.0))
    found = verdicts(model, history)
    assert names(found)[0] == "exploding"
    assert found["exploding"].evidence["step"] == history.ledger.failure.step
    assert f"step {history.ledger.explosion.step}" in found["exploding"].says
    assert "vanishing" not in found


def test_an_explosion_that_stays_finite_is_named_too():
    model, history = trained(deep("tanh", "glorot_uniform", 2), SGD(100.0))
    assert history.ledger.failure is None
    found = verdicts(model, history)
    assert names(found)[0] == "exploding"
    assert found["exploding"].evidence["step"] == history.ledger.explosion.step <= 5


def test_a_delta_that_grows_from_layer_to_layer_explodes():
    model, history = trained(deep("relu", RandomNormal(stddev=1.0), 8), SGD(0.0), epochs=1)
    verdict = verdicts(model, history)["exploding"]
    # ReLU passes about half: a factor of √(30/2) = 3.9 a layer
    assert 3 < verdict.evidence["factor per layer"] < 5


def test_dead_units_are_counted():
    model, history = trained(deep("relu", "he_normal", 2, bias_initializer=Constant(-10.0)), SGD(0.05))
    found = verdicts(model, history)
    assert names(found) == ["dead"]
    assert found["dead"].evidence == {"dead units of dense": "30 of 30", "dead units of dense_1": "30 of 30"}
    half = [Dense(40, activation="relu", bias_initializer="zeros")]
    model, _ = trained(half, SGD(0.05), epochs=1)
    weights = model.get_weights()
    weights[1][:] = np.where(np.arange(40) < 17, -1000.0, 10.0)
    model.set_weights(weights)
    assert diagnose(model, X, Y)["dead"].evidence == {"dead units of dense": "17 of 40"}


def test_saturated():
    model, history = trained(deep("tanh", RandomNormal(stddev=2.0), 3), SGD(0.05))
    found = verdicts(model, history)
    assert names(found) == ["saturated"]
    assert 0.5 < found["saturated"].evidence["saturated share of dense_2"] < 1


def test_the_step_function_has_no_slope():
    model, history = trained(deep("step", "he_normal", 1), "adam")
    assert names(verdicts(model, history)) == ["no slope"]


def test_units_that_are_copies():
    model, history = trained(deep("tanh", "zeros", 2), SGD(0.1))
    found = verdicts(model, history)
    assert names(found) == ["initialisation"]
    assert found["initialisation"].evidence == {"layers of copies": "dense, dense_1"}
    # in the output layer alone, equal weights do no harm
    model, history = trained([], SGD(0.1))
    model.set_weights([np.zeros((64, 10)), np.zeros(10)])
    assert diagnose(model, X, Y).healthy


def test_initial_weights_that_are_too_large():
    model, history = trained(deep("relu", RandomNormal(stddev=1.0), 5), SGD(1e-6))
    assert names(verdicts(model, history)) == ["initialisation"]


def test_a_learning_rate_that_is_too_low():
    model, history = trained(deep("relu", "he_normal", 2), SGD(1e-6))
    assert names(verdicts(model, history)) == ["learning rate too low"]


def test_a_learning_rate_that_is_too_high_without_exploding():
    model, history = trained(deep("relu", "he_normal", 2), SGD(1.0))
    found = verdicts(model, history)
    assert names(found)[0] == "learning rate too high"
    assert "exploding" not in found


def test_softmax_twice_between_layers_and_between_layer_and_loss():
    model, history = trained([Dense(10), Softmax()], "adam", last=None)
    assert "softmax twice" not in diagnose(model, history)  # one softmax, then a dense layer: odd, but no softmax twice
    model = Sequential([Flatten(input_shape=(8, 8)), Rescaling(1 / 16), Dense(10, activation="softmax"), Softmax()])
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert diagnose(model, X, Y)["softmax twice"].where == "layer softmax"

    class Probabilities(omomi.Layer):
        def call(self, u):
            e = omomi.functions.exp(u)
            return e / e.sum(axis=-1, keepdims=True)

    model = Sequential([Flatten(input_shape=(8, 8)), Rescaling(1 / 16), Dense(10), Probabilities()])
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))
    assert diagnose(model, X, Y)["softmax twice"].where == "the loss"


# ---- what data and curves show -------------------------------------------------------------------------------------


def test_inputs_that_are_not_scaled():
    model, history = trained(deep("relu", "he_normal", 2), SGD(1e-5), x=X * 16, scale=None)
    found = verdicts(model, history, x=X * 16)
    assert names(found)[0] == "inputs not scaled"
    assert 90 < found["inputs not scaled"].evidence["size of the inputs"] < 110


def test_features_of_very_different_sizes():
    x = RNG.normal(size=(200, 3)) * [1.0, 0.001, 0.9]
    model = Sequential([Dense(4, activation="tanh", input_shape=(3,)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    y = x[:, :1]
    verdict = diagnose(model, x, y)["inputs not scaled"]
    assert "times as much as another" in verdict.says
    assert "inputs not scaled" not in diagnose(model, x / [1.0, 0.001, 0.9], y)


def test_shuffled_and_constant_labels():
    shuffled = RNG.permutation(Y)
    model, history = trained(deep("relu", "he_normal", 2), "adam", y=shuffled)
    found = verdicts(model, history, y=shuffled)
    assert names(found)[0] == "labels shuffled"
    assert abs(found["labels shuffled"].evidence["neighbours agree"] - 0.1) < 0.05
    constant = np.full_like(Y, 3)
    model, history = trained(deep("relu", "he_normal", 2), "adam", y=constant)
    found = verdicts(model, history, y=constant)
    assert names(found)[0] == "labels constant"
    assert "(3)" in found["labels constant"].says


def test_over_fitting_and_under_fitting():
    x, y = RNG.normal(size=(60, 8, 8)), RNG.integers(0, 10, 60)
    first = [Flatten(input_shape=(8, 8)), *deep("relu", "he_normal", 2, units=100)]
    model = Sequential([*first, Dense(10, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    noise = (RNG.normal(size=(60, 8, 8)), RNG.integers(0, 10, 60))
    history = model.fit(x, y, epochs=30, batch_size=10, verbose=0, ledger=True, validation_data=noise)
    found = diagnose(model, history)
    assert names(found) == ["over-fitting"]
    assert found["over-fitting"].evidence["best epoch"] <= 5
    assert found.unjudged["labels shuffled"] == "no samples of one input and one output were given"

    # a straight line cannot follow a parabola
    t = np.linspace(-1, 1, 200)[:, None]
    line = Sequential([Dense(8, input_shape=(1,)), Dense(1)], seed=0)
    line.compile(SGD(0.1), "mse")
    line.fit(t, t**2, epochs=20, verbose=0)
    history = line.fit(t, t**2, epochs=5, verbose=0, ledger=True)
    assert names(diagnose(line, history)) == ["under-fitting"]


# ---- asking --------------------------------------------------------------------------------------------------------


def test_a_batch_alone_is_enough_and_nothing_changes():
    model, _ = trained(deep("relu", "he_normal", 2), "adam", epochs=1)
    before = {path: np.array(entry.array) for path, entry in {**model.state(), **model.optimizer.entries()}.items()}
    for found in (diagnose(model, X[:100], Y[:100]), diagnose(model, (X[:100], Y[:100]))):
        assert found.healthy
        assert "no learning curves" in found.unjudged["over-fitting"]
        assert "ledger of two steps" in found.unjudged["learning rate too high"]
    for path, entry in {**model.state(), **model.optimizer.entries()}.items():
        assert_array_equal(entry.array, before[path], err_msg=path)
    assert diagnose(model, model.history.ledger).healthy
    assert diagnose(model).judged == diagnose(model, model.history).judged


def test_the_report_as_text_and_as_data():
    model, history = trained(deep("sigmoid", RandomNormal(stddev=0.05)), "sgd")
    found = verdicts(model, history)
    text = found.to_text(width=72)
    assert max(map(len, text.splitlines())) <= 72
    for word in ("vanishing", "evidence:", "remedy:", "dense_6", "judged"):
        assert word in text
    assert str(found) == found.to_text()
    assert repr(found) == "<Diagnosis: vanishing, initialisation>"
    data = json.loads(json.dumps(found.to_dict()))
    assert [v["name"] for v in data["verdicts"]] == names(found)
    assert data["healthy"] is False
    with pytest.raises(KeyError, match="there are vanishing, initialisation"):
        found["dead"]


def test_names_of_layers_are_printed_as_they_are():
    model = Sequential([Dense(4, activation="step", input_shape=(3,), name="[red]a&<b>{0}"), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    assert "[red]a&<b>{0}" in diagnose(model, np.ones((9, 3)), np.ones((9, 1))).to_text(200)


def test_mistakes_are_named():
    model, history = trained([], "sgd", epochs=1)
    history.ledger = None
    with pytest.raises(errors.ConfigurationError, match=r"ledger=True"):
        diagnose(model, history)
    with pytest.raises(errors.DataError, match="x is empty"):
        diagnose(model, X[:0], Y[:0])
    with pytest.raises(errors.DataError, match="numbers of samples differ"):
        diagnose(model, X[:5], Y[:4])
    with pytest.raises(errors.DataError, match="inputs with their targets"):
        diagnose(model, X)
    with pytest.raises(errors.ConfigurationError, match="two batches"):
        diagnose(model, X, Y, data=(X, Y))
    with pytest.raises(errors.NotBuiltError, match="compile"):
        diagnose(Sequential([Dense(1, input_shape=(2,))]), np.ones((3, 2)), np.ones((3, 1)))
