"""Layers over sequences, groups of channels, borders and repeated entries: values, gradients, files, mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import errors, layers
from omomi import functions as F
from omomi.inspect import check_gradients

ORACLE = Path(__file__).parents[1] / "oracles" / "keras_spatial.npz"
with np.load(ORACLE) as stored:
    ARRAYS = dict(stored)
CASES = json.loads(str(ARRAYS.pop("cases")))
NAMES = [f"{i}-{name}" for i, (name, _) in enumerate(CASES)]
X = np.random.default_rng(1).normal(size=(2, 9, 4)).astype("float32")


def model_of(case):
    """A model of one case of the oracle, with its weights, its input and the output expected."""
    name, arguments = CASES[case]
    x, y = ARRAYS[f"{case}.x"], ARRAYS[f"{case}.y"]
    model = omomi.Sequential([layers.Input(x.shape[1:]), getattr(layers, name)(**arguments)], seed=0)
    for j, parameter in enumerate(model.parameters().values()):
        parameter.assign(ARRAYS[f"{case}.w{j}"])
    return model, x, y


@pytest.mark.parametrize("case", range(len(CASES)), ids=NAMES)
def test_as_keras_computes_it(case):
    model, x, y = model_of(case)
    assert len(model.parameters()) == sum(key.startswith(f"{case}.w") for key in ARRAYS)
    assert model.output_shape[1:] == y.shape[1:]
    assert_allclose(model(x).array, y, rtol=1e-5, atol=1e-5)
    assert_allclose(model.predict(x), y, rtol=1e-5, atol=1e-5)  # on the engine, replayed


@pytest.mark.parametrize("case", range(len(CASES)), ids=NAMES)
def test_gradients_and_files(case, tmp_path):
    model, x, _ = model_of(case)
    assert check_gradients(model, x).passed
    model.save(tmp_path / "model.omomi")
    again = omomi.load_model(tmp_path / "model.omomi")
    assert_array_equal(again(x).array, model(x).array)
    assert again.get_config() == model.get_config()
    assert CASES[case][0] in repr(model.layers[-1])


@pytest.mark.parametrize("case", [2, 4], ids=["sequence", "image"])
def test_a_step_of_the_numba_engine_is_that_of_the_rules(case):
    found = {}
    for engine in ("numpy", "numba"):
        model, x, y = model_of(case)
        model.compile("sgd", "mse")
        with omomi.use(engine):
            model.fit(x, np.zeros_like(y), epochs=3, batch_size=1, shuffle=False, verbose=0)
        found[engine] = {path: p.array.copy() for path, p in model.parameters().items()}
    for path, value in found["numpy"].items():
        assert_allclose(found["numba"][path], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in ARRAYS if name.startswith("resize.") and name != "resize.x"])
def test_resizing_as_keras_does_it(name):
    _, interpolation, height, width = name.split(".")
    found = F.resize(ARRAYS["resize.x"], (int(height), int(width)), interpolation=interpolation)
    assert_allclose(found.array, ARRAYS[name], rtol=1e-5, atol=1e-5)


def test_bilinear_upsampling_by_hand():
    """Two pixels become four: their centres lie at ¼ of the way before and after the old ones; the edge is repeated.

    x = 0 4      y = 0   (3·0 + 4)/4   (0 + 3·4)/4   4
    gy = 1 2 3 4: gx₀ = 1 + ¾·2 + ¼·3 = 3.25, gx₁ = ¼·2 + ¾·3 + 4 = 6.75
    """
    x = omomi.Variable(np.array([0.0, 4.0]).reshape(1, 2))
    y = F.resampling(x, axis=1, size=4)
    assert y.array.tolist() == [[0, 1, 3, 4]]
    F.sum(y * np.array([[1.0, 2, 3, 4]])).backward()
    assert x.grad.tolist() == [[3.25, 6.75]]


def test_a_causal_convolution_by_hand():
    """y_t = 2 x_t + 10 x_{t-2}: kernel (10, 2), one time left out between its entries, zeros before the first."""
    x, W = np.array([1.0, 2, 3, 4]).reshape(1, 4, 1), np.array([10.0, 2]).reshape(2, 1, 1)
    y = F.convolution_1d(x, W, padding="causal", dilation=2)
    assert y.array.ravel().tolist() == [2, 4, 6 + 10, 8 + 20]


def test_no_causal_output_sees_a_later_time():
    layer = layers.Conv1D(3, 4, padding="causal", dilation_rate=2)
    before = layer(X).array.copy()
    later = X.copy()
    later[:, 5:] += 1
    after = layer(later).array
    assert_array_equal(after[:, :5], before[:, :5])
    assert (after[:, 5:] != before[:, 5:]).any()


def test_a_group_of_filters_reads_its_own_channels_alone():
    layer = layers.Conv1D(4, 3, groups=2)
    before = layer(X).array.copy()
    changed = X.copy()
    changed[..., 2:] += 1
    after = layer(changed).array
    assert layer.kernel.shape == (3, 2, 4)
    assert_array_equal(after[..., :2], before[..., :2])
    assert (after[..., 2:] != before[..., 2:]).all()


def test_a_sequence_network_learns():
    """Which half of the sequence holds the bump: told by convolutions over time."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 256)
    x = rng.normal(scale=0.3, size=(256, 16, 1)).astype("float32")
    x[np.arange(256), rng.integers(0, 8, 256) + 8 * y] += 3
    model = omomi.Sequential(
        [
            layers.Input((16, 1)),
            layers.Conv1D(8, 3, padding="same", activation="relu"),
            layers.MaxPooling1D(4),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ],
        seed=0,
    )
    model.compile(omomi.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=15, verbose=0)
    assert model.evaluate(x, y, verbose=0)[1] > 0.95


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Conv1D(4, (3, 3)), "kernel_size is one number"),
        (lambda: layers.Conv1D(4, 3, padding="full"), "padding"),
        (lambda: layers.MaxPooling1D(padding="causal"), "padding"),
        (lambda: layers.Conv2D(5, 3, groups=2), "equal groups"),
        (lambda: layers.Conv1D(4, 3, groups=3), "equal groups"),
        (lambda: layers.Conv1D(6, 3, groups=3)(X), "equal groups"),
        (lambda: layers.Conv1D(6, 3)(X[0]), "not a batch of sequences"),
        (lambda: layers.Conv2D(6, 3, data_format="channels_first"), "channels come last"),
        (lambda: layers.Conv2D(6, (3, 3, 3)), "kernel_size is one number or 2"),
        (lambda: layers.Conv2D(6, 3, padding=((1, 1),)), "numbers of zeros"),
        (lambda: layers.Conv2D(6, 3, padding="causal"), "padding"),
        (lambda: layers.Conv3D(6, 3)(X), "not a batch of volumes"),
        (lambda: layers.Conv3D(6, (3, 1, 1))(X[None, :, :, :2, None]), "nothing would be left of the volume"),
        (lambda: layers.Conv3D(6, 2, groups=4), "equal groups"),
        (lambda: layers.Conv2DTranspose(6, 3, padding=((1, 1), (0, 0))), "padding of a transposed convolution"),
        (lambda: layers.Conv2DTranspose(6, 3, strides=2, output_padding=2), "smaller than strides"),
        (lambda: layers.Conv2DTranspose(6, 3, strides=2, output_padding=(1, 0, 1)), "output_padding"),
        (lambda: layers.Conv2DTranspose(6, 4, strides=2, padding="same", output_padding=0), "leave output_padding out"),
        (lambda: layers.Conv2DTranspose(6, 3)(X), "not a batch of images"),
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier is a positive"),
        (lambda: layers.DepthwiseConv1D(10)(X), "nothing would be left of the sequence"),
        (lambda: layers.SeparableConv1D(0, 3), "filters is a positive"),
        (lambda: layers.MaxPooling3D(4)(X[None, :, :, :, None]), "nothing would be left of the volume"),
        (lambda: layers.GlobalAveragePooling3D()(X), "not a batch of volumes"),
        (lambda: layers.GlobalMaxPooling1D()(X[0]), "not a batch of sequences"),
        (lambda: layers.Conv1D(6, 10)(X), "nothing would be left"),
        (lambda: layers.MaxPooling1D(10)(X), "nothing would be left"),
        (lambda: layers.Cropping1D(5)(X), "nothing would be left"),
        (lambda: layers.ZeroPadding2D(1)(X), "not a batch of images"),
        (lambda: layers.ZeroPadding1D(-1), "0 or more"),
        (lambda: layers.ZeroPadding2D((1, 2, 3)), "0 or more"),
        (lambda: layers.Cropping3D((1, 2)), "0 or more"),
        (lambda: layers.UpSampling2D((1, 2, 3)), "size is one number or 2"),
        (lambda: layers.UpSampling2D(2, interpolation="gaussian"), "interpolation"),
        (lambda: F.resize(X, (2, 2)), "batch of images"),
        (lambda: F.resize(X[None], (0, 2)), "at least one pixel"),
        (lambda: layers.Permute((0, 2, 1)), "counted from 1"),
        (lambda: layers.Permute((2, 1))(X[None]), "another number of axes"),
        (lambda: layers.Reshape((0, 4)), "positive sizes"),
        (lambda: layers.Flatten("channels_first"), "channels come last"),
        (lambda: F.convolution_1d(X, np.zeros((3, 3, 2))), "do not fit"),
        (lambda: F.convolution_2d(X[None], np.zeros((3, 3, 3, 2)), groups=2), "do not fit"),
        (lambda: F.max_pooling_1d(X[0]), "batch of sequences"),
        (lambda: F.max_pooling_3d(X), "batch of volumes"),
        (lambda: F.convolution_3d(X, np.zeros((2, 2, 2, 4, 1))), "volume and kernel do not fit"),
        (lambda: F.depthwise_convolution_2d(X[None], np.zeros((3, 3, 3, 2))), "do not fit"),
        (lambda: F.transposed_convolution_1d(X, np.zeros((3, 4, 3))), "do not fit"),
        (lambda: F.convolution_2d(X[None], np.zeros((3, 3, 4, 2)), strides=(1, 1, 1)), "one number for each axis"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(errors.OmomiError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (layers.Dense(5), (None, 7), 7 * 5),
        (layers.Dense(5), (None, 4, 7), 4 * 7 * 5),
        (layers.Conv1D(6, 3), (None, 9, 4), 7 * 3 * 4 * 6),
        (layers.Conv1D(6, 3), (None, None, 4), 3 * 4 * 6),  # for each time
        (layers.Conv2D(6, 3, strides=2, padding="same", groups=2), (None, 7, 8, 4), 4 * 4 * 9 * 2 * 6),
        (layers.Conv3D(2, (1, 2, 3)), (None, 4, 4, 4, 3), 4 * 3 * 2 * 6 * 3 * 2),
        (layers.Conv2DTranspose(6, 3, strides=2), (None, 7, 8, 4), 7 * 8 * 9 * 6 * 4),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), (None, 7, 8, 4), 5 * 6 * 9 * 4 * 2),
        (layers.SeparableConv2D(5, 3, depth_multiplier=2), (None, 7, 8, 4), 5 * 6 * 8 * (9 + 5)),
        (layers.Flatten(), (None, 7, 8), 0),
    ],
)
def test_multiply_accumulates_of_one_sample(layer, shape, expected):
    assert layer.multiply_accumulates(shape) == expected


