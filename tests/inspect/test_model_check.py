"""check_gradients: right models pass, kinks give no alarm, and every kind of wrong gradient is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import omomi
from omomi import functions as F
from omomi import layers
from omomi.errors import ConfigurationError, DataError, NotBuiltError, UnknownNameError
from omomi.graph.variable import apply
from omomi.inspect import check_gradients
from omomi.layers.registry import LAYERS
from omomi.ops import RULES

RNG = np.random.default_rng(3)
X = RNG.normal(size=(5, 6)).astype(np.float32)
IMAGES = RNG.normal(size=(3, 6, 6, 2)).astype(np.float32)


def network(*more, shape=(6,), **options):
    return omomi.Sequential([layers.Dense(4, activation="tanh", input_shape=shape), *more], seed=1, **options)


def wrong(rule, factor=1.001, index=0):
    """The rule with one gradient that is off by a factor."""

    def backward(xp, saved, gy, wanted, **attributes):
        gx = list(rule.backward(xp, saved, gy, wanted, **attributes))
        if gx[index] is not None:
            gx[index] = gx[index] * factor
        return tuple(gx)

    return replace(rule, backward=backward)


def test_a_model_its_inputs_and_its_loss():
    model = network(
        layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(3, activation="softmax", kernel_regularizer="l2")
    )
    report = check_gradients(model, X)
    names = {"dense/kernel", "dense/bias", "batch_normalization/gamma", "batch_normalization/beta", "x"}
    assert names < {entry.name for entry in report.entries}
    assert report.passed
    assert report.error < 1e-6
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert check_gradients(model, X, np.array([0, 1, 2, 0, 1])).passed
    assert check_gradients(network(), X, X[:, :4], loss="mse").passed


# An image's black background meets a kernel of bias 0: u = 0 at the kink of ReLU, and equal values under each maximum.
def test_kinks_give_no_false_alarm():
    images = np.zeros((2, 10, 10, 1), np.float32)
    images[:, 3:6, 4:7] = RNG.uniform(0.1, 1, (2, 3, 3, 1))
    model = omomi.Sequential(
        [
            layers.Conv2D(4, 3, activation="relu", input_shape=(10, 10, 1)),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(5, activation="relu", bias_initializer="zeros"),
        ],
        seed=0,
    )
    report = check_gradients(model, images)
    assert report.passed, report
    assert any(entry.aside for entry in report.entries)
    assert check_gradients(lambda x: F.relu(x), np.zeros((2, 3))).passed
    assert check_gradients(lambda a, b: F.maximum(a, b), (np.ones(3), np.ones(3))).passed


@pytest.mark.parametrize("kind", sorted(set(LAYERS) - {"Input"}))
def test_every_layer(kind):
    made = {
        "Dense": lambda: layers.Dense(3),
        "Activation": lambda: layers.Activation("swish"),
        "Reshape": lambda: layers.Reshape((4, 18)),
        "Rescaling": lambda: layers.Rescaling(0.5, 1.0),
        "Dropout": lambda: layers.Dropout(0.3),
        "Conv2D": lambda: layers.Conv2D(3, 3, padding="same", strides=2),
        "Conv2DTranspose": lambda: layers.Conv2DTranspose(2, 3, padding="same", strides=2, activation="tanh"),
        "DepthwiseConv2D": lambda: layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2),
        "SeparableConv2D": lambda: layers.SeparableConv2D(3, 2),
        "Permute": lambda: layers.Permute((2, 3, 1)),
        "UpSampling2D": lambda: layers.UpSampling2D((2, 3), interpolation="bilinear"),
    }.get(kind, LAYERS[kind])
    x = IMAGES
    try:
        model = omomi.Sequential([made()], seed=0)
        model.fit_to(x)
    except (TypeError, omomi.errors.OmomiError):
        pytest.skip(f"{kind} does not read images")
    assert check_gradients(model, x).passed


@pytest.mark.parametrize("factor", [1.001, -1.0, 0.0])
def test_a_wrong_gradient_of_a_parameter_is_named(factor, monkeypatch):
    bad = wrong(RULES["affine"], factor, index=1)
    monkeypatch.setattr("omomi.graph.functions.arrays._linear.affine", bad)
    report = check_gradients(network(layers.Activation("sigmoid")), X)
    assert not report.passed
    assert [entry.name for entry in report.entries if entry.verdict == "WRONG"] == ["dense/kernel"]
    assert "WRONG gradient of dense/kernel" in str(report)
    assert "WRONG" in repr(report)


def test_a_single_wrong_entry_among_many_is_found():
    def spoiled(xp, saved, gy, wanted):
        ga, gb = RULES["matmul"].backward(xp, saved, gy, wanted)
        gb = np.array(gb)
        gb[17, 3] *= 1.01
        return ga, gb

    bad = replace(RULES["matmul"], backward=spoiled)
    report = check_gradients(
        lambda a, W: F.tanh(apply(bad, a, W)), (RNG.normal(size=(4, 50)), 0.1 * RNG.normal(size=(50, 40)))
    )
    assert {e.name: e.verdict for e in report.entries} == {"a": "right", "W": "WRONG"}


def test_a_wrong_small_gradient_is_found_too():
    """Errors are relative: what reaches the first of many sigmoid layers is tiny, and must be right as well."""
    bad = wrong(RULES["sigmoid"], 1.01)
    report = check_gradients(lambda x: apply(bad, x * 1e-6) * 1e-3, X)
    assert not report.passed
    assert check_gradients(lambda x: F.sigmoid(x * 1e-6) * 1e-3, X).passed


def test_the_model_is_as_it_was():
    model = network(layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(3))
    model.compile("adam", "mse")
    model.fit(X, X[:, :3], epochs=1, verbose=0)
    before = {path: entry.numpy().copy() for path, entry in model.state().items()}
    gradients = {path: p.grad for path, p in model.parameters().items()}
    output = model.predict(X)
    check_gradients(model, X, X[:, :3])
    for path, entry in model.state().items():
        np.testing.assert_array_equal(entry.numpy(), before[path])
        assert entry.dtype == before[path].dtype
    assert {path: p.grad for path, p in model.parameters().items()} == gradients
    assert all(layer.dtype == "float32" for _, layer in model.walk())
    np.testing.assert_array_equal(model.predict(X), output)
    model.fit(X, X[:, :3], epochs=1, verbose=0)


def test_an_error_on_the_way_leaves_the_model_as_it_was():
    class Broken(omomi.Layer):
        calls = 0

        def call(self, x):
            Broken.calls += 1
            if Broken.calls > 3:
                raise KeyboardInterrupt
            return x * 2.0

    model = omomi.Sequential([layers.Dense(3, input_shape=(6,)), Broken()], seed=0)
    kernel = model.layers[0].kernel.numpy().copy()
    with pytest.raises(KeyboardInterrupt):
        check_gradients(model, X)
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), kernel)
    assert model.layers[0].kernel.dtype == np.float32
    assert model.layers[0].dtype == "float32"


def test_functions_of_one_and_several_variables():
    report = check_gradients(lambda a, b: (a @ b, a.sum()), (X, np.ones((6, 2))))
    assert [(e.name, e.shape) for e in report.entries] == [("a", (5, 6)), ("b", (6, 2))]
    assert report.passed
    assert check_gradients(F.exp, 0.5).passed


def test_a_model_of_mixed_precision_is_checked_in_float64_too():
    model = network(precision="mixed_bfloat16")
    assert check_gradients(model, X).passed
    assert model.precision == "mixed_bfloat16"


def test_what_the_report_says():
    report = check_gradients(network(name="a <b>"), X)
    first, head, *lines = report.to_text().splitlines()
    assert first.startswith("a <b>: all 3 gradients are right, largest error ")
    assert head.split() == ["gradient", "of", "shape", "verdict", "error", "checked"]
    assert [line.split()[0] for line in lines] == ["dense/kernel", "dense/bias", "x"]
    assert report.to_dict()["entries"][0]["shape"] == (6, 4)
    assert repr(report).startswith("<GradientReport of all 3 gradients are right")


def test_bad_input():
    with pytest.raises(DataError, match="empty"):
        check_gradients(network(), X[:0])
    with pytest.raises(NotBuiltError, match="not been compiled"):
        check_gradients(network(), X, X)
    with pytest.raises(UnknownNameError):
        check_gradients(network(), X, X[:, :4], loss="nothing")
    with pytest.raises(ConfigurationError, match="does not return Variables"):
        check_gradients(lambda x: np.ones(3), X)
    with pytest.raises(ConfigurationError, match="only a model or a function"):
        check_gradients(3, X)
    with pytest.raises(ConfigurationError, match="nothing to differentiate"):
        check_gradients(lambda i: F.take(X, i), np.array([0, 1]))
