"""Dropout of whole channels: what is dropped, by how much the rest grows, and the gradient through it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Sequential, errors, layers

KINDS = {1: layers.SpatialDropout1D, 2: layers.SpatialDropout2D, 3: layers.SpatialDropout3D}


@pytest.mark.parametrize("rank", KINDS)
def test_whole_channels_are_dropped_or_scaled(rank):
    layer = KINDS[rank](0.25, seed=3)
    x = omomi.Variable(np.ones((50, *(3,) * rank, 40), "float32"))
    y = layer(x, training=True)
    channels = y.array.reshape(50, -1, 40)
    assert_array_equal(channels, channels[:, :1].repeat(3**rank, axis=1))
    assert set(np.unique(channels).tolist()) == {0.0, np.float32(4 / 3)}
    assert abs((channels[:, 0] == 0).mean() - 0.25) < 0.04  # four standard deviations of 2000 draws
    gy = np.random.default_rng(0).normal(size=y.shape).astype("float32")
    (y * gy).sum().backward()
    assert_allclose(x.grad, gy * y.array, rtol=1e-6)
    assert_array_equal(layer(x).array, x.array)


def test_each_replayed_step_draws_anew_and_as_the_rules_do():
    x, found = np.ones((6, 4, 8), "float32"), {}
    for engine in ("numpy", "numba"):
        model = Sequential([layers.SpatialDropout1D(0.5, input_shape=(4, 8)), layers.Dense(2)], seed=1)
        model.compile("sgd", "mse")
        with omomi.use(engine):
            losses = model.fit(x, np.zeros((6, 4, 2)), epochs=4, batch_size=6, shuffle=False, verbose=0)
        found[engine] = losses.history["loss"]
    assert_allclose(found["numba"], found["numpy"], rtol=1e-5)


def test_saved_and_loaded(tmp_path):
    model = Sequential([layers.SpatialDropout2D(0.3, input_shape=(4, 4, 2))])
    model.save(tmp_path / "model.omomi")
    assert omomi.load_model(tmp_path / "model.omomi").layers[-1].rate == 0.3


def test_mistakes_are_named():
    with pytest.raises(errors.ShapeError, match="wrong number of axes"):
        layers.SpatialDropout1D(0.5)(np.ones((2, 3, 4, 5)))
    with pytest.raises(errors.ConfigurationError, match="probability"):
        layers.SpatialDropout2D(1.0)
