"""Values with arrays in them: what is taken apart comes together again, bit for bit, through JSON and a file."""

from __future__ import annotations

import math

import numpy as np
import pytest

from omomi.errors import ConfigurationError, FileFormatError
from omomi.files import load_arrays, put_together, save_arrays, take_apart

VALUE = {
    "best": float("-inf"),
    "wait": 3,
    "seen": True,
    "history": {"loss": [0.1 + 0.2, float("inf"), 5e-324], "val_loss": []},
    "weights": [np.arange(6, dtype=np.float32).reshape(2, 3), np.float64(1 / 3), np.array(True)],
    "long": [0.1 * i for i in range(40)],
    "numbers": list(range(40)),
    "name": None,
    "text": "重み",
}


def test_a_value_comes_back_from_a_file(tmp_path):
    arrays = {}
    rest = take_apart({**VALUE, "nan": math.nan, "pair": (1, 2)}, arrays, "callbacks/0")
    save_arrays(tmp_path / "v.safetensors", arrays, {"rest": rest})
    arrays, header = load_arrays(tmp_path / "v.safetensors")
    found = put_together(header["rest"], arrays, "v.safetensors")
    assert math.isnan(found.pop("nan"))
    assert found.pop("pair") == [1, 2]
    weights, expected = found.pop("weights"), VALUE["weights"]
    assert found == {key: value for key, value in VALUE.items() if key != "weights"}
    assert all(np.array_equal(a, b) for a, b in zip(weights, expected, strict=True))
    assert weights[0].dtype == np.float32
    assert all(type(number) is float for number in found["long"])
    assert list(arrays) == ["callbacks/0/weights/0", "callbacks/0/weights/2", "callbacks/0/long"]


@pytest.mark.parametrize("value", [object(), {1: 2}, {"$array": 1}, [print], 1j])
def test_what_no_file_can_hold_is_named(value):
    with pytest.raises(ConfigurationError, match="state"):
        take_apart({"mine": value}, {}, "state")


@pytest.mark.parametrize(
    "rest", [{"$array": "gone"}, {"$float": "1.0"}, {"$floats": "gone"}, [{"$array": "a", "b": 1}], {"$code": "x"}]
)
def test_what_stands_for_nothing_is_refused(rest):
    with pytest.raises(FileFormatError, match="file"):
        put_together(rest, {}, "file")
