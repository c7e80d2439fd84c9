"""Layers: the tree and its paths, initial weights, shapes, and what is said when an input does not fit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Sequential, Variable, errors
from omomi import functions as F
from omomi.layers import (
    ELU,
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Input,
    LeakyReLU,
    MaxPooling2D,
    PReLU,
    ReLU,
    Rescaling,
    Reshape,
    Softmax,
)


class Scale(omomi.Layer):
    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, x):
        return x * self.factor


class Block(omomi.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.first = Dense(4, activation="tanh")
        self.parts = [Scale(), Dense(2)]

    def call(self, x):
        x = self.first(x)
        for part in self.parts:
            x = part(x)
        return x


def test_paths_are_attributes_and_positions():
    block = Block(seed=1)
    block(np.ones((3, 5), np.float32))
    assert list(block.entries()) == [
        "first/kernel",
        "first/bias",
        "parts_0/factor",
        "parts_1/kernel",
        "parts_1/bias",
    ]
    assert list(block.state())[:2] == ["seed", "step"]
    assert block.first.kernel.name == "first/kernel"


def test_initial_weights_depend_on_seed_and_path_alone():
    x = np.ones((1, 3), np.float32)
    one, same, other = Block(seed=5), Block(seed=5), Block(seed=6)
    for block in (one, same, other):
        block(x)
    assert_array_equal(one.first.kernel.array, same.first.kernel.array)
    assert (one.first.kernel.array != other.first.kernel.array).any()
    inside = Sequential([Block()], seed=5)
    inside(x)
    assert (inside.layers[0].first.kernel.array != one.first.kernel.array).any()  # another path, other numbers
    assert next(iter(inside.entries())) == "block/first/kernel"


def test_numpy_s_seed_fixes_a_model_without_one():
    def weights():
        np.random.seed(123)
        return Sequential([Dense(3, input_shape=(2,))]).get_weights()[0]

    assert_array_equal(weights(), weights())


def test_set_seed_fixes_what_follows():
    def weights():
        omomi.utils.set_random_seed(7)
        return Sequential([Dense(3, input_shape=(2,))]).get_weights()[0]

    try:
        assert_array_equal(weights(), weights())
    finally:
        omomi.graph.randomness._default_seed = None


def test_names_are_counted_inside_a_model_only():
    for _ in range(2):
        model = Sequential([Dense(2, input_shape=(2,)), Dense(2), Dense(2, name="out"), Dense(2)])
        assert [layer.name for layer in model.layers] == ["dense", "dense_1", "out", "dense_2"]


def test_a_shared_layer_appears_once():
    class Twice(omomi.Layer):
        def __init__(self):
            super().__init__(seed=0)
            self.a = Dense(3)
            self.b = self.a

        def call(self, x):
            return self.b(self.a(x))

    twice = Twice()
    twice(np.ones((1, 3), np.float32))
    assert len(twice.entries()) == 2


def test_a_parameter_is_read_only_and_assign_checks():
    layer = Dense(2, seed=0)
    layer(np.ones((1, 3), np.float32))
    with pytest.raises((ValueError, TypeError), match=r"read-only|immutable"):
        layer.kernel.array[0, 0] = 1.0
    with pytest.raises(errors.ShapeError, match=r"\(3, 2\)"):
        layer.kernel.assign(np.ones((2, 3)))
    mine = np.ones((3, 2))
    layer.kernel.assign(mine)
    mine[:] = 5  # the parameter owns its numbers
    assert_array_equal(layer.kernel.array, np.ones((3, 2), np.float32))


def test_a_parameter_without_numbers_says_so():
    class Early(omomi.Layer):
        def __init__(self):
            super().__init__(seed=3)
            self.w = self.add_weight(shape=(2,), initializer="random_normal")

        def call(self, x):
            return x + self.w

    early = Early()
    with pytest.raises(errors.NotBuiltError, match="no numbers yet"):
        _ = early.w.array
    early(np.zeros((1, 2), np.float32))
    assert early.w.array.std() > 0


def test_freezing_takes_parameters_out_of_training():
    model = Sequential([Dense(2, input_shape=(2,)), Dense(1)], seed=0)
    model.layers[0].trainable = False
    assert list(model.parameters()) == ["dense_1/kernel", "dense_1/bias"]
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    after = model.get_weights()
    assert_array_equal(before[0], after[0])
    assert (before[2] != after[2]).any()


def test_mode_is_inherited_and_can_be_chosen():
    model = Sequential([Dropout(0.5, input_shape=(100,))], seed=0)
    x = np.ones((1, 100), np.float32)
    assert (model(x).array == 1).all()
    assert (model(x, training=True).array == 0).any()
    with omomi.training_mode():
        assert (model(x).array == 0).any()


def test_two_draws_in_one_step_differ_and_a_step_repeats():
    class Twice(omomi.Layer):
        def __init__(self):
            super().__init__(seed=0)
            self.drop = Dropout(0.5)

        def call(self, x):
            return F.concatenate([self.drop(x), self.drop(x)], axis=0)

    layer = Twice()
    x = np.ones((1, 64), np.float32)
    y = layer(x, training=True).array
    assert (y[0] != y[1]).any()
    assert_array_equal(y, layer(x, training=True).array)  # the same step, the same draws


def test_dtype_of_a_model_reaches_its_layers():
    model = Sequential([Dense(2, input_shape=(3,)), BatchNormalization(), Dense(1)], dtype="float64", seed=0)
    assert {w.dtype.name for w in model.weights} == {"float64"}
    assert model(np.ones((2, 3), np.float32)).dtype == np.float64
    assert Sequential([Dense(1, input_shape=(3,))], seed=0)(np.ones((2, 3))).dtype == np.float32


def test_bytes_are_cast_and_never_scaled():
    model = Sequential([Rescaling(1 / 255, input_shape=(2,))])
    assert_allclose(model(np.array([[0, 255]], np.uint8)).array, [[0.0, 1.0]])
    plain = Sequential([Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(2,))])
    assert plain(np.array([[1, 255]], np.uint8)).array == 256


SHAPES = [
    (Dense(3), (None, 5), (None, 3)),
    (Dense(3), (None, 4, 5), (None, 4, 3)),
    (Activation("relu"), (None, 5), (None, 5)),
    (Flatten(), (None, 3, 4, 2), (None, 24)),
    (Reshape((4, -1)), (None, 24), (None, 4, 6)),
    (Rescaling(2.0, 1.0), (None, 3), (None, 3)),
    (Dropout(0.3), (None, 3), (None, 3)),
    (Conv2D(5, 3), (None, 8, 9, 2), (None, 6, 7, 5)),
    (Conv2D(5, (3, 2), strides=2, padding="same"), (None, 7, 8, 1), (None, 4, 4, 5)),
    (Conv2D(2, 3, dilation_rate=2), (None, 9, 9, 3), (None, 5, 5, 2)),
    (Conv2D(2, 3, padding=((1, 0), (2, 1))), (None, 5, 5, 3), (None, 4, 6, 2)),
    (MaxPooling2D(), (None, 7, 8, 3), (None, 3, 4, 3)),
    (MaxPooling2D(3, strides=2, padding="same"), (None, 7, 8, 3), (None, 4, 4, 3)),
    (AveragePooling2D((2, 1)), (None, 6, 5, 2), (None, 3, 5, 2)),
    (GlobalAveragePooling2D(), (None, 4, 5, 3), (None, 3)),
    (GlobalMaxPooling2D(keepdims=True), (None, 4, 5, 3), (None, 1, 1, 3)),
    (BatchNormalization(), (None, 4, 5, 3), (None, 4, 5, 3)),
    (ReLU(6.0), (None, 4), (None, 4)),
    (LeakyReLU(), (None, 4), (None, 4)),
    (PReLU(shared_axes=(1, 2)), (None, 4, 4, 3), (None, 4, 4, 3)),
    (ELU(0.5), (None, 4), (None, 4)),
    (Softmax(), (None, 4), (None, 4)),
]


@pytest.mark.parametrize(("layer", "given", "expected"), SHAPES, ids=lambda v: type(v).__name__)
def test_the_shape_that_is_promised_is_the_shape_that_comes(layer, given, expected):
    again = type(layer).from_config(layer.get_config())  # a configuration makes the same layer
    model = Sequential([Input(given[1:]), again], seed=0)
    x = np.random.default_rng(0).normal(size=(2, *given[1:])).astype(np.float32)
    assert model.output_shape == expected
    assert again.compute_output_shape(given) == expected
    assert model(x, training=True).shape == (2, *expected[1:])
    assert again.get_config() == {**layer.get_config(), "name": again.name}


def test_layers_compute_what_their_functions_compute():
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype(np.float32)
    model = Sequential(
        [Conv2D(4, 3, activation="relu", padding="same", input_shape=(6, 6, 3)), PReLU(shared_axes=(1, 2))], seed=0
    )
    conv = model.layers[0]
    expected = F.relu(F.convolution_2d(x, conv.kernel, conv.bias, padding="same"))
    assert_allclose(model(x).array, expected.array, rtol=1e-6)
    assert_allclose(LeakyReLU()(np.array([[-1.0, 2.0]])).array, [[-0.3, 2.0]], rtol=1e-6)
    assert_allclose(ReLU(1.5)(np.array([[-1.0, 2.0]])).array, [[0.0, 1.5]])


def test_batch_normalization_keeps_running_statistics_and_uses_them():
    layer = BatchNormalization(momentum=0.9, epsilon=0.0, seed=0)
    x = np.array([[1.0], [3.0]], np.float32)  # mean 2, variance 1
    assert_allclose(layer(x, training=True).array, [[-1.0], [1.0]], rtol=1e-6)
    assert_allclose(layer.moving_mean.array, [0.2], rtol=1e-6)
    assert_allclose(layer.moving_variance.array, [1.0], rtol=1e-6)
    assert_allclose(layer(x).array, x - 0.2, rtol=1e-6)
    layer.trainable = False
    layer(x, training=True)
    assert_allclose(layer.moving_mean.array, [0.2], rtol=1e-6)


WRONG = [
    (lambda: Sequential([Conv2D(2, 3, input_shape=(8, 8))]), "channel"),
    (lambda: Sequential([Conv2D(2, 3, input_shape=(32, 28, 28, 1))]), "input_shape includes the batch"),
    (lambda: Sequential([Dense(2, input_shape=(None, 4))]), "leave the batch size out"),
    (lambda: Sequential([Conv2D(2, 5, input_shape=(4, 4, 1))]), "nothing would be left"),
    (lambda: Sequential([Conv2D(2, 3, padding="sane")]), "did you mean 'same'"),
    (lambda: Sequential([Reshape((5, 5), input_shape=(24,))]), "25 numbers"),
    (lambda: Dense(0), "positive whole number"),
    (lambda: Dense(2.5), "units=2.5"),
    (lambda: Dense(2, activation="sigmod"), "did you mean 'sigmoid'"),
    (lambda: Dense(2, kernel_initializer="glorot"), "did you mean 'glorot_"),
    (lambda: Dropout(1.0), "0 ≤ rate < 1"),
    (lambda: Dense(2, name="a/b"), "no slash"),
    (lambda: Sequential([Dense]), "not the class"),
    (lambda: Sequential([Dense(1, name="x"), Dense(1, name="x")]), "two layers are named 'x'"),
    (lambda: Dense(3)(np.ones(4)), "a batch of one"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_mistakes_are_named(make, message):
    with pytest.raises(errors.OmomiError, match=message):
        make()


def test_a_wrong_input_names_the_layer_what_was_expected_and_what_came():
    model = Sequential([Conv2D(2, 3, input_shape=(8, 8, 1), name="stem"), Flatten(), Dense(3)], seed=0)
    with pytest.raises(errors.ShapeError) as caught:
        model(np.ones((1, 8, 8, 3), np.float32))
    assert "stem (Conv2D)" in str(caught.value)
    assert "1 channels" in str(caught.value)
    assert "3 channels" in str(caught.value)
    with pytest.raises(errors.ShapeError, match=r"dense \(Dense\)"):
        model(np.ones((1, 9, 8, 1), np.float32))


def test_initializers_have_the_spread_they_promise():
    from omomi.engines.random import address

    shape = (400, 300)
    where = address(1, "w")
    for name, deviation in [
        ("glorot_uniform", np.sqrt(2 / 700)),
        ("glorot_normal", np.sqrt(2 / 700)),
        ("he_normal", np.sqrt(2 / 400)),
        ("he_uniform", np.sqrt(2 / 400)),
        ("lecun_normal", np.sqrt(1 / 400)),
        ("lecun_uniform", np.sqrt(1 / 400)),
        ("random_normal", 0.05),
        ("random_uniform", 0.05 / np.sqrt(3)),
        ("truncated_normal", 0.05 * 0.8796),
    ]:
        numbers = omomi.initializers.get(name)(shape, where)
        assert_allclose(numbers.std(), deviation, rtol=0.02)
        assert abs(numbers.mean()) < 0.02 * deviation + 1e-4
    assert np.abs(omomi.initializers.TruncatedNormal(0, 1)(shape, where)).max() <= 2
    for size in [(30, 20), (20, 30)]:
        q = omomi.initializers.Orthogonal()(size, where)
        gram = q.T @ q if size[0] >= size[1] else q @ q.T
        assert_allclose(gram, np.eye(20), atol=1e-12)
    kernel = omomi.initializers.get("he_normal")((3, 3, 16, 32), where)
    assert_allclose(kernel.std(), np.sqrt(2 / 144), rtol=0.03)


def test_a_custom_layer_with_gradient_in_a_hand_written_loop():
    net = Block(seed=2)
    optimizer = omomi.optimizers.SGD(0.1).setup(net)
    x = np.random.default_rng(0).normal(size=(16, 5)).astype(np.float32)
    t = np.stack([x[:, 0], x[:, 1]], axis=1)
    losses = []
    for _ in range(60):
        net.cleargrads()
        loss = F.mean_squared_error(net(x), t)
        loss.backward()
        optimizer.update()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert int(net.state()["step"].array) == 60
    assert isinstance(net(x), Variable)
