"""Attention and positions: against Keras's numbers, by hand, what they may not see, and that they learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import errors, functions
from omomi.layers import (
    Attention,
    Dense,
    Embedding,
    LayerNormalization,
    MultiHeadAttention,
    PositionEmbedding,
    SinusoidalPositionEncoding,
)

F64 = {"dtype": "float64"}


@pytest.fixture(scope="module")
def keras():
    """What tests/oracles/keras_sequences.py wrote."""
    with np.load(Path(__file__).parent.parent / "oracles" / "keras_sequences.npz") as file:
        return dict(file)


CASES = {
    "heads_self": (lambda: MultiHeadAttention(2, 4, **F64), "x x", {}),
    "heads_causal": (lambda: MultiHeadAttention(2, 4, use_bias=False, **F64), "x x", {"use_causal_mask": True}),
    "heads_memory": (
        lambda: MultiHeadAttention(3, 4, value_dim=2, output_shape=5, **F64),
        "x memory keys",
        {"attention_mask": "may_look"},
    ),
    "heads_padded": (lambda: MultiHeadAttention(2, 4, **F64), "x x", {"value_mask": "mask", "key_mask": "mask"}),
    "dot": (lambda: Attention(use_scale=True, **F64), "x x", {"mask": ["mask", "mask"]}),
    "dot_keys": (lambda: Attention(**F64), "keys memory keys", {"use_causal_mask": True}),
}


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_are_those_of_keras(name, keras):
    make, inputs, told = CASES[name]

    def named(value):
        return [keras[v] for v in value] if isinstance(value, list) else keras.get(value, value)

    told = {key: named(value) if not isinstance(value, bool) else value for key, value in told.items()}
    layer, xs = make(), [omomi.Variable(keras[n]) for n in inputs.split()]
    run = (lambda: layer(xs, **told)) if name.startswith("dot") else (lambda: layer(*xs, **told))
    run()
    layer.set_weights([keras[f"{name}/w{i}"] for i in range(len(layer.weights))])
    y = run()
    assert_allclose(y.array, keras[f"{name}/y"], rtol=1e-10, atol=1e-12)
    assert layer.compute_output_shape([x.shape for x in xs]) == y.shape
    y.backward(keras[f"{name}/gy"])
    for i, x in enumerate(xs):
        assert_allclose(x.grad, keras[f"{name}/gx{i}"], rtol=1e-9, atol=1e-12)
    for i, p in enumerate(layer.parameters().values()):
        assert_allclose(p.grad, keras[f"{name}/gw{i}"], rtol=1e-9, atol=1e-12)


def test_two_keys_by_hand():
    """Scores 0 and ln 3: probabilities 1/4 and 3/4; y = 1/4 · 8 + 3/4 · 4 = 5."""
    q, k, v = np.array([[1.0]]), np.array([[0.0], [np.log(3.0)]]), np.array([[8.0], [4.0]])
    y, p = functions.scaled_dot_product_attention(q, k, v)
    assert_allclose(p.array, [[0.25, 0.75]])
    assert_allclose(y.array, [[5.0]])


def test_a_query_that_may_look_at_nothing_gets_nothing():
    q = omomi.Variable(np.ones((1, 2, 2)))
    y, p = functions.scaled_dot_product_attention(q, q, q, np.array([[[True, False], [False, False]]]))
    assert_array_equal(p.array, [[[1, 0], [0, 0]]])
    assert_array_equal(y.array[0, 1], [0, 0])
    y.sum().backward()
    assert np.isfinite(q.grad).all()


def test_what_is_padding_or_in_the_future_does_not_change_the_output():
    rng = np.random.default_rng(0)
    x = rng.integers(1, 9, (2, 5))
    padded = np.concatenate([x, np.zeros((2, 3), int)], axis=1)
    embedding, heads = Embedding(9, 4, mask_zero=True, seed=0), MultiHeadAttention(2, 3, seed=1)
    short, long = embedding(x), embedding(padded)
    assert_allclose(heads(long, long).array[:, :5], heads(short, short).array, rtol=1e-5, atol=1e-6)
    assert_array_equal(heads(long, long).mask.array, padded != 0)
    z = rng.normal(size=(1, 6, 4)).astype(np.float32)
    changed = z.copy()
    changed[:, 4:] += 1
    a, b = (heads(part, part, use_causal_mask=True).array for part in (z, changed))
    assert_allclose(a[:, :4], b[:, :4], rtol=1e-6)
    assert np.abs(a[:, 4:] - b[:, 4:]).max() > 1e-3


def test_scores_can_be_had():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    y, p = MultiHeadAttention(2, 3, **F64)(x, x, return_attention_scores=True)
    assert (y.shape, p.shape) == ((2, 3, 4), (2, 2, 3, 3))
    assert_allclose(p.array.sum(axis=-1), 1)


def test_dropout_leaves_probabilities_out_in_training_only():
    x, layer = np.random.default_rng(0).normal(size=(2, 8, 4)).astype(np.float32), MultiHeadAttention(2, 3, dropout=0.5)
    assert_array_equal(layer(x, x).array, layer(x, x).array)
    assert np.abs(layer(x, x, training=True).array - layer(x, x).array).max() > 1e-3


def test_positions():
    y = SinusoidalPositionEncoding(**F64)(np.zeros((1, 3, 4))).array[0]
    t = np.arange(3)
    assert_allclose(y, np.stack([np.sin(t), np.cos(t), np.sin(t / 100), np.cos(t / 100)], axis=1))
    layer = PositionEmbedding(5, "ones", **F64)
    assert_array_equal(layer(np.zeros((2, 3, 4))).array, np.ones((2, 3, 4)))
    assert layer.position_embeddings.shape == (5, 4)
    assert layer(Embedding(3, 4, mask_zero=True, **F64)(np.array([[1, 0]]))).mask is not None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: MultiHeadAttention(2, 3)(np.zeros((2, 3, 4))), "given twice"),
        (lambda: MultiHeadAttention(2, 3)(np.zeros((2, 3)), np.zeros((2, 3))), "batch, steps, features"),
        (lambda: MultiHeadAttention(2, 3)(*(np.zeros((2, n, 4)) for n in (3, 4, 5))), "4 keys"),
        (lambda: MultiHeadAttention(0, 3), "num_heads"),
        (lambda: MultiHeadAttention(2, 3, dropout=1.0), "0 ≤ dropout < 1"),
        (lambda: Attention(score_mode="concat"), "dot"),
        (lambda: PositionEmbedding(2)(np.zeros((1, 3, 4))), "sequence_length=3"),
        (lambda: SinusoidalPositionEncoding()(np.zeros((1, 3))), "Embedding"),
        (lambda: functions.scaled_dot_product_attention(*(np.zeros((2, n)) for n in (3, 4, 5))), "do not fit"),
    ],
)
def test_errors(make, words):
    with pytest.raises(errors.OmomiError, match=words):
        make()


class Encoder(omomi.Model):
    """One block of a transformer's encoder (Vaswani et al. 2017), normalised before each part (Xiong et al. 2020)."""

    replayable = True

    def __init__(self, symbols, width, heads, **options):
        super().__init__(**options)
        self.embedding, self.positions = Embedding(symbols, width), PositionEmbedding(16)
        self.attention = MultiHeadAttention(heads, width // heads)
        self.first, self.second = LayerNormalization(), LayerNormalization()
        self.hidden, self.back = Dense(2 * width, activation="relu"), Dense(width)
        self.out = Dense(symbols, activation="softmax")

    def call(self, x):
        x = self.positions(self.embedding(x))
        y = self.first(x)
        x = x + self.attention(y, y)
        x = x + self.back(self.hidden(self.second(x)))
        return self.out(x)


def test_an_encoder_learns_to_reverse_digits():
    """The digit that belongs at place t stands at place 7 − t: without attention nothing can bring it there."""
    rng = np.random.default_rng(0)
    x, fresh = rng.integers(0, 10, (1024, 8)), rng.integers(0, 10, (256, 8))
    model = Encoder(10, 32, 2, seed=0)
    model.compile(omomi.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, x[:, ::-1].copy(), epochs=8, batch_size=32, verbose=0)
    assert model.evaluate(fresh, fresh[:, ::-1].copy())[1] > 0.99
