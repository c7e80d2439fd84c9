"""Models of symbolic tensors: against Keras, on every engine, cut, nested, copied, saved; and what they refuse."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Input, Model, Sequential, errors, functions, layers
from omomi.layers import Add, BatchNormalization, Concatenate, Dense, Dropout, Embedding, Flatten
from tests.oracles.branches import network

KERAS = np.load(Path(__file__).parents[1] / "oracles" / "keras_branches.npz")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3)).astype(np.float32)


def branches():
    model = network(omomi, layers)
    model.set_weights([KERAS[f"before/{i}"] for i in range(len(model.get_weights()))])
    return model


def keras_data():
    return {
        "x": {"left": KERAS["left"], "right": KERAS["right"]},
        "y": {"number": KERAS["number"], "kind": KERAS["kind"]},
        "sample_weight": {"number": np.ones(12), "kind": KERAS["per_sample"]},
    }


def compiled(model):
    model.compile(
        omomi.optimizers.SGD(0.05),
        loss={"number": "mse", "kind": "sparse_categorical_crossentropy"},
        loss_weights={"number": 0.3, "kind": 2.0},
        metrics={"number": ["mae"], "kind": ["accuracy"]},
        weighted_metrics={"kind": ["accuracy"]},
    )
    return model


@pytest.mark.parametrize("engine", ["numba", "numpy", "jax"])
def test_branches_train_as_in_keras(engine):
    if engine == "jax":
        pytest.importorskip("jax")
    with omomi.use(engine):
        model = compiled(branches())
        assert [layer.name for layer in model.layers] == KERAS["layers"].tolist()
        assert model.output_names == KERAS["output_names"].tolist()
        number, kind = model.predict([KERAS["left"], KERAS["right"]])
        assert_allclose(number, KERAS["output_number"], rtol=1e-4, atol=1e-6)
        assert_allclose(kind, KERAS["output_kind"], rtol=1e-4, atol=1e-6)
        logs = model.evaluate(**keras_data(), batch_size=4, return_dict=True)
        theirs = {name[4:]: float(KERAS[name]) for name in KERAS if name.startswith("log/")}
        assert set(logs) == set(theirs)
        for name, value in theirs.items():
            assert_allclose(logs[name], value, rtol=1e-4, err_msg=name)
        history = model.fit(**keras_data(), batch_size=12, epochs=5, shuffle=False, verbose=0)
        assert_allclose(history.history["loss"], KERAS["history_loss"], rtol=1e-4)
        for i, value in enumerate(model.get_weights()):
            assert_allclose(value, KERAS[f"after/{i}"], rtol=1e-3, atol=1e-5)


def test_the_steps_of_branches_are_replayed_with_shared_layers_and_dropout():
    x = Input((3,))
    shared = Dense(3, activation="relu")
    y = Dropout(0.5)(shared(x)) + Dropout(0.5)(shared(shared(x))) * 2.0

    def trained(engine):
        model = Model(x, Dense(1)(y), seed=0) if engine is None else copy.deepcopy(fresh)
        return model

    fresh = trained(None)
    weights = []
    for engine in ("numba", "numpy"):
        model = trained(engine)
        with omomi.use(engine):
            model.compile("sgd", "mse")
            model.fit(X, X[:, :1], epochs=3, batch_size=8, verbose=0)
            weights.append(model.get_weights())
        if engine == "numba":
            assert not model._steps.made["numba", "train"].compiled.refused
    for a, b in zip(*weights, strict=True):
        assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_what_operators_and_functions_leave_in_a_network_is_what_they_compute():
    x = Input((4, 3))
    y = functions.concatenate([x, functions.tanh(x) * 2 - 1, 1 / (1 + functions.exp(-x))], axis=-1)
    y = y[:, 1:].transpose(0, 2, 1)
    y = y.reshape((y.shape[0], -1)).sum(axis=1, keepdims=True) + np.array([0.5], np.float32)
    model = Model(x, y)
    assert model.output_shape == (None, 1)
    v = RNG.normal(size=(5, 4, 3)).astype(np.float32)
    parts = np.concatenate([v, np.tanh(v) * 2 - 1, 1 / (1 + np.exp(-v))], axis=-1)
    wanted = parts[:, 1:].reshape(5, -1).sum(1, keepdims=True) + 0.5
    assert_allclose(model.predict(v), wanted, rtol=1e-5)
    again = Model.from_config(model.get_config())
    assert_allclose(again.predict(v), wanted, rtol=1e-5)
    with pytest.raises(errors.ConfigurationError, match="same numbers in every step"):
        functions.dropout(x, 0.5)
    with pytest.raises(errors.ConfigurationError, match="a shape and no numbers"):
        np.asarray(x)
    with pytest.raises(errors.ConfigurationError, match="training does not move"):
        _ = x * omomi.Variable(np.ones(3, np.float32))


def test_shapes_are_known_before_there_are_numbers():
    x = Input((None, 5))
    assert layers.LSTM(4, return_sequences=True)(x).shape == (None, None, 4)
    assert Flatten()(Input((2, 3))).shape == (None, 6)
    assert Input((7,), batch_size=4).shape == (4, 7)
    tokens = Input((6,), dtype="int32")
    assert tokens.dtype == "int32"
    assert Embedding(10, 3)(tokens).dtype == "float32"
    assert Flatten()(tokens).dtype == "int32"

    class Twice(omomi.Layer):  # says nothing of its shape: it is tried
        def build(self, input_shape):
            self.w = self.add_weight((input_shape[-1],), "ones")

        def call(self, x, factor=1.0):
            return {"a": x * self.w * factor, "b": x.sum(axis=-1)}

    twice = Twice()
    found = twice(x, factor=2.0)
    assert {name: t.shape for name, t in found.items()} == {"a": (None, None, 5), "b": (None, None)}
    with pytest.raises(errors.NotBuiltError, match="make the Model"):
        twice.w.numpy()
    model = Model(x, found)
    assert model.output_names == ["a", "b"]
    assert_array_equal(model.predict(np.ones((2, 3, 5), np.float32))["a"], np.full((2, 3, 5), 2.0))
    assert model.output_shape == {"a": (None, None, 5), "b": (None, None)}


def test_a_layer_called_before_its_model_draws_its_numbers_when_it_is_computed():
    layer = Dense(2, kernel_initializer="ones")
    layer(Input((3,)))
    assert_allclose(layer(X).numpy(), np.repeat(X.sum(1, keepdims=True), 2, axis=1), rtol=1e-5)


def test_weights_depend_on_the_seed_and_the_names_alone():
    def made(seed):
        x = Input((3,))
        h = Dense(4)(x)
        return Model(x, [Dense(2)(h), Dense(2, name="last")(h)], seed=seed)

    for a, b, c in zip(made(1).get_weights(), made(1).get_weights(), made(2).get_weights(), strict=True):
        assert_array_equal(a, b)
        assert a.ndim == 1 or (a != c).any()
    assert list(made(0).entries()) == [
        "dense/kernel",
        "dense/bias",
        "dense_1/kernel",
        "dense_1/bias",
        "last/kernel",
        "last/bias",
    ]
    omomi.set_seed(5)
    one = made(None).get_weights()
    omomi.set_seed(5)
    assert_array_equal(made(None).get_weights()[0], one[0])
    # the same names, one after another: a Sequential draws the same numbers
    x = Input((3,))
    chain = Model(x, Dense(2)(Dense(4)(x)), seed=3)
    for a, b in zip(
        chain.get_weights(), Sequential([Input((3,)), Dense(4), Dense(2)], seed=3).get_weights(), strict=True
    ):
        assert_array_equal(a, b)


def test_models_inside_models_and_cuts_share_the_weights():
    x = Input((3,), name="x")
    code = Dense(2, name="code")(Dense(4, activation="tanh")(x))
    encoder = Model(x, code, seed=1)
    z = Input((2,))
    decoder = Model(z, Dense(3)(z), seed=2, name="decoder")
    whole = Model(x, decoder(encoder(x)), seed=3)
    flat = Model(x, decoder(code))
    assert_allclose(whole.predict(X), flat.predict(X), rtol=1e-6)
    cut = Model(flat.input, flat.get_layer("code").output)
    assert_array_equal(cut.predict(X), encoder.predict(X))
    whole.compile("sgd", "mse")
    before = encoder.predict(X)
    whole.fit(X, X, epochs=2, verbose=0)
    assert (encoder.predict(X) != before).any()
    assert_array_equal(cut.predict(X), encoder.predict(X))
    # The layer that makes the code has one name in the cut and another way into the whole.
    assert [layer.name for layer in cut.layers] == ["x", "dense", "code"]
    assert "model/code/kernel" in whole.entries() or "model_1/code/kernel" in whole.entries()
    late = Model(flat.get_layer("dense").output, flat.output)  # from the middle on
    h = Model(x, flat.get_layer("dense").output).predict(X)
    assert_allclose(late.predict(h), flat.predict(X), rtol=1e-6)


def test_a_sequential_is_a_layer_and_has_inputs_and_outputs():
    model = Sequential([Dense(4, activation="relu"), Dense(2, name="out")], seed=0)
    x = Input((3,))
    whole = Model(x, model(x) * 3.0, seed=0)
    assert_allclose(whole.predict(X), 3 * model.predict(X), rtol=1e-6)
    assert model.output_shape == (None, 2)
    first = Model(model.inputs, model.layers[0].output)
    assert first.predict(X).shape == (20, 4)
    model.add(Dense(5))
    assert model.output.shape == (None, 5)
    assert Model(model.input, model.get_layer(index=-1).output).predict(X).shape == (20, 5)
    twin = copy.deepcopy(model)
    assert_array_equal(Model(twin.input, twin.get_layer("out").output).predict(X), first_two(model).predict(X))
    started = Sequential([Input((3,), name="start"), Dense(2)])
    assert started.input_shape == (None, 3)
    assert len(started.layers) == 1


def first_two(model):
    return Model(model.input, model.layers[1].output)


def test_a_layer_of_two_models_keeps_its_name_and_takes_another_where_it_must():
    x = Input((3,))
    a, b = Dense(4), Dense(4)
    one = Model(x, a(x), seed=0)
    two = Model(x, b(x), seed=1)  # both are called dense in their models
    both = Model(x, Dropout(0.5)(a(x)) + b(x))
    assert sorted(both.named_layers) == ["add", "dense", "dense_1", "dropout", "input_layer"]
    assert_allclose(both.predict(X), one.predict(X) + two.predict(X), rtol=1e-6)
    assert list(two.entries()) == ["dense/kernel", "dense/bias"]
    step = omomi.inspect.trace(both, X, X[:, :1] * np.ones(4, np.float32), loss="mse")
    assert {"dense", "dense_1"} <= {node.path for node in step.nodes if node.path}


def test_frozen_layers_stay_and_batch_normalization_infers():
    x = Input((3,))
    norm = BatchNormalization()
    model = Model(x, Dense(1)(norm(Dense(3, name="base")(x))), seed=0)
    model.get_layer("base").trainable = False
    norm.trainable = False
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, X[:, :1], verbose=0)
    moved = [(a != b).any() for a, b in zip(before, model.get_weights(), strict=True)]
    assert moved == [False] * 6 + [True, True]
    inner = Model(x, model.get_layer("base").output, trainable=False)
    assert not inner.parameters()


def test_networks_that_cannot_be_are_refused():
    x, other = Input((3,), name="x"), Input((3,), name="other")
    y = Dense(2)(x)
    for inputs, outputs, said in [
        (x, Dense(2)(Add()([x, other])), "not connected(.|\n)*'other' among"),
        ([x, other], y, "no output depends"),
        ([x, x], y, "twice"),
        (x, Dense(3), "call the layer"),
        (X, y, "symbolic tensor"),
        (Dense, y, "symbolic tensor"),
        (x, [], "has an output"),
        (x, [Dense(1, name="a")(x), Dense(1, name="a")(x)], "two layers are named 'a'"),
        (x, None, "inputs and outputs"),
    ]:
        with pytest.raises(errors.ConfigurationError, match=said):
            Model(inputs, outputs)
    with pytest.raises(errors.ShapeError, match="cannot be brought together"):
        Add()([y, x])
    shared = Dense(2)
    with pytest.raises(errors.ShapeError, match="wrong length"):
        shared(shared(x))
    with pytest.raises(errors.ShapeError, match="input 'x'"):
        Model(x, y)(Input((4,)))
    with pytest.raises(errors.ConfigurationError, match="shape of a sample"):
        Input()
    with pytest.raises(errors.UnknownNameError, match="'dence'"):
        Model(x, y).get_layer("dence")
    with pytest.raises(errors.ConfigurationError, match="0 … 1"):
        Model(x, y).get_layer(index=7)
    with pytest.raises(errors.ConfigurationError, match=r"get_layer\(index=1\)"):
        Model(x, y).get_layer(1)
    layer = Dense(1)
    with pytest.raises(errors.NotBuiltError, match="no place in a network"):
        _ = layer.output
    layer(x), layer(other)
    with pytest.raises(errors.NotBuiltError, match="called 2 times"):
        _ = layer.output


def test_gradients_of_branches_agree_with_finite_differences():
    x = Input((3,), dtype="float64")
    shared = Dense(3, activation="tanh")
    h = Concatenate()([shared(x), shared(shared(x))])
    model = Model(x, Dense(2)(h) * functions.sigmoid(Dense(2)(x)), seed=0)
    assert model.float_dtype == "float64"
    assert omomi.inspect.check_gradients(model, X[:4].astype(np.float64)).passed


def test_a_dtype_is_that_of_the_inputs():
    x = Input((3,), name="x")
    y = Dense(1)(x)
    with pytest.raises(errors.ConfigurationError, match="another dtype already"):
        Model(x, y, dtype="float64")
    with pytest.raises(errors.ConfigurationError, match="make one Input"):
        Model(Input((3,)), Dense(1)(Input((3,))))
