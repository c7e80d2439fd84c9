"""Arrays in a file: what was saved comes back, and no damaged or foreign file is ever loaded."""

from __future__ import annotations

import io
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from omomi.errors import ConfigurationError, DtypeError, FileAccessError, FileFormatError
from omomi.files import load_arrays, save_arrays, sha256_of, to_json, write_bytes
from omomi.files.tensors import DTYPES

ARRAYS = {
    "dense_1/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "dense_1/bias": np.zeros(3, np.float32),
    "step": np.array(7, np.int64),
    "empty": np.zeros((0, 3)),
    "flags": np.array([True, False]),
}
HEADER = {"model": {"name": "重み", "layers": [{"units": 3, "rate": 0.1}]}, "note": None}


@pytest.fixture
def path(tmp_path):
    save_arrays(tmp_path / "m.safetensors", ARRAYS, HEADER)
    return tmp_path / "m.safetensors"


def rewrite(path, changes, arrays=ARRAYS):
    """A file of the right form, hashed, whose document differs in ``changes``."""
    index = {
        name: {"dtype": a.dtype.name, "shape": list(a.shape), "sha256": sha256_of(a.tobytes())}
        for name, a in arrays.items()
    }
    document = to_json({"format": "omomi", "version": 1, "header": {}, "arrays": index} | changes)
    path.write_bytes(save(arrays, {"omomi": f"{sha256_of(document.encode())} {document}"}))


def raw(entries: str | dict, data: bytes = b"") -> bytes:
    text = (entries if isinstance(entries, str) else json.dumps(entries)).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_what_is_saved_comes_back_in_order_and_writable(path):
    arrays, header = load_arrays(path)
    assert header == HEADER
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].flags.writeable
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_same_content_is_the_same_file(path):
    first = path.read_bytes()
    for _ in range(5):
        save_arrays(path, ARRAYS, HEADER)
        assert path.read_bytes() == first


@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_every_dtype(tmp_path, dtype):
    array = np.array([0, 1, 3]).astype(dtype)
    save_arrays(tmp_path / "a", {"a": array}, {})
    loaded = load_arrays(tmp_path / "a")[0]["a"]
    assert loaded.dtype == array.dtype
    np.testing.assert_array_equal(loaded, array)


def test_strided_and_big_endian_arrays(tmp_path):
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    save_arrays(tmp_path / "a", {"t": a.T, "s": a[:, ::2], "b": a.astype(">f4")}, {})
    arrays, _ = load_arrays(tmp_path / "a")
    np.testing.assert_array_equal(arrays["t"], a.T)
    np.testing.assert_array_equal(arrays["s"], a[:, ::2])
    np.testing.assert_array_equal(arrays["b"], a)
    assert arrays["b"].dtype == np.dtype("<f4")


def test_no_arrays(tmp_path):
    save_arrays(tmp_path / "a", {}, {"x": 1})
    assert load_arrays(tmp_path / "a") == ({}, {"x": 1})


