"""A picture of a digit comes into the frame of the training data, whatever it looked like before."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from omomi import datasets
from omomi.cli.digit_image import FRAMES, LARGEST, Frame, cut_out, frame_of, framed, ink_of, prepare, reduced
from omomi.errors import DataError, FileAccessError, FileFormatError

MNIST = FRAMES["mnist"]


def picture(*, size=(90, 60), box=(20, 10, 30, 70), paper=255, ink=0) -> np.ndarray:
    """A gray picture, (height, width) = ``size``, with a bar from left, top to right, bottom."""
    image = Image.new("L", size[::-1], paper)
    ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=ink)
    return np.asarray(image)


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (0, 255), (200, 90), (60, 180), (128, 255), (128, 0)])
def test_ink_is_what_differs_from_the_border(paper, ink):
    found = ink_of(picture(paper=paper, ink=ink))
    expected = picture(paper=0, ink=1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_noise_of_the_paper_is_no_ink():
    noisy = picture(paper=200, ink=40).astype(float) + np.random.default_rng(0).normal(0, 4, (90, 60))
    found = ink_of(noisy.clip(0, 255).astype(np.uint8))
    assert cut_out(found).shape == (60, 10)
    assert np.count_nonzero(found[:, :18]) < 0.05 * 90 * 18  # half of it would be ink without a threshold


def test_ink_may_reach_the_border():
    found = ink_of(picture(box=(20, 0, 30, 90)))
    assert cut_out(found).shape == (90, 10)
    assert found.sum() == pytest.approx(900)


@pytest.mark.parametrize("gray", [picture(ink=255), picture(paper=120, ink=125), np.full((1, 1), 7, np.uint8)])
def test_without_contrast_there_is_no_ink(gray):
    assert ink_of(gray) is None


def test_the_proportions_are_kept_and_the_box_is_filled():
    # a bar of 60×12 in a box of 20×20 becomes 20×4; its middle lies on pixel 14, where MNIST has it
    image = framed(ink_of(picture(box=(20, 10, 32, 70))), MNIST)
    rows, columns = np.nonzero(image)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 24, 13, 16)
    assert (image.dtype, image.max(), image.shape) == (np.uint8, 255, (28, 28))
    # lying down: 12×60 becomes 4×20
    rows, columns = np.nonzero(framed(ink_of(picture(box=(0, 40, 60, 52))), MNIST))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (4, 20)


def test_a_small_picture_is_enlarged():
    image = framed(ink_of(picture(size=(8, 6), box=(2, 1, 4, 7))), MNIST)
    rows, columns = np.nonzero(image)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 7)


def test_the_centre_of_mass_is_the_middle_for_mnist_and_the_box_for_digits():
    shape = np.zeros((40, 40), np.float32)
    shape[10:30, 10:14] = 1  # an L, heavy at the left and at the bottom
    shape[26:30, 10:30] = 1
    image = framed(shape, MNIST).astype(float)
    rows = np.arange(28) @ image.sum(axis=1) / image.sum()
    columns = np.arange(28) @ image.sum(axis=0) / image.sum()
    assert abs(rows - 14) <= 0.5
    assert abs(columns - 14) <= 0.5
    boxed = framed(shape, Frame(28, 28, (20, 20), by_mass=False, maximum=255))
    rows, columns = np.nonzero(boxed)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 23, 4, 23)


def test_a_heavy_side_never_pushes_the_digit_out_of_the_field():
    shape = np.full((20, 20), 0.1, np.float32)
    shape[:, 19] = 1
    image = framed(shape, Frame(20, 24, (20, 20), by_mass=True, maximum=16))
    assert np.count_nonzero(image) == 400


def test_thin_strokes_are_brought_to_full_ink():
    assert framed(ink_of(picture(size=(900, 900), box=(400, 100, 403, 800))), MNIST).max() == 255


def test_digits_of_the_data_set_come_back_as_they_were():
    data = datasets.load("digits")
    images = data.test[0][:100]
    for enlarge in (3, 20):
        for light in (True, False):
            same = 0
            for image in images:
                large = (image * (255 // 16)).repeat(enlarge, axis=0).repeat(enlarge, axis=1)
                large = np.pad(large, ((7, 30), (50, 11)))
                back = framed(ink_of(large if light else 255 - large), FRAMES["digits"])
                same += np.abs(back.astype(int) - image).max() <= 1
            assert same >= 60  # the others have a faint column at the edge of their box, or full ink nowhere


@pytest.mark.mnist
def test_images_of_mnist_come_back_as_they_were():
    images = datasets.load("mnist").test[0][:200]
    differences = []
    for image in images:
        large = np.asarray(Image.fromarray(image).resize((280, 280), Image.Resampling.BICUBIC))
        back = framed(ink_of(255 - np.pad(large, 90)), MNIST)
        differences.append(np.abs(back.astype(float) - image).mean() / 255)
    assert np.mean(differences) < 0.03  # a quarter of the mean ink, which is 0.12: edges become softer


# ---- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "P", "LA", "I;16"])
def test_every_kind_of_picture_file(tmp_path, mode):
    gray = Image.fromarray(picture())
    if mode == "I;16":
        image = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    else:
        image = gray.convert(mode)
    image.save(tmp_path / "one.png")
    np.testing.assert_array_equal(prepare(tmp_path / "one.png", (28, 28), MNIST), framed(ink_of(picture()), MNIST))


@pytest.mark.parametrize("ink", ["black", "white"])
def test_strokes_on_a_transparent_ground(tmp_path, ink):
    image = Image.new("RGBA", (60, 90), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((20, 10, 29, 69), fill=ink)
    image.save(tmp_path / "one.png")
    np.testing.assert_array_equal(prepare(tmp_path / "one.png", (28, 28), MNIST), framed(ink_of(picture()), MNIST))


def test_a_photograph(tmp_path):
    Image.fromarray(picture(size=(900, 600), box=(200, 100, 300, 700), paper=190, ink=50)).save(
        tmp_path / "one.jpg", quality=30
    )
    image = prepare(tmp_path / "one.jpg", (28, 28), MNIST)
    rows, columns = np.nonzero(image > 25)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 3)


def test_a_huge_picture_is_reduced_first():
    assert max(reduced(np.zeros((5000, 300), np.uint8)).shape) <= LARGEST
    small = picture()
    assert reduced(small) is small


def test_without_a_frame_the_picture_is_stretched(tmp_path):
    Image.new("RGB", (30, 10), (255, 0, 0)).save(tmp_path / "red.png")
    sample = prepare(tmp_path / "red.png", (4, 6, 3), None)
    np.testing.assert_array_equal(sample, np.broadcast_to(np.array([255, 0, 0], np.uint8), (4, 6, 3)))
    with pytest.raises(DataError, match="does not read images"):
        prepare(tmp_path / "red.png", (4,), None)


def test_what_cannot_be_read(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    Image.new("L", (9, 9), 255).save(tmp_path / "blank.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "blank.png").read_bytes()[:40])
    for name, error in (("none.png", FileAccessError), ("text.png", FileFormatError), ("cut.png", FileFormatError)):
        with pytest.raises(error, match=name):
            prepare(tmp_path / name, (28, 28), MNIST)
    with pytest.raises(DataError, match="blank"):
        prepare(tmp_path / "blank.png", (28, 28), MNIST)


def test_which_data_has_a_frame(tmp_path):
    digits, iris = datasets.load("digits"), datasets.load("iris")
    assert frame_of(digits, None) == FRAMES["digits"]
    assert frame_of(iris, None) is None
    assert frame_of(digits, tmp_path) is None  # a folder of pictures
    (tmp_path / "train-images-idx3-ubyte").touch()
    assert frame_of(digits, tmp_path) == Frame(8, 8, (8, 8), by_mass=False, maximum=16)
    assert Frame.from_plain(MNIST.to_plain()) == MNIST
