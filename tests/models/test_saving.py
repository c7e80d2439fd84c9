"""Saving and loading: the same model comes back, bit for bit, and a bad file is refused."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import omomi
from omomi import Sequential, errors, load_model
from omomi.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPooling2D,
    PReLU,
    Rescaling,
)

RNG = np.random.default_rng(0)
X = RNG.integers(0, 255, (40, 10, 10, 1)).astype(np.uint8)
Y = RNG.integers(0, 3, 40)


def network(seed=4):
    model = Sequential(
        [
            Rescaling(1 / 255, input_shape=(10, 10, 1)),
            Conv2D(4, 3, padding="same", kernel_initializer=omomi.initializers.RandomNormal(stddev=0.1)),
            BatchNormalization(),
            PReLU(shared_axes=(1, 2)),
            MaxPooling2D(),
            Flatten(),
            Dropout(0.25),
            Dense(3, activation="softmax", name="classes"),
        ],
        seed=seed,
        name="small",
    )
    model.compile(omomi.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_what_is_saved_comes_back_and_goes_on_exactly(tmp_path):
    model = network()
    model.fit(X, Y, epochs=2, verbose=0)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    assert_array_equal(again.predict(X), model.predict(X))
    assert again.evaluate(X, Y) == model.evaluate(X, Y)
    assert again.get_config() == model.get_config()
    assert repr(again.optimizer) == repr(model.optimizer)
    # Slots, counters, seed and step came too: training goes on as if nothing had happened.
    model.fit(X, Y, epochs=2, verbose=0)
    again.fit(X, Y, epochs=2, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_frozen_layers_stay_frozen(tmp_path):
    model = network()
    model.get_layer("conv2d").trainable = False
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    assert list(again.parameters()) == list(model.parameters())


def test_a_layer_of_one_s_own_comes_back_only_through_custom_objects(tmp_path):
    class Twice(omomi.Layer):
        def call(self, x):
            return x + x

    model = Sequential([Dense(2, input_shape=(3,)), Twice()], seed=0)
    model.save(tmp_path / "m.safetensors")
    with pytest.raises(errors.UnknownNameError, match="Twice"):
        load_model(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors", custom_objects={"Twice": Twice})
    x = np.ones((1, 3), np.float32)
    assert_array_equal(again(x).array, model(x).array)


def test_a_model_without_compile_can_be_saved(tmp_path):
    model = Sequential([Dense(2, input_shape=(3,))], seed=0)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    assert again.loss is None
    assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def test_what_cannot_be_saved_is_said_and_no_file_is_left(tmp_path):
    with pytest.raises(errors.NotBuiltError):
        Sequential([Dense(2)]).save(tmp_path / "m.safetensors")
    own = Sequential([Dense(2, activation=lambda u: u * u, input_shape=(3,))], seed=0)
    with pytest.raises(errors.ConfigurationError, match="function of your own"):
        own.save(tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_damaged_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    network().save(path)
    good = path.read_bytes()
    for bad in (good[: len(good) // 2], b"", b"\x89PNG\r\n\x1a\n" + good[8:], good[:-1] + bytes([good[-1] ^ 1])):
        path.write_bytes(bad)
        with pytest.raises(errors.FileFormatError, match=r"m\.safetensors"):
            load_model(path)
    with pytest.raises(errors.FileAccessError):
        load_model(tmp_path / "missing.safetensors")


def test_arrays_that_are_no_model_are_refused(tmp_path):
    from omomi.files.tensors import save_arrays

    save_arrays(tmp_path / "a.safetensors", {"w": np.ones(3)}, {"kind": "something"})
    with pytest.raises(errors.FileFormatError, match="no model"):
        load_model(tmp_path / "a.safetensors")
    save_arrays(tmp_path / "a.safetensors", {}, {"kind": "model", "layout": 1, "model": {"class_name": "Sequential"}})
    with pytest.raises(errors.FileFormatError, match="does not describe a model"):
        load_model(tmp_path / "a.safetensors")


def test_a_copy_is_independent():
    model = network()
    model.fit(X, Y, verbose=0)
    twin = copy.deepcopy(model)
    assert_array_equal(twin.predict(X), model.predict(X))
    before = model.get_weights()
    twin.fit(X, Y, epochs=1, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        assert_array_equal(a, b)
    model.fit(X, Y, epochs=1, verbose=0)
    for a, b in zip(twin.get_weights(), model.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_a_copy_for_another_process_goes_on_exactly():
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    y = np.arange(20) % 2
    model = Sequential(
        [Dense(4, activation="relu", input_shape=(3,)), Dropout(0.2), Dense(2, activation="softmax")], seed=0
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, verbose=0)
    twin = pickle.loads(pickle.dumps(model))
    assert_array_equal(model.predict(x), twin.predict(x))
    for either in (model, twin):
        either.fit(x, y, epochs=2, verbose=0)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_summary_counts_parameters_and_memory(capsys):
    model = network()
    model.summary(batch_size=32)
    text = capsys.readouterr().out
    # conv 3·3·1·4 + 4, batch normalisation 4·4 (half of it running statistics), PReLU 4, dense 5·5·4·3 + 3
    assert f"{40 + 16 + 4 + 303:,} parameters, {40 + 8 + 4 + 303:,} of them trainable" in text
    assert "4 × 3×3, same" in text
    # outputs: 100 (rescaled) + 400 (conv) + 400 + 400 + 100 (pool) + 100 + 100 + 3, twice, 4 bytes, 32 samples
    assert f"{2 * 1603 * 4 * 32 / 1024:.1f} KiB" in text


def test_pop_and_add_rebuild():
    model = Sequential([Dense(4, input_shape=(3,)), Dense(2)], seed=0)
    first = model.get_weights()[0]
    model.pop()
    assert model.output_shape == (None, 4)
    model.add(Dense(5))
    assert model.output_shape == (None, 5)
    assert_array_equal(model.get_weights()[0], first)


def test_a_name_of_keras_s_is_no_file_of_keras_s_and_says_so(tmp_path, caplog):
    model = Sequential([Dense(1, input_shape=(2,))])
    model.save(tmp_path / "model.keras")
    assert "Omomi's own format" in caplog.text
    assert_array_equal(load_model(tmp_path / "model.keras").get_weights()[0], model.get_weights()[0])


def test_what_is_frozen_stays_so_in_a_file_and_in_a_clone(tmp_path):
    inner = Sequential([Dense(3, input_shape=(2,)), BatchNormalization()], name="inner")
    inner.trainable = False
    inner.layers[1].trainable = True  # thawed again: each layer has a switch of its own
    x = omomi.Input((2,))
    for number, model in enumerate([Sequential([inner, Dense(1)]), omomi.Model(x, Dense(1)(inner(x)))]):
        model.save(tmp_path / f"{number}.omomi")
        for copied in (load_model(tmp_path / f"{number}.omomi"), omomi.clone_model(model)):
            found = copied.get_layer("inner")
            assert [found.trainable, *(layer.trainable for layer in found.layers)] == [False, False, True]
            assert list(found.parameters()) == list(inner.parameters())
            assert len(found.parameters()) == 2
    functional = omomi.Model(x, Dense(1, name="last")(x), name="whole")
    functional.trainable = False
    functional.get_layer("last").trainable = True
    again = omomi.Model.from_config(functional.get_config())
    assert (again.trainable, again.get_layer("last").trainable) == (False, True)
