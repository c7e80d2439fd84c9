"""Decision regions and a hidden layer that becomes separable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import omomi
from omomi.errors import ConfigurationError, DataError, FileAccessError, ShapeError, UnknownNameError
from omomi.inspect import Snapshots, layer_outputs, plot_decision_regions, plot_learning
from omomi.inspect.outputs import class_probabilities
from omomi.layers import Dense, Dropout
from tests.inspect.looking import HOSTILE, size, texts

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
T = np.array([0, 1, 1, 0])


def network(units: int = 2, seed: int = 1, **options) -> omomi.Sequential:
    layers = [Dense(units, activation="tanh", input_shape=(2,)), Dropout(0.1), Dense(1, activation="sigmoid")]
    model = omomi.Sequential(layers, seed=seed)
    model.compile(omomi.optimizers.Adam(0.05), "binary_crossentropy")
    return model


@pytest.fixture(scope="module")
def learnt() -> tuple[omomi.Sequential, Snapshots]:
    model, snapshots = network(), Snapshots(every=7)
    model.fit(X, T, batch_size=4, epochs=20, verbose=0, callbacks=[snapshots])
    return model, snapshots


def test_snapshots_keep_the_start_every_nth_epoch_and_the_end(learnt):
    model, snapshots = learnt
    assert list(snapshots.weights) == [0, 7, 14, 20]
    for kept, now in zip(snapshots.weights[20], model.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, now)
    np.testing.assert_array_equal(snapshots.weights[0][0], network().get_weights()[0])


def test_regions_count_what_is_right(tmp_path: Path):
    # x₁ > ½ is class 1: right for (0, 0) and (1, 0), wrong for the other two.
    words = texts(plot_decision_regions(lambda points: points[:, 0], X, T, tmp_path / "a.svg", title=HOSTILE[0]))
    assert words[:2] == [HOSTILE[0], "4 samples, 50.0 % of them read right"] or words[-2:] == [
        HOSTILE[0],
        "4 samples, 50.0 % of them read right",
    ]
    many = np.eye(7)[np.arange(4)]  # more classes than samples
    size(plot_decision_regions(lambda p: np.eye(7)[np.arange(len(p)) % 7], X, many, tmp_path / "a.png"))


def test_learning_as_a_strip_and_as_an_animation(learnt, tmp_path: Path):
    model, snapshots = learnt
    before = model.get_weights()
    words = texts(plot_learning(model, snapshots, X, T, tmp_path / "a.svg", layer="dense"))
    assert [w for w in words if w.startswith("epoch")] == ["epoch 0", "epoch 7", "epoch 14", "epoch 20"]
    with Image.open(plot_learning(model, snapshots, X, T, tmp_path / "a.gif", layer="dense")) as image:
        assert image.format == "GIF"
        assert image.n_frames == 4
    for then, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(then, now)


@pytest.mark.parametrize("units", [1, 3])
def test_hidden_layers_of_other_sizes(units: int, tmp_path: Path):
    model, snapshots = network(units), Snapshots()
    model.fit(X, T, batch_size=4, epochs=2, verbose=0, callbacks=[snapshots])
    words = texts(plot_learning(model, snapshots, X, T, tmp_path / "a.svg", layer="dense"))
    assert any("3 units, 2 principal components" in word for word in words) == (units == 3)


def test_what_cannot_be_drawn_is_said(learnt, tmp_path: Path):
    model, snapshots = learnt
    for wrong, error in [
        (lambda: plot_decision_regions(model, np.zeros((4, 3)), T, tmp_path / "a.svg"), ShapeError),
        (lambda: plot_decision_regions(model, X[:3], T, tmp_path / "a.svg"), ShapeError),
        (lambda: plot_decision_regions(model, X * np.nan, T, tmp_path / "a.svg"), DataError),
        (lambda: plot_learning(model, Snapshots(), X, T, tmp_path / "a.svg"), DataError),
        (lambda: plot_learning(model, snapshots, X, T, tmp_path / "a.svg", layer="dens"), UnknownNameError),
        (lambda: plot_learning(model, snapshots, X, T, tmp_path / "a.txt", layer="dense"), ConfigurationError),
        (lambda: plot_decision_regions(model, X, T, tmp_path / "no" / "a.svg"), FileAccessError),
        (lambda: Snapshots(every=0), ConfigurationError),
    ]:
        with pytest.raises(error):
            wrong()
    assert list(tmp_path.iterdir()) == []


def test_outputs_of_layers_are_those_of_inference():
    model = network(3)
    outputs = layer_outputs(model, X)
    assert list(outputs) == ["dense", "dense_1"]  # dropout does nothing in inference
    kernel, bias = (p.array for p in list(model.parameters().values())[:2])
    np.testing.assert_allclose(outputs["dense"], np.tanh(X @ kernel + bias), rtol=1e-6)
    np.testing.assert_allclose(outputs["dense_1"], model.predict(X), rtol=1e-6)
    np.testing.assert_allclose(class_probabilities(model, X)[:, 1:], model.predict(X), rtol=1e-6)
    with pytest.raises(DataError):
        layer_outputs(model, X[:0])
