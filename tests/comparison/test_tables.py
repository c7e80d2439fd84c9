"""Tables as people have them, good and bad: what is made of them, and what is said when nothing can be."""

from __future__ import annotations

import os
import re
import resource

import numpy as np
import pytest
from PIL import Image

from omomi import compare
from omomi.comparison import reading
from omomi.comparison.sources import open_table
from omomi.errors import (
    ConfigurationError,
    DataError,
    FileAccessError,
    FileFormatError,
    OmomiError,
    ShapeError,
    UnknownNameError,
)

pd = pytest.importorskip("pandas")


def test_a_table_is_taken_apart(passengers):
    table = open_table(passengers, "survived")
    assert table.features == ("age", "sex", "class", "fare")
    assert table.classes == ("no", "yes")
    assert table.categories == {1: ("female", "male"), 2: ("first", "second", "third")}
    assert np.isnan(table.x[:, 0]).any()
    assert np.isnan(table.x[:, 2]).any()
    assert "'name'" not in str(table.notes)
    assert any("name" in note and "different texts" in note for note in table.notes)
    assert any("ship" in note and "constant" in note for note in table.notes)


def test_learners_work_on_a_table(passengers):
    found = compare(passengers, "survived", protocol="kfold", folds=3, learners=["logistic", "tree", "knn"], verbose=0)
    assert found.best.mean > 0.75
    reduced = compare(
        passengers, "survived", protocol="kfold", folds=3, learners=["logistic"], reduce="pca:3", verbose=0
    )
    assert reduced.best.mean > 0.6


def test_parquet_frames_and_arrays_are_the_same_table(passengers, tmp_path):
    frame = pd.read_csv(passengers)
    frame.to_parquet(tmp_path / "passengers.parquet")
    first = open_table(passengers, "survived")
    for other in (open_table(frame, "survived"), open_table(tmp_path / "passengers.parquet", "survived")):
        assert other.features == first.features
        assert other.categories == first.categories
        np.testing.assert_array_equal(other.x, first.x)
        np.testing.assert_array_equal(other.y, first.y)
    numbers = frame[["fare", "age"]].fillna(0).to_numpy()
    table = open_table((numbers, frame["survived"].to_numpy()))
    assert table.classes == ("no", "yes")


