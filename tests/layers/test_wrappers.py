"""Layers around a layer, and whole networks on padded sequences: against Keras's numbers, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Sequential, errors
from omomi.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    SimpleRNN,
    TimeDistributed,
)

F64 = {"dtype": "float64"}
STEPS = {"return_sequences": True}
CASES = {
    "bidirectional": lambda: Bidirectional(LSTM(2, **STEPS), **F64),
    "bidirectional_masked": lambda: Bidirectional(GRU(2, **STEPS), **F64),
    "bidirectional_sum": lambda: Bidirectional(SimpleRNN(2, **STEPS), merge_mode="sum", **F64),
    "bidirectional_mul_masked": lambda: Bidirectional(LSTM(2), merge_mode="mul", **F64),
    "bidirectional_ave": lambda: Bidirectional(
        LSTM(2), merge_mode="ave", backward_layer=GRU(2, go_backwards=True), **F64
    ),
    "time_distributed": lambda: TimeDistributed(Dense(2, activation="tanh"), **F64),
    "average_masked": lambda: GlobalAveragePooling1D(**F64),
}


@pytest.fixture(scope="module")
def keras():
    """What tests/oracles/keras_sequences.py wrote."""
    with np.load(Path(__file__).parent.parent / "oracles" / "keras_sequences.npz") as file:
        return dict(file)


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_are_those_of_keras(name, keras):
    layer, x = CASES[name](), omomi.Variable(keras["x"])
    options = {"mask": keras["mask"]} if name.endswith("masked") else {}
    layer(keras["x"], **options)
    layer.set_weights([keras[f"{name}/w{i}"] for i in range(len(layer.weights))])
    y = layer(x, **options)
    assert_allclose(y.array, keras[f"{name}/y"], rtol=1e-10, atol=1e-12)
    assert layer.compute_output_shape((None, 4, 3)) == (None, *y.shape[1:])
    y.backward(keras[f"{name}/gy"])
    assert_allclose(x.grad, keras[f"{name}/gx"], rtol=1e-9, atol=1e-12)
    for i, p in enumerate(layer.parameters().values()):
        assert_allclose(p.grad, keras[f"{name}/gw{i}"], rtol=1e-9, atol=1e-12)


def network():
    return Sequential(
        [
            Embedding(5, 3, mask_zero=True),
            Bidirectional(LSTM(2, **STEPS)),
            Dropout(0.5),
            TimeDistributed(Dense(4, activation="softmax")),
        ],
        seed=0,
        **F64,
    )


def test_a_network_on_padded_sequences_has_the_loss_and_gradients_of_keras(keras):
    model, x, t = network(), keras["network/x"], keras["network/t"]
    model(x)
    model.set_weights([keras[f"network/w{i}"] for i in range(len(model.weights))])
    y = model(x)
    assert_allclose(y.array, keras["network/y"], rtol=1e-10)
    E = omomi.losses.SparseCategoricalCrossentropy()(t, y, sample_weight=keras["network/w"])
    assert_allclose(E.array, keras["network/E"], rtol=1e-6)  # Keras keeps probabilities 1e-7 away from 0
    E.backward()
    for i, p in enumerate(model.parameters().values()):
        assert_allclose(p.grad, keras[f"network/gw{i}"], rtol=1e-5, atol=1e-9)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert_allclose(model.evaluate(x, t)[1], keras["network/accuracy"], rtol=1e-6)


def test_engines_agree_on_a_fit():
    x = np.random.default_rng(0).integers(0, 5, (16, 4))
    weights = []
    for name in ("numpy", "numba"):
        with omomi.use(name):
            model = network()
            model.compile("adam", "sparse_categorical_crossentropy")
            model.fit(x, x % 4, batch_size=8, epochs=2, verbose=0)
            weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        assert_allclose(a, b, rtol=1e-6, atol=1e-9)


def test_a_saved_model_is_the_same(tmp_path):
    model = Sequential(
        [
            TimeDistributed(Conv2D(2, 2), input_shape=(3, 4, 4, 1)),
            TimeDistributed(Flatten()),
            Bidirectional(LSTM(2, **STEPS), merge_mode="sum"),
            Bidirectional(GRU(3), backward_layer=GRU(2, go_backwards=True)),
        ],
        seed=0,
    )
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 4, 1))
    assert model.output_shape == (None, 5)
    lines = []
    model.summary(print_fn=lines.append)
    assert "Bidirectional  LSTM 2 units, tanh, sum" in lines[0]
    before = model.predict(x)
    model.compile("sgd", "mse")
    model.save(tmp_path / "model.safetensors")
    again = omomi.load_model(tmp_path / "model.safetensors")
    assert_array_equal(again.predict(x), before)
    assert list(again.parameters()) == list(model.parameters())


def test_a_layer_of_ones_own_inside_is_loaded_as_custom_object(tmp_path):
    class Twice(omomi.Layer):
        def call(self, inputs):
            return inputs * 2.0

    model = Sequential([TimeDistributed(Twice())])
    x = np.ones((1, 2, 3), np.float32)
    model.predict(x)
    model.save(tmp_path / "model.safetensors")
    again = omomi.load_model(tmp_path / "model.safetensors", custom_objects={"Twice": Twice})
    assert_array_equal(again.predict(x), 2 * x)


def test_states_of_both_directions():
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    layer = Bidirectional(LSTM(2, return_state=True), seed=0, **F64)
    y, h, c, back_h, back_c = layer(x)
    assert_array_equal(y.array, np.concatenate([h.array, back_h.array], axis=1))
    again, *_ = layer(x, initial_state=[h, c, back_h, back_c])
    expected, *_ = layer.forward_layer(x, initial_state=[h, c])
    assert_array_equal(again.array[:, :2], expected.array)
    assert layer.compute_output_shape((None, 4, 3)) == [(None, 4)] + [(None, 2)] * 4
    apart = Bidirectional(LSTM(2, **STEPS), merge_mode=None)
    assert [y.shape for y in apart(x)] == [(2, 4, 2)] * 2 == [(2, *s[1:]) for s in apart.compute_output_shape(x.shape)]


def test_weights_from_the_start():
    given = [np.full(s, i) for i, s in enumerate([(3, 2), (2, 2), (2,), (3, 2), (2, 2), (2,)])]
    layer = Bidirectional(SimpleRNN(2), weights=given)
    layer(np.zeros((1, 2, 3), np.float32))
    assert_array_equal(layer.backward_layer.kernel.array, given[3])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TimeDistributed(Dense), "not the class"),
        (lambda: TimeDistributed(Dense(2))(np.zeros((2, 3))), "batch, steps"),
        (lambda: Bidirectional(Dense(2)), "a recurrent layer"),
        (lambda: Bidirectional(LSTM(2), merge_mode="cat"), "concat"),
        (lambda: Bidirectional(LSTM(2), backward_layer=LSTM(2)), "go_backwards=True"),
        (lambda: Bidirectional(LSTM(2), backward_layer=LSTM(2, go_backwards=True, **STEPS)), "differ in return_seq"),
        (lambda: Bidirectional(LSTM(2))(np.zeros((2, 3))), "batch of sequences"),
    ],
)
def test_errors(make, words):
    with pytest.raises(errors.OmomiError, match=words):
        make()
