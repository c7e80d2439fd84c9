"""The table of layers: costs worked out by hand, branches, models inside, and what a batch holds."""

from __future__ import annotations

import numpy as np
import pytest

import omomi
from omomi import Input, Model, Sequential, errors, layers
from omomi.layers import Add, Bidirectional, Conv2D, Dense, Flatten, MultiHeadAttention, SimpleRNN
from omomi.layers.registry import LAYERS
from tests.engines.xla.test_layers import MADE, SHAPES

ELEMENTWISE = {"Embedding", "PReLU", "PositionEmbedding"}  # parameters with two axes, and no product


def text_of(model, **options):
    lines = []
    model.summary(print_fn=lines.append, **options)
    return lines[0]


def costs(model):
    return {row.name: (row.forward, row.backward) for row in model.rows()}


def test_costs_of_a_chain():
    model = Sequential([Conv2D(8, 3, input_shape=(6, 6, 2), name="conv"), Flatten(), Dense(5, name="dense")])
    conv, dense = 4 * 4 * 8 * 3 * 3 * 2, 128 * 5
    # Nobody asks for the delta of the data, so the first layer pays only for its weights.
    assert costs(model) == {"conv": (conv, conv), "flatten": (0, 0), "dense": (dense, 2 * dense)}
    text = text_of(model, batch_size=10)
    assert f"{conv + dense:,} forward, {conv + 2 * dense:,} backward" in text
    assert f"one step: {10 * (2 * conv + 3 * dense):,}" in text
    values = 128 + 128 + 5
    assert f"{2 * 10 * values * 4 / 1024:.1f} KiB" in text
    half = next(line for line in text.splitlines() if line.startswith("mixed"))
    assert f"{10 * values * 2 / 1024:.1f} KiB" in half
    model.get_layer("conv").trainable = False  # then nothing before the dense layer learns either
    assert costs(model) == {"conv": (conv, 0), "flatten": (0, 0), "dense": (dense, dense)}


def test_costs_where_deltas_pass_a_frozen_layer_or_a_shared_one():
    x = Input((4,))
    shared = Dense(4, name="shared")
    frozen = Dense(4, name="frozen", trainable=False)
    model = Model(x, Dense(2, name="last")(frozen(shared(shared(x)))))
    assert costs(model) == {
        "input_layer": (0, 0),
        "shared": (32, 16 + 32),  # weights twice, and the delta between the calls once
        "frozen": (16, 16),  # the delta alone
        "last": (8, 16),
    }


def test_deltas_stop_where_nothing_before_learns():
    x = Input((4,))
    model = Model(x, Dense(2, name="last")(Dense(4, name="frozen", trainable=False)(x)))
    assert costs(model) == {"input_layer": (0, 0), "frozen": (16, 0), "last": (8, 8)}


def test_costs_of_recurrence_and_attention():
    model = Sequential(
        [SimpleRNN(3, return_sequences=True, input_shape=(5, 2), name="first"), SimpleRNN(4, name="rnn")]
    )
    first, second = (5 * 6, 5 * 9), (5 * 12, 5 * 16)  # the products with W and with U
    assert costs(model) == {
        "first": (sum(first), sum(first) + first[1]),  # the deltas of the states, not of the data
        "rnn": (sum(second), 2 * sum(second)),
    }
    both = Sequential([Bidirectional(SimpleRNN(3), input_shape=(5, 2), name="both")])
    assert costs(both) == {"both": (2 * sum(first), 2 * (sum(first) + first[1]))}
    q, v = Input((3, 4)), Input((5, 4))
    looked = Model([q, v], MultiHeadAttention(2, 3, name="attention")(q, v))
    reading, looking, last = 3 * 24 + 5 * 24 + 5 * 24, 3 * 5 * 2 * 6, 3 * 24
    forward = reading + looking + last
    assert costs(looked)["attention"] == (forward, reading + last + 2 * looking + last)


def test_a_layer_that_does_not_say_what_it_costs_makes_the_sum_unknown():
    class Mine(omomi.Layer):
        def build(self, input_shape):
            self.w = self.add_weight((input_shape[-1], 2))

        def call(self, x):
            return x @ self.w

    model = Sequential([Dense(3, input_shape=(3,)), Mine()])
    assert costs(model)["mine"] == (None, None)
    assert "? forward, ? backward" in text_of(model)
    assert "one step: unknown" in text_of(model, batch_size=2)