def test_a_transposed_convolution_by_hand():
    """Each pixel puts the kernel down, two pixels apart; the copies overlap by one.

    x = 1 2    W = 1 10 100       y = 1 10 100 + 0 0 2 20 200 = 1 10 102 20 200
    """
    x, W = np.array([1.0, 2]).reshape(1, 2, 1), np.array([1.0, 10, 100]).reshape(3, 1, 1)
    assert F.transposed_convolution_1d(x, W, strides=2).array.ravel().tolist() == [1, 10, 102, 20, 200]
    # "same" cuts what a convolution from 4 numbers to 2 would pad: one zero after the last.
    assert F.transposed_convolution_1d(x, W, strides=2, padding="same").array.ravel().tolist() == [1, 10, 102, 20]


def test_a_depthwise_convolution_by_hand():
    """Two channels, two kernels each, of one row: channel 0 is (1, 2, 3), channel 1 is (10, 20, 30)."""
    x = np.array([[1.0, 10], [2, 20], [3, 30]]).reshape(1, 3, 2)
    W = np.array([[[1.0, 0], [1, 2]], [[0, 1], [1, 0]]])  # (K, C, D)
    y = F.depthwise_convolution_1d(x, W, np.array([0.0, 0, 0, 100])).array
    # channel 0: kernels (1, 0), (0, 1): 1 2 and 2 3;   channel 1: kernels (1, 1), (2, 0): 30 50 and 20 40, plus 100
    assert y.tolist() == [[[1, 2, 30, 120], [2, 3, 50, 140]]]


