"""The rewrites of a plan: where they happen and where they must not, and that they change the numbers by rounding only.

What a fused kernel computes is tested beside the kernel; here it is the plan of a network that is looked at.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import omomi
from omomi import Layer, Sequential
from omomi.engines.cpu.launch import Program
from omomi.layers import Activation, Conv2D, Dense, Flatten, MaxPooling2D

RNG = np.random.default_rng(3)
IMAGES = RNG.normal(size=(12, 11, 10, 16)).astype(np.float32)
LABELS = RNG.integers(0, 3, 12)


class Twice(Layer):
    """Reads its input twice, so that nothing before it may be left out."""

    replayable = True

    def call(self, x):
        return x * x


def network(*layers):
    return Sequential([*layers, Flatten(), Dense(3, activation="softmax")], seed=2)


def kernels(model) -> list[str]:
    """The names of what a replayed training step runs."""
    steps = model._steps.made["numba", "train"]
    (plan,) = steps.compiled.plans.values()
    pieces = [*plan.before, *plan.after]
    return [launch.kernel.name for piece in pieces if isinstance(piece, Program) for launch in piece.launches]


def trained(make, engine):
    with omomi.use(engine):
        model = make()
        model.compile("sgd", "sparse_categorical_crossentropy")
        history = model.fit(IMAGES, LABELS, batch_size=12, epochs=3, verbose=0)
    return model, history.history["loss"]


POOLED = {
    "relu": lambda: network(Conv2D(16, 3, activation="relu", input_shape=(11, 10, 16)), MaxPooling2D()),
    "no activation": lambda: network(Conv2D(17, 3, padding="same", input_shape=(11, 10, 16)), MaxPooling2D()),
    "an activation of its own": lambda: network(
        Conv2D(16, 3, input_shape=(11, 10, 16)), Activation("tanh"), MaxPooling2D()
    ),
    "a frozen convolution": lambda: network(
        Conv2D(16, 3, activation="relu", trainable=False, input_shape=(11, 10, 16)), MaxPooling2D()
    ),
    "deeper": lambda: network(
        Conv2D(16, 3, padding="same", activation="relu", input_shape=(11, 10, 16)),
        Conv2D(16, 3, padding="same", activation="relu"),
        MaxPooling2D(),
    ),
}

APART = {
    "windows that overlap": lambda: network(
        Conv2D(16, 3, activation="relu", input_shape=(11, 10, 16)), MaxPooling2D(3, strides=2)
    ),
    "few channels": lambda: network(Conv2D(3, 3, activation="relu", input_shape=(11, 10, 16)), MaxPooling2D()),
    "an activation that pooling does not commute with": lambda: network(
        Conv2D(16, 3, activation="gelu", input_shape=(11, 10, 16)), MaxPooling2D()
    ),
    "somebody else between": lambda: network(
        Conv2D(16, 3, activation="relu", input_shape=(11, 10, 16)), Twice(), MaxPooling2D()
    ),
}


@pytest.mark.parametrize("name", [*POOLED, *APART])
def test_pooling_with_its_convolution(name):
    make = (POOLED | APART)[name]
    model, losses = trained(make, "numba")
    reference, expected = trained(make, "numpy")
    assert any(kernel.startswith("max_pooling") for kernel in kernels(model)) == (name in APART)
    assert_allclose(losses, expected, rtol=1e-4)
    for a, b in zip(model.get_weights(), reference.get_weights(), strict=True):
        assert_allclose(a, b, atol=1e-5)
    assert_allclose(model.predict(IMAGES), reference.predict(IMAGES), atol=1e-5)
