"""The C1 CNN trains alike on every engine: the losses of its first steps, with dropout, Adam and shuffling.

The short form has small images. ``make agreement`` runs the network of row C1 on 28×28 images for 100 steps, in
float64: in float32 training amplifies the rounding of the first steps, on every pair of engines, until the losses of
a network of that size differ by some percent.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from numpy.testing import assert_allclose

import omomi
from omomi.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

FULL = bool(os.environ.get("OMOMI_AGREEMENT"))
SIDE, FILTERS, UNITS, STEPS, BATCH = (28, 32, 128, 100, 32) if FULL else (10, 4, 16, 100, 8)
DTYPES = ("float64",) if FULL else ("float32", "float64")
SAMPLES = BATCH * STEPS // 4  # four epochs


class Losses(omomi.callbacks.Callback):
    """The loss of every step, from the running mean of an epoch."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_epoch_begin(self, epoch, logs):
        self.total = 0.0

    def on_train_batch_end(self, batch, logs):
        total = logs["loss"] * (batch + 1)
        self.losses.append(total - self.total)
        self.total = total


def losses(engine, dtype):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, SAMPLES)
    x = rng.normal(size=(10, SIDE, SIDE, 1))[y] + rng.normal(size=(SAMPLES, SIDE, SIDE, 1))
    with omomi.use(engine):
        model = omomi.Sequential(
            [
                Conv2D(FILTERS, 3, activation="relu", input_shape=(SIDE, SIDE, 1)),
                Conv2D(FILTERS, 3, activation="relu"),
                MaxPooling2D(),
                Dropout(0.25),
                Flatten(),
                Dense(UNITS, activation="relu"),
                Dropout(0.5),
                Dense(10, activation="softmax"),
            ],
            seed=0,
            dtype=dtype,
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        seen = Losses()
        model.fit(x, y, batch_size=BATCH, epochs=4, verbose=0, callbacks=[seen])
    return np.array(seen.losses)


@pytest.fixture(scope="module", params=DTYPES)
def reference(request):
    return request.param, losses("numpy", request.param)


@pytest.mark.parametrize("engine", ["numba", "jax"])
def test_the_losses_of_a_hundred_steps_agree(engine, reference):
    dtype, expected = reference
    assert len(expected) == STEPS
    assert expected[-10:].mean() < expected[:10].mean()
    assert_allclose(losses(engine, dtype), expected, rtol=1e-4)
