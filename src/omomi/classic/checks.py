"""What a learner can learn from: finite numbers, one row for each sample, and targets that fit them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, DataError, DtypeError, ShapeError

SHOWN = 5  # columns named in a message
LARGEST = 1e140


class ConvergenceWarning(UserWarning):
    """Learning ended before it was done; the message says how far it came."""


def check_samples(X: Any, where: str, *, features: int | None = None, fewest: int = 1) -> np.ndarray:
    """X as float64 (n, d).

    Args:
        X: numbers, one row for each sample: an array, a list of rows or a table.
        where: the learner that asks, for the message.
        features: d, if it is known.
        fewest: how many samples are needed.

    Raises:
        ShapeError: no matrix, or not d columns.
        DtypeError: text, complex numbers or objects.
        DataError: too few samples, no columns, or a number that is not finite or beyond all measure.
    """
    if hasattr(X, "toarray"):
        raise DtypeError(
            "the samples are a sparse matrix.", where=where, expected="an array of numbers", fix="X.toarray()"
        )
    array = _numbers(X, "X", where)
    if array.ndim != 2:
        raise ShapeError(
            "samples are the rows of a matrix.",
            where=where,
            expected="X of shape (samples, features)",
            received=f"shape {array.shape}",
            fix="X.reshape(-1, 1) for one feature, X.reshape(1, -1) for one sample"
            if array.ndim == 1
            else "X.reshape(len(X), -1)",
        )
    if features is not None and array.shape[1] != features:
        raise ShapeError(
            "the samples have the wrong number of features.",
            where=where,
            expected=f"{features} columns, as in fit",
            received=f"{array.shape[1]} columns",
        )
    if len(array) < fewest or array.shape[1] == 0:
        raise DataError(
            "there is too little to learn from.",
            where=where,
            expected=f"{fewest} samples or more, of one feature or more",
            received=f"X of shape {array.shape}",
        )
    _check_finite(array, "X", where)
    return array


def check_classes(y: Any, n: int, where: str) -> tuple[np.ndarray, np.ndarray]:
    """The classes in order, and for each of n samples the index of its own: (K,), (n,).

    Raises:
        ShapeError: not one label for each sample.
        DataError: fewer than two classes, or numbers that are no labels.
    """
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (n,):
        raise ShapeError(
            "there is one label for each sample.",
            where=where,
            expected=f"y of shape ({n},)",
            received=f"shape {labels.shape}",
            fix="one-hot labels: y.argmax(axis=1)" if labels.ndim == 2 and len(labels) == n else None,
        )
    if labels.dtype.kind == "f":
        _check_finite(labels, "y", where)
        if (labels != np.rint(labels)).any():
            raise DataError(
                "the labels are no classes but measurements.",
                where=where,
                expected="whole numbers or names",
                received=f"y with {labels[labels != np.rint(labels)][0]:g} in it",
                fix="DeltaRule learns measurements",
            )
    try:
        classes, indices = np.unique(labels, return_inverse=True)
    except TypeError as mixed:
        raise DtypeError("the labels are of several kinds.", where=where, expected="all names, or numbers") from mixed
    if len(classes) < 2:
        raise DataError(
            "all samples are of one class.",
            where=where,
            expected="two classes or more",
            received=repr(classes.tolist()[0]),
        )
    return classes, indices.reshape(n)


def check_targets(y: Any, n: int, where: str) -> np.ndarray:
    """Targets as float64 (n, m); one number for each sample is a column.

    Raises:
        ShapeError, DtypeError, DataError: not one row of finite numbers for each sample.
    """
    array = _numbers(y, "y", where)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or len(array) != n or array.shape[1] == 0:
        raise ShapeError(
            "there is one target for each sample.",
            where=where,
            expected=f"y of shape ({n},) or ({n}, m)",
            received=f"shape {np.shape(y)}",
        )
    _check_finite(array, "y", where)
    return array


def check_variation(X: np.ndarray, where: str) -> None:
    """Raise a :class:`DataError` if no feature varies: then there is no direction of variance."""
    if (X[0] == X).all():
        raise DataError(
            "all samples are equal, so there is no direction in which they vary.",
            where=where,
            received=f"X of shape {X.shape}, every row the same",
        )


def check_positive(where: str, **numbers: float | None) -> None:
    """Raise a :class:`ConfigurationError` for a parameter that is not a positive number (``None`` is left out)."""
    for name, value in numbers.items():
        if value is not None and not (isinstance(value, (int, float, np.number)) and value > 0):
            raise ConfigurationError(f"{name} is a positive number.", where=where, received=repr(value))


def check_count(where: str, most: int | None = None, **numbers: int) -> None:
    """Raise a :class:`ConfigurationError` for a parameter that is not a whole number from 1 to ``most``."""
    for name, value in numbers.items():
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or value < 1 or (most is not None and value > most):
            up_to = f"a whole number from 1 to {most}" if most is not None else "a whole number, 1 or more"
            raise ConfigurationError(f"{name} is {up_to}.", where=where, received=repr(value))


def check_choice(where: str, name: str, value: Any, known: Sequence[str]) -> None:
    """Raise a :class:`ConfigurationError` for a parameter that is none of its names."""
    if value not in known:
        raise ConfigurationError(
            f"{name} is one of a few names.", where=where, expected=", ".join(map(repr, known)), received=repr(value)
        )


def columns(which: np.ndarray) -> str:
    """The columns for a message: "2, 5 and 7 more"."""
    text = ", ".join(map(str, which[:SHOWN]))
    return f"{text} and {len(which) - SHOWN} more" if len(which) > SHOWN else text


def _numbers(values: Any, name: str, where: str) -> np.ndarray:
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "fiub":
            if array.dtype.kind != "O":
                raise TypeError(f"dtype {array.dtype}")
            array = array.astype(np.float64)
    except (TypeError, ValueError) as reason:
        raise DtypeError(
            f"{name} holds something else than numbers.",
            where=where,
            expected="numbers, equally many in each row",
            received=str(reason),
            fix="turn categories into one-hot columns",
        ) from reason
    return np.ascontiguousarray(array, dtype=np.float64)


def _check_finite(array: np.ndarray, name: str, where: str) -> None:
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ", ".join(map(str, bad[0]))
        raise DataError(
            f"{name} holds numbers that are not finite.",
            where=where,
            received=f"{array[tuple(bad[0])]} at {name}[{place}], {len(bad)} in all",
            fix="drop these samples, or fill in what is missing",
        )
    if array.size and array.dtype.kind == "f" and max(array.max(), -array.min()) > LARGEST:
        raise DataError(
            f"{name} holds numbers so large that their squares overflow.",
            where=where,
            expected=f"numbers up to {LARGEST:g}",
            received=f"{np.abs(array).max():g}",
            fix="another unit",
        )
