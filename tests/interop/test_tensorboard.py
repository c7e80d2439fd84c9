"""What TensorBoard would read: the event files are read back, record by record."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from collections import defaultdict

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import omomi
from omomi import Sequential, errors
from omomi.callbacks import TensorBoard
from omomi.layers import Dense

event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def network(**options):
    layers = [Dense(5, activation="tanh", input_shape=(4,), **options), Dense(2, activation="softmax")]
    model = Sequential(layers, seed=0)
    model.compile(omomi.optimizers.SGD(0.25), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def events(folder):
    """Every value in a folder's event files: tag → {step: value}."""
    found = defaultdict(dict)
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data = io.BytesIO(path.read_bytes())
        while head := data.read(12):  # length (8 bytes) and its checksum (4), then the record and its checksum
            (length,) = struct.unpack("<Q", head[:8])
            event = event_pb2.Event.FromString(data.read(length))
            data.read(4)
            for value in event.summary.value:
                kind = value.WhichOneof("value")
                found[value.tag][event.step] = getattr(value, kind)
    return found


def fit(folder, model=None, x=X, y=Y, callback=None, **options):
    model = model or network()
    history = model.fit(
        x, y, batch_size=10, verbose=0, validation_data=(X, Y), callbacks=[callback or TensorBoard(folder)], **options
    )
    return model, history


def test_learning_curves_of_training_and_validation(tmp_path):
    _, history = fit(tmp_path, epochs=3)
    train, validation = events(tmp_path / "train"), events(tmp_path / "validation")
    for name in ("loss", "accuracy"):
        for found, key in ((train, name), (validation, f"val_{name}")):
            assert list(found[f"epoch_{name}"]) == [0, 1, 2]
            assert_allclose(list(found[f"epoch_{name}"].values()), history.history[key], rtol=1e-6)
    assert set(train["epoch_learning_rate"].values()) == {0.25}
    assert set(train) == {"epoch_loss", "epoch_accuracy", "epoch_learning_rate", "graph"}
    assert set(validation) == {"epoch_loss", "epoch_accuracy"}


def test_the_network_as_a_picture(tmp_path):
    fit(tmp_path)
    image = events(tmp_path / "train")["graph"][0]
    with Image.open(io.BytesIO(image.encoded_image_string)) as opened:
        assert opened.size == (image.width, image.height)
        assert min(opened.size) > 200
    fit(tmp_path / "without", callback=TensorBoard(tmp_path / "without", write_graph=False))
    assert "graph" not in events(tmp_path / "without" / "train")


def test_histograms_of_the_parameters(tmp_path):
    model, _ = fit(tmp_path, epochs=4, callback=TensorBoard(tmp_path, histogram_freq=2))
    found = events(tmp_path / "train")
    for path, p in model.parameters().items():
        assert list(found[path]) == [1, 3]
        last = found[path][3]
        assert last.num == p.size
        assert_allclose(
            [last.sum, last.min, last.max], [p.array.sum(), p.array.min(), p.array.max()], rtol=1e-4, atol=1e-6
        )


def test_the_ledger_by_step(tmp_path):
    _, history = fit(tmp_path, epochs=2, ledger=3)
    found = events(tmp_path / "train")
    assert history.ledger.steps == [0, 3, 4, 7]
    for quantity, path in (("delta", "dense"), ("saturated", "dense"), ("update", "dense_1/kernel")):
        values = found[f"ledger/{quantity}/{path}"]
        assert list(values) == history.ledger.steps
        assert_allclose(list(values.values()), history.ledger.get(quantity, path), rtol=1e-6)
    fit(tmp_path / "without", ledger=3, callback=TensorBoard(tmp_path / "without", ledger=False))
    assert not any(tag.startswith("ledger") for tag in events(tmp_path / "without" / "train"))


def test_steps_between_epochs(tmp_path):
    fit(tmp_path, epochs=2, callback=TensorBoard(tmp_path, update_freq=2))
    assert list(events(tmp_path / "train")["batch_loss"]) == [1, 3, 5, 7]
    fit(tmp_path / "all", callback=TensorBoard(tmp_path / "all", update_freq="batch"))
    assert list(events(tmp_path / "all" / "train")["batch_accuracy"]) == [1, 2, 3, 4]


def test_a_run_that_fails_keeps_what_it_has_written(tmp_path):
    model = network()
    model.compile(omomi.optimizers.SGD(1e38), "sparse_categorical_crossentropy")
    with pytest.raises(errors.NonFiniteError):
        fit(tmp_path, model, epochs=5, ledger=100)
    steps = list(events(tmp_path / "train")["ledger/gradient/dense/kernel"])
    assert steps == model.history.ledger.steps
    assert model.history.ledger.failure.step == steps[-1]


def test_training_s_bits_are_the_same(tmp_path):
    watched, _ = fit(tmp_path, callback=TensorBoard(tmp_path, histogram_freq=1, update_freq="batch"), ledger=1)
    plain = network()
    plain.fit(X, Y, batch_size=10, verbose=0)
    for a, b in zip(watched.get_weights(), plain.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_hostile_names_of_layers(tmp_path):
    fit(tmp_path, network(name="..\\..<b> & ‖δ‖\n"), ledger=True)
    assert any("kernel" in tag for tag in events(tmp_path / "train"))
    assert {path.name for path in tmp_path.iterdir()} == {"train", "validation"}


@pytest.mark.parametrize("wrong", [{"histogram_freq": -1}, {"update_freq": "often"}, {"update_freq": 0}])
def test_options_outside_their_range(wrong):
    with pytest.raises(errors.ConfigurationError, match="a whole number"):
        TensorBoard("logs", **wrong)


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.FileAccessError):
        fit(tmp_path / "file")


def test_without_the_extra_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("omomi.interop.tensorboard.find_spec", lambda name: None)
    with pytest.raises(errors.ConfigurationError, match=r"omomi\[tensorboard\]"):
        TensorBoard("logs")


def test_importing_callbacks_does_not_import_tensorboard():
    code = "import sys, omomi.callbacks as c; c.TensorBoard; print('tensorboardX' in sys.modules, 'PIL' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False False"
