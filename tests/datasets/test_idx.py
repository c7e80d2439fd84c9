"""The IDX parser: what is right is read, and everything else is named."""

from __future__ import annotations

import gzip
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omomi.datasets import read_idx
from omomi.datasets.idx import check_pair, parse_idx, unpack
from omomi.errors import DataError, FileAccessError, FileFormatError
from tests.datasets.idx_files import idx

GOOD = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))


def test_a_file_worked_by_hand():
    # dtype 8 (unsigned byte), one dimension of length 3
    np.testing.assert_array_equal(parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]), "f"), [7, 8, 9])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 0, 3), (2, 3, 4)])
def test_every_dtype_and_rank(dtype, shape):
    array = (np.arange(np.prod(shape), dtype=float).reshape(shape) * 3 - 5).astype(np.int8).astype(dtype)
    found = parse_idx(idx(array), "f")
    assert found.dtype == np.dtype(dtype)
    assert found.flags.writeable
    np.testing.assert_array_equal(found, array)
    assert found.shape == shape


@pytest.mark.parametrize(
    ("data", "problem", "detail"),
    [
        (b"", "no IDX file", "no bytes"),
        (GOOD[:3], "no IDX file", "00 00 08"),
        (b"\x1f\x8b\x08\x00 and so on", "no IDX file", "1f 8b 08 00"),
        (b"\0\0\x0a\x01" + bytes(8), "dtype that does not exist", "0x0a"),
        (GOOD[:10], "cut short", "16 bytes of header"),
        (GOOD[:-1], "cut short", "40 bytes for the shape"),
        (GOOD + b"\0", "longer than its header says", "41 bytes"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "cut short", "bytes"),
        (b"\0\0\x08\xff" + bytes(20), "cut short", "bytes of header"),
    ],
)
def test_what_is_no_idx_file(data, problem, detail):
    with pytest.raises(FileFormatError, match=problem) as info:
        parse_idx(data, "folder/file.gz")
    text = str(info.value)
    assert "folder/file.gz" in text
    assert detail in text
    assert "fix: get the file anew" in text


@given(st.binary(max_size=60))
def test_any_bytes_give_an_array_or_a_clear_error(data):
    with suppress(FileFormatError):
        parse_idx(b"\0\0" + data, "f")


def test_files_packed_or_not(tmp_path):
    (tmp_path / "a").write_bytes(GOOD)
    (tmp_path / "b.gz").write_bytes(gzip.compress(GOOD))
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), read_idx(tmp_path / "b.gz"))
    with pytest.raises(FileAccessError, match="no such file"):
        read_idx(tmp_path / "c")


def test_unpacking_is_bounded():
    bomb = gzip.compress(bytes(10_000_000))
    assert len(bomb) < 20_000
    with pytest.raises(FileFormatError, match="unpacks to more than it should"):
        unpack(bomb, 1000, "bomb.gz")
    assert unpack(gzip.compress(b"abc"), 3, "f") == b"abc"


def test_a_limit_on_reading(tmp_path):
    (tmp_path / "b.gz").write_bytes(gzip.compress(bytes(100_000)))
    with pytest.raises(FileFormatError, match="unpacks to more"):
        read_idx(tmp_path / "b.gz", limit=50_000)
    (tmp_path / "a").write_bytes(bytes(100_000))
    with pytest.raises(FileFormatError, match="too large"):
        read_idx(tmp_path / "a", limit=50_000)


def test_damaged_gzip_files():
    good = gzip.compress(GOOD)
    flipped = bytearray(good)
    flipped[-6] ^= 1  # the checksum
    for bad in (good[:-9], good[:5], bytes(flipped), good + b"tail"):
        with pytest.raises(FileFormatError, match="gzip file is damaged"):
            unpack(bad, 1000, "f.gz")


def test_images_and_labels_must_belong_together():
    images, labels = np.zeros((3, 2, 2), np.uint8), np.zeros(3, np.uint8)
    assert check_pair(images, labels, "f") == (images, labels)
    with pytest.raises(DataError, match="were not exchanged"):
        check_pair(labels, images, "f")
    with pytest.raises(DataError, match="3 images and 2 labels"):
        check_pair(images, labels[:2], "f")
    with pytest.raises(DataError, match="0 images and 0 labels"):
        check_pair(images[:0], labels[:0], "f")
    with pytest.raises(DataError, match="float32"):
        check_pair(images.astype(np.float32), labels, "f")
