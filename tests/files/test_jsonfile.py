"""JSON files: strict both ways."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from omomi.errors import ConfigurationError, FileFormatError
from omomi.files import read_json, to_json, write_json


def test_what_is_written_is_read(tmp_path):
    value = {"loss": [0.5, 0.25, 1e-300], "名": "重み", "deep": {"a": [None, True, {"b": []}]}, "big": 2**70}
    write_json(tmp_path / "h.json", value)
    assert read_json(tmp_path / "h.json") == value
    assert "重み" in (tmp_path / "h.json").read_text(encoding="utf-8")


def test_numpy_numbers_tuples_and_paths_become_plain():
    value = {
        "a": np.float32(0.5),
        "b": np.int64(3),
        "c": np.arange(3),
        "d": (1, 2),
        "e": Path("runs"),
        "f": np.bool_(1),
    }
    assert json.loads(to_json(value)) == {"a": 0.5, "b": 3, "c": [0, 1, 2], "d": [1, 2], "e": "runs", "f": True}


def test_numbers_that_are_not_finite_are_named_or_refused(tmp_path):
    value = {"history": {"loss": [1.0, math.nan, math.inf, -math.inf]}}
    write_json(tmp_path / "h.json", value)
    names = read_json(tmp_path / "h.json")["history"]["loss"]
    assert names == [1.0, "NaN", "Infinity", "-Infinity"]
    assert [float(n) for n in names[2:]] == [math.inf, -math.inf]
    with pytest.raises(ConfigurationError, match="history/loss/1"):
        to_json(value)


@pytest.mark.parametrize("bad", [{1: "a"}, {"a": {1, 2}}, {"a": object()}, {"a": b"bytes"}, {"a": 1j}])
def test_what_json_does_not_have_is_refused(tmp_path, bad):
    with pytest.raises(ConfigurationError):
        write_json(tmp_path / "h.json", bad)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "Expecting value"),
        (b'{"a": 1', "delimiter"),
        (b'{"a": 1, "b": 2, "a": 3}', "'a' occurs twice"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b"\xff\xfe{}", "JSON"),
        (b"[" * 100_000, "recursion"),
        (b"1" * 10_000, "4300"),
    ],
)
def test_files_that_are_no_strict_json(tmp_path, text, problem):
    (tmp_path / "bad.json").write_bytes(text)
    with pytest.raises(FileFormatError, match=problem) as info:
        read_json(tmp_path / "bad.json")
    assert str(tmp_path / "bad.json") in str(info.value)


def test_reading_is_bounded(tmp_path):
    write_json(tmp_path / "h.json", "x" * 100)
    with pytest.raises(FileFormatError, match="too large"):
        read_json(tmp_path / "h.json", limit=50)
