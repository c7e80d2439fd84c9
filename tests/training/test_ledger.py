"""The ledger: what it records, that recording changes nothing, and what it says to wrong input."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Sequential, errors
from omomi.engines import selection
from omomi.layers import Activation, BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D, ReLU
from omomi.training.ledger import OF_LAYERS, OF_PARAMETERS, PERIOD, LayerFacts, Ledger
from omomi.training.ledger_words import times
from omomi.training.recorder import norm

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(70, 8, 8, 1)).astype(np.float32)
LABELS = (IMAGES[:, :4].mean(axis=(1, 2, 3)) > 0).astype(np.int64)


@pytest.fixture(params=["numpy", "numba"])
def engine(request):
    before = selection.current().name
    omomi.use(request.param)
    yield request.param
    omomi.use(before)


def network(seed=0):
    """Convolution, batch normalisation, pooling, dropout, a saturating and a dying activation."""
    layers = [
        Conv2D(4, 3, activation="relu", input_shape=(8, 8, 1)),
        BatchNormalization(),
        MaxPooling2D(),
        Dropout(0.25),
        Flatten(),
        Dense(8, activation="tanh"),
        Dropout(0.5),
        Dense(2, activation="softmax"),
    ]
    model = Sequential(layers, seed=seed)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_training_s_bits_are_the_same_with_and_without_a_ledger(engine):
    results = []
    for ledger in (False, 1, 2, True):
        model = network()
        history = model.fit(IMAGES, LABELS, epochs=2, batch_size=16, verbose=0, ledger=ledger)
        state = {**model.state(), **model.optimizer.entries()}
        results.append((history.history, {path: np.array(entry.array) for path, entry in state.items()}))
    for history, state in results[1:]:
        assert history == results[0][0]
        for path, array in state.items():
            assert_array_equal(array, results[0][1][path], err_msg=path)


@pytest.mark.slow
def test_xla_too_trains_the_same_bits_and_names_the_step_that_fails():
    """Without a ledger this engine takes many steps in one call; with one it takes them one by one."""
    pytest.importorskip("jax")

    def small(optimizer):
        layers = [Dense(6, activation="tanh", input_shape=(4,)), Dropout(0.5), Dense(1)]
        model = Sequential(layers, seed=0)
        model.compile(optimizer, "mse")
        return model

    x = RNG.normal(size=(24, 4)).astype(np.float32)
    with omomi.use("jax"):
        weights = []
        for ledger in (False, 2):
            model = small("sgd")
            history = model.fit(x, x[:, :1], batch_size=8, verbose=0, ledger=ledger)
            weights.append([np.array(e.array) for e in model.state().values()])
        assert history.ledger.steps == [0, 2]
        for a, b in zip(*weights, strict=True):
            assert_array_equal(a, b)
        y = x[:, :1].copy()
        y[20] = 3e38
        with pytest.raises(errors.NonFiniteError) as caught:
            model.fit(x, y, batch_size=8, shuffle=False, verbose=0, ledger=2)
    assert caught.value.step == model.history.ledger.failure.step == 5
    assert caught.value.culprit == "rule mean_squared_error after layer dense_1, forward"


def test_a_chain_of_two_units_worked_by_hand(engine):
    """x = 1, sigmoid(0 · x) = ½, y = 2 · ½ = 1, target 0, E = ½ (y − t)².

    E = ½; δ₂ = y − t = 1; ∂E/∂z₁ = w₂ δ₂ = 2; δ₁ = z₁ (1 − z₁) · 2 = ½; ∂E/∂w₂ = δ₂ z₁ = ½; ∂E/∂w₁ = δ₁ x = ½.
    One step of gradient descent with rate 0.1 moves w₂ by 0.05, a fortieth of it.
    """
    model = Sequential([Dense(1, activation="sigmoid", input_shape=(1,)), Dense(1)], seed=0)
    model.set_weights([np.zeros((1, 1)), np.zeros(1), np.full((1, 1), 2.0), np.zeros(1)])
    model.compile(omomi.optimizers.SGD(0.1), "squared_error")
    ledger = model.fit(np.ones((1, 1)), np.zeros((1, 1)), verbose=0, ledger=True).ledger
    assert len(ledger) == 1
    expected = {
        ("delta", "dense_1"): 1.0,
        ("output_delta", "dense_1"): 1.0,
        ("input_delta", "dense_1"): 2.0,
        ("output_delta", "dense"): 2.0,
        ("delta", "dense"): 0.5,
        ("saturated", "dense"): 0.0,
        ("input_size", "dense"): 1.0,
        ("input_size", "dense_1"): 0.5,
        ("output_mean", "dense_1"): 1.0,
        ("gradient", "dense/kernel"): 0.5,
        ("gradient", "dense/bias"): 0.5,
        ("gradient", "dense_1/kernel"): 0.5,
        ("gradient", "dense_1/bias"): 1.0,
        ("weight", "dense_1/kernel"): 2.0,
        ("update", "dense_1/kernel"): 0.025,
    }
    for (quantity, path), value in expected.items():
        assert_allclose(ledger.get(quantity, path), [value], rtol=1e-6, err_msg=f"{quantity} of {path}")
    assert ledger.loss == [0.5]
    assert_allclose(ledger.passed_on("dense_1"), [2.0], rtol=1e-6)
    assert np.isnan(ledger.passed_on("dense")).all()  # the first layer passes nothing on
    assert np.isnan(ledger.get("update", "dense/kernel")).all()  # it was 0: there is no ratio


def test_where_the_loss_takes_the_pre_activation_there_is_no_delta_of_the_output(engine):
    model = Sequential([Dense(3, activation="softmax", input_shape=(2,))], seed=0)
    model.compile("sgd", "categorical_crossentropy")
    x, t = np.ones((2, 2)), np.eye(3)[:2]
    y = model.predict(x)
    ledger = model.fit(x, t, verbose=0, ledger=True).ledger
    assert_allclose(ledger.get("delta", "dense"), [np.linalg.norm((y - t) / 2)], rtol=1e-5)
    assert np.isnan(ledger.get("output_delta", "dense")).all()


def test_an_activation_that_is_a_layer_of_its_own(engine):
    layers = [Dense(3, input_shape=(2,)), Activation("tanh"), Dense(2), ReLU(), Dense(1)]
    model = Sequential(layers, seed=1)
    model.compile("sgd", "mse")
    ledger = model.fit(RNG.normal(size=(5, 2)), np.ones((5, 1)), verbose=0, ledger=True).ledger
    assert list(ledger.layers) == ["dense", "activation", "dense_1", "re_lu", "dense_2"]
    assert ledger.layers["activation"].activation == "tanh"
    # u of the activation is the output of the layer before it
    assert ledger.get("delta", "activation") == ledger.get("output_delta", "dense") == ledger.get("delta", "dense")


def test_saturated_and_dead_units_are_counted(engine):
    """tanh is saturated beyond |u| = 2.18; a unit with a bias of −10 never answers."""
    model = Sequential([Dense(4, activation="tanh", input_shape=(1,)), Dense(3, activation="relu"), Dense(1)], seed=0)
    first = [np.zeros((1, 4)), np.array([0.0, 2.0, -2.3, 5.0])]
    second = [np.zeros((4, 3)), np.array([-10.0, 1.0, -10.0])]
    model.set_weights([*first, *second, np.ones((3, 1)), np.zeros(1)])
    model.compile(omomi.optimizers.SGD(0.0), "mse")
    ledger = model.fit(np.ones((6, 1)), np.ones((6, 1)), batch_size=3, verbose=0, ledger=1).ledger
    assert_allclose(ledger.get("saturated", "dense"), [0.5, 0.5])
    assert_allclose(ledger.get("dead", "dense_1"), [2 / 3, 2 / 3])
    assert ledger.layers["dense_1"].last_active == [-1, 1, -1]
    assert ledger.layers["dense_1"].units == 3


def test_the_statistics_of_batch_normalisation(engine):
    x = RNG.normal(loc=3.0, scale=2.0, size=(40, 5)).astype(np.float32)
    model = Sequential([BatchNormalization(input_shape=(5,), momentum=0.9), Dense(1)], seed=0)
    model.compile(omomi.optimizers.SGD(0.0), "mse")
    ledger = model.fit(x, x[:, :1], batch_size="full", epochs=2, verbose=0, ledger=1, shuffle=False).ledger
    path = "batch_normalization"
    assert_allclose(ledger.get("batch_mean", path), norm(x.mean(axis=0)) / np.sqrt(5), rtol=1e-5)
    assert_allclose(ledger.get("batch_deviation", path), x.std(axis=0).mean(), rtol=1e-5)
    assert_allclose(ledger.get("running_mean", path), [0, norm(x.mean(axis=0)) / np.sqrt(5) * 0.1], rtol=1e-5)
    assert ledger.get("running_deviation", path)[0] == 1.0


def test_a_layer_that_is_called_twice_and_one_that_is_nested():
    class Twice(omomi.Model):
        def __init__(self):
            super().__init__(seed=0)
            self.shared = Dense(4)
            self.inner = Sequential([Dense(3, activation="tanh"), Dense(1)])

        def call(self, x):
            return self.inner(self.shared(self.shared(x)))

    model, x = Twice(), RNG.normal(size=(6, 4))
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)
    weights = model.get_weights()
    ledger = model.fit(x, x[:, :1], verbose=0, ledger=True, shuffle=False).ledger
    assert list(ledger.layers) == ["shared", "inner/dense", "inner/dense_1"]
    model.set_weights(weights)
    omomi.losses.get("mse")(x[:, :1].astype(np.float32), model(x.astype(np.float32))).backward()
    gradients = {path: p.grad for path, p in model.parameters().items()}
    for path, g in gradients.items():
        assert_allclose(ledger.get("gradient", path), [np.linalg.norm(g)], rtol=1e-4)
    assert len(gradients) == len(ledger.parameters) == 6


def test_which_steps_are_watched():
    model = network()
    ledger = model.fit(IMAGES, LABELS, epochs=2, batch_size=10, verbose=0, ledger=3).ledger
    assert ledger.steps == [0, 3, 6, 7, 10, 13]
    assert ledger.epochs == [0, 0, 0, 1, 1, 1]
    again = model.fit(IMAGES, LABELS, epochs=1, batch_size=10, verbose=0, ledger=True).ledger
    assert again.steps == [14]
    assert again.period == PERIOD
    assert model.fit(IMAGES, LABELS, verbose=0).ledger is None


@pytest.mark.parametrize("wrong", [0, -3, 2.5, "often"])
def test_a_period_is_a_positive_whole_number(wrong):
    model = network()
    with pytest.raises(errors.ConfigurationError, match="a period in steps"):
        model.fit(IMAGES, LABELS, verbose=0, ledger=wrong)
    assert int(model.state()["step"].array) == 0


def test_the_step_that_fails_is_in_the_ledger(engine):
    model = Sequential([Dense(8, input_shape=(4,), name="first"), Dense(1, name="second")], seed=0)
    model.compile(omomi.optimizers.SGD(3.0), "mse")
    x = RNG.normal(size=(320, 4))
    with pytest.raises(errors.NonFiniteError) as caught:
        model.fit(x, x[:, :1], epochs=3, verbose=0, ledger=True)
    ledger = model.history.ledger
    failed = int(model.state()["step"].array)
    assert ledger.failure.step == ledger.steps[-1] == failed
    assert f"step {failed}" in str(caught.value)
    assert ledger.failure.culprit == caught.value.culprit
    assert ledger.failure.culprit.startswith("rule ")
    assert ledger.explosion.step < failed
    assert ledger.explosion.step + 1 in ledger.steps  # the alarm: the next step is watched
    assert ledger.explosion.loss > 20 * ledger.explosion.before
    assert Ledger.from_dict(json.loads(json.dumps(ledger.to_dict()))).failure == ledger.failure


def test_a_ledger_is_saved_and_loaded(tmp_path):
    ledger = network().fit(IMAGES, LABELS, epochs=1, batch_size=16, verbose=0, ledger=2).ledger
    ledger.save(tmp_path / "ledger.json")
    loaded = omomi.inspect.Ledger.load(tmp_path / "ledger.json")
    assert repr(loaded) == repr(ledger) == "<Ledger of 3 steps, 8 layers, 8 parameters>"
    assert loaded.layers == ledger.layers
    assert list(loaded.of_layers) == list(ledger.of_layers)
    for quantity in (*OF_LAYERS, *OF_PARAMETERS):
        paths, values = ledger.table(quantity)
        assert loaded.table(quantity)[0] == paths
        assert_array_equal(loaded.table(quantity)[1], values)
        assert values.shape == (len(paths), 3)


def test_a_file_that_is_no_ledger_is_refused(tmp_path):
    ledger = network().fit(IMAGES, LABELS, verbose=0, ledger=True).ledger
    good = ledger.to_dict()

    def without(key):
        return {k: v for k, v in good.items() if k != key}

    damaged = [
        [],
        {},
        {**good, "format": "something else"},
        {**good, "version": 99},
        {**good, "steps": [1, 2]},
        {**good, "loss": ["many"]},
        {**good, "layers": {"dense": {}}},
        {**good, "parameters": {"dense/kernel": {"weight": [1.0, 2.0, 3.0, 4.0]}}},
        without("explosion"),
    ]
    for data in damaged:
        with pytest.raises(errors.FileFormatError, match="no ledger, or a damaged one"):
            Ledger.from_dict(data)
    path = tmp_path / "ledger.json"
    path.write_text("{")
    with pytest.raises(errors.FileFormatError, match="not valid JSON"):
        Ledger.load(path)


def test_names_that_are_not_there():
    ledger = network().fit(IMAGES, LABELS, verbose=0, ledger=True).ledger
    with pytest.raises(errors.UnknownNameError, match="did you mean 'delta'"):
        ledger.get("dleta", "dense")
    with pytest.raises(errors.UnknownNameError, match="did you mean 'dense_1'"):
        ledger.get("delta", "dens_1")
    with pytest.raises(errors.UnknownNameError, match="parameter in this ledger"):
        ledger.get("update", "dense")


def test_norms_neither_overflow_nor_vanish():
    assert_allclose(norm(np.full(4, 1e30, np.float32)), 2e30, rtol=1e-6)
    assert_allclose(norm(np.full(4, 1e-30, np.float32)), 2e-30, rtol=1e-6)
    assert norm(np.zeros(3)) == 0
    assert np.isnan(norm(np.array([1.0, np.nan])))
    assert norm(np.array([1.0, np.inf])) == np.inf


# ---- in words ------------------------------------------------------------------------------------------------------


def by_hand(factors, activation="sigmoid", saturated=0.0, dead=0.0):
    """A ledger of one step: Dense layers with the deltas that these factors give, the last layer's first."""
    ledger, layers, delta = Ledger(), {}, 1.0
    for i, factor in reversed(list(enumerate(factors))):
        path = f"dense_{i}"
        layers[path] = {"output_delta": delta, "delta": delta, "input_delta": delta * factor, "input_size": 1.0}
        layers[path] |= {"saturated": saturated, "dead": dead}
        delta *= factor
    for path in reversed(layers):
        ledger.layers[path] = LayerFacts("Dense", activation, 20)
    ledger.append(0, 0, 1.0, dict(reversed(layers.items())), {"dense_0/kernel": {"update": 0.002}})
    return ledger


