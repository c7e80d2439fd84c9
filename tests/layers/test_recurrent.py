"""Recurrent layers and embeddings: against Keras's numbers, their configuration, their errors, and that they learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Sequential, errors
from omomi.layers import GRU, LSTM, Dense, Embedding, RepeatVector, SimpleRNN

KINDS = [SimpleRNN, LSTM, GRU]
CASES = {
    "simple": lambda: SimpleRNN(2, return_sequences=True, dtype="float64"),
    "lstm": lambda: LSTM(2, return_sequences=True, dtype="float64"),
    "lstm_last_backwards": lambda: LSTM(2, go_backwards=True, dtype="float64"),
    "gru": lambda: GRU(2, return_sequences=True, dtype="float64"),
    "gru_before": lambda: GRU(2, reset_after=False, dtype="float64"),
    "lstm_masked": lambda: LSTM(2, return_sequences=True, dtype="float64"),
    "gru_masked": lambda: GRU(2, dtype="float64"),
    "simple_masked": lambda: SimpleRNN(2, activation="relu", dtype="float64"),
    "simple_elu": lambda: SimpleRNN(2, activation="elu", return_sequences=True, dtype="float64"),
    "lstm_hard": lambda: LSTM(2, activation="relu", recurrent_activation="hard_sigmoid", dtype="float64"),
    "gru_hard": lambda: GRU(2, activation="softsign", recurrent_activation="hard_sigmoid", dtype="float64"),
}


@pytest.fixture(scope="module")
def keras():
    """What tests/oracles/recurrent_layers.py wrote."""
    with np.load(Path(__file__).parent.parent / "oracles" / "recurrent_layers.npz") as file:
        return dict(file)


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_are_those_of_keras(name, keras):
    layer, x = CASES[name](), omomi.Variable(keras["x"])
    mask = keras["mask"] if name.endswith("masked") else None
    layer(keras["x"])
    layer.set_weights([keras[f"{name}/w{i}"] for i in range(3)])
    y = layer(x, mask=mask)
    assert_allclose(y.array, keras[f"{name}/y"], rtol=1e-10, atol=1e-12)
    y.backward(keras[f"{name}/gy"])
    assert_allclose(x.grad, keras[f"{name}/gx"], rtol=1e-9, atol=1e-12)
    for i, p in enumerate(layer.parameters().values()):
        assert_allclose(p.grad, keras[f"{name}/gw{i}"], rtol=1e-9, atol=1e-12)


def test_two_steps_by_hand():
    """h_1 = 2·1 + 1 = 3; h_2 = 2·(−4) + 1 + 3·3 = 2."""
    layer = SimpleRNN(1, activation="linear", return_sequences=True, dtype="float64")
    layer(np.zeros((1, 2, 1)))
    layer.set_weights([np.array([[2.0]]), np.array([[3.0]]), np.array([1.0])])
    assert_array_equal(layer(np.array([[[1.0], [-4.0]]])).array, [[[3.0], [2.0]]])


@pytest.mark.parametrize("kind", KINDS)
def test_states_carry_a_sequence_over_two_calls(kind):
    x = np.random.default_rng(0).normal(size=(3, 6, 2))
    layer = kind(4, return_sequences=True, return_state=True, dtype="float64", seed=1)
    whole, *last = layer(x)
    first, *states = layer(x[:, :2])
    second, *end = layer(x[:, 2:], initial_state=states)
    assert_allclose(np.concatenate([first.array, second.array], axis=1), whole.array, rtol=1e-12)
    for a, b in zip(end, last, strict=True):
        assert_allclose(a.array, b.array, rtol=1e-12)
    assert len(last) == (2 if kind is LSTM else 1)
    assert layer.compute_output_shape((None, 6, 2)) == [(None, 6, 4), *[(None, 4)] * len(last)]


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(kind):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 3, 2))
    layer = kind(4, dtype="float64", seed=1)
    padded = np.concatenate([x, rng.normal(size=(2, 2, 2))], axis=1)
    mask = np.array([[1, 1, 1, 0, 0]] * 2)
    assert_allclose(layer(padded, mask=mask).array, layer(x).array, rtol=1e-12)


def test_weights_start_as_in_keras():
    lstm = LSTM(3, seed=0)
    lstm(np.zeros((1, 2, 5), np.float32))
    kernel, recurrent, bias = lstm.get_weights()
    assert kernel.shape == (5, 12)
    assert recurrent.shape == (3, 12)
    assert_array_equal(bias, [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    assert_allclose(recurrent @ recurrent.T, np.eye(3), atol=1e-6)
    gru = GRU(3)
    gru(np.zeros((1, 2, 5), np.float32))
    assert [w.shape for w in gru.get_weights()] == [(5, 9), (3, 9), (2, 9)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_model_is_the_same(kind, tmp_path):
    model = Sequential(
        [Embedding(7, 3), kind(4, return_sequences=True, use_bias=False), kind(2, go_backwards=True, dropout=0.2)],
        seed=0,
    )
    x = np.random.default_rng(0).integers(0, 7, (5, 6))
    model.compile("sgd", "mse")
    before = model.predict(x)
    model.save(tmp_path / "model.safetensors")
    again = omomi.load_model(tmp_path / "model.safetensors")
    assert_array_equal(again.predict(x), before)
    assert again.layers[2].get_config() == model.layers[2].get_config()


@pytest.mark.parametrize("kind", KINDS)
def test_engines_agree_on_a_fit(kind):
    x = np.random.default_rng(0).integers(0, 5, (20, 4))
    weights = []
    for engine in ("numpy", "numba"):
        with omomi.use(engine):
            model = Sequential(
                [
                    Embedding(5, 3),
                    kind(4, dropout=0.25, return_sequences=True),
                    kind(3),
                    Dense(2, activation="softmax"),
                ],
                seed=0,
            )
            model.compile("adam", "sparse_categorical_crossentropy")
            model.fit(x, x[:, 0] % 2, batch_size=8, epochs=3, verbose=0)
            weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_dropout_is_the_same_in_every_step():
    layer = SimpleRNN(50, activation="linear", dropout=0.5, return_sequences=True, seed=0)
    layer(np.ones((1, 3, 50), np.float32))
    layer.set_weights([np.eye(50), np.zeros((50, 50)), np.zeros(50)])
    y = layer(np.ones((1, 3, 50), np.float32), training=True).array
    assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    assert set(np.unique(y)) == {0.0, 2.0}


def test_embedding_takes_rows_and_adds_up_gradients():
    layer = Embedding(4, 2, dtype="float64")
    layer(np.array([[0]]))
    table = np.arange(8.0).reshape(4, 2)
    layer.set_weights([table])
    y = layer(np.array([[1, 1], [3, 0]]))
    assert_array_equal(y.array, table[[[1, 1], [3, 0]]])
    y.sum().backward()
    assert_array_equal(layer.embeddings.grad, [[1, 1], [2, 2], [0, 0], [1, 1]])
    assert_array_equal(layer(np.array([2.0], np.float32)).array, table[[2]])


def test_repeat_vector():
    layer = RepeatVector(3)
    assert_array_equal(layer(np.array([[1.0, 2.0]])).array, [[[1, 2]] * 3])
    assert layer.compute_output_shape((None, 2)) == (None, 3, 2)


@pytest.mark.parametrize("engine", ["numpy", "numba", "jax"])
@pytest.mark.parametrize("kind", KINDS)
def test_stateful_layers_go_on_where_the_batch_before_ended(kind, engine):
    x = np.random.default_rng(0).normal(size=(4, 6, 2)).astype(np.float32)
    with omomi.use(engine):
        model = Sequential([kind(3, return_sequences=True, stateful=True)], seed=0)
        whole = model.predict(x, batch_size=4)
        model.reset_states()
        parts = [model.predict(x[:, :2], batch_size=4), model.predict(x[:, 2:], batch_size=4)]
        assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-5, atol=1e-6)
        assert np.abs(model.predict(x, batch_size=4) - whole).max() > 1e-3  # it has not been reset
        model.compile("sgd", "mse")
        model.reset_states()
        model.fit(x, whole, batch_size=4, shuffle=False, verbose=0)
        last = model.layers[0].carried["state_0"].numpy()
        assert_allclose(last, whole[:, -1], rtol=1e-5, atol=1e-6)
    assert len(model.get_weights()) == 3  # the states are no part of the model's weights


def test_states_can_be_chosen():
    layer = SimpleRNN(1, activation="linear", stateful=True, dtype="float64")
    layer(np.zeros((2, 1, 1)))
    layer.set_weights([np.array([[1.0]]), np.array([[2.0]]), np.zeros(1)])
    layer.reset_states(np.array([[1.0], [3.0]]))
    assert_array_equal(layer(np.ones((2, 1, 1))).array, [[3], [7]])
    layer.reset_states(batch_size=3)
    assert_array_equal(layer(np.ones((3, 1, 1))).array, [[1], [1], [1]])


@pytest.mark.parametrize("kind", KINDS)
def test_arguments_in_the_order_of_keras(kind):
    """units, activation, (recurrent_activation,) use_bias: by position, as in a script."""
    made = kind(3, "relu", False) if kind is SimpleRNN else kind(3, "relu", "hard_sigmoid", False)
    assert (made.activation, made.use_bias) == ("relu", False)
    assert kind(3, unroll=True, seed=1, activity_regularizer="l2").activity_regularizer is not None


@pytest.mark.parametrize("kind", KINDS)
def test_recurrent_dropout_is_the_same_in_every_step(kind):
    """A state of ones, a recurrence of ones, nothing else: which units were dropped shows in every step."""
    layer = kind(200, recurrent_dropout=0.5, activation="linear", return_sequences=True, seed=0)
    x = np.zeros((1, 3, 1), np.float32)
    layer(x)
    same, other = layer(x, training=True), layer(x, training=False)
    assert_array_equal(same.array, other.array)  # from a state of zeros there is nothing to drop
    if kind is SimpleRNN:
        layer.set_weights([np.zeros((1, 200)), np.eye(200), np.zeros(200)])
        y = layer(x, initial_state=np.ones((1, 200), np.float32), training=True).array
        assert set(np.unique(y[0, 0])) == {0.0, 2.0}
        assert_array_equal(y[0, 2], 4 * y[0, 0])


def calls(layer, *inputs):
    return [layer(x) for x in inputs]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LSTM(4)(np.zeros((2, 3))), "batch, steps, features"),
        (lambda: LSTM(4)(np.zeros((2, 0, 3))), "no steps"),
        (lambda: LSTM(4, activation="gelu"), "tanh"),
        (lambda: GRU(4, recurrent_activation="softmax"), "sigmoid"),
        (lambda: GRU(0), "units"),
        (lambda: SimpleRNN(4, activation="tan"), "tanh"),
        (lambda: LSTM(4, recurrent_dropout=1.5), "recurrent_dropout < 1"),
        (lambda: LSTM(4).reset_states(), "stateful=True"),
        (lambda: calls(LSTM(4, stateful=True), np.zeros((2, 3, 1)), np.zeros((3, 3, 1))), "batches of 2 samples"),
        (lambda: Sequential([GRU(4, stateful=True)]).predict(np.zeros((5, 3, 1)), batch_size=2), "that 2 divides"),
        (lambda: LSTM(4, dropout=1.0), "0 ≤ dropout < 1"),
        (lambda: LSTM(4)(np.zeros((2, 3, 1)), initial_state=np.zeros((2, 4))), "2 of shape"),
        (lambda: Sequential([Dense(2, input_shape=(3,)), LSTM(4)]), "batch of sequences"),
        (lambda: RepeatVector(2)(np.zeros((2, 3, 1))), "batch of vectors"),
    ],
)
def test_errors(make, words):
    with pytest.raises(errors.OmomiError, match=words):
        make()


def test_an_lstm_remembers_the_first_symbol():
    """The answer stands eight steps before the end; what follows is noise."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, (512, 8))
    model = Sequential([Embedding(4, 8), LSTM(24), Dense(4, activation="softmax")], seed=0)
    model.compile(omomi.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, x[:, 0], epochs=30, verbose=0)
    fresh = rng.integers(0, 4, (200, 8))
    assert model.evaluate(fresh, fresh[:, 0])[1] > 0.98


