"""Padded sequences, a tokenizer, and images that change: what Keras 1 and 2 prepared data with."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from omomi.dialects.spellings.data import small_digits
from omomi.dialects.spellings.images import ImageDataGenerator, array_to_img, img_to_array, load_img
from omomi.dialects.spellings.text import TimeseriesGenerator, Tokenizer, pad_sequences, text_to_word_sequence
from omomi.errors import DataError, FileAccessError


def test_sequences_are_padded_and_cut_before_unless_told():
    rows = [[1], [2, 3], [4, 5, 6]]
    np.testing.assert_array_equal(pad_sequences(rows), [[0, 0, 1], [0, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(pad_sequences(rows, maxlen=2), [[0, 1], [2, 3], [5, 6]])
    after = pad_sequences(rows, maxlen=2, padding="post", truncating="post", value=9)
    np.testing.assert_array_equal(after, [[1, 9], [2, 3], [4, 5]])
    assert pad_sequences([[]], maxlen=2).tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="padding is a side"):
        pad_sequences(rows, padding="left")
    with pytest.raises(DataError):
        pad_sequences([1, 2])


def test_words_are_numbered_by_how_often_they_occur():
    assert text_to_word_sequence("The cat, the DOG!") == ["the", "cat", "the", "dog"]
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(["the cat and the dog", "the dog"])
    assert tokenizer.word_index == {"the": 1, "dog": 2, "cat": 3, "and": 4}
    assert tokenizer.texts_to_sequences(["the bird and dog"]) == [[1, 4, 2]]
    assert tokenizer.sequences_to_texts([[1, 2]]) == ["the dog"]
    np.testing.assert_array_equal(tokenizer.texts_to_matrix(["the the dog"], "count"), [[0, 2, 1, 0, 0]])
    np.testing.assert_allclose(tokenizer.texts_to_matrix(["the the dog"], "freq"), [[0, 2 / 3, 1 / 3, 0, 0]])
    # (1 + ln 2) ln(1 + 2 / (1 + 2)) for "the", which is in both texts
    np.testing.assert_allclose(tokenizer.texts_to_matrix(["the the"], "tfidf")[0, 1], (1 + np.log(2)) * np.log(5 / 3))


def test_rare_and_unseen_words():
    tokenizer = Tokenizer(num_words=3, oov_token="?")
    tokenizer.fit_on_texts(["a a a b b c"])
    assert tokenizer.word_index == {"?": 1, "a": 2, "b": 3, "c": 4}
    assert tokenizer.texts_to_sequences(["a b z"]) == [[2, 1, 1]]


def test_windows_of_a_series():
    windows = TimeseriesGenerator(np.arange(10), np.arange(10), length=3, batch_size=4)
    assert len(windows) == 2
    x, y = windows[0]
    np.testing.assert_array_equal(x[0], [0, 1, 2])
    assert y[0] == 3


def test_a_shift_moves_the_image():
    datagen = ImageDataGenerator(fill_mode="constant")
    image = np.zeros((5, 5, 1), np.float32)
    image[2, 2] = 1
    moved = datagen.mapped(image, np.eye(2), np.array([1.0, 0.0]))  # read one row further down
    assert moved[1, 2, 0] == 1
    assert moved.sum() == 1


def test_a_quarter_turn_and_flips():
    datagen = ImageDataGenerator(horizontal_flip=True)
    image = np.arange(9, dtype=np.float32).reshape(3, 3, 1)
    turned = datagen.mapped(image, np.array([[0.0, -1.0], [1.0, 0.0]]), np.zeros(2))
    np.testing.assert_allclose(turned[..., 0], np.rot90(image[..., 0], -1), atol=1e-5)
    flips = {tuple(datagen.random_transform(image, np.random.RandomState(s))[0, :, 0]) for s in range(20)}
    assert flips == {(0.0, 1.0, 2.0), (2.0, 1.0, 0.0)}


def test_scales_and_standards():
    x = np.random.default_rng(0).uniform(0, 255, (20, 4, 4, 1))
    datagen = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True, rescale=1 / 255)
    with pytest.raises(DataError, match=r"datagen\.fit"):
        next(datagen.flow(x))
    datagen.fit(x)
    batch = next(datagen.flow(x, batch_size=20, shuffle=False))
    np.testing.assert_allclose([batch.mean(), batch.std()], [0, 1], atol=1e-4)


def test_every_sample_comes_once_in_an_epoch_and_the_seed_fixes_all():
    x = np.arange(10, dtype=np.float32).reshape(10, 1, 1, 1)
    flow = ImageDataGenerator().flow(x, np.arange(10), batch_size=4, seed=1)
    assert len(flow) == 3
    seen = [label for _ in range(3) for label in next(flow)[1]]
    assert sorted(seen) == list(range(10))
    again = ImageDataGenerator().flow(x, np.arange(10), batch_size=4, seed=1)
    assert [label for _ in range(3) for label in next(again)[1]] == seen
    with pytest.raises(DataError, match="different lengths"):
        ImageDataGenerator().flow(x, np.arange(9))


def test_images_from_folders(tmp_path):
    for name, value in (("cats", 10), ("dogs", 200)):
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.fromarray(np.full((6, 8, 3), value + i, np.uint8)).save(tmp_path / name / f"{i}.png")
    flow = ImageDataGenerator(rescale=1 / 255).flow_from_directory(tmp_path, (4, 5), class_mode="binary", batch_size=6)
    x, y = next(flow)
    assert x.shape == (6, 4, 5, 3)
    assert flow.class_indices == {"cats": 0, "dogs": 1}
    np.testing.assert_array_equal(x[:, 0, 0, 0] > 0.5, y == 1)
    grey = load_img(tmp_path / "cats" / "0.png", grayscale=True, target_size=(2, 2))
    assert img_to_array(grey).shape == (2, 2, 1)
    assert array_to_img(img_to_array(grey)).size == (2, 2)
    with pytest.raises(FileAccessError):
        load_img(tmp_path / "none.png")
    with pytest.raises(FileAccessError):
        ImageDataGenerator().flow_from_directory(tmp_path / "nowhere")


def test_the_small_digits_have_the_form_of_mnist():
    (x, y), (x_test, _) = small_digits()
    assert x.shape[1:] == x_test.shape[1:] == (28, 28)
    assert (x.dtype, x.max(), y.max()) == (np.uint8, 255, 9)
