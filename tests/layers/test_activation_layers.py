"""Activations by name and as layers: Keras's numbers, large numbers, configurations, and mistakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Sequential, Variable, activations, errors, layers
from omomi import functions as F
from omomi.layers import activation_layers
from omomi.layers.activation_layers import ELU, LeakyReLU, PReLU, ReLU, Softmax, ThresholdedReLU

with np.load(Path(__file__).parent.parent / "oracles" / "keras_activations.npz") as file:
    KERAS = dict(file)  # what tests/oracles/keras_activations.py wrote
LAYERS = {
    "relu_max": ReLU(max_value=3.0),
    "relu_all": ReLU(max_value=5.0, negative_slope=0.2, threshold=1.0),
    "relu_slope": ReLU(4.0, 0.3),
    "relu_threshold": ReLU(threshold=1.5),
    "leaky": LeakyReLU(),
    "elu": ELU(0.5),
    "softmax_axis": Softmax(axis=0),
}
KINDS = [
    k for n, k in vars(activation_layers).items() if isinstance(k, type) and hasattr(k, "attributes") and n[0] != "_"
]


@pytest.mark.parametrize("name", sorted({key.split("/")[0] for key in KERAS if "/" in key}))
def test_outputs_and_gradients_are_those_of_keras(name):
    f = LAYERS[name] if name in LAYERS else activations.get(name)
    if name in LAYERS:
        f = type(f).from_config({**f.get_config(), "dtype": "float64"})
    x = Variable(KERAS["x"])
    y = f(x)
    y.backward(KERAS["gy"])
    assert_allclose(y.array, KERAS[f"{name}/y"], rtol=1e-6, atol=1e-9)
    assert_allclose(x.grad if x.grad is not None else KERAS["gy"], KERAS[f"{name}/gx"], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", sorted(activations.BY_NAME))
def test_nothing_overflows_and_a_name_survives_a_configuration(name):
    x = Variable(
        np.array([[-1e4, -30, -1e-30, 0, 1e-30, 30, 1e4]], np.float32) if name != "exponential" else np.ones(3)
    )
    f = activations.get(name)
    y = f(x)
    y.sum().backward()
    assert np.isfinite(y.array).all()
    assert x.grad is None or np.isfinite(x.grad).all()
    assert activations.get(activations.serialize(f)) is f


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_activation_is_a_layer(kind, tmp_path):
    assert getattr(layers, kind.__name__) is kind
    x = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    model = Sequential([kind(input_shape=(5,))], seed=0)
    model.save(tmp_path / "model.omomi")
    again = omomi.load_model(tmp_path / "model.omomi")
    assert again.layers[0].get_config() == model.layers[0].get_config()
    assert_array_equal(again(x).array, model(x).array)
    assert model.output_shape == (None, 5)


def test_the_rest_by_hand():
    assert_array_equal(ThresholdedReLU(2.0)(np.array([[1.0, 2.0, 3.0]])).array, [[0, 0, 3]])
    assert_array_equal(F.threshold(np.array([1.0, 3.0]), 2.0, -1.0).array, [-1, 3])
    assert_allclose(F.glu(np.array([[2.0, 0.0]])).array, [[1.0]])
    # scores 1, 0.8, −2: the two best have 1 + 2·0.8 > 1.8, so τ = (1.8 − 1)/2 = 0.4
    assert_allclose(F.sparsemax(np.array([[1.0, 0.8, -2.0]])).array, [[0.6, 0.4, 0.0]])
    x = 2 * np.random.default_rng(0).normal(size=(50, 7))
    y = F.sparsemax(
        x
    ).array  # the nearest distribution: where yᵢ > 0 the distance xᵢ − yᵢ is one number, else xᵢ is below
    assert_allclose(y.sum(axis=1), 1)
    level = np.where(y > 0, x - y, -np.inf).max(axis=1, keepdims=True)
    assert_allclose(y, np.maximum(x - level, 0), atol=1e-12)
    layer = PReLU("ones", "l2", shared_axes=-1)
    layer(np.ones((2, 4, 3), np.float32))
    assert layer.alpha.shape == (4, 1)
    assert layer.get_config()["alpha_regularizer"] is not None


WRONG = [
    (lambda: ReLU(-1.0), "not negative"),
    (lambda: ThresholdedReLU(-1.0), "not negative"),
    (lambda: PReLU(shared_axes=3)(np.ones((2, 4, 3))), "1 … 2"),
    (lambda: F.glu(np.ones((2, 3))), "even size"),
    (lambda: activations.get("sparsmax"), "did you mean 'sparsemax'"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_mistakes_are_named(make, message):
    with pytest.raises(errors.OmomiError, match=message):
        make()
