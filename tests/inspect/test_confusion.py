from __future__ import annotations

import numpy as np
import pytest

from omomi.errors import OmomiError
from omomi.inspect.confusion import count_confusions, plot_confusion
from tests.inspect.looking import HOSTILE, size, texts


def test_counts_have_true_rows_and_predicted_columns():
    expected = [[1, 1, 0], [0, 2, 0], [1, 0, 0]]
    labels, predictions = [0, 0, 1, 1, 2], [0, 1, 1, 1, 0]
    np.testing.assert_array_equal(count_confusions(labels, predictions), expected)
    np.testing.assert_array_equal(count_confusions(np.eye(3)[labels], np.eye(3)[predictions]), expected)
    assert count_confusions([0], [[0.2, 0.1, 0.7, 0.0]]).shape == (4, 4)  # as wide as the probabilities
    assert count_confusions([0], [0], classes=5).shape == (5, 5)


def test_numbers_and_recall(tmp_path):
    words = texts(plot_confusion([[3, 1], [0, 4]], tmp_path / "a.svg", ["no", "yes"]))
    assert words[:2] == ["Confusion matrix", "7 of 8 right, 87.50 %; 1 errors"]
    assert [word for word in words if word in ("3", "1", "0", "4", "75.0 %", "100.0 %")] == [
        "3", "1", "75.0 %", "4", "100.0 %",
    ]  # fmt: skip
    assert words.count("no") == words.count("yes") == 2


@pytest.mark.parametrize("classes", [1, 2, 20, 21, 100])
def test_any_number_of_classes(tmp_path, classes):
    counts = np.random.default_rng(0).integers(0, 200_000, (classes, classes))
    names = [f"class {i}" for i in range(classes)]
    words = texts(plot_confusion(counts, tmp_path / "a.svg", names))
    assert ("recall" in words) == (classes <= 20)


def test_png(tmp_path):
    assert size(plot_confusion([[3, 1], [0, 4]], tmp_path / "a.png"))[0] == 1200


def test_empty_classes_and_hostile_names(tmp_path):
    words = texts(plot_confusion(np.zeros((8, 8), int), tmp_path / "a.svg", HOSTILE))
    assert words.count("–") == 8
    assert words[1] == "0 of 0 right; 0 errors"


@pytest.mark.parametrize(
    "matrix", [[1, 2], [[1, 2]], np.zeros((0, 0)), [[-1]], [[np.nan]], [["a"]], np.zeros((2, 2, 2))]
)
def test_bad_matrices(tmp_path, matrix):
    with pytest.raises(OmomiError):
        plot_confusion(matrix, tmp_path / "a.svg")


def test_bad_labels():
    with pytest.raises(OmomiError):
        count_confusions([0, 1], [0])
    with pytest.raises(OmomiError):
        count_confusions([0, 7], [0, 1], classes=3)
