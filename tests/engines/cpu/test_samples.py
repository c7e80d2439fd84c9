"""Batches whose samples the plan of a step picks itself: the same bits as picking them first."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import omomi
from omomi.engines.cpu.samples import Samples
from omomi.engines.selection import get
from omomi.graph.hooks import Hook
from omomi.layers import Conv2D, Dense, Flatten, Layer, Rescaling

ENGINE = get("numba")
RNG = np.random.default_rng(0)
IMAGES, LABELS = RNG.integers(0, 256, (50, 12, 12, 1), dtype=np.uint8), RNG.integers(0, 3, 50)
INDEX = np.array([3, 1, 4, 1, 5])


@pytest.fixture(autouse=True)
def compiled():
    with omomi.use("numba"):
        yield


class Plain(Layer):
    """A layer that does not say that it may be replayed."""

    def call(self, inputs):
        return inputs * 1.0


def network(*first):
    model = omomi.Sequential(
        [*first, Conv2D(3, 3, activation="relu"), Flatten(), Dense(3, activation="softmax")], seed=1
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def trained(x, *first):
    model = network(*first)
    history = model.fit(x, LABELS, batch_size=16, epochs=2, verbose=0)
    judged = model.evaluate(x, LABELS, batch_size=16, verbose=0)
    return history.history, judged, model.get_weights(), model.predict(x, verbose=0)


def assert_same(a, b):
    assert a[:2] == b[:2]
    for left, right in zip((*a[2], a[3]), (*b[2], b[3]), strict=True):
        np.testing.assert_array_equal(left, right)


def scattered(x):
    """The same numbers, not contiguous: these are picked first."""
    return np.repeat(x, 2, axis=0)[::2]


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_the_same_bits_as_picking_first(dtype):
    """Scaled or not; a last batch that is smaller; data in order (evaluate) and shuffled (fit)."""
    x = IMAGES.astype(dtype)
    for first in ((lambda: [Rescaling(1 / 255)]), list, (lambda: [Rescaling(1 / 255, offset=-0.5)])):
        assert_same(trained(x, *first()), trained(scattered(x), *first()))


def test_what_waits_and_what_is_picked_at_once():
    assert isinstance(ENGINE.gather(IMAGES, INDEX), Samples)
    assert isinstance(ENGINE.gather(IMAGES, slice(3, 8)), Samples)
    for source in (LABELS, scattered(IMAGES), IMAGES.astype(">f4"), IMAGES.astype("int16").astype(object)):
        assert isinstance(ENGINE.gather(source, INDEX), np.ndarray)
    assert isinstance(ENGINE.gather(IMAGES, INDEX, "float16"), np.ndarray)


@pytest.mark.parametrize("dtype", [None, "float32", "float64"])
def test_whoever_looks_gets_an_array(dtype):
    samples = ENGINE.gather(IMAGES, INDEX, dtype)
    for array in (np.asarray(samples), ENGINE.asarray(samples), ENGINE.to_host(samples)):
        np.testing.assert_array_equal(array, IMAGES[INDEX].astype(dtype or "uint8"), strict=True)
    assert (samples.shape, samples.dtype, len(samples)) == (array.shape, array.dtype, 5)


def test_steps_that_are_not_replayed():
    """By a layer that does not allow it, and on the engine that replays nothing."""
    plain = trained(IMAGES, Rescaling(1 / 255), Plain())
    assert_same(plain, trained(scattered(IMAGES), Rescaling(1 / 255), Plain()))


def test_hooks_see_arrays():
    seen = []

    class Look(Hook):
        def after_forward(self, rule, arrays, attributes, path, y):
            seen.extend(type(a) for a in arrays)

    model = network(Rescaling(1 / 255))
    with Look():
        model.fit(IMAGES, LABELS, epochs=1, verbose=0)
    assert seen
    assert Samples not in seen


def test_other_data_with_the_same_plan():
    model = network(Rescaling(1 / 255))
    one, two = IMAGES[:20].copy(), IMAGES[20:40].copy()
    together = model.predict(IMAGES, batch_size=20, verbose=0)
    np.testing.assert_array_equal(model.predict(one, batch_size=20, verbose=0), together[:20])
    np.testing.assert_array_equal(model.predict(two, batch_size=20, verbose=0), together[20:40])


def test_the_data_is_let_go():
    """A trained model does not keep the data alive, and data at the same address is read anew."""
    model = network(Rescaling(1 / 255))
    x = IMAGES.copy()
    gone = weakref.ref(x)
    model.fit(x, LABELS, batch_size=16, verbose=0)
    del x
    gc.collect()
    assert gone() is None
