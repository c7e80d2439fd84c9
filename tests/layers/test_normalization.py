"""Normalisation layers: against Keras's numbers, by hand, at their limits, and what is said about mistakes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import omomi
from omomi import Sequential, Variable, errors
from omomi import functions as F
from omomi.layers import (
    BatchNormalization,
    Dense,
    GroupNormalization,
    LayerNormalization,
    PReLU,
    RMSNormalization,
    UnitNormalization,
)

CASES = {
    "layer": lambda: LayerNormalization(dtype="float64"),
    "layer_axes": lambda: LayerNormalization([1, 3], 0.1, dtype="float64"),
    "layer_plain": lambda: LayerNormalization(center=False, scale=False, dtype="float64"),
    "group": lambda: GroupNormalization(3, dtype="float64"),
    "group_axis": lambda: GroupNormalization(2, 1, scale=False, dtype="float64"),
    "instance": lambda: GroupNormalization(-1, epsilon=0.1, dtype="float64"),
    "rms": lambda: RMSNormalization(dtype="float64"),
    "rms_axis": lambda: RMSNormalization([2, 3], 0.1, dtype="float64"),
    "unit": lambda: UnitNormalization(dtype="float64"),
    "unit_axes": lambda: UnitNormalization([1, 2], dtype="float64"),
    "batch_axis": lambda: BatchNormalization(1, 0.8, dtype="float64"),
    "batch_plain": lambda: BatchNormalization(center=False, scale=False, epsilon=0.1, dtype="float64"),
}


@pytest.fixture(scope="module")
def keras():
    """What tests/oracles/keras_normalizations.py wrote."""
    with np.load(Path(__file__).parent.parent / "oracles" / "keras_normalizations.npz") as file:
        return dict(file)


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_are_those_of_keras(name, keras):
    layer, x = CASES[name](), Variable(keras["x"])
    layer = type(layer).from_config(layer.get_config())
    layer(keras["x"])
    moved = list(layer.parameters().values())
    assert len(moved) == sum(key.startswith(f"{name}/gw") for key in keras)
    for i, p in enumerate(moved):
        p.assign(keras[f"{name}/w{i}"])
    y = layer(x, training=True)
    y.backward(keras[f"{name}/gy"])
    close = partial(assert_allclose, rtol=1e-5, atol=5e-6)  # Keras computes normalisations in float32
    close(y.array, keras[f"{name}/y"])
    close(x.grad, keras[f"{name}/gx"])
    for i, p in enumerate(moved):
        close(p.grad, keras[f"{name}/gw{i}"])
    for i, statistics in enumerate([w for w in layer.weights if not any(w is p for p in moved)]):
        close(statistics.array, keras[f"{name}/after{i}"])
    assert layer.compute_output_shape((None, 4, 2, 6)) == (None, 4, 2, 6)


def test_one_sample_by_hand():
    """x = 1, 3 with γ = 2, 4 and β = 5, ε = 3: μ = 2, σ² = 1, x̂ = −½, ½, y = 4, 7.

    gy = 1, 0: g = gy γ = 2, 0, mean g = 1, mean g x̂ = −½, gx = ½ (2 − 1 − ¼, 0 − 1 + ¼) = 3/8, −3/8.
    """
    x, gamma = Variable(np.array([[1.0, 3.0]])), Variable(np.array([2.0, 4.0]))
    beta = Variable(np.array([5.0, 5.0]))
    y = F.layer_normalization(x, gamma, beta, epsilon=3.0)
    assert y.array.tolist() == [[4, 7]]
    y.backward(np.array([[1.0, 0.0]]))
    assert x.grad.tolist() == [[3 / 8, -3 / 8]]
    assert gamma.grad.tolist() == [-0.5, 0]
    assert beta.grad.tolist() == [1, 0]


@pytest.mark.parametrize("kind", [LayerNormalization, RMSNormalization, GroupNormalization, UnitNormalization])
def test_zeros_and_large_numbers_stay_finite(kind):
    layer = kind(2) if kind is GroupNormalization else kind()
    for scale in (0.0, 1e-20, 1e15):
        x = Variable(np.full((2, 4), scale, np.float32) * [[1, 1, 1, 1], [1, 2, 3, 4]])
        y = layer(x)
        y.sum().backward()
        assert np.isfinite(y.array).all()
        assert np.isfinite(x.grad).all()


def test_samples_do_not_see_each_other():
    x = np.random.default_rng(0).normal(size=(4, 3, 6)).astype("float32")
    for layer in (LayerNormalization(), GroupNormalization(2), RMSNormalization(), UnitNormalization()):
        assert_allclose(layer(x, training=True).array[:1], layer(x[:1]).array, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", [LayerNormalization, RMSNormalization, GroupNormalization, BatchNormalization])
def test_the_compiled_engine_trains_as_the_rules_do(kind, tmp_path):
    rng = np.random.default_rng(0)
    x, found = rng.normal(size=(30, 7)).astype("float32") * 3 + 1, {}
    for engine in ("numpy", "numba"):
        layer = kind(2) if kind is GroupNormalization else kind()
        plain = {"scale": False} if kind is not RMSNormalization else {}
        model = Sequential(
            [
                Dense(8, input_shape=(7,)),
                layer,
                kind(**plain, axis=-1, **({"groups": 4} if kind is GroupNormalization else {})),
                Dense(2),
            ],
            seed=0,
        )
        model.compile("sgd", "mse")
        with omomi.use(engine):
            history = model.fit(x, x[:, :2], epochs=3, batch_size=8, verbose=0).history["loss"]
            found[engine] = (history, model.predict(x))
    assert_allclose(found["numba"][0], found["numpy"][0], rtol=2e-5)
    assert_allclose(found["numba"][1], found["numpy"][1], rtol=1e-4, atol=1e-4)
    model.save(tmp_path / "model.omomi")
    assert_allclose(omomi.load_model(tmp_path / "model.omomi").predict(x), found["numba"][1], rtol=1e-5, atol=1e-5)


WRONG = [
    (lambda: LayerNormalization("last"), "axis is the number"),
    (lambda: LayerNormalization([]), "axis is the number"),
    (lambda: BatchNormalization([1, 2]), "one axis of channels"),
    (lambda: BatchNormalization(momentum=1.5), "between 0 and 1"),
    (lambda: BatchNormalization(renorm=True), "renormalisation is not offered"),
    (lambda: LayerNormalization(epsilon=-1.0), "not negative"),
    (lambda: Sequential([BatchNormalization(3, input_shape=(4,))]), "no such axis"),
    (lambda: Sequential([LayerNormalization(0, input_shape=(4,))]), "no such axis"),
    (lambda: Sequential([GroupNormalization(4, input_shape=(5, 6))]), "groups=3"),
    (lambda: GroupNormalization(0), "positive whole number"),
    (lambda: F.group_normalization(np.ones((2, 5)), groups=2), "multiple of 2"),
    (lambda: F.layer_normalization(np.ones((2, 5)), np.ones(4)), r"the last axes of x \(2, 5\)"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_mistakes_are_named(make, message):
    with pytest.raises(errors.OmomiError, match=message):
        make()


def test_a_built_layer_wants_the_same_channels():
    layer = LayerNormalization()
    layer(np.ones((2, 3), np.float32))
    with pytest.raises(errors.ShapeError, match="size 3 on axis -1"):
        layer(np.ones((2, 4), np.float32))


def test_constraints_hold_after_training():
    x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
    model = Sequential(
        [LayerNormalization(gamma_constraint="non_neg", input_shape=(3,)), PReLU("ones", None, "non_neg")]
    )
    model.compile(omomi.optimizers.SGD(2.0), "mse")
    model.fit(x, -5 * x, epochs=3, verbose=0)
    assert model.layers[0].gamma.array.min() >= 0
    assert model.layers[1].alpha.array.min() >= 0
    assert (model.layers[0].beta.array != 0).any()