def test_an_epoch_in_one_sentence():
    assert by_hand([1.0, 0.025, 1.2]).sentence() == "delta shrinks 40× through layer dense_1, update/weight 2.0e-03"
    told = by_hand([1.0, 0.025, 1.2], saturated=0.83).sentence()
    assert told.startswith("delta shrinks 40× through layer dense_1, sigmoid saturated at 83%, ")
    assert by_hand([1.0, 50.0]).sentence().startswith("delta grows 50× through layer dense_1")
    assert by_hand([0.8, 1.2]).sentence().startswith("delta keeps its size (0.8× to 1.2× a layer)")
    assert by_hand([1.0, 0.0]).sentence().startswith("no delta passes layer dense_1")
    told = by_hand([0.1] * 6).sentence()
    assert "100,000× in all from dense_5 to dense_0" in told
    assert "15 of 20 units of dense_0 are 0 for the whole batch" in by_hand([1.0, 1.0], "relu", dead=0.75).sentence()
    assert "tanh of dense_0 saturated at 50%" in by_hand([1.0, 1.0], "tanh", saturated=0.5).sentence()
    assert [times(f) for f in (3.21, 40, 12_345, 1e8, 3.2e11)] == ["3.2×", "40×", "12,345×", "10⁸×", "3·10¹¹×"]
    assert Ledger().sentence() == "no step was watched"


