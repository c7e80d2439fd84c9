"""What each version of Keras called things, and what it took unless told."""

from __future__ import annotations

import numpy as np
import pytest

import omomi
from omomi.dialects import keras1, keras2, keras3, tf_keras
from omomi.dialects.hook import UnsupportedError
from omomi.dialects.spellings.models import Numbers
from omomi.dialects.spellings.versions import accuracy_in, recognised


def test_a_convolution_of_keras_1():
    layer = keras1.layers.Convolution2D(
        32, 3, 5, border_mode="same", subsample=(2, 1), init="he_normal", W_regularizer=keras1.regularizers.l2(0.5)
    )
    assert type(layer) is omomi.layers.Conv2D
    assert (layer.filters, layer.kernel_size, layer.padding, layer.strides) == (32, (3, 5), "same", (2, 1))
    assert type(layer.kernel_initializer) is omomi.initializers.HeNormal
    assert layer.kernel_regularizer.l2 == 0.5


def test_positional_arguments_are_those_of_the_version():
    one = keras1.layers.Dense(3, "uniform", "relu")
    assert type(one.kernel_initializer) is omomi.initializers.RandomUniform
    assert one.activation.__name__ == "relu"
    assert keras2.layers.Dense(3, "relu").activation.__name__ == "relu"
    assert keras1.layers.BatchNormalization(1e-5).epsilon == 1e-5
    assert keras2.layers.BatchNormalization(-1, 0.9).momentum == 0.9


def test_defaults_are_those_of_the_version():
    assert keras1.layers.LSTM(2).recurrent_activation == "hard_sigmoid_fifth"
    assert keras2.layers.LSTM(2).recurrent_activation == "hard_sigmoid_fifth"
    assert tf_keras.layers.LSTM(2).recurrent_activation == "sigmoid"
    assert keras2.layers.GRU(2).reset_after is False
    assert tf_keras.layers.GRU(2).reset_after is True
    assert keras1.layers.LeakyReLU().negative_slope == keras3.layers.LeakyReLU().negative_slope == 0.3
    assert keras2.layers.LeakyReLU(alpha=0.1).negative_slope == 0.1
    rates = [(d.optimizers.Adadelta().learning_rate, d.optimizers.Adagrad().learning_rate) for d in (keras2, tf_keras)]
    assert rates[0] == pytest.approx((1.0, 0.01))
    assert rates[1] == pytest.approx((0.001, 0.001))
    assert keras1.optimizers.Adam().attributes["epsilon"] == 1e-8
    assert keras2.optimizers.Adam().attributes["epsilon"] == 1e-7


def test_decay_of_the_rate():
    optimizer = keras1.optimizers.SGD(lr=0.5, decay=0.1, nesterov=True, momentum=0.9)
    optimizer.iterations.assign(10)
    assert optimizer.learning_rate == pytest.approx(0.5 / 2)


def test_a_name_of_an_optimizer_means_that_of_the_version():
    for dialect, rate in ((keras1, 1.0), (tf_keras, 0.001), (keras3, 0.001)):
        model = dialect.models.Sequential([dialect.layers.Dense(1, input_shape=(2,))])
        model.compile("adadelta", "mse")
        assert model.optimizer.learning_rate == pytest.approx(rate)


def test_shapes_of_sequences():
    assert keras1.layers.LSTM(2, input_dim=3, input_length=5).given_input_shape == (5, 3)
    assert keras2.layers.Embedding(10, 4, input_length=7).given_input_shape == (7,)
    assert keras2.layers.Dense(2, batch_input_shape=(None, 4)).given_input_shape == (4,)


def test_weights_given_to_a_layer():
    matrix = np.arange(6.0).reshape(3, 2)
    model = keras2.models.Sequential([keras2.layers.Embedding(3, 2, weights=[matrix], input_length=1, trainable=False)])
    np.testing.assert_array_equal(model.get_weights()[0], matrix)
    assert not model.trainable_weights


def test_epochs_of_fit_unless_told():
    for dialect, epochs in ((keras1, 10), (keras2, 1), (keras3, 1)):
        model = dialect.models.Sequential([dialect.layers.Dense(1, input_dim=2)])
        model.compile("sgd", "mse")
        assert len(model.fit(np.zeros((2, 2)), np.zeros((2, 1)), verbose=0).epoch) == epochs


def test_the_accuracy_by_both_names():
    numbers = Numbers({"accuracy": [0.5], "val_accuracy": [0.25]})
    assert (numbers["acc"], numbers["val_acc"]) == ([0.5], [0.25])
    assert "acc" in numbers
    with pytest.raises(KeyError):
        numbers["loss"]


def test_the_hard_sigmoid_had_another_slope():
    x = np.array([[-3.0, -1.0, 0.0, 1.0, 3.0]], "float32")
    old = keras2.layers.Activation("hard_sigmoid")(x)
    np.testing.assert_allclose(old.array, [[0, 0.3, 0.5, 0.7, 1]], rtol=1e-6)
    np.testing.assert_allclose(keras3.layers.Activation("hard_sigmoid")(x).array[0, 3], 4 / 6, rtol=1e-6)


