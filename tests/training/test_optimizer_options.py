"""Clipping, decay, accumulation, averages and constraints, beside Keras and by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import constraints, errors, layers, optimizers, regularizers
from omomi.engines.cpu.launch import Program
from omomi.engines.reference import xp
from omomi.layers import Dense
from omomi.ops.update_with_norms import adafactor
from omomi.training.optimizers import BY_NAME

ENGINES = ["numpy", "numba", "jax"]
with np.load(Path(__file__).parent.parent / "oracles" / "optimizer_options.npz") as _file:
    ORACLE = dict(_file)  # what tests/oracles/optimizer_options.py wrote
CASES = json.loads(str(ORACLE["cases"]))
X, Y = ORACLE["x"], ORACLE["y"]


def weights_of(name):
    return [ORACLE[f"{name}/{i}"] for i in range(4)]


def network(optimizer, constraint=None, regularizer=None):
    model = omomi.Sequential(
        [
            Dense(5, "tanh", input_shape=(4,), kernel_constraint=constraint, kernel_regularizer=regularizer),
            Dense(2, kernel_constraint=constraint),
        ],
        dtype="float64",
        seed=0,
    )
    model.compile(optimizer, "mse")
    model.set_weights(weights_of("start"))
    return model


def trained(optimizer, constraint=None):
    model = network(optimizer, constraint)
    for x, y in zip(X, Y, strict=True):
        model.train_on_batch(x, y)
    return model


TRACED = ("overwritten", "accumulated_all", "adafactor_clipped", "min_max_norm")  # tracing costs a second each


def on_engines(names):
    return [(name, engine) for name in names for engine in ENGINES if engine != "jax" or name in TRACED]


@pytest.mark.parametrize(("name", "engine"), on_engines(CASES["optimizers"]))
def test_optimisers_do_what_keras_s_do(name, engine):
    kind, options = CASES["optimizers"][name]
    with omomi.use(engine):
        model = trained(getattr(optimizers, kind)(**options))
        for found, expected in zip(model.get_weights(), weights_of(name), strict=True):
            assert_allclose(found, expected, rtol=0, atol=1e-5)  # Keras computes 1 − β₂ᵗ in float32
        if name == "averages":
            model.optimizer.finalize_variable_values(model.parameters())
            for found, expected in zip(model.get_weights(), weights_of("finalized"), strict=True):
                assert_allclose(found, expected, rtol=0, atol=1e-5)  # Keras computes 1 − β₂ᵗ in float32


@pytest.mark.parametrize(("name", "engine"), on_engines(CASES["constraints"]))
def test_constraints_do_what_keras_s_do(name, engine):
    kind, options = CASES["constraints"][name]
    with omomi.use(engine):
        model = trained(optimizers.SGD(0.5), getattr(constraints, kind)(**options))
        for found, expected in zip(model.get_weights(), weights_of(name), strict=True):
            assert_allclose(found, expected, rtol=1e-5, atol=1e-6)  # Keras adds 1e-7 to every norm


def test_each_optimiser_moves_by_the_rule_of_its_name():
    assert {name: make().rule.name for name, make in BY_NAME.items()} == {name: name for name in BY_NAME}
    assert omomi.optimizers.Adam(amsgrad=True).rule.name == "amsgrad"
    for name in ("adam", "nadam", "adamax", "lamb"):
        moves = {"beta_1": 0.5, "beta_2": 0.25, "epsilon": 0.125}
        assert BY_NAME[name](0.1, *moves.values()).attributes == moves


@pytest.mark.parametrize("kind", [k for k in BY_NAME if k not in ("momentum", "nesterov")])
def test_accumulated_gradients_are_those_of_the_large_batch(kind):
    """Updates from five batches of four each, beside batches of twenty."""
    x, y = X.reshape(-1, 4)[:40], Y.reshape(-1, 2)[:40]
    whole = network(BY_NAME[kind](0.05))
    whole.fit(x, y, batch_size=20, epochs=2, shuffle=False, verbose=0)
    for engine in ("numpy", "numba"):
        with omomi.use(engine):
            parts = network(BY_NAME[kind](0.05, gradient_accumulation_steps=5))
            parts.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
            for found, expected in zip(parts.get_weights(), whole.get_weights(), strict=True):
                assert_allclose(found, expected, rtol=1e-9, atol=1e-11, err_msg=engine)


def test_inputs_and_units_without_gradient_leave_adafactor_finite():
    """A pixel that is always 0 and a unit that is dead: a row and a column of the gradient are 0."""
    g = np.ones((4, 3), np.float32)
    g[0], g[:, 2] = 0, 0
    p, slots = np.ones_like(g), tuple(np.zeros(s, np.float32) for s in adafactor.slot_shapes(g.shape))
    p, _ = adafactor.step(xp, p, g, slots, np.uint32(1), np.float32(0.1))
    assert_allclose(p[0], 1)
    assert (p[1:, :2] < 1).all()
    assert np.isfinite(p).all()


def test_a_schedule_counts_updates_and_not_the_steps_between():
    x, y = X.reshape(-1, 4)[:40], Y.reshape(-1, 2)[:40]
    schedule = optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    whole, parts = network(optimizers.SGD(schedule)), network(optimizers.SGD(schedule, gradient_accumulation_steps=5))
    whole.fit(x, y, batch_size=20, epochs=2, shuffle=False, verbose=0)
    parts.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    for found, expected in zip(parts.get_weights(), whole.get_weights(), strict=True):
        assert_allclose(found, expected, rtol=1e-9)
    assert parts.optimizer.learning_rate == pytest.approx(whole.optimizer.learning_rate) == pytest.approx(0.1 / 16)


@pytest.mark.parametrize(
    ("options", "python"),
    [
        ({}, 0),
        ({"weight_decay": 0.1, "use_ema": True, "ema_overwrite_frequency": 3, "clipvalue": 0.1}, 0),
        ({"gradient_accumulation_steps": 2}, 4),  # for each parameter, whether this step moves it
        ({"global_clipnorm": 1.0}, 1),  # one number
    ],
)
def test_steps_are_replayed_by_kernels(options, python):
    """Without options a step is kernels alone; with them, what is not is a number or a decision."""
    with omomi.use("numba"):
        model = network(optimizers.Adam(0.1, **options))
        model.train_on_batch(X[0], Y[0])
        (plan,) = model._steps.made["numba", "train"].compiled.plans.values()
        assert sum(not isinstance(piece, Program) for piece in (*plan.before, *plan.after)) == python


def test_accumulation_goes_on_after_a_pause_in_its_midst(tmp_path):
    def made():
        return network(optimizers.Adam(0.05, gradient_accumulation_steps=3, use_ema=True, ema_overwrite_frequency=2))

    whole, half = made(), made()
    for x, y in zip(X, Y, strict=True):
        whole.train_on_batch(x, y)
    for x, y in zip(X[:4], Y[:4], strict=True):
        half.train_on_batch(x, y)
    half.save(tmp_path / "half.omomi")
    again = omomi.load_model(tmp_path / "half.omomi")
    for x, y in zip(X[4:], Y[4:], strict=True):
        again.train_on_batch(x, y)
    for found, expected in zip(again.get_weights(), whole.get_weights(), strict=True):
        assert_array_equal(found, expected)


def test_the_end_of_fit_puts_the_averages_in():
    model = network(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    seen = []
    stop = omomi.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(model.get_weights()[0]))
    model.fit(X[0], Y[0], batch_size=2, epochs=1, shuffle=False, verbose=0, callbacks=[stop])
    average = 0.5 * (0.5 * seen[0] + 0.5 * seen[1]) + 0.5 * seen[2]  # the first average is the first value
    assert_allclose(model.get_weights()[0], average, rtol=1e-12)


def test_what_decays_can_be_chosen():
    """With rate 0.5 and decay 0.1 and no gradient, w ← 0.95 w; biases stay."""
    for optimizer in (optimizers.SGD(0.5, weight_decay=0.1), optimizers.AdamW(0.5, weight_decay=0.1)):
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        model = omomi.Sequential([Dense(1, input_shape=(2,))], dtype="float64", seed=0)
        model.compile(optimizer, "mse")
        model.set_weights([np.ones((2, 1)), np.ones(1)])
        model.train_on_batch(np.array([[1.0, -1.0]]), np.array([[1.0]]))  # the output is the target already
        assert_allclose(model.get_weights()[0], [[0.95], [0.95]], rtol=1e-12)
        assert_array_equal(model.get_weights()[1], [1.0])
        again = optimizers.get({"class_name": type(optimizer).__name__, "config": optimizer.get_config()})
        assert again.undecayed == ("bias",)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_proximal_step_gives_exact_zeros(engine):
    """By hand: w = (0.5, 0.04), x = (0, 0), so that the loss has no gradient; η = 0.1, λ = 0.5: |w| shrinks by 0.05."""
    with omomi.use(engine):
        model = omomi.Sequential(
            [Dense(1, use_bias=False, input_shape=(2,), kernel_regularizer=regularizers.L1(0.5, proximal=True))],
            dtype="float64",
            seed=0,
        )
        model.compile(optimizers.SGD(0.1), "mse")
        model.set_weights([np.array([[0.5], [-0.04]])])
        value = model.train_on_batch(np.zeros((1, 2)), np.zeros((1, 1)))
        assert value == pytest.approx(0.5 * 0.54)  # the penalty is in the loss
        assert_allclose(model.get_weights()[0], [[0.45], [0.0]], rtol=1e-12)
        assert model.get_weights()[0][1, 0] == 0


def test_the_lasso_s_zeros_are_found():
    """E = mean (w·x − t)² + λ |w|₁ with orthonormal columns has the optimum S(w*, λ/2), w* least squares."""
    x = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 3)))[0] * np.sqrt(8)
    model = omomi.Sequential(
        [Dense(1, use_bias=False, input_shape=(3,), kernel_regularizer=regularizers.L1(0.4, proximal=True))],
        dtype="float64",
        seed=0,
    )
    model.compile(optimizers.SGD(0.1), "mse")
    model.fit(x, x @ np.array([1.0, 0.1, -0.5]), batch_size="full", epochs=200, verbose=0)
    found = model.get_weights()[0][:, 0]
    assert_allclose(found, [0.8, 0.0, -0.3], atol=1e-12)
    assert found[1] == 0


@pytest.mark.parametrize(
    ("make", "key", "shape"),
    [
        (lambda c: Dense(3, kernel_constraint=c, bias_constraint=c), "kernel", (4,)),
        (lambda c: layers.Embedding(5, 3, embeddings_constraint=c), "embeddings", (4,)),
        (lambda c: layers.LSTM(3, kernel_constraint=c, recurrent_constraint=c, bias_constraint=c), "kernel", (4, 2)),
    ],
)
def test_layers_take_constraints_and_files_keep_them(make, key, shape):
    layer = make("non_neg")
    model = omomi.Sequential([layers.Input(shape), layer, layers.Flatten(), Dense(1)], seed=0)
    model.compile(optimizers.SGD(0.5), "mse")
    model.fit(np.ones((6, *shape), int), np.ones(6), epochs=2, verbose=0)
    assert (getattr(layer, key).numpy() >= 0).all()
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    made = constraints.MinMaxNorm(0.1, 0.2, 0.3, axis=(0, 1))
    assert constraints.get(json.loads(json.dumps(constraints.serialize(made)))) == made


def test_a_constraint_of_one_s_own_is_a_function():
    model = network(optimizers.SGD(0.5), lambda w: w * 0)
    model.train_on_batch(X[0], Y[0])
    assert not model.get_weights()[0].any()
    assert model.get_weights()[1].any()
    with pytest.raises(errors.ConfigurationError, match="constraint of your own cannot be written"):
        model.layers[0].get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), "clipped in one way"),
        (lambda: optimizers.SGD(clipnorm=-1.0), "clipnorm is a positive number"),
        (lambda: optimizers.SGD(gradient_accumulation_steps=0), "positive whole number"),
        (lambda: optimizers.SGD(use_ema=True, ema_momentum=2), "ema_momentum lies between 0 and 1"),
        (lambda: optimizers.Adam(clipnrom=1.0), "did you mean 'clipnorm'"),
        (lambda: Dense(3, kernel_constraint="maxnorms"), "no constraint named 'maxnorms'"),
        (lambda: constraints.MaxNorm(-1), "a norm is not negative"),
        (lambda: constraints.MinMaxNorm(2, 1), "min_value ≤ max_value"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(errors.OmomiError, match=message):
        make()
