"""The data sets by name: the ones that come with scikit-learn, the real MNIST, and the catalogue."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from omomi import datasets
from omomi.datasets import breast_cancer, digits, fashion_mnist, fetch, iris, mnist, wine
from omomi.errors import DataError, FileAccessError, UnknownNameError


def test_digits():
    (x, y), (u, v) = digits.load_data()
    assert (x.shape, y.shape, u.shape, v.shape) == ((1438, 8, 8), (1438,), (359, 8, 8), (359,))
    assert x.dtype == y.dtype == u.dtype == v.dtype == np.uint8
    assert (x.min(), x.max()) == (0, digits.SCALE)
    # every class gives a fifth of its samples, to one sample
    np.testing.assert_allclose(np.bincount(v) / (np.bincount(y) + np.bincount(v)), 0.2, atol=0.003)
    # nothing is lost and nothing is in both
    from sklearn.datasets import load_digits

    everything = np.concatenate([x, u]).reshape(1797, 64)
    original = load_digits().data.astype(np.uint8)
    np.testing.assert_array_equal(np.unique(everything, axis=0), np.unique(original, axis=0))
    assert np.sort(everything.sum(axis=1)).tolist() == np.sort(original.sum(axis=1)).tolist()


def test_the_seed_decides_the_division():
    first, again, other = digits.load_data(seed=3), digits.load_data(seed=3), digits.load_data(seed=4)
    np.testing.assert_array_equal(first[0][0], again[0][0])
    assert (first[0][1] != other[0][1]).any()
    assert set(map(bytes, first[1][0])) != set(map(bytes, other[1][0]))


def test_iris():
    (x, y), (u, v) = iris.load_data()
    assert (x.shape, u.shape, x.dtype, y.dtype) == ((120, 4), (30, 4), np.float32, np.uint8)
    assert np.bincount(y).tolist() == [40, 40, 40]
    assert np.bincount(v).tolist() == [10, 10, 10]
    # the mean of all 150 petal lengths, as published
    assert np.concatenate([x, u])[:, 2].mean() == pytest.approx(3.758, abs=1e-3)


def test_wine():
    (x, y), (u, v) = wine.load_data()
    assert (x.shape, u.shape, x.dtype, y.dtype) == ((142, 13), (36, 13), np.float32, np.uint8)
    assert (np.bincount(y) + np.bincount(v)).tolist() == [59, 71, 48]  # as published
    assert len(wine.FEATURES) == 13
    assert np.concatenate([x, u])[:, wine.FEATURES.index("proline")].max() == 1680


def test_breast_cancer():
    (x, y), (u, v) = breast_cancer.load_data()
    assert (x.shape, u.shape, x.dtype, y.dtype) == ((456, 30), (113, 30), np.float32, np.uint8)
    assert (np.bincount(y) + np.bincount(v)).tolist() == [212, 357]  # malignant, benign, as published
    assert len(set(breast_cancer.FEATURES)) == 30
    everything = np.concatenate([x, u])
    # the largest nucleus has a mean area of 2501, and no worst value lies below its mean
    assert everything[:, breast_cancer.FEATURES.index("mean area")].max() == 2501
    worst, mean = (everything[:, breast_cancer.FEATURES.index(f"{w} radius")] for w in ("worst", "mean"))
    assert (worst >= mean).all()


def test_a_class_of_one_sample_cannot_be_divided():
    with pytest.raises(DataError, match="at least 2"):
        datasets.stratified_split(np.zeros((3, 1)), np.array([0, 0, 1]), name="few")


def test_small_classes_are_on_both_sides():
    (_, y), (_, v) = datasets.stratified_split(np.zeros((5, 1)), np.array([0, 0, 1, 1, 1]), name="few")
    assert set(y) == set(v) == {0, 1}


@pytest.mark.mnist
def test_the_real_mnist():
    (x, y), (u, v) = mnist.load_data()
    assert (x.shape, y.shape, u.shape, v.shape) == ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,))
    assert x.dtype == y.dtype == u.dtype == v.dtype == np.uint8
    assert y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(v).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    # the mean and standard deviation that everybody normalises with
    assert x.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert x.std() / 255 == pytest.approx(0.3081, abs=5e-5)


@pytest.mark.mnist
def test_the_real_mnist_by_name_and_in_the_catalogue():
    data = datasets.load("mnist")
    assert data.shape == (28, 28)
    assert data.scale == 255
    assert repr(data) == "<Dataset mnist: 60000 + 10000 samples of shape (28, 28), 10 classes>"
    entry = next(e for e in datasets.catalogue() if e.name == "mnist")
    assert entry.cached
    assert entry.where is not None
    assert entry.size > 9_000_000


def test_the_catalogue_without_files(tmp_path, monkeypatch):
    monkeypatch.delenv(fetch.VARIABLE, raising=False)
    monkeypatch.setattr(fetch, "cache_folder", lambda: tmp_path)
    entries = {e.name: e for e in datasets.catalogue()}
    assert list(entries) == ["digits", "iris", "wine", "breast-cancer", "mnist", "fashion-mnist"]
    assert entries["digits"].cached
    assert not entries["mnist"].cached
    assert (entries["mnist"].where, entries["mnist"].size) == (None, 0)
    assert entries["mnist"].source.startswith("https://")
    for name in ("digits", "iris", "wine", "breast-cancer"):
        data = datasets.load(name)
        assert (len(data.train[1]), len(data.test[1])) == entries[name].samples
        assert data.shape == entries[name].shape
        assert len(data.classes) == data.train[1].max() + 1


def test_the_published_sizes_and_hashes():
    for module in (mnist, fashion_mnist):
        assert [f.size for f in module.SOURCE.files] == [47_040_016, 60_008, 7_840_016, 10_008]
        assert all(bool(f.sha256) != bool(f.md5) for f in module.SOURCE.files)
        assert all(url.endswith("/") for url in module.SOURCE.mirrors)
        assert len(module.CLASSES) == 10


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="did you mean 'mnist'"):
        datasets.load("minst")
    with pytest.raises(FileAccessError, match="no such folder"):
        datasets.load("no/such/folder")


def test_importing_data_sets_is_light():
    code = "import sys, omomi.datasets; print(*({'pooch', 'sklearn', 'PIL', 'requests'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