def test_what_cannot_be_saved_is_refused_and_leaves_no_file(tmp_path):
    for array in (np.array(["a"]), np.array([object()]), np.zeros(2, np.complex128)):
        with pytest.raises(DtypeError, match="cannot be saved"):
            save_arrays(tmp_path / "a", {"a": array}, {})
    with pytest.raises(DtypeError, match="name"):
        save_arrays(tmp_path / "a", {"__metadata__": np.zeros(2)}, {})
    with pytest.raises(ConfigurationError, match="header/rate"):
        save_arrays(tmp_path / "a", {}, {"rate": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_flip_of_any_bit_is_detected(path):
    good = path.read_bytes()
    for position in range(len(good)):
        for bit in (position % 8, (position * 5 + 3) % 8):
            bad = bytearray(good)
            bad[position] ^= 1 << bit
            path.write_bytes(bad)
            with pytest.raises(FileFormatError):
                load_arrays(path)


def test_every_truncation_and_every_addition_is_detected(path):
    good = path.read_bytes()
    for length in range(0, len(good), 3):
        path.write_bytes(good[:length])
        with pytest.raises(FileFormatError):
            load_arrays(path)
    path.write_bytes(good + b"\0")
    with pytest.raises(FileFormatError, match="damaged"):
        load_arrays(path)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_stretches_are_detected(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("files") / "a"
    save_arrays(path, ARRAYS, HEADER)
    good = path.read_bytes()
    start = data.draw(st.integers(0, len(good) - 1))
    stretch = data.draw(st.binary(min_size=1, max_size=40))
    end = data.draw(st.integers(start, min(len(good), start + 40)))
    bad = good[:start] + stretch + good[end:]
    path.write_bytes(bad)
    if bad == good:
        load_arrays(path)
    else:
        with pytest.raises(FileFormatError):
            load_arrays(path)


def npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(3))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cut short"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (npz(), "ZIP archive"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b'{"a": 1}' + b" " * 100, "JSON text"),
        (b"some words that are no model at all", "no safetensors file"),
        (bytes(64), "not valid JSON"),
        (b"\xff" * 64, "no safetensors file"),
        ((2**40).to_bytes(8, "little") + b"{}", "no safetensors file"),
        (raw("[]"), "no JSON object"),
        (raw('"text"'), "no JSON object"),
        (raw("{}"), "not written by Omomi"),
        (raw({"__metadata__": {"format": "pt"}}), "not written by Omomi"),
        (raw({"__metadata__": "text"}), "not written by Omomi"),
        (raw({"__metadata__": {"omomi": 5}}), "not written by Omomi"),
        (raw({"__metadata__": {"omomi": "abc {}"}}), "hash"),
        (raw({"__metadata__": {"omomi": "abc \ud800"}}), "hash"),
        (raw({"__metadata__": {"omomi": f"{sha256_of(b'{}')} {{}}"}}), "form"),
        (raw({"__metadata__": {"omomi": f"{sha256_of(b'[1]')} [1]"}}), "form"),
        (raw({"__metadata__": {"omomi": f"{sha256_of(b'{')} {{"}}), "not valid JSON"),
        (raw('{"w": 1, "w": 2}'), "'w' occurs twice"),
        (raw("[" * 100_000), "not valid JSON"),
    ],
)
def test_foreign_files_are_named(tmp_path, content, said):
    write_bytes(tmp_path / "m", content)
    with pytest.raises(FileFormatError, match=said) as info:
        load_arrays(tmp_path / "m")
    assert str(tmp_path / "m") in str(info.value)


def test_hostile_documents_with_the_right_hash(path):
    rewrite(path, {})
    load_arrays(path)
    for changes in (
        {"version": 2},
        {"version": "1"},
        {"format": "x"},
        {"header": []},
        {"arrays": []},
        {"arrays": {}},
    ):
        rewrite(path, changes)
        with pytest.raises(FileFormatError):
            load_arrays(path)
    rewrite(path, {"version": 2})
    with pytest.raises(FileFormatError, match="version 2"):
        load_arrays(path)
    for entry in (1, {}, {"dtype": "float64", "shape": [3], "sha256": "0"}, {"dtype": "float64", "shape": [4]}):
        document = to_json({"format": "omomi", "version": 1, "header": {}, "arrays": {"a": entry}})
        path.write_bytes(save({"a": np.zeros(3)}, {"omomi": f"{sha256_of(document.encode())} {document}"}))
        with pytest.raises(FileFormatError, match="damaged"):
            load_arrays(path)


def test_offsets_that_overlap_or_leave_the_file(path):
    document = '{"format":"omomi","version":1,"header":{},"arrays":{}}'
    metadata = {"omomi": f"{sha256_of(document.encode())} {document}"}
    for a, b in [([0, 4], [0, 4]), ([0, 4], [2, 6]), ([4, 8], [8, 12]), ([0, 4], [4, 2**62]), ([0, -4], [0, 4])]:
        entries = {
            name: {"dtype": "U8", "shape": [4], "data_offsets": offsets} for name, offsets in (("a", a), ("b", b))
        }
        path.write_bytes(raw({"__metadata__": metadata, **entries}, bytes(8)))
        with pytest.raises(FileFormatError, match="safetensors library refuses"):
            load_arrays(path)
    # a dtype of the format that NumPy does not have
    path.write_bytes(
        raw({"__metadata__": metadata, "a": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}}, bytes(8))
    )
    with pytest.raises(FileFormatError, match="refuses"):
        load_arrays(path)


def test_reading_is_bounded(path):
    with pytest.raises(FileFormatError, match="too large"):
        load_arrays(path, limit=200)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileAccessError, match="there is no such file"):
        load_arrays(tmp_path / "none")
    with pytest.raises(FileAccessError, match="this is a folder"):
        load_arrays(tmp_path)
