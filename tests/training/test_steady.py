"""Training for long: steps hold no memory and leave nothing for the garbage collector."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import numpy as np
import pytest

import omomi
from omomi import Sequential
from omomi.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from omomi.training.batches import Batches


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.fixture(params=["numpy", "numba"])
def trainer_and_batch(request):
    with omomi.use(request.param):
        rng = np.random.default_rng(0)
        x, y = rng.random((16, 8, 8, 1), dtype=np.float32), rng.integers(0, 3, 16)
        model = Sequential(
            [
                Conv2D(4, 3, activation="relu", input_shape=(8, 8, 1)),
                MaxPooling2D(),
                Dropout(0.2),
                Flatten(),
                Dense(3, activation="softmax"),
            ],
            seed=0,
        )
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        data = model.data(x, y, None, None, 16)
        assert isinstance(data, Batches)
        yield model.trainer(), next(data.epoch())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow(trainer_and_batch):
    trainer, batch = trainer_and_batch
    for _ in range(200):
        trainer.train_on_batch(batch)
    before = resident_bytes()
    for _ in range(1000):
        trainer.train_on_batch(batch)
    assert resident_bytes() - before < 2 * 2**20


def test_a_step_leaves_no_garbage(trainer_and_batch):
    trainer, batch = trainer_and_batch
    trainer.train_on_batch(batch)
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            trainer.train_on_batch(batch)
        assert gc.collect() == 0
    finally:
        gc.enable()