def test_separators_and_kinds_of_targets(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("\ufeffa;b;y\n".encode() + "".join(f"{i};{i % 3};{i % 4}\n" for i in range(40)).encode())
    assert open_table(path, "y").classes == ("0", "1", "2", "3")
    assert open_table(path, "a").task == "regression"  # forty different whole numbers
    assert open_table(path, "y", task="regression").task == "regression"
    assert open_table(path, "y", categorical=["b"]).categories == {1: ("0", "1", "2")}
    assert open_table(path, "y", drop=["b"]).features == ("a",)


BAD = {
    "empty": ("", DataError, "the file is empty"),
    "only names": ("a,b,y\n", DataError, "names of columns but no rows"),
    "text in numbers": (
        "a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(20)) + "1;5,0\n",
        DataError,
        r"row 21: text stands where numbers are expected[\s\S]*'1;5'",
    ),
    "infinity": ("a,b,y\n1,2,0\n2,inf,1\n3,1,0\n", DataError, r"column 'b', row 2: a feature is infinite"),
    "missing target": ("a,y\n1,0\n2,\n3,1\n", DataError, r"targets are missing[\s\S]*row 2"),
    "one class": ("a,y\n1,0\n2,0\n", DataError, "one class is nothing to tell apart"),
    "constant features": ("a,b,y\n1,2,0\n1,2,1\n1,2,0\n", DataError, "every feature is constant"),
    "constant target": ("a,y\n1,0.5\n2,0.5\n", DataError, "the target is always the same"),
    "no names": ("1,2,3\n4,5,6\n", FileFormatError, "the columns have no names"),
    "one column": ("this is a letter\nand no table\n", FileFormatError, "this is no table"),
    "ragged": ("a,y\n1,0\n1,2,3,4\n", FileFormatError, "this is no table"),
    "rare class": ("a,y\n" + "".join(f"{i},{i > 18}\n" for i in range(20)), DataError, "fewer samples than .*folds"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_table_is_refused_with_the_reason(kind, tmp_path):
    text, error, said = BAD[kind]
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(error, match=said):
        compare(path, "y", verbose=0)


def test_unknown_columns_are_named_with_the_nearest(passengers):
    with pytest.raises(UnknownNameError, match="did you mean 'survived'"):
        compare(passengers, "survivd", verbose=0)
    with pytest.raises(ConfigurationError, match="--target 'survived'"):
        compare(passengers, verbose=0)
    with pytest.raises(UnknownNameError, match="did you mean 'fare'"):
        compare(passengers, "survived", drop=["fares"], verbose=0)


def test_a_folder_of_images_is_a_table_of_pixels(tmp_path):
    rng = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "shades" / name).mkdir(parents=True)
        for i in range(10):
            pixels = np.clip(rng.normal(level, 20, (6, 5)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "shades" / name / f"{i}.png")
    table = open_table(tmp_path / "shades")
    assert table.x.shape == (20, 30)
    assert table.image == (6, 5)
    assert table.classes == ("dark", "light")
    assert 0 <= table.x.min() < table.x.max() <= 1
    found = compare(tmp_path / "shades", protocol="kfold", folds=2, learners=["knn", "network"], verbose=0)
    assert found.best.mean == 1


def test_text_as_a_quantity_is_refused(passengers):
    with pytest.raises(DataError, match="regression needs numbers"):
        compare(passengers, "survived", task="regression", verbose=0)
    with pytest.raises(DataError, match="features are numbers"):
        compare((np.array([["a"], ["b"]]), [0, 1]), verbose=0)


def test_what_is_no_table_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"PNG\0\0\0")
    with pytest.raises(FileFormatError, match="binary data"):
        compare(tmp_path / "a.csv", "y", verbose=0)
    (tmp_path / "b.csv").write_bytes("größe,y\n1,2\n".encode("latin-1"))
    with pytest.raises(FileFormatError, match="UTF-8"):
        compare(tmp_path / "b.csv", "y", verbose=0)
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(FileFormatError, match="no Parquet file"):
        compare(tmp_path / "c.parquet", "y", verbose=0)
    with pytest.raises(FileAccessError, match="no such file"):
        compare(tmp_path / "missing.csv", "y", verbose=0)
    with pytest.raises(UnknownNameError, match="did you mean 'iris'"):
        compare("irs", verbose=0)
    with pytest.raises(ConfigurationError, match="this is none"):
        compare("iris", "y", verbose=0)


def test_a_table_of_two_gigabytes_is_refused_and_not_read(tmp_path):
    path = tmp_path / "large.csv"
    path.write_text("a,b,y\n" + "1,2,0\n" * 1_000_000)
    os.truncate(path, 2 << 30)  # a sparse file: the size without the bytes
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match=r"too large[\s\S]*2,048 MB[\s\S]*--samples"):
        compare(path, "y", verbose=0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes


def test_of_a_larger_table_a_uniform_sample_is_read_in_chunks(tmp_path, monkeypatch):
    path = tmp_path / "large.csv"
    path.write_text("a,b,y\n" + "".join(f"{i},{i % 7},{i % 2}\n" for i in range(20_000)))
    monkeypatch.setattr(reading, "LARGEST", 1000)
    monkeypatch.setattr(reading, "CHUNK", 700)
    table = open_table(path, "y", samples=2000)
    assert len(table.y) == 2000
    assert table.notes == ("2,000 of 20,000 rows, drawn at random",)
    rows = table.x[:, 0]
    assert np.all(np.diff(rows) > 0)  # each row once, in the order of the file
    counts = np.histogram(rows, bins=10, range=(0, 20_000))[0]
    assert np.all(abs(counts - 200) < 60)  # four standard deviations
    again = open_table(path, "y", samples=2000)
    np.testing.assert_array_equal(again.x, table.x)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"protocol": "netsed"}, "did you mean 'nested'"),
        ({"metric": "acuracy"}, "did you mean 'accuracy'"),
        ({"metric": "r2"}, "R² is for regression"),
        ({"learners": ["rbf_swm"]}, "did you mean 'rbf-svm'"),
        ({"learners": ["ridge"]}, "ridge regression is not for classification"),
        ({"learners": ["knn", "knn"]}, "once each"),
        ({"learners": ["rbf-svm"], "metric": "log-loss"}, "tells no probabilities"),
        ({"reduce": "pac"}, "did you mean 'pca'"),
        ({"reduce": "pca:0"}, "positive whole number"),
        ({"reduce": "lda:3"}, "at most 2"),
        ({"folds": 1}, "two or more"),
        ({"protocol": "grid", "repeats": 2}, "only folds can be repeated"),
        ({"jobs": 0}, "positive"),
        ({"time_budget": -1}, "positive"),
        ({"task": "clasification"}, "classification or regression"),
        ({"resume": True}, "out=FOLDER"),
    ],
)
def test_options_that_cannot_be_are_refused(options, said):
    with pytest.raises(OmomiError, match=re.escape(said)):
        compare("iris", verbose=0, **options)


def test_arrays_of_wrong_shapes_are_refused():
    with pytest.raises(ShapeError, match=r"x \(3, 1\) and y \(2,\)"):
        compare((np.zeros((3, 1)), np.array([0, 1])), verbose=0)
    with pytest.raises(ConfigurationError, match="this is no data"):
        compare(3, verbose=0)
    with pytest.raises(ConfigurationError, match="there is no data"):
        compare(verbose=0)