def test_an_lstm_learns_to_copy():
    """Four symbols, then a sign to begin; from there on the symbols come again, in their order. Rows of three symbols
    have padding in front, which a mask leaves out."""
    rng = np.random.default_rng(0)

    def rows(count):
        symbols = rng.integers(1, 6, (count, 4))
        symbols[: count // 2, 0] = 0
        x = np.concatenate([symbols, np.full((count, 4), 6)], axis=1)
        x[: count // 2, -1] = 0
        t = np.zeros_like(x)
        t[:, 4:] = symbols
        t[: count // 2, 4:7] = symbols[: count // 2, 1:]
        return x, t

    x, t = rows(2048)
    model = Sequential(
        [
            Embedding(7, 16, mask_zero=True),
            LSTM(48, return_sequences=True),
            Dense(6, activation="softmax"),
        ],
        seed=0,
    )
    model.compile(omomi.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, t, batch_size=32, epochs=15, verbose=0)
    fresh, answers = rows(256)
    assert model.evaluate(fresh, answers)[1] > 0.98


def test_a_summary_names_the_activation():
    model = Sequential([LSTM(4, input_shape=(3, 2)), RepeatVector(2), SimpleRNN(3, activation="relu")])
    lines = []
    model.summary(print_fn=lines.append)
    assert "LSTM  4 units, tanh" in "".join(lines)
    assert "SimpleRNN  3 units, relu" in "".join(lines)