@pytest.mark.parametrize("mode", ["sum", "mul", "ave", "max", "concat", "dot", "cos"])
def test_modes_of_merge(mode):
    a, b = np.array([[1.0, 2.0]], "float32"), np.array([[3.0, 5.0]], "float32")
    x, y = keras1.layers.Input(shape=(2,)), keras1.layers.Input(shape=(2,))
    model = keras1.models.Model(input=[x, y], output=keras1.layers.merge([x, y], mode=mode))
    expected = {
        "sum": [[4, 7]],
        "mul": [[3, 10]],
        "ave": [[2, 3.5]],
        "max": [[3, 5]],
        "concat": [[1, 2, 3, 5]],
        "dot": [[13]],
        "cos": [[13 / np.sqrt(5 * 34)]],
    }
    np.testing.assert_allclose(model.predict([a, b]), expected[mode], rtol=1e-5)


def test_classes_are_seen_through():
    layer = keras1.layers.Dense(2)
    assert isinstance(layer, keras1.layers.Dense)
    assert not isinstance(layer, keras1.layers.Convolution2D)

    class Mine(keras1.layers.Dense):
        pass

    assert issubclass(Mine, omomi.layers.Dense)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: keras1.layers.Convolution2D(2, 3, 3, dim_ordering="th"), "channels come last"),
        (lambda: keras1.layers.MaxoutDense, r"keras\.layers\.MaxoutDense"),
        (lambda: keras2.utils.get_file("a", "http://example.com/a"), "does not download"),
        (lambda: keras2.datasets.imdb.load_data(), "no loader for imdb"),
        (lambda: keras2.backend.set_image_data_format("channels_first"), "channels come last"),
        (lambda: keras2.backend.placeholder, "Input"),
        (lambda: keras1.layers.merge([], mode="nowhere"), "no such mode"),
        (lambda: keras2.preprocessing.image.ImageDataGenerator(zca_whitening=True), "not whitened"),
        (lambda: keras1.layers.BatchNormalization(mode=1), "one mode"),
    ],
)
def test_what_is_not_supported_is_named(ask, message):
    with pytest.raises(UnsupportedError, match=message):
        ask()


@pytest.mark.parametrize(
    ("source", "version"),
    [
        ("model.fit(x, y, nb_epoch=2)", "keras1"),
        ("Dense(output_dim=3)", "keras1"),
        ("model.add(Convolution2D(32, 3, 3))", "keras1"),
        ("Adam(lr=0.1)", "keras2"),
        ("from keras.layers.core import Dense", "keras2"),
        ("model.fit_generator(g, steps_per_epoch=3)", "keras2"),
        ("from keras import ops", "keras3"),
        ("keras.layers.LeakyReLU(negative_slope=0.1)", "keras3"),
        ("# nb_epoch=3\nkeras.Sequential([])", "keras3"),
    ],
)
def test_a_version_is_recognised_by_its_spellings(source, version):
    assert recognised(source) == version


def test_the_key_of_the_accuracy_is_the_one_looked_up():
    assert accuracy_in("h.history['val_acc']") == "acc"
    assert accuracy_in("history.history['accuracy']") == "accuracy"
    assert accuracy_in("compile(metrics=['accuracy'])") is None


@pytest.mark.parametrize("dialect", [keras1, keras2, tf_keras, keras3])
def test_the_rate_of_an_optimizer_is_read_and_set(dialect):
    model = dialect.models.Sequential([dialect.layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    K = dialect.backend
    assert float(K.get_value(model.optimizer.lr)) == pytest.approx(0.01)
    K.set_value(model.optimizer.lr, 0.25)
    assert model.optimizer.learning_rate == 0.25
    model.optimizer.learning_rate = 0.5
    assert float(model.optimizer.learning_rate.numpy()) == 0.5
    model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)


def test_what_is_frozen_after_compile_counts_for_other_models_alone():
    layers, models = keras2.layers, keras2.models
    judge = models.Sequential([layers.Dense(1, activation="sigmoid", input_shape=(2,))])
    judge.compile("sgd", "binary_crossentropy")
    maker = models.Sequential([layers.Dense(2, input_shape=(3,))])
    judge.trainable = False
    z = layers.Input(shape=(3,))
    both = models.Model(z, judge(maker(z)))
    both.compile("sgd", "binary_crossentropy")
    x, noise, y = np.ones((4, 2)), np.ones((4, 3)), np.zeros((4, 1))
    first = judge.get_weights()[0]
    judge.train_on_batch(x, y)
    second = judge.get_weights()[0]
    assert (first != second).all()
    made = maker.get_weights()[0]
    both.train_on_batch(noise, 1 - y)
    np.testing.assert_array_equal(judge.get_weights()[0], second)
    assert (maker.get_weights()[0] != made).any()
    assert not judge.trainable_weights
