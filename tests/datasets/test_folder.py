"""A user's own folder: IDX files or images, and what is said where it cannot be used."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from omomi import datasets
from omomi.datasets import load_folder
from omomi.datasets.images import read_image
from omomi.errors import DataError, FileAccessError, FileFormatError
from tests.datasets.idx_files import NAMES, digits, idx, packed, put


def paint(path, value=0, size=(6, 8), mode="L", **options):
    """An image of one colour; size is (height, width)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size[::-1], value).save(path, **options)


@pytest.fixture
def shapes(tmp_path):
    """Two classes of gray images, 10 and 5; the brightness tells them apart."""
    for i in range(10):
        paint(tmp_path / "shapes" / "square" / f"{i}.png", 200 + i)
    for i in range(5):
        paint(tmp_path / "shapes" / "circle" / f"{i}.png", 10 + i)
    return tmp_path / "shapes"


def test_a_folder_of_classes(shapes):
    data = load_folder(shapes)
    (x, y), (u, v) = data.train, data.test
    assert (data.name, data.classes, data.scale, data.shape) == ("shapes", ("circle", "square"), 255, (6, 8))
    assert (x.shape, x.dtype, u.shape) == ((12, 6, 8), np.uint8, (3, 6, 8))
    assert np.bincount(v).tolist() == [1, 2]
    np.testing.assert_array_equal(x[:, 0, 0] >= 200, y == 1)
    np.testing.assert_array_equal(u[:, 0, 0] >= 200, v == 1)
    everything = np.sort(np.concatenate([x, u])[:, 0, 0])
    assert everything.tolist() == [*range(10, 15), *range(200, 210)]
    np.testing.assert_array_equal(load_folder(shapes).train[0], x)
    assert datasets.load(shapes).classes == datasets.load(str(shapes)).classes == data.classes


def test_one_colour_image_makes_all_colour(shapes):
    paint(shapes / "circle" / "red.png", (255, 0, 0), mode="RGB")
    data = load_folder(shapes)
    assert data.shape == (6, 8, 3)
    reds = [x for x in np.concatenate([data.train[0], data.test[0]]) if x[0, 0].tolist() == [255, 0, 0]]
    assert len(reds) == 1


def test_images_are_brought_to_the_commonest_or_the_chosen_size(shapes):
    paint(shapes / "circle" / "large.jpg", 100, size=(300, 500))
    assert load_folder(shapes).shape == (6, 8)
    assert load_folder(shapes, size=(10, 5)).shape == (10, 5)


def test_large_images_are_reduced(tmp_path):
    for name in ("a", "b"):
        for i in range(2):
            paint(tmp_path / name / f"{i}.jpeg", 9, size=(300, 150))
    assert load_folder(tmp_path).shape == (64, 32)
    assert load_folder(tmp_path, size=(300, 150)).shape == (300, 150)


def test_kinds_of_png(tmp_path):
    path = tmp_path / "a.png"
    paint(path, (0, 0, 0, 0), mode="RGBA")  # transparent
    assert (read_image(path, gray=True) == 255).all()
    paint(path, (10, 128), mode="LA")  # 10 at 128/255 on white
    assert abs(int(read_image(path, gray=True)[0, 0]) - 132) <= 1
    paint(path, 1, mode="1")
    assert (read_image(path, gray=True) == 255).all()
    paint(path, 0x8040, mode="I;16")
    assert (read_image(path, gray=True) == 0x80).all()
    paint(path, 77, transparency=77)  # a gray that is declared transparent
    assert (read_image(path, gray=True) == 255).all()
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.save(path)
    assert read_image(path, gray=False)[0, 0].tolist() == [10, 20, 30]


def test_a_photograph_is_turned_as_the_camera_was_held(tmp_path):
    image = Image.new("L", (8, 4))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    image.save(tmp_path / "a.jpg", exif=exif)
    assert read_image(tmp_path / "a.jpg", gray=True).shape == (8, 4)


