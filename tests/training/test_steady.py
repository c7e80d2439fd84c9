"""Training for long: steps hold no memory and leave nothing for the garbage collector.

OMOMI_STEADY_STEPS says how many steps are trained; ``make steady`` takes ten times as many as the suite, and shows by
how much the memory of the process has grown.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import omomi
from omomi import Sequential
from omomi.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

STEPS = int(os.environ.get("OMOMI_STEADY_STEPS", "1000"))
MOST = 2 * 2**20  # bytes by which the process may grow


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def network():
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
    return model


def samples(count):
    rng = np.random.default_rng(0)
    return rng.random((count, 8, 8, 1), dtype=np.float32), rng.integers(0, 3, count)


@pytest.fixture(params=["numpy", "numba"])
def engine(request):
    with omomi.use(request.param):
        yield request.param


@pytest.fixture
def trainer_and_batch(engine):
    model = network()
    return model.trainer(), next(model.data(*samples(16), None, None, 16).epoch())


def assert_steady(what, before):
    grown = resident_bytes() - before
    print(f"{what}: after {STEPS:,} steps the process has grown by {grown / 2**10:,.0f} KiB")
    assert grown < MOST


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow(engine, trainer_and_batch):
    trainer, batch = trainer_and_batch
    for _ in range(200):
        trainer.train_on_batch(batch)
    before = resident_bytes()
    for _ in range(STEPS):
        trainer.train_on_batch(batch)
    assert_steady(f"{engine}, one batch", before)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_fit_does_not_grow(engine):
    """Ten batches in an epoch, the last one smaller, each epoch shuffled, judged, and noted in the History."""
    model, (x, y), judged = network(), samples(150), samples(20)
    model.fit(x, y, batch_size=16, epochs=20, validation_data=judged, verbose=0)
    before = resident_bytes()
    model.fit(x, y, batch_size=16, epochs=STEPS // 10, validation_data=judged, verbose=0)
    assert_steady(f"{engine}, fit", before)


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
