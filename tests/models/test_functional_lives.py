"""Networks of Inputs in use: saved and loaded, copied, looked into, trained in turns."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Input, Model, Sequential, errors, layers, load_model
from omomi.layers import BatchNormalization, Dense, Dropout, Embedding, Flatten, InputLayer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3)).astype(np.float32)


def _dense():
    x = Input((3,), name="x")
    return x, Dense(2)(x)


def small():
    left, right = Input((3,), name="left"), Input((2,), name="right", dtype="int32")
    shared = Dense(4, activation="tanh", kernel_regularizer="l2")
    rows = Flatten()(Embedding(7, 2)(right))
    both = shared(left) + Dense(4)(rows)
    both = BatchNormalization()(both, training=False)
    inside = Sequential([Dense(3, input_shape=(4,)), Dropout(0.2)], name="inside")(both)
    return Model([left, right], {"sum": Dense(1)(inside), "kind": shared(left)}, name="small", seed=4)


DATA = {"left": X, "right": RNG.integers(0, 7, (20, 2))}
TARGETS = {"sum": X[:, :1], "kind": X @ np.ones((3, 4), np.float32)}


def test_what_is_saved_comes_back_and_goes_on(tmp_path):
    model = small()
    model.compile("adam", {"sum": "mse", "kind": "mae"}, loss_weights={"kind": 0.1, "sum": 1}, metrics={"sum": "mae"})
    model.fit(DATA, TARGETS, epochs=2, verbose=0)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    twin, unpickled = copy.deepcopy(model), pickle.loads(pickle.dumps(model))
    assert again.get_config() == model.get_config()
    assert again.output_names == ["sum", "kind"]
    model.fit(DATA, TARGETS, epochs=2, verbose=0)
    for other in (again, twin, unpickled):
        other.fit(DATA, TARGETS, epochs=2, verbose=0)
        for path, entry in model.state().items():
            assert_array_equal(other.state()[path].array, entry.array)
        assert other.evaluate(DATA, TARGETS) == model.evaluate(DATA, TARGETS)
        cut = Model(other.input, other.get_layer("batch_normalization").output)
        assert cut.predict([DATA["left"], DATA["right"]]).shape == (20, 4)
    assert twin.get_layer("dense") is not model.get_layer("dense")


def test_a_deep_network_is_copied_and_saved(tmp_path):
    x = y = Input((2,))
    for _ in range(1200):
        y = y + 1.0
    model = Model(x, y)
    assert_allclose(copy.deepcopy(model).predict(X[:, :2])[0], X[0, :2] + 1200, rtol=1e-5)
    assert len(pickle.dumps(model)) > 0


def test_data_finds_the_inputs_and_mistakes_are_named():
    model = small()
    one = model.predict(DATA)
    for other in ([DATA["left"], DATA["right"]], (DATA["left"], DATA["right"].astype(float))):
        assert_array_equal(model.predict(other)["sum"], one["sum"])
    assert_allclose(model(DATA)["sum"].numpy(), one["sum"], rtol=1e-5)
    assert_array_equal(model([DATA["left"], DATA["right"]])["sum"].numpy(), model(DATA)["sum"].numpy())
    for x, said in [
        ({"left": X}, "an input is missing"),
        ({"left": X, "rigt": X}, "no input named 'rigt'"),
        ([X], "2 inputs"),
        (X, "2 inputs"),
        ([X[:, :2], DATA["right"]], r"x of input 'left'"),
        ([X, X[:, :2]], "whole numbers"),
        ([X, DATA["right"][:5]], "numbers of samples differ"),
    ]:
        with pytest.raises(errors.OmomiError, match=said):
            model.predict(x)
    with pytest.raises(errors.ShapeError, match="input 'left'"):
        model([X[:, :2], DATA["right"]])
    alone = Model(*_dense())
    for x in (X, [X], {"x": X}):
        assert alone.predict(x).shape == (20, 2)


def test_a_subclass_may_be_given_inputs_and_outputs(tmp_path):
    class Mine(Model):
        pass

    model = Mine(*_dense(), seed=0)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors", custom_objects={"Mine": Mine})
    assert isinstance(again, Mine)
    assert_array_equal(again.predict(X), model.predict(X))
    assert isinstance(model.layers[0], InputLayer)


def test_what_looks_inside_sees_every_branch(tmp_path):
    model = small()
    model.compile("sgd", {"sum": "mse", "kind": "mae"}, loss_weights={"kind": 0.5})
    x, y = {name: array[:4] for name, array in DATA.items()}, {name: array[:4] for name, array in TARGETS.items()}
    step = omomi.inspect.trace(model, x, y)
    logs = model.test_on_batch(x, y, return_dict=True)
    penalty = 2 * 0.01 * float((model.get_layer("dense").kernel.numpy() ** 2).sum()) / 2
    assert_allclose(logs["loss"], logs["sum_loss"] + 0.5 * logs["kind_loss"] + penalty, rtol=1e-5)
    assert step["left"].delta is not None
    assert step["left"].shape == (4, 3)
    assert step["right"].delta is None  # indices
    for words in ("input left", "dense/affine", "dense/affine_1"):
        assert words in step.to_svg() or words in step.to_text()
    report = omomi.inspect.check_gradients(model, x, y)
    assert report.passed
    assert {"left", "dense/kernel", "inside/dense/kernel"} <= {entry.name for entry in report.entries}
    assert "right" not in {entry.name for entry in report.entries}
    history = model.fit(DATA, TARGETS, epochs=2, verbose=0, ledger=1)
    assert {"dense", "inside/dense", "batch_normalization"} <= set(history.ledger.layers)
    diagnosis = omomi.inspect.diagnose(model, DATA, TARGETS)
    assert "labels shuffled" in diagnosis.unjudged
    page = omomi.inspect.write_report(tmp_path / "report.html", model, history=history)
    assert "embedding" in Path(page).read_text()


def test_a_generator_and_its_judge_train_apart_and_are_saved(tmp_path):
    z, x = Input((4,)), Input((2,))
    generator = Model(z, Dense(2)(Dense(8, activation="relu")(z)), name="generator", seed=0)
    judge = Model(x, Dense(1, activation="sigmoid")(x), name="judge", seed=1)
    judge.compile("adam", "binary_crossentropy")
    judge.trainable = False
    both = Model(z, judge(generator(z)))
    both.compile("adam", "binary_crossentropy")
    noise, before = RNG.normal(size=(16, 4)), judge.get_weights()
    both.train_on_batch(noise, np.ones(16))
    assert_array_equal(judge.get_weights()[0], before[0])
    judge.trainable = True
    judge.train_on_batch(generator.predict(noise), np.zeros(16))
    assert (judge.get_weights()[0] != before[0]).any()
    both.save(tmp_path / "both.safetensors")  # slots for the generator alone
    again = load_model(tmp_path / "both.safetensors")
    assert_array_equal(again.predict(noise), both.predict(noise))
    assert list(again.optimizer.parameters) == list(both.optimizer.parameters)


def test_a_layer_in_a_model_and_in_one_inside_is_one_layer_after_loading(tmp_path):
    x = Input((3,))
    shared = Dense(3, name="shared")
    inner = Model(x, shared(x), name="inner")
    model = Model(x, inner(x) + shared(x) * 2.0)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    assert_array_equal(again.predict(X), model.predict(X))
    assert again.get_layer("shared") is again.get_layer("inner").get_layer("shared")
    assert len(again.parameters()) == 2

    class Holder(omomi.Layer):
        def __init__(self, inside=None, **options):
            super().__init__(**options)
            self.inside = inside

        def call(self, x):
            return self.inside(x)

    hidden = Model(x, Holder(shared)(shared(x)))
    with pytest.raises(errors.ConfigurationError, match="several places"):
        hidden.save(tmp_path / "no.safetensors")


def test_a_subclass_with_a_constructor_of_its_own_is_loaded(tmp_path):
    class Mine(Model):
        replayable = True

        def __init__(self):
            super().__init__(seed=0)
            self.out = Dense(1)

        def call(self, inputs):
            return self.out(inputs["a"] + inputs["b"])

    model, x = Mine(), {"a": X, "b": X}
    model.compile("sgd", "mse")
    model.fit(x, X[:, :1], verbose=0)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors", custom_objects={"Mine": Mine})
    assert_array_equal(again.predict(x), model.predict(x))


def test_an_encoder_and_a_decoder_of_sequences_hand_over_states(tmp_path):
    source, target = Input((None,), dtype="int32"), Input((None,), dtype="int32")
    table = Embedding(9, 4, mask_zero=True)
    _, h, c = layers.LSTM(3, return_state=True)(table(source))
    y = layers.LSTM(3, return_sequences=True)(table(target), initial_state=[h, c])
    model = Model([source, target], Dense(9, activation="softmax")(y), seed=0)
    assert model.output_shape == (None, None, 9)
    a, b = RNG.integers(0, 9, (12, 5)), RNG.integers(0, 9, (12, 4))
    model.compile("sgd", "sparse_categorical_crossentropy")
    with omomi.use("numba"):
        model.fit([a, b], b, verbose=0)
    assert not model._steps.made["numba", "train"].compiled.refused
    model.save(tmp_path / "m.safetensors")
    assert_array_equal(load_model(tmp_path / "m.safetensors").predict([a, b]), model.predict([a, b]))
    with pytest.raises(errors.DataError, match="outside the table"):
        model.predict([a, b + 5])
