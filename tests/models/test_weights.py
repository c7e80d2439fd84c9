"""Weights alone: they come back by path, from every kind of file, and only into the network they belong to."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import omomi
from omomi import Sequential, errors
from omomi.files import save_arrays
from omomi.layers import BatchNormalization, Dense

X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
Y = np.random.default_rng(1).integers(0, 2, 20)


def network(seed=0, units=4, last="classes"):
    model = Sequential(
        [
            Dense(units, activation="tanh", input_shape=(3,)),
            BatchNormalization(),
            Dense(2, activation="softmax", name=last),
        ],
        seed=seed,
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A trained network, its weights, and the three kinds of files that hold them."""
    folder = tmp_path_factory.mktemp("weights")
    model = network()
    model.fit(X, Y, epochs=2, verbose=0, checkpoint=folder / "checkpoints")
    model.save(folder / "model.safetensors")
    model.save_weights(folder / "weights.safetensors")
    (checkpoint, *_) = omomi.Checkpoints(folder / "checkpoints").files()
    files = {"model": folder / "model.safetensors", "weights": folder / "weights.safetensors", "checkpoint": checkpoint}
    return model, files


@pytest.mark.parametrize("kind", ["weights", "model", "checkpoint"])
def test_weights_come_back_from_every_kind_of_file(trained, kind):
    model, files = trained
    other = network(seed=9)
    rate, step = other.optimizer.learning_rate, int(other.state()["step"].array)
    other.load_weights(files[kind])
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        assert_array_equal(a, b)
    assert (other.seed, other.optimizer.learning_rate, int(other.state()["step"].array)) == (9, rate, step)


def test_only_weights_are_in_the_file(trained):
    arrays, header = omomi.files.load_arrays(trained[1]["weights"])
    assert list(arrays) == list(trained[0].entries())
    assert header == {"kind": "weights", "layout": 1}


def test_weights_of_another_architecture_are_refused_and_nothing_is_changed(trained):
    _, files = trained
    for other, message in [
        (network(units=5), r"dense/kernel: weights have another shape.*\n.*\(3, 5\)\n.*\(3, 4\)"),
        (network(last="out"), r"not in the file: out/kernel, out/bias\n.*not in the model: classes/kernel"),
    ]:
        before = other.get_weights()
        with pytest.raises(errors.OmomiError, match=message):
            other.load_weights(files["weights"])
        for a, b in zip(before, other.get_weights(), strict=True):
            assert_array_equal(a, b)


def test_what_fits_can_be_taken(trained, caplog):
    model, files = trained
    other = network(seed=3, last="out")
    before = other.get_weights()
    with caplog.at_level(logging.WARNING, "omomi"):
        other.load_weights(files["model"], skip_mismatch=True)
    assert "no weights that fit out/kernel, out/bias" in caplog.text
    assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    assert_array_equal(other.get_weights()[-2], before[-2])


def test_mistakes_are_named(trained, tmp_path):
    _, files = trained
    with pytest.raises(errors.FileAccessError, match="overwrite=True"):
        network().save_weights(files["weights"], overwrite=False)
    with pytest.raises(errors.NotBuiltError):
        Sequential([Dense(2)]).save_weights(tmp_path / "w.safetensors")
    with pytest.raises(errors.NotBuiltError):
        Sequential([Dense(2)]).load_weights(files["weights"])
    save_arrays(tmp_path / "a.safetensors", {"x": X}, {"kind": "something"})
    with pytest.raises(errors.FileFormatError, match="holds no weights"):
        network().load_weights(tmp_path / "a.safetensors")