def test_the_mean_of_a_sequence_counts_the_steps_that_exist():
    x = np.array([[[1.0, 2], [3, 6], [0, 0]], [[5, 7], [0, 0], [0, 0]], [[0, 0], [0, 0], [0, 0]]], np.float32)
    layer = layers.GlobalAveragePooling1D()
    assert layer(layers.Masking()(x)).array.tolist() == [[2, 4], [5, 7], [0, 0]]
    np.testing.assert_allclose(layer(x).numpy(), [[4 / 3, 8 / 3], [5 / 3, 7 / 3], [0, 0]], rtol=1e-6)
    assert layers.GlobalAveragePooling1D(keepdims=True)(layers.Masking()(x)).array.tolist() == [
        [[2, 4]],
        [[5, 7]],
        [[0, 0]],
    ]


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (layers.Conv1D(2, 3, kernel_constraint="non_neg", bias_constraint="non_neg"), X),
        (layers.Conv2DTranspose(2, 3, kernel_constraint="non_neg", bias_constraint="non_neg"), X[None]),
        (layers.DepthwiseConv1D(3, depthwise_constraint="non_neg", bias_constraint="non_neg"), X),
        (
            layers.SeparableConv1D(
                2, 3, depthwise_constraint="non_neg", pointwise_constraint="non_neg", bias_constraint="non_neg"
            ),
            X,
        ),
    ],
)
def test_constraints_hold_after_a_step(layer, x):
    model = omomi.Sequential([layers.Input(x.shape[1:]), layer, layers.Flatten(), layers.Dense(1)], seed=0)
    assert any((p.array < 0).any() for p in layer.parameters().values())
    model.compile("sgd", "mse")
    model.fit(x, np.full(len(x), -100.0), epochs=1, verbose=0)
    assert all((p.array >= 0).all() for p in layer.parameters().values())
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


