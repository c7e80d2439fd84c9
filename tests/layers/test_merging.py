"""Merge layers: what they compute, how shapes are brought together, and what is said when they cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Variable, errors, layers
from omomi.layers import Add, Average, Concatenate, Conv2D, Dense, Maximum, Minimum, Multiply, Subtract

A, B, C = (np.random.default_rng(i).normal(size=(2, 3, 4)) for i in range(3))
EXPECTED = {
    Add: A + B + C,
    Multiply: A * B * C,
    Average: (A + B + C) / 3,
    Maximum: np.maximum(np.maximum(A, B), C),
    Minimum: np.minimum(np.minimum(A, B), C),
    Concatenate: np.concatenate([A, B, C], axis=-1),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_three_inputs_become_one(kind):
    layer = kind(dtype="float64")
    expected = EXPECTED[kind]
    assert_allclose(layer([A, B, C]).array, expected, rtol=1e-12)  # arrays
    assert_allclose(layer([Variable(A), B, Variable(C)]).array, expected, rtol=1e-12)
    assert layer.compute_output_shape([(None, 3, 4)] * 3) == (None, *expected.shape[1:])
    assert_allclose(getattr(layers, kind.__name__.lower())([A, B, C], dtype="float64").array, expected, rtol=1e-12)
    again = kind.from_config(layer.get_config())
    assert_array_equal(again([A, B, C]).array, layer([A, B, C]).array)


def test_every_input_gets_its_delta():
    """y = a·b; of y = max(a, b) the larger gets the delta, of a mean each a half."""
    a, b = Variable(np.array([[2.0, 5.0]])), Variable(np.array([[3.0, 4.0]]))
    for layer, ga, gb in (
        (Multiply(), [[3, 4]], [[2, 5]]),
        (Maximum(), [[0, 1]], [[1, 0]]),
        (Minimum(), [[1, 0]], [[0, 1]]),
        (Average(), [[0.5, 0.5]], [[0.5, 0.5]]),
        (Subtract(), [[1, 1]], [[-1, -1]]),
    ):
        layer([a, b]).sum().backward()
        assert_array_equal(a.grad, ga)
        assert_array_equal(b.grad, gb)
        a.grad = b.grad = None


def test_the_batch_stays_in_front_of_what_is_broadcast():
    """One number for each sample and channel, beside images: squeeze and excitation."""
    images, gates = np.random.default_rng(0).normal(size=(2, 5, 5, 3)), np.arange(6.0).reshape(2, 3)
    layer = Multiply(dtype="float64")
    assert_array_equal(layer([images, gates]).array, images * gates[:, None, None, :])
    assert layer.compute_output_shape([(None, 5, 5, 3), (None, 3)]) == (None, 5, 5, 3)
    assert layer.compute_output_shape([(None, 1, 4), (None, 6, 1)]) == (None, 6, 4)
    assert layer.compute_output_shape([(None, None, 4), (None, 1, 4)]) == (None, None, 4)


def test_other_axes():
    assert_array_equal(Concatenate(axis=1, dtype="float64")([A, B]).array, np.concatenate([A, B], axis=1))
    assert Concatenate(axis=-2).compute_output_shape([(None, 3, 4), (None, 5, 4)]) == (None, 8, 4)
    assert Concatenate(1).compute_output_shape([(None, None, 4), (None, 5, 4)]) == (None, None, 4)


DOTS = {
    "vectors": (1, (2, 5), (2, 5), "nk,nk->n", (2, 1)),
    "last": (-1, (2, 3, 4), (2, 6, 4), "nak,nbk->nab", (2, 3, 6)),
    "two": ((2, 1), (2, 3, 4), (2, 4, 6), "nak,nkb->nab", (2, 3, 6)),
    "many": ((1, 3), (2, 4, 3, 2), (2, 5, 6, 4), "nkab,ncdk->nabcd", (2, 3, 2, 5, 6)),
}


@pytest.mark.parametrize("case", DOTS)
def test_dot_products(case):
    axes, a, b, formula, shape = DOTS[case]
    rng = np.random.default_rng(0)
    x, y = Variable(rng.normal(size=a)), Variable(rng.normal(size=b))
    layer = layers.Dot.from_config(layers.Dot(axes, dtype="float64").get_config())
    found = layer([x, y])
    expected = np.einsum(formula, x.array, y.array).reshape(shape)
    assert_allclose(found.array, expected, rtol=1e-12)
    assert layer.compute_output_shape([(None, *a[1:]), (None, *b[1:])]) == (None, *shape[1:])
    found.sum().backward()
    for part in (x, y):  # the products are linear in each
        assert_allclose((part.grad * part.array).sum(), found.array.sum(), rtol=1e-10)


def test_the_cosine_of_an_angle():
    found = layers.dot([[[3.0, 4.0]], [[4.0, 3.0]]], axes=1, normalize=True)
    assert_allclose(found.array, [[24 / 25]], rtol=1e-6)


class Residual(omomi.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.inner, self.sum, self.out = Dense(4, activation="tanh"), Add(), Dense(1)

    def call(self, x):
        return self.out(self.sum([x, self.inner(x)]))


def test_a_model_with_a_way_past_a_layer_trains_the_same_on_both_engines():
    x = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
    found = {}
    for engine in ("numpy", "numba"):
        model = Residual(seed=0)
        model.compile("sgd", "mse")
        with omomi.use(engine):
            found[engine] = model.fit(x, x[:, :1] * x[:, 1:2], epochs=4, batch_size=8, verbose=0).history["loss"]
    assert found["numpy"][-1] < found["numpy"][0]
    assert_allclose(found["numba"], found["numpy"], rtol=1e-5)


WRONG = [
    (lambda: Add()(A), "merges a list of inputs"),
    (lambda: Add()(Variable(A)), r"Add\(\)\(\[a, b\]\)"),
    (lambda: Subtract()([A, B, C]), "a list of 2 inputs"),
    (lambda: Add()([A, B[:, :2]]), "cannot be brought together"),
    (lambda: Add()([A, B[:1]]), "number of samples"),
    (lambda: Concatenate()([A, B[:, :2]]), "on every axis but -1"),
    (lambda: Concatenate(axis=3)([A, B]), r"1 … 2"),
    (lambda: layers.Dot(1)([A, B[:, :2]]), "differ in size"),
    (lambda: layers.Dot((1, 3))([A, B]), "do not exist"),
    (lambda: layers.Dot(0), "batch is axis 0"),
    (lambda: Concatenate(axis=0), "axis 0 is the batch"),
    (lambda: Dense(3)([Variable(A), Variable(B)]), "reads one input"),
    (lambda: Conv2D(3, 1)({"left": A, "right": B}), "reads one input"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_mistakes_are_named(make, message):
    with pytest.raises(errors.OmomiError, match=message):
        make()


def test_a_built_layer_checks_too():
    layer, merge = Dense(2), Add()
    layer(A)
    merge([A, B])
    with pytest.raises(errors.ShapeError, match="reads one input"):
        layer([Variable(A), Variable(A)])
    with pytest.raises(errors.ShapeError, match="cannot be brought together"):
        merge([A, B[:, :2]])
