"""Cells, alone, stacked and of one's own, carried along sequences: they are what the whole layers are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Sequential, errors
from omomi.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Dense,
    GRUCell,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
)

F64 = {"dtype": "float64"}
PAIRS = [(SimpleRNNCell, SimpleRNN), (LSTMCell, LSTM), (GRUCell, GRU)]
X = np.random.default_rng(0).normal(size=(3, 4, 2))
MASK = np.array([[1, 1, 0, 0], [1, 0, 1, 1], [1, 1, 1, 1]], bool)


class OneByOne(omomi.Layer):
    """A cell that is none of Omomi's own: it is called at each step."""

    replayable = True

    def __init__(self, cell, **options):
        super().__init__(**options)
        self.cell = cell
        self.state_size, self.output_size = cell.state_size, cell.output_size

    def call(self, x, states):
        y, *last = self.cell(x, states)
        return y, last


@pytest.mark.parametrize(("cell", "layer"), PAIRS)
def test_a_cell_along_a_sequence_is_the_layer(cell, layer):
    """So it is when it is called step by step; outputs, states and gradients."""
    options = {"return_sequences": True, "return_state": True, **F64}
    whole, carried, stepped = layer(5, **options), RNN(cell(5), **options), RNN(OneByOne(cell(5)), **options)
    found = []
    for made in (whole, carried, stepped):
        made(X)
        made.set_weights([np.random.default_rng(i).normal(size=w.shape) for i, w in enumerate(made.weights)])
        x = omomi.Variable(X)
        y, *last = made(x, mask=MASK)
        (y * y).sum().backward()
        found.append([y.array, *(s.array for s in last), x.grad, *(p.grad for p in made.parameters().values())])
        assert made.compute_output_shape((None, 4, 2)) == [(None, *part.shape[1:]) for part in (y, *last)]
    for other in found[1:]:
        for a, b in zip(other, found[0], strict=True):
            assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_stacked_cells_are_stacked_layers():
    cells = RNN([LSTMCell(4), GRUCell(3)], return_state=True, **F64)
    y, *last = cells(X, mask=MASK)
    first, second = LSTM(4, return_sequences=True, return_state=True, **F64), GRU(3, **F64)
    h, *_ = first(X)
    second(h)
    first.set_weights(cells.get_weights()[:3])
    second.set_weights(cells.get_weights()[3:])
    h, *states = first(X, mask=MASK)
    assert_allclose(y.array, second(h, mask=MASK).array, rtol=1e-12)
    assert_allclose(last[1].array, states[1].array, rtol=1e-12)
    assert cells.cell.state_size == [4, 4, 3]
    again, *_ = RNN(OneByOne(cells.cell), return_state=True, **F64)(X, mask=MASK)
    assert_allclose(again.array, y.array, rtol=1e-12)


@pytest.mark.parametrize(("cell", "layer"), PAIRS)
def test_a_cell_alone_takes_one_step(cell, layer):
    made = cell(5, seed=0, **F64)
    y, *states = made(X[:, 0])
    y, *states = made(X[:, 1], states)
    whole = layer(5, **F64)
    whole(X)
    whole.set_weights(made.get_weights())
    assert_allclose(y.array, whole(X[:, :2]).array, rtol=1e-12)
    assert len(states) == len(made.compute_output_shape((3, 2))) - 1


class Sum(omomi.Layer):
    """The sum of all steps, with a factor that is learned."""

    replayable = True
    state_size = 2

    def build(self, input_shape):
        self.factor = self.add_weight((), "ones")

    def call(self, x, states):
        total = states[0] + x * self.factor
        return total, [total]


@pytest.mark.parametrize("engine", ["numpy", "numba", "jax"])
def test_a_cell_of_ones_own_learns_and_is_saved(engine, tmp_path):
    with omomi.use(engine):
        model = Sequential([RNN(Sum(), input_shape=(4, 2)), Dense(1, use_bias=False)], seed=0)
        model.compile("sgd", "mse")
        target = X.sum(axis=(1, 2))[:, None]
        before = model.evaluate(X, target)
        model.fit(X, target, epochs=20, verbose=0)
        assert model.evaluate(X, target) < before / 2
        assert model.layers[0].cell.factor.numpy() != 1
        model.save(tmp_path / "model.safetensors")
        again = omomi.load_model(tmp_path / "model.safetensors", custom_objects={"Sum": Sum})
        assert_array_equal(again.predict(X), model.predict(X))


def test_models_of_cells_are_saved(tmp_path):
    model = Sequential([Bidirectional(RNN(GRUCell(3, reset_after=False))), Dense(1)], seed=0)
    model.add(omomi.layers.RepeatVector(2))
    model.add(RNN(StackedRNNCells([LSTMCell(2, recurrent_dropout=0.1), SimpleRNNCell(2, "relu")])))
    before = model.predict(X)
    model.save(tmp_path / "model.safetensors")
    again = omomi.load_model(tmp_path / "model.safetensors")
    assert_array_equal(again.predict(X), before)
    assert again.layers[-1].cell.cells[1].activation == "relu"


def test_padding_can_give_zeros():
    layer = RNN(SimpleRNNCell(2), return_sequences=True, zero_output_for_mask=True)
    assert_array_equal((layer(X, mask=MASK).array != 0).all(axis=-1), MASK)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RNN(Dense(2)), "state_size"),
        (lambda: RNN(LSTMCell), "not the class"),
        (lambda: StackedRNNCells([]), "no cell"),
        (lambda: LSTMCell(2)(X), r"RNN\(cell\)"),
        (lambda: RNN(LSTMCell(2))(X[:, 0]), "batch of sequences"),
    ],
)
def test_errors(make, words):
    with pytest.raises(errors.OmomiError, match=words):
        make()