def test_transposed_convolution_is_the_adjoint_of_convolution():
    """⟨conv(y), x⟩ = ⟨y, convᵀ(x)⟩ for the same kernel, whatever strides and padding."""
    rng = np.random.default_rng(0)
    for rank, options in ((1, {"strides": 3}), (2, {"strides": (2, 1), "padding": "same"}), (3, {"dilation": 2})):
        x, W = rng.normal(size=(2, *(4, 5, 3)[:rank], 2)), rng.normal(size=(*(3, 2, 2)[:rank], 3, 2))
        y = getattr(F, f"transposed_convolution_{rank}d")(x, W, **options).array
        other = rng.normal(size=y.shape)
        back = getattr(F, f"convolution_{rank}d")(other, W, **options).array
        assert back.shape == x.shape
        assert_allclose((back * x).sum(), (other * y).sum(), rtol=1e-12)


def test_one_channel_in_each_group_is_a_depthwise_convolution():
    """And the same as one convolution for each group, side by side."""
    rng = np.random.default_rng(0)
    x, W, b = rng.normal(size=(2, 5, 6, 3)), rng.normal(size=(3, 2, 1, 6)), rng.normal(size=6)
    found = F.convolution_2d(x, W, b, groups=3, padding="same")
    parts = [F.convolution_2d(x[..., k : k + 1], W[..., 2 * k : 2 * k + 2], padding="same").array for k in range(3)]
    assert_allclose(found.array, np.concatenate(parts, axis=3) + b, rtol=1e-12)


def test_another_number_of_channels_than_when_built():
    layer = layers.Conv1D(4, 3)
    layer(X)
    with pytest.raises(errors.ShapeError, match="4 channels, as when it was built"):
        layer(X[..., :2])
