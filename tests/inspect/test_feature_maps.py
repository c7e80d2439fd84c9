"""Feature maps of a convolutional network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import omomi
from omomi.errors import ShapeError
from omomi.inspect import plot_feature_maps
from omomi.layers import Conv2D, Dense, Flatten, MaxPooling2D, Reshape
from tests.inspect.looking import size, texts

IMAGE = np.random.default_rng(0).random((8, 6)).astype(np.float32)


def test_every_layer_with_maps_is_a_row(tmp_path: Path):
    first = [Reshape((8, 6, 1), input_shape=(8, 6)), Conv2D(20, 3, activation="relu"), MaxPooling2D(2)]
    model = omomi.Sequential([*first, Flatten(), Dense(3)], seed=0)
    words = texts(plot_feature_maps(model, IMAGE, tmp_path / "a.svg"))
    assert {"conv2d", "6 × 4 × 20, the first 16 shown", "3 × 2 × 20, the first 16 shown"} <= set(words)
    assert "the image, 8 × 6" in words
    size(plot_feature_maps(model, IMAGE, tmp_path / "a.png"))


def test_a_network_without_maps_is_refused(tmp_path: Path):
    model = omomi.Sequential([Flatten(input_shape=(8, 6)), Dense(3)], seed=0)
    with pytest.raises(ShapeError, match="no layer makes feature maps"):
        plot_feature_maps(model, IMAGE, tmp_path / "a.svg")
