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


ROWS = RNG.normal(size=(12, 60)).astype(np.float32)


def descended(make, optimizer, x=ROWS, loss="mean_squared_error", epochs=3):
    """Weights after a few steps on each engine, and the kernels of the replayed step."""
    weights, names, t = {}, [], np.linspace(-1, 1, len(x))[:, None].astype(np.float32)
    for engine in ("numpy", "numba"):
        with omomi.use(engine):
            model = make()
            model.compile(optimizer(), loss)
            model.fit(x, t, batch_size=len(x), epochs=epochs, verbose=0)
        weights[engine] = model.get_weights()
        names = kernels(model) if engine == "numba" else names
    return weights, names, model


def sgd(rate=0.05, **options):
    return lambda: omomi.optimizers.SGD(rate, **options)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rest", ["one rate", "a rate per unit", "momentum", "frozen", "L2", "more samples"])
def test_plain_descent_without_gradients(rest, bias):
    """The large layer takes its step without a gradient in memory, if plain descent is all that happens to it."""
    large = {"use_bias": bias, "activation": "tanh", "input_shape": (60,)}
    if rest == "L2":
        large["kernel_regularizer"] = "l2"
    if rest == "frozen":
        large["trainable"] = False
    optimizer = sgd(momentum=0.9) if rest == "momentum" else sgd()
    if rest == "a rate per unit":
        optimizer = sgd({"": 0.05, "dense": np.linspace(0.01, 0.1, 50)})
    x = np.repeat(ROWS, 8, axis=0) if rest == "more samples" else ROWS
    weights, names, _ = descended(lambda: Sequential([Dense(50, **large), Dense(1)], seed=2), optimizer, x)
    for a, b in zip(weights["numba"], weights["numpy"], strict=True):
        assert_allclose(a, b, atol=2e-6)
    assert ("spoilt_product" in names) == (rest in ("one rate", "a rate per unit", "momentum"))
    assert names.count(optimizer().rule.name) == (2 if rest in ("one rate", "frozen") else 3 + bias)


def test_a_cautious_plan_refuses_nothing_that_is_in_order():
    """Numbers so large that the bound cannot tell, although every gradient is finite."""
    large = ROWS * np.float32(1e18)

    def make():
        return Sequential([Dense(50, input_shape=(60,)), Dense(1)], seed=2)

    weights, names, model = descended(make, sgd(2e-37), large, epochs=1)
    assert "spoilt_product" in names
    assert model._steps.made["numba", "train"].compiled.exact
    for a, b in zip(weights["numba"], weights["numpy"], strict=True):
        assert np.isfinite(a).all()
        assert_allclose(a, b, atol=1e-4)
