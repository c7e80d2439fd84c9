"""Files that Keras 3 wrote: predictions are Keras's; and files back for Keras. Oracle: tests/oracles/keras_files.py."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import omomi
from omomi import layers

HERE = Path(__file__).parent
OUTPUTS = np.load(HERE / "outputs.npz")


def data(name: str, kind: str) -> list[np.ndarray]:
    return [OUTPUTS[key] for key in sorted(OUTPUTS.files) if key.startswith(f"{name}/{kind}")]


def check(model: omomi.Model, name: str) -> None:
    x = data(name, "x")
    y = model.predict(x if len(x) > 1 else x[0])
    for found, expected in zip(y if isinstance(y, list) else [y], data(name, "y"), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "file",
    ["convolutional.keras", "convolutional.h5", "branches.keras", "branches.h5", "sequences.keras", "attention.keras"],
)
def test_predictions_are_those_of_keras(file):
    check(omomi.load_model(HERE / file), file.partition(".")[0])


def test_a_model_is_compiled_as_it_was():
    model = omomi.load_model(HERE / "convolutional.keras")
    assert type(model.optimizer).__name__ == "Adam"
    model.fit(data("convolutional", "x")[0], np.eye(3), verbose=0)
    assert model.layers[0].kernel_regularizer.l2 == pytest.approx(0.01)


def branches() -> omomi.Model:
    """The same network, written anew."""
    a, b = layers.Input((5,), name="a"), layers.Input((4, 6), name="b")
    x = layers.Dense(4, activation="tanh")(a)
    y = layers.Bidirectional(layers.LSTM(2))(b)
    z = layers.Dense(2)(layers.concatenate([x, y]))
    u = layers.GRU(2, dropout=0.1)(layers.TimeDistributed(layers.Dense(3))(b))
    shared = omomi.Sequential([layers.Input((2,)), layers.BatchNormalization(), layers.Dense(3)], name="inner")
    return omomi.Model([a, b], [layers.Add()([shared(z), shared(u)]), layers.Dense(1, name="side")(x)])


@pytest.mark.parametrize("file", ["branches.weights.h5", "branches.h5", "branches.keras"])
def test_weights_alone(file):
    model = branches()
    model.load_weights(HERE / file)
    check(model, "branches")


@pytest.mark.parametrize("file", ["w.weights.h5", "w.h5"])
def test_weights_are_written_and_read_again(file, tmp_path):
    model, other = omomi.load_model(HERE / "branches.keras"), branches()
    model.save_weights(tmp_path / file)
    other.load_weights(tmp_path / file)
    check(other, "branches")


def test_weights_of_another_architecture_change_nothing():
    model = omomi.Sequential([layers.Dense(4, input_shape=(5,)), layers.Dense(7)], seed=0)
    before = model.get_weights()
    with pytest.raises(ValueError, match="another architecture"):
        model.load_weights(HERE / "branches.weights.h5")
    with pytest.raises(ValueError, match="another architecture"):
        model.load_weights(HERE / "branches.h5")
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


CODE = """
import os, sys
os.environ["KERAS_BACKEND"] = "jax"
import keras, numpy as np
folder, written = sys.argv[1:]
outputs = np.load(folder + "/outputs.npz")
model = keras.models.load_model(folder + "/branches.keras")
model.set_weights([w * 0 for w in model.get_weights()])
model.load_weights(written)
found = model.predict([outputs["branches/x0"], outputs["branches/x1"]], verbose=0)
for i in range(2):
    np.testing.assert_allclose(found[i], outputs[f"branches/y{i}"], rtol=1e-5, atol=1e-5)
"""


@pytest.mark.skipif(find_spec("keras") is None, reason="Keras is not installed")
@pytest.mark.parametrize("file", ["w.weights.h5", "w.h5"])
def test_keras_reads_what_omomi_wrote(file, tmp_path):
    omomi.load_model(HERE / "branches.keras").save_weights(tmp_path / file)
    done = subprocess.run([sys.executable, "-c", CODE, HERE, tmp_path / file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
