"""Where the data of a comparison comes from: a name, a file, a folder of images, a DataFrame, or arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets as published

from omomi import datasets
from omomi.comparison.frames import is_quantity, table_of_frame
from omomi.comparison.names import NUMBERS, plain
from omomi.comparison.reading import is_table_file, read_table
from omomi.comparison.table import Table, checked, drawn_rows, sampled
from omomi.datasets import Dataset
from omomi.errors import ConfigurationError, DataError, UnknownNameError

# As scikit-learn hands them over: its rows in its order, so that a script with the same seed makes the same folds.
PUBLISHED: dict[str, Callable[..., Any]] = {
    "iris": published.load_iris,
    "wine": published.load_wine,
    "breast-cancer": published.load_breast_cancer,
    "digits": published.load_digits,
    "diabetes": published.load_diabetes,
}
QUANTITIES = ("diabetes",)
POINTS: dict[str, Callable[[int], tuple[np.ndarray, np.ndarray]]] = {
    "moons": lambda seed: datasets.moons(400, noise=0.25, seed=seed),
    "circles": lambda seed: datasets.circles(400, noise=0.15, seed=seed),
    "spirals": lambda seed: datasets.spirals(450, noise=0.05, seed=seed),
    "xor": lambda seed: datasets.xor(400, noise=0.25, seed=seed),
}
FILES = ("mnist", "fashion-mnist")
KNOWN = (*PUBLISHED, *POINTS, *FILES)

Data = Any  # a name, a path, a pandas DataFrame, or (x, y)


def open_table(
    data: Data,
    target: str | None = None,
    *,
    task: str | None = None,
    categorical: Sequence[str] = (),
    drop: Sequence[str] = (),
    samples: int | None = None,
    seed: int = 0,
) -> Table:
    """The data, ready for learners.

    Raises:
        UnknownNameError: there is no such data set, file or column.
        FileAccessError, FileFormatError: a file cannot be read, or is no table.
        DataError: learners cannot work with it.
        ConfigurationError: the target is not named.
    """
    options: dict[str, Any] = {"task": task, "categorical": categorical, "drop": drop}
    if isinstance(data, tuple):
        table = table_of_arrays(*data, task=task)
    elif isinstance(data, str | os.PathLike):
        table = named(os.fspath(data), target, samples, seed, options)
    elif hasattr(data, "columns"):
        table = table_of_frame(data, target, name="the data", **options)
    else:
        raise ConfigurationError(
            "this is no data.",
            where="data",
            expected="a name, the path of a file or folder, a DataFrame, or the tuple (x, y)",
            received=type(data).__name__,
        )
    if samples is not None:
        table = sampled(table, samples, seed)
    return checked(table)


def named(name: str, target: str | None, samples: int | None, seed: int, options: dict[str, Any]) -> Table:
    """The data set, table or folder of that name."""
    known = plain(name)
    if known in KNOWN or Path(name).is_dir():
        given = [option for option, value in {"target": target, "categorical": options["categorical"]}.items() if value]
        if given:
            raise ConfigurationError(
                f"--{given[0]} names a column of a table, and this is none.", where=name, fix=f"leave --{given[0]} out"
            )
    if known in PUBLISHED:
        return of_scikit_learn(known)
    if known in POINTS:
        x, y = POINTS[known](seed)
        classes = tuple(map(str, range(int(y.max()) + 1)))
        return Table(known, x.astype(np.float64), y.astype(np.int64), ("x₁", "x₂"), classes)
    if known in FILES or Path(name).is_dir():
        return of_images(datasets.load(known if known in FILES else Path(name), seed=seed))
    if is_table_file(name):
        frame = read_table(name, samples=samples, seed=seed)
        table = table_of_frame(frame, target, name=name, **options)
        rows = frame.attrs.get("rows", len(frame))  # in the file, where it was read in chunks
        return table if rows == len(frame) else replace(table, notes=(*table.notes, drawn_rows(len(frame), rows)))
    raise UnknownNameError("data set, file or folder", name, KNOWN)


def of_scikit_learn(name: str) -> Table:
    """A data set that comes with scikit-learn."""
    bunch = PUBLISHED[name]()
    features = tuple(str(feature) for feature in bunch.feature_names)
    if name in QUANTITIES:
        return Table(name, bunch.data, bunch.target.astype(np.float64), features)
    classes = tuple(str(label) for label in bunch.target_names)
    y = bunch.target.astype(np.int64)
    if name == "digits":  # brightness goes from 0 to 16
        return Table(name, bunch.data / 16, y, features, classes, image=(8, 8))
    return Table(name, bunch.data, y, features, classes)


def of_images(data: Dataset) -> Table:
    """Images, a row each; a pixel's brightness from 0 to 1. The published test set comes last."""
    x = np.concatenate([data.train[0], data.test[0]]).reshape(len(data.train[1]) + len(data.test[1]), -1)
    x = x.astype(np.float32) / np.float32(data.scale)
    y = np.concatenate([data.train[1], data.test[1]]).astype(np.int64)
    features = tuple(f"pixel {i}" for i in range(x.shape[1]))
    test = len(data.test[1]) if data.name in FILES else 0
    return Table(data.name, x, y, features, data.classes, image=data.shape, published_test=test)


def table_of_arrays(x: Any, y: Any, *, task: str | None = None) -> Table:
    """Arrays (n, features) of numbers and (n,) of numbers or names; a DataFrame and a Series will do."""
    features = [str(column) for column in getattr(x, "columns", [])]
    values = np.asarray(x)
    if values.dtype.kind not in "biuf":
        if features:
            frame = x.assign(target=np.asarray(y))
            return table_of_frame(frame, "target", name="the data", task=task)
        raise DataError(
            "features are numbers.",
            where="x",
            expected="an array (n, features) of numbers",
            received=f"dtype {values.dtype}",
            fix="give a DataFrame and the name of its target: columns of text become categories",
        )
    values = values.reshape(len(values), -1).astype(np.float64) if values.ndim > 1 else values
    labels = np.asarray(y)
    labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    names = tuple(features or (f"x{i}" for i in range(values.shape[-1] if values.ndim > 1 else 1)))
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise DataError("targets are missing.", where="y", received=f"{int(np.isnan(labels).sum()):,} NaN")
    if task == NUMBERS or (task is None and labels.dtype.kind in "iuf" and is_quantity(labels)):
        return Table("the data", values, labels.astype(np.float64), names)
    classes, numbers = np.unique(labels, return_inverse=True)
    return Table("the data", values, numbers.reshape(labels.shape).astype(np.int64), names, tuple(map(str, classes)))