def test_a_step_as_a_table():
    lines = by_hand([0.5, 0.25], "relu", dead=0.5).to_text().splitlines()
    assert lines[0] == "step 0, epoch 1, loss 1"
    assert lines[3].split() == ["dense_0", "relu", "0.25", "0.25", "0.5×", "0%", "50%"]
    assert lines[-1].split() == ["dense_0/kernel", "0.002"]
    assert "no step was watched" in Ledger().to_text()


def test_the_progress_of_an_epoch_says_what_the_ledger_saw(capsys):
    network().fit(IMAGES, LABELS, epochs=2, verbose=2, ledger=True)
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("  ledger: delta ") for line in lines] == [False, True, False, True]
    network().fit(IMAGES, LABELS, epochs=2, verbose=1, ledger=True)
    assert capsys.readouterr().err.count("ledger: delta") == 2


@pytest.mark.slow
def test_the_scale_of_a_loss_in_half_precision_is_not_in_the_ledger():
    pytest.importorskip("jax")
    x = RNG.normal(size=(8, 4)).astype(np.float32)
    found = {}
    with omomi.use("jax"):
        for precision in ("float32", "mixed_float16"):
            model = Sequential([Dense(6, activation="tanh", input_shape=(4,)), Dense(1)], seed=0, precision=precision)
            model.compile("sgd", "mse")
            found[precision] = model.fit(x, x[:, :1], verbose=0, ledger=True).ledger
    for quantity in ("delta", "gradient"):
        full, half = (found[p].table(quantity)[1] for p in ("float32", "mixed_float16"))
        assert_allclose(half, full, rtol=0.02)