@pytest.mark.parametrize("name", sorted(set(LAYERS) - {"Embedding"}))
def test_every_layer_knows_its_shape_and_cost_before_there_are_numbers(name):
    layer = MADE.get(name, lambda kind: kind())(LAYERS[name])
    x = Input(SHAPES.get(name, (6, 7, 3)))
    y = layer(x) if name != "InputLayer" else x
    model = Model(x, y)
    found = model(np.full((2, *x.shape[1:]), 0.5, np.float32))
    assert (None, *found.shape[1:]) == y.shape
    assert found.dtype == y.dtype
    matrices = [p for p in layer.entries().values() if p.ndim > 1]
    row = next(row for row in model.rows() if row.kind != "InputLayer") if name != "InputLayer" else None
    if matrices and not isinstance(layer, omomi.Model) and name not in ELEMENTWISE and row.kind == name:
        assert row.forward > 0


def test_branches_and_models_inside():
    left, right = Input((3,), name="left"), Input((3,), name="right")
    inner = Model(left, Dense(2, name="deep")(left), name="inner")
    model = Model([left, right], Add(name="sum")([inner(left), inner(right)]), name="outer")
    text = text_of(model)
    assert text.startswith("outer\n")
    line = next(line for line in text.splitlines() if line.startswith("sum"))
    assert line.split() == ["sum", "Add", "(N,", "2)", "0", "0", "0", "inner"]
    assert next(line for line in text.splitlines() if line.startswith("inner")).endswith("left, right")
    assert "deep" not in text
    assert "  deep" in text_of(model, expand_nested=True)
    assert "trainable" in text_of(model, show_trainable=True)
    inner.trainable = False
    assert " no" in text_of(model, show_trainable=True)
    assert model.rows()[2].forward == 12  # called twice
    assert "left" not in text_of(model, layer_range=("sum", "sum")).split("reads")[0]
    assert max(map(len, text_of(model, line_length=50).splitlines()[:-1])) <= 50
    with pytest.raises(errors.ConfigurationError, match="first and the last layer"):
        text_of(model, layer_range=("sum", "nothing"))


def test_the_picture_shows_every_input(tmp_path):
    left, right = Input((3,), name="left"), Input((4, 4, 2), name="right")
    model = Model([left, right], Add()([Dense(2)(left), Dense(2)(Flatten()(right))]))
    path = omomi.inspect.draw_model(model, tmp_path / "network.svg")
    text = path.read_text()
    for words in ("left", "right", "4 × 4 × 2", "add"):
        assert words in text


def test_clones_have_the_same_layers_and_their_own_weights():
    x = Input((3,), name="x")
    shared = Dense(3, activation="tanh", name="shared")
    model = Model(x, [shared(shared(x)) * 2.0, Sequential([Dense(2)], name="inside")(x)], seed=0)
    clone = omomi.clone_model(model, seed=1)
    assert clone.get_config() == model.get_config()
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])
    clone.set_weights(model.get_weights())
    data = np.ones((2, 3), np.float32)
    for a, b in zip(clone.predict(data), model.predict(data), strict=True):
        assert np.array_equal(a, b)

    def make(layer):
        return layer if layer is shared else type(layer).from_config(layer.get_config())

    kept = omomi.clone_model(model, clone_function=make)
    assert kept.get_layer("shared") is shared
    z = Input((3,), name="z")
    assert omomi.clone_model(model, input_tensors=z).input_names == ["z"]
    chain = Sequential([Dense(4, input_shape=(3,)), layers.Dropout(0.5)], seed=0)
    again = omomi.clone_model(chain, seed=0)
    assert np.array_equal(again.get_weights()[0], chain.get_weights()[0])
    assert omomi.clone_model(Sequential([Dense(2)])).built is False

    class Own(Model):
        def call(self, x):
            return x

    with pytest.raises(errors.ConfigurationError, match="connections are known"):
        omomi.clone_model(Own())
    with pytest.raises(errors.ConfigurationError, match="returns a layer"):
        omomi.clone_model(chain, clone_function=lambda layer: None)
