"""A small residual network with augmentation: it learns, and resumes exactly."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    GaussianNoise,
    GlobalAveragePooling2D,
    Input,
    LayerNormalization,
    RandomFlip,
    RandomTranslation,
)


def stripes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images 32 × 32 with horizontal, vertical or diagonal stripes of any width and phase."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:32, :32]
    kinds = rng.integers(0, 3, count)
    directions = np.stack([row, column, (row + column) / np.sqrt(2)])[kinds]
    waves = np.sin(directions * rng.uniform(0.6, 1.2, (count, 1, 1)) + rng.uniform(0, 6, (count, 1, 1)))
    return (waves[..., None] + rng.normal(0, 0.5, (count, 32, 32, 1))).astype("float32"), kinds


def block(x, filters, strides):
    y = Activation("relu")(BatchNormalization(momentum=0.8)(Conv2D(filters, 3, strides, "same", use_bias=False)(x)))
    y = BatchNormalization(momentum=0.8)(Conv2D(filters, 3, padding="same", use_bias=False)(y))
    way_past = x if strides == 1 else Conv2D(filters, 1, strides)(x)
    return Activation("relu")(Add()([way_past, y]))


def network() -> omomi.Model:
    inputs = Input((32, 32, 1))
    x = RandomTranslation(0.1, 0.1)(RandomFlip("vertical")(GaussianNoise(0.1)(inputs)))
    x = block(block(Conv2D(6, 3, 2, "same")(x), 6, 1), 12, 2)
    outputs = Dense(3, activation="softmax")(LayerNormalization()(GlobalAveragePooling2D()(x)))
    model = omomi.Model(inputs, outputs, seed=1)
    model.compile(omomi.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_it_learns():
    (x, y), (x_new, y_new) = stripes(192, 0), stripes(96, 1)
    model = network()
    model.fit(x, y, batch_size=32, epochs=5, verbose=0)
    assert model.evaluate(x_new, y_new, return_dict=True)["accuracy"] > 0.9


def test_engines_agree_on_a_step():
    x, y = stripes(16, 0)
    model, reference = network(), network()
    with omomi.use("numba"):
        found = model.train_on_batch(x, y, return_dict=True)["loss"]
        weights = model.get_weights()
    with omomi.use("numpy"):
        expected = reference.train_on_batch(x, y, return_dict=True)["loss"]
    assert_allclose(found, expected, rtol=1e-5)
    for a, b in zip(weights, reference.get_weights(), strict=True):
        assert_allclose(a, b, atol=2.5e-2)  # Adam's first step is ± the rate: where a gradient is 0, either sign


def test_a_run_with_augmentation_resumes_exactly(tmp_path):
    x, y = stripes(48, 0)
    whole = network()
    whole.fit(x, y, batch_size=16, epochs=3, verbose=0)
    first = network()
    first.fit(x, y, batch_size=16, epochs=1, verbose=0, checkpoint=tmp_path)
    again = network()
    again.fit(x, y, batch_size=16, epochs=3, verbose=0, checkpoint=tmp_path, resume=True)
    for a, b in zip(again.get_weights(), whole.get_weights(), strict=True):
        assert_array_equal(a, b)
