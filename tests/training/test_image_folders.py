"""Folders of images as data: forms, parts, training, mistakes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import omomi
from omomi import errors
from omomi.layers import Dense

RNG = np.random.default_rng(0)


@pytest.fixture
def shapes(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for label, name in enumerate(("dark", "light")):
        (tmp_path / name).mkdir()
        for i in range(6):
            pixels = RNG.integers(0, 90, (9, 7, 3), dtype=np.uint8) + np.uint8(150 * label)
            image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    return tmp_path


def test_a_folder_of_images_is_learned_from(shapes):
    data = omomi.datasets.ImageFolder(shapes, (6, 5), batch_size=4)
    assert (data.samples, len(data), data.classes) == (12, 3, ("dark", "light"))
    x, y = data[0]
    assert (x.shape, x.dtype, y.shape) == ((4, 6, 5, 3), np.uint8, (4,))
    model = omomi.Sequential(
        [
            omomi.layers.Rescaling(1 / 255, input_shape=(6, 5, 3)),
            omomi.layers.Flatten(),
            Dense(2, activation="softmax"),
        ],
        seed=0,
    )
    model.compile(omomi.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(data, epochs=15, verbose=0, validation_data=data)
    assert history.history["val_accuracy"][-1] == 1.0
    assert model.history.params["samples"] == 12
    order = np.arange(12)
    pixels, labels = data.take(order)
    arrays = omomi.Sequential.from_config({**model.get_config(), "seed": 0})
    arrays.compile(omomi.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    arrays.fit(pixels, labels, batch_size=4, epochs=15, verbose=0)
    for one, other in zip(model.get_weights(), arrays.get_weights(), strict=True):
        assert_array_equal(one, other)  # shuffled image by image, as arrays are


def test_forms_and_parts_of_a_folder(shapes):
    make = omomi.datasets.ImageFolder
    train = make(shapes, (4, 4), validation_split=0.34, subset="training", seed=1)
    rest = make(shapes, (4, 4), validation_split=0.34, subset="validation", seed=1)
    assert (train.samples, rest.samples) == (8, 4)
    assert not set(train.files) & set(rest.files)
    assert np.bincount(rest.labels).tolist() == [2, 2]
    gray = make(shapes, (4, 4), color_mode="grayscale", label_mode="categorical", class_names=["light", "dark"])
    x, y = gray.take(np.array([0, 11]))
    assert x.shape == (2, 4, 4, 1)
    assert_array_equal(y, [[1, 0], [0, 1]])
    assert x[0].mean() > x[1].mean()
    assert make(shapes, (4, 4), label_mode="binary").take(np.array([0, 11]))[1].tolist() == [[0.0], [1.0]]
    assert make(shapes, (4, 4), label_mode=None).take(np.array([0])).shape == (1, 4, 4, 3)
    data = make(shapes, (4, 4), batch_size=5)
    before = data[0][0]
    data.on_epoch_end()
    assert (before != data[0][0]).any()
    assert data[2][0].shape[0] == 2


def test_mistakes_of_folders(shapes, tmp_path_factory):
    make = omomi.datasets.ImageFolder
    (shapes / "light" / "0.png").write_bytes(b"no image")
    model = omomi.Sequential([omomi.layers.Flatten(input_shape=(4, 4, 3)), Dense(2)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(errors.FileFormatError, match=r"0\.png"):
        model.fit(make(shapes, (4, 4)), verbose=0)
    with pytest.raises(errors.DataError, match="the folder is empty"):
        make(tmp_path_factory.mktemp("empty"))
    with pytest.raises(errors.FileAccessError, match="no such folder"):
        make(shapes / "none")
    with pytest.raises(errors.UnknownNameError, match="did you mean 'rgb'"):
        make(shapes, color_mode="rgba")
    with pytest.raises(errors.UnknownNameError, match="did you mean 'light'"):
        make(shapes, class_names=["lights"])
    with pytest.raises(errors.ConfigurationError, match="belong together"):
        make(shapes, validation_split=0.2)
    with pytest.raises(errors.ConfigurationError, match="positive whole numbers"):
        make(shapes, (0, 4))
