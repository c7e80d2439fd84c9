"""Indices outside the table of an Embedding: said before training starts, and in a step wherever they come from."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import omomi
from omomi import Sequential, errors
from omomi.layers import Dense, Embedding, Flatten, Reshape

GOOD = np.array([[0, 1], [2, 3]])


def model(*before):
    made = Sequential([*before, Embedding(4, 2, name="words"), Flatten(), Dense(1)], seed=0)
    made.compile("sgd", "mse")
    return made


@pytest.mark.parametrize("engine", ["numpy", "numba", "jax"])
@pytest.mark.parametrize(("wrong", "words"), [(4, "input_dim=5"), (-1, "do not count from the end")])
def test_data_is_checked_before_anything_runs(engine, wrong, words):
    with omomi.use(engine):
        made, bad = model(), GOOD.copy()
        made.predict(GOOD)
        before = made.get_weights()
        bad[1, 0] = wrong
        for run in (lambda: made.fit(bad, np.zeros((2, 1)), verbose=0), lambda: made.predict(bad)):
            with pytest.raises(errors.DataError, match=words) as caught:
                run()
            message = str(caught.value)
            assert "words (Embedding)" in message
            assert "0 … 3" in message
            assert f"{wrong} at (1, 0)" in message
        for a, b in zip(made.get_weights(), before, strict=True):
            assert_array_equal(a, b)


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_an_index_that_was_computed_is_checked_in_the_step_and_nothing_is_lost(engine):
    with omomi.use(engine):
        made = model(Reshape((2,)))
        x, t = np.tile(GOOD, (4, 1)), np.zeros((8, 1))
        made.fit(x, t, batch_size=4, verbose=0)
        before = made.get_weights()
        x[5, 1] = 7
        with pytest.raises(errors.DataError, match="words"):
            made.train_on_batch(x, t)
        for a, b in zip(made.get_weights(), before, strict=True):
            assert_array_equal(a, b)
        made.fit(np.tile(GOOD, (4, 1)), t, batch_size=4, verbose=0)  # and it goes on


def test_inside_a_program_of_jax_such_a_row_is_no_number():
    with omomi.use("jax"):
        made = model(Reshape((2,)))
        assert_array_equal(np.isnan(made.predict(np.array([[0, 1], [2, -1], [4, 1]]))), [[False], [True], [True]])
        with pytest.raises(errors.NonFiniteError):
            made.fit(np.array([[0, 4]]), np.zeros((1, 1)), verbose=0)


def test_the_function_checks_too():
    with omomi.use("numpy"), pytest.raises(errors.DataError, match="0 … 1"):
        omomi.functions.embedding(np.zeros((2, 3)), np.array([0, 2]))
    assert omomi.functions.embedding(np.zeros((2, 3)), np.zeros((2, 0), int)).shape == (2, 0, 3)


def test_each_input_of_a_network_is_checked():
    a, b = omomi.Input((2,)), omomi.Input((2,))
    y = Dense(1)(Flatten()(omomi.layers.add([Embedding(4, 2)(a), Embedding(9, 2, name="tags")(b)])))
    with omomi.use("jax"):
        made = omomi.Model([a, b], y, seed=0)
        assert made.predict([GOOD, GOOD + 5]).shape == (2, 1)
        with pytest.raises(errors.DataError, match="tags"):
            made.predict([GOOD, GOOD + 6])
