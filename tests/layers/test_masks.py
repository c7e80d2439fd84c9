"""Masks: where they come from, how they travel from layer to layer, and what losses and metrics make of them."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Sequential, Variable
from omomi.graph import functions
from omomi.layers import LSTM, Add, Concatenate, Dense, Dropout, Embedding, Flatten, Masking, SimpleRNN

X = np.array([[1, 2, 0], [2, 0, 0], [1, 1, 2]])
EXIST = X != 0


def test_a_mask_starts_where_padding_is_known():
    assert_array_equal(Embedding(3, 2, mask_zero=True)(X).mask.array, EXIST)
    assert Embedding(3, 2)(X).mask is None
    steps = np.array([[[1.0, 0.0], [-1.0, -1.0], [0.0, 0.0]]])
    y = Masking()(steps)
    assert_array_equal(y.mask.array, [[True, True, False]])
    y = Masking(-1.0)(steps)
    assert_array_equal(y.mask.array, [[True, False, True]])
    assert_array_equal(y.array, [[[1, 0], [0, 0], [0, 0]]])


def test_it_passes_through_layers_that_treat_each_step_alone():
    y = Embedding(3, 2, mask_zero=True)(X)
    for layer in (Dropout(0.5), Dense(4, activation="relu"), LSTM(2, return_sequences=True)):
        y = layer(y, training=True)
        assert_array_equal(y.mask.array, EXIST)
    assert LSTM(2)(y).mask is None  # the last output has no steps


def test_it_is_turned_round_with_the_sequence():
    y = SimpleRNN(2, return_sequences=True, go_backwards=True)(Embedding(3, 2, mask_zero=True)(X))
    assert_array_equal(y.mask.array, EXIST[:, ::-1])


def test_an_input_that_is_cast_keeps_its_mask():
    x = Variable(np.ones((3, 3, 2), np.float32))
    x.mask = Variable(EXIST)
    assert_array_equal(Dense(2, dtype="float64")(x).mask.array, EXIST)


def test_a_call_that_takes_a_mask_gets_it_and_may_be_given_another():
    class Seen(omomi.Layer):
        def call(self, inputs, mask=None):
            self._mask = mask
            return inputs

    y, seen = Embedding(3, 2, mask_zero=True)(X), Seen()
    seen(y)
    assert seen._mask is y.mask
    seen(y, mask=None)
    assert seen._mask is None
    seen(y, ~EXIST)
    assert_array_equal(seen._mask, ~EXIST)


def test_a_layer_that_loses_a_mask_says_so_once(caplog):
    layer = Flatten(name="flat")
    with caplog.at_level(logging.WARNING, "omomi"):
        for _ in range(2):
            assert layer(Embedding(3, 2, mask_zero=True)(X)).mask is None
    assert [record.message for record in caplog.records if "flat" in record.message]
    assert len(caplog.records) == 1


def test_merged_inputs():
    a, b = Embedding(3, 2, mask_zero=True)(X), Embedding(3, 2, mask_zero=True)(X[:, ::-1].copy())
    c = Embedding(3, 2)(X)
    assert_array_equal(Add()([a, b]).mask.array, EXIST | EXIST[:, ::-1])
    assert Add()([a, c]).mask is None
    assert_array_equal(Concatenate()([a, b]).mask.array, EXIST | EXIST[:, ::-1])
    assert_array_equal(Concatenate(axis=1)([a, c]).mask.array, np.concatenate([EXIST, np.ones((3, 3))], axis=1))


def test_padding_does_not_change_what_a_network_computes():
    model = Sequential([Embedding(9, 3, mask_zero=True), SimpleRNN(4, return_sequences=True), LSTM(3)], seed=0)
    x = np.random.default_rng(0).integers(1, 9, (4, 5))
    padded = np.concatenate([x, np.zeros((4, 3), int)], axis=1)
    assert_allclose(model.predict(padded), model.predict(x), rtol=1e-6)
    bare = Sequential([Embedding(9, 3), SimpleRNN(4, return_sequences=True), LSTM(3)], seed=0)
    assert np.abs(bare.predict(padded) - bare.predict(x)).max() > 1e-3


def test_the_loss_is_the_mean_over_the_steps_that_exist():
    """Errors 1, 2 | 3 | 4, 5, 6 at the six steps that exist, 100 elsewhere: mean of squares 91 / 6; weighted by
    sample 1, 2, 3: (1 + 4 + 2·9 + 3·(16 + 25 + 36)) / 6."""
    y = Variable(np.array([[1.0, 2, 100], [3, 100, 100], [4, 5, 6]])[..., None])
    y.mask = Variable(EXIST)
    loss = omomi.losses.MeanSquaredError()
    assert_allclose(loss(np.zeros((3, 3, 1)), y).array, 91 / 6)
    assert_allclose(loss(np.zeros((3, 3, 1)), y, sample_weight=np.array([1, 2, 3])).array, 254 / 6)
    loss(np.zeros((3, 3, 1)), y).backward()
    assert_allclose(y.grad[..., 0], np.where(EXIST, 2 * y.array[..., 0] / 6, 0))


def test_nothing_exists_and_nothing_breaks():
    assert_array_equal(functions.masked_weights(np.ones((2, 2)), np.zeros((2, 2), bool)).array, np.zeros((2, 2)))


@pytest.mark.parametrize("engine", ["numpy", "numba", "jax"])
def test_fit_counts_only_steps_that_exist(engine):
    """Padding of any length, and any targets there, give the same training and the same metrics."""
    rng = np.random.default_rng(0)
    x = rng.integers(1, 5, (12, 4))
    longer = np.concatenate([x, np.zeros((12, 3), int)], axis=1)
    found = []
    with omomi.use(engine):
        for inputs in (x, longer):
            model = Sequential(
                [Embedding(5, 3, mask_zero=True), SimpleRNN(4, return_sequences=True), Dense(3, activation="softmax")],
                seed=0,
            )
            model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
            history = model.fit(inputs, inputs % 3, batch_size=6, epochs=2, verbose=0, shuffle=False)
            found.append((*history.history["loss"], *history.history["accuracy"], *model.evaluate(inputs, inputs % 3)))
    assert_allclose(found[1], found[0], rtol=1e-5)


def test_masking_is_saved(tmp_path):
    model = Sequential([Masking(-1.0), LSTM(2)], seed=0)
    x = np.array([[[1.0, 2.0], [-1.0, -1.0], [-1.0, -1.0]]])
    before = model.predict(x[:, :1])
    model.save(tmp_path / "model.safetensors")
    again = omomi.load_model(tmp_path / "model.safetensors")
    assert again.layers[0].mask_value == -1.0
    assert_array_equal(again.predict(x), before)


def test_masking_needs_vectors():
    with pytest.raises(omomi.errors.ShapeError, match="mask_zero"):
        Masking()(np.zeros((2, 3)))