def test_other_files_and_hidden_folders_are_passed_over(shapes):
    (shapes / "notes.txt").write_text("mine")
    (shapes / "circle" / "notes.txt").write_text("mine")
    (shapes / "circle" / ".hidden.png").write_bytes(b"no image")
    for name in (".git", "__MACOSX"):
        (shapes / name).mkdir()
    assert load_folder(shapes).classes == ("circle", "square")


def test_folders_without_anything_to_learn(tmp_path, shapes):
    with pytest.raises(FileAccessError, match="no such folder"):
        load_folder(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="the folder is empty"):
        load_folder(tmp_path / "empty")
    paint(tmp_path / "loose" / "a.png")
    with pytest.raises(DataError, match=r"no classes(.|\n)*move the images of each class into a sub-folder"):
        load_folder(tmp_path / "loose")
    paint(tmp_path / "single" / "only" / "a.png")
    with pytest.raises(DataError, match="one class"):
        load_folder(tmp_path / "single")
    (shapes / "triangle").mkdir()
    with pytest.raises(DataError, match="triangle: a class has too few images"):
        load_folder(shapes)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n and then nothing"])
def test_an_unreadable_image_is_named(shapes, content):
    (shapes / "circle" / "bad.png").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"bad\.png: this is no readable PNG or JPEG image"):
        load_folder(shapes)


def test_a_truncated_image_is_named(shapes):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (40, 40), np.uint8)).save(shapes / "circle" / "cut.png")
    whole = (shapes / "circle" / "cut.png").read_bytes()
    (shapes / "circle" / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileFormatError, match=r"cut\.png: this is no readable"):
        load_folder(shapes)


def test_formats_that_were_not_asked_for_are_refused(shapes):
    Image.new("L", (4, 4)).save(shapes / "circle" / "gif.png", format="GIF")
    with pytest.raises(FileFormatError, match=r"gif\.png"):
        load_folder(shapes)


def test_images_with_too_many_pixels_are_refused_before_they_are_unpacked(shapes, monkeypatch):
    monkeypatch.setattr("omomi.datasets.images.MAX_PIXELS", 1000)
    paint(shapes / "circle" / "huge.png", size=(100, 100))
    with pytest.raises(FileFormatError, match="at most 1000 pixels"):
        load_folder(shapes)


def test_more_images_than_memory_are_refused(shapes, monkeypatch):
    monkeypatch.setattr("omomi.datasets.folder.MAX_BYTES", 1 << 30)
    with pytest.raises(DataError, match="at most 1 GiB"):
        load_folder(shapes, size=(20_000, 20_000))


def test_a_folder_of_idx_files(tmp_path):
    arrays = digits()
    put(tmp_path / "own", packed(arrays))
    data = load_folder(tmp_path / "own")
    for array, name in zip((*data.train, *data.test), NAMES, strict=True):
        np.testing.assert_array_equal(array, arrays[name])
    assert (data.name, data.classes, data.scale) == ("own", tuple("0123456789"), 255)


def test_idx_files_that_are_missing_damaged_or_exchanged(tmp_path):
    arrays = digits()
    plain = {name: idx(array) for name, array in arrays.items()}
    put(tmp_path / "a", {name: plain[name] for name in NAMES[:3]})
    with pytest.raises(DataError, match=f"no {NAMES[3]}"):
        load_folder(tmp_path / "a")
    put(tmp_path / "b", plain | {NAMES[2]: plain[NAMES[2]][:-5]})
    with pytest.raises(FileFormatError, match=rf"{NAMES[2]}: the IDX file is cut short"):
        load_folder(tmp_path / "b")
    put(tmp_path / "c", plain | {NAMES[0]: plain[NAMES[1]], NAMES[1]: plain[NAMES[0]]})
    with pytest.raises(DataError, match="were not exchanged"):
        load_folder(tmp_path / "c")
    put(tmp_path / "d", plain | {NAMES[2]: idx(np.zeros((10, 3, 3), np.uint8))})
    with pytest.raises(DataError, match="differ in size"):
        load_folder(tmp_path / "d")
