"""Layers that prepare images and features: against Keras and SciPy, per sample, in replayed steps, and mistakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

import omomi
from omomi import Sequential, Variable, errors
from omomi import functions as F
from omomi.layers import (
    CenterCrop,
    Conv2D,
    Dense,
    Flatten,
    Normalization,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Rescaling,
    Resizing,
)

with np.load(Path(__file__).parent.parent / "oracles" / "keras_images.npz") as file:
    KERAS = dict(file)  # what tests/oracles/keras_images.py wrote
X = KERAS["x"]
PREDICTED = {
    "resizing": Resizing(4, 11),
    "resizing_up": Resizing(13, 12),
    "resizing_nearest": Resizing(5, 4, "nearest"),
    "resizing_cubic": Resizing(7, 5, "bicubic"),
    "resizing_crop": Resizing(5, 5, crop_to_aspect_ratio=True),
    "resizing_pad": Resizing(4, 3, pad_to_aspect_ratio=True, fill_value=7.0),
    "center_crop": CenterCrop(3, 4),
    "center_crop_small": CenterCrop(8, 8),
    "normalization": Normalization(mean=[100.0, 120.0], variance=[400.0, 25.0]),
    "normalization_invert": Normalization(mean=1.5, variance=4.0, invert=True),
}
TRAINED = {
    "translation": RandomTranslation((0.2, 0.2), (-0.3, -0.3)),
    "translation_constant": RandomTranslation((-0.25, -0.25), (0.1, 0.1), "constant", fill_value=9.0),
    "translation_wrap": RandomTranslation((1 / 3, 1 / 3), (0.2, 0.2), "wrap"),
    "translation_nearest": RandomTranslation((0.4, 0.4), (0.4, 0.4), "nearest", "nearest"),
    "rotation": RandomRotation((0.1, 0.1)),
    "rotation_constant": RandomRotation((-0.3, -0.3), "constant"),
    "zoom": RandomZoom((0.3, 0.3), (-0.2, -0.2)),
    "zoom_one": RandomZoom((-0.4, -0.4), fill_mode="nearest"),
    "brightness": RandomBrightness((0.2, 0.2)),
}
RANDOM = [
    RandomFlip(),
    RandomFlip("horizontal"),
    RandomTranslation(0.3, 0.3),
    RandomRotation(0.2),
    RandomZoom(0.4),
    RandomCrop(4, 4),
    RandomContrast(0.5),
    RandomBrightness(0.3),
]


@pytest.mark.parametrize("name", [*PREDICTED, *TRAINED])
def test_bytes_become_what_keras_makes_of_them(name):
    layer = {**PREDICTED, **TRAINED}[name]
    layer = type(layer).from_config(layer.get_config())
    y = layer(X, training=name in TRAINED)
    assert y.dtype == np.float32
    assert_allclose(y.array, KERAS[name], rtol=1e-5, atol=2e-3)
    assert layer.compute_output_shape((None, 6, 9, 2)) == (None, *y.shape[1:])
    if name in TRAINED:
        assert_array_equal(layer(X).array, X)  # nothing in prediction


MODES = {"constant": "grid-constant", "nearest": "nearest", "reflect": "reflect", "wrap": "grid-wrap"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("interpolation", "order"), [("bilinear", 1), ("nearest", 0)])
def test_warp_reads_what_scipy_reads(mode, interpolation, order):
    rng = np.random.default_rng(0)
    x, matrix = rng.normal(size=(3, 5, 7, 2)), rng.uniform(-1.5, 1.5, (3, 2, 3)) * [1, 1, 4]
    y = F.warp(x, matrix, fill_mode=mode, interpolation=interpolation, fill_value=0.3).array
    for n in range(3):
        for c in range(2):
            a, b = matrix[n, :, :2], matrix[n, :, 2]
            wanted = ndimage.affine_transform(x[n, :, :, c], a, b, order=order, mode=MODES[mode], cval=0.3)
            assert_allclose(y[n, :, :, c], wanted, atol=1e-12)


@pytest.mark.parametrize("layer", RANDOM, ids=lambda layer: type(layer).__name__)
def test_each_image_is_changed_by_itself_and_by_the_seed(layer):
    config = {**layer.get_config(), "name": None}
    images = np.repeat(X[:1], 8, axis=0)
    y = type(layer)(**config, seed=1)(images, training=True).array
    assert len({image.tobytes() for image in y}) > (1 if isinstance(layer, RandomFlip) else 3)
    assert_array_equal(y, type(layer)(**config, seed=1)(images, training=True).array)
    assert (y != type(layer)(**config, seed=2)(images, training=True).array).any()
    assert y.min() >= 0
    assert y.max() <= 255


def test_flips_and_crops_move_entries_and_change_none():
    images = np.repeat(X[:1], 64, axis=0)
    flips = {y.tobytes() for y in RandomFlip(seed=0)(images, training=True).array}
    one = X[0].astype("float32")
    assert flips == {a.tobytes() for a in (one, one[::-1], one[:, ::-1], one[::-1, ::-1])}
    crops = {y.tobytes() for y in RandomCrop(5, 7, seed=0)(images, training=True).array}
    assert crops == {one[i : i + 5, j : j + 7].tobytes() for i in range(2) for j in range(3)}
    assert RandomCrop(5, 5)(images).shape == (64, 5, 5, 2)


def test_contrast_and_brightness_by_hand():
    """Entries 10, 30 of mean 20: contrast 1.5 makes 5, 35; brightness + 0.1 · 255 makes 35.5, 55.5; both end at 255."""
    x = np.array([10.0, 30.0], np.float32).reshape(1, 1, 2, 1)
    stronger = RandomContrast((0.0, 0.5))
    stronger.factor = (-0.5, 0.5)  # drawn between 1.5 and 1.5
    assert_allclose(stronger(x, training=True).array.ravel(), [5, 35], rtol=1e-6)
    assert_allclose(RandomBrightness((0.1, 0.1))(x, training=True).array.ravel(), [35.5, 55.5])
    assert RandomBrightness((0.9, 0.9), (0, 30))(x, training=True).array.max() == 30


def test_gradients_pass_to_the_layers_before(tmp_path):
    model = Sequential(
        [Conv2D(2, 1, input_shape=(6, 6, 1)), RandomRotation(0.1), RandomFlip(), RandomCrop(4, 4), Flatten(), Dense(1)],
        seed=0,
    )
    x = Variable(np.random.default_rng(0).normal(size=(2, 6, 6, 1)).astype("float32"))
    model(x, training=True).sum().backward()
    assert np.isfinite(x.grad).all()
    assert (model.layers[0].kernel.grad != 0).any()
    model.save(tmp_path / "model.omomi")
    assert_array_equal(omomi.load_model(tmp_path / "model.omomi")(x).array, model(x).array)


def test_augmentation_is_part_of_the_step():
    """The same images and losses on every engine, and in a run that is cut in two."""
    x, y = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), np.uint8), np.arange(12.0).reshape(12, 1)

    def model():
        layers = [Rescaling(1 / 255, input_shape=(8, 8, 1)), RandomFlip("horizontal"), RandomTranslation(0.2, 0.2)]
        made = Sequential([*layers, RandomZoom(0.2), RandomContrast(0.3, (0, 1)), Flatten(), Dense(1)], seed=4)
        made.compile("sgd", "mse")
        return made

    found = {}
    for engine in ("numpy", "numba", "jax"):
        with omomi.use(engine):
            found[engine] = model().fit(x, y, epochs=3, batch_size=5, verbose=0).history["loss"]
    assert_allclose(found["numba"], found["numpy"], rtol=1e-4)
    assert_allclose(found["jax"], found["numpy"], rtol=1e-4)
    assert len({round(loss, 6) for loss in found["numpy"]}) == 3


# ---- Normalization -------------------------------------------------------------------------------------------------


def test_adapt_finds_the_statistics_in_one_pass():
    layer = Normalization((1, 3))
    layer.adapt(X)
    assert_allclose(layer.mean.array, KERAS["adapted_mean"].reshape(6, 2), rtol=1e-5)
    assert_allclose(layer.variance.array, KERAS["adapted_variance"].reshape(6, 2), rtol=1e-5)
    rng = np.random.default_rng(0)
    data = 1e4 + rng.normal(size=(1000, 3)) * [1, 2, 3]  # far from 0: nothing cancels
    in_batches, whole, total = Normalization(), Normalization(), Normalization(axis=None)
    in_batches.adapt((data[i : i + 7], None) for i in range(0, 1000, 7))
    whole.adapt(data)
    total.adapt(data)
    assert_allclose(whole.variance.array, data.var(axis=0), rtol=1e-6)
    assert_allclose(in_batches.variance.array, whole.variance.array, rtol=1e-6)
    assert_allclose([total.mean.array, total.variance.array], [data.mean(), data.var()], rtol=1e-6)
    assert_allclose(whole(data).array.std(axis=0), 1, rtol=1e-3)
    back = Normalization(mean=whole.mean.array, variance=whole.variance.array, invert=True)
    assert_allclose(back(whole(data)).array, data, rtol=1e-5)


def test_statistics_are_kept_with_the_model_and_training_leaves_them(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 3)) * 5 + 2
    layer = Normalization(input_shape=(3,))
    layer.adapt(x)
    model = Sequential([layer, Dense(1)], seed=0)
    model.compile("sgd", "mse")
    before = np.array(layer.mean.array)
    model.fit(x, x[:, :1], epochs=2, verbose=0)
    assert_array_equal(layer.mean.array, before)
    assert_allclose(before, x.mean(axis=0), rtol=1e-5)
    model.save(tmp_path / "model.omomi")
    assert_allclose(omomi.load_model(tmp_path / "model.omomi").predict(x), model.predict(x), rtol=1e-5, atol=1e-6)


def test_a_constant_feature_does_not_divide_by_zero():
    layer = Normalization()
    layer.adapt(np.ones((5, 2)))
    assert_array_equal(layer(np.ones((1, 2))).array, [[0, 0]])


WRONG = [
    (lambda: RandomFlip("horizontally"), "did you mean 'horizontal'"),
    (lambda: RandomRotation((0.3, 0.1)), "ends of a range"),
    (lambda: RandomTranslation(2.0, 0.1), "within -1 … 1"),
    (lambda: RandomZoom((-1.0, 0.0)), "ends of a range"),
    (lambda: RandomZoom(0.1, fill_mode="mirror"), "fill_mode"),
    (lambda: RandomRotation(0.1, interpolation="cubic"), "interpolation"),
    (lambda: RandomContrast(1.5), "how far contrast"),
    (lambda: RandomBrightness(0.1, (1, 0)), "value_range"),
    (lambda: RandomCrop(0, 3), "height is a positive"),
    (lambda: Resizing(3, 3, "cubic"), "did you mean 'bicubic'"),
    (lambda: Resizing(3, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "not offered"),
    (lambda: CenterCrop(3, 3, data_format="channels_first"), "channels come last"),
    (lambda: RandomFlip()(np.ones((3, 4, 1))), r"x\[None\]"),
    (lambda: F.warp(np.ones((2, 3, 3, 1)), np.ones((1, 2, 3))), "one map of the plane"),
    (lambda: F.random_crop(np.ones((2, 3, 3, 1)), (4, 3)), "larger than the image"),
    (lambda: Normalization(mean=1.0), "go together"),
    (lambda: Normalization(axis=0), "batch is axis 0"),
    (lambda: Normalization(mean=1.0, variance=-1.0), "not negative"),
    (lambda: Normalization(mean=1.0, variance=1.0).adapt(np.ones((2, 2))), "nothing to find"),
    (lambda: Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0])(np.ones((2, 3))), r"shape \(3,\)"),
    (lambda: Normalization().adapt([]), "at least one sample"),
    (lambda: Normalization().adapt(np.array([[np.nan]])), "not finite"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_mistakes_are_named(make, message):
    with pytest.raises(errors.OmomiError, match=message):
        make()
