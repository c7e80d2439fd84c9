"""A DataFrame as a :class:`Table`: which columns hold numbers, which categories, and what kind of target there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from omomi.comparison.names import NUMBERS
from omomi.comparison.reading import Frame, load_pandas
from omomi.comparison.table import Table, count, listed
from omomi.errors import ConfigurationError, DataError, UnknownNameError

MOST_CATEGORIES = 100  # different texts in a column; one with more is a name or a remark
MOSTLY = 0.8  # of a column's cells: with so many numbers in it, texts among them are mistakes
MOST_CLASSES = 20  # different whole numbers in a target; with more of them it is a quantity


def table_of_frame(
    frame: Frame,
    target: str | None,
    *,
    name: str,
    task: str | None = None,
    categorical: Sequence[str] = (),
    drop: Sequence[str] = (),
) -> Table:
    """Take a DataFrame apart.

    Numbers stay numbers, texts become categories, what is missing stays missing. Columns with more than 100 different
    texts, and dates, are left out with a note.

    Args:
        frame: the rows.
        target: the column that is predicted.
        name: what the data is called in errors.
        task: "classification" or "regression"; found by looking at the target unless given: a target is a quantity
            if it holds fractions, or more than 20 different whole numbers.
        categorical: columns whose numbers are names of categories (such as postal codes).
        drop: columns to leave out.

    Raises:
        ConfigurationError, UnknownNameError: the target is not named, or a column does not exist.
        DataError: targets are missing or no numbers, or texts stand among numbers.
    """
    frame = frame.rename(columns=str)
    names = [str(column) for column in frame.columns]
    if target is None:
        raise ConfigurationError(
            "which column is to be predicted?", where=name, received=listed(names), fix=f"--target {names[-1]!r}"
        )
    for column in (target, *categorical, *drop):
        if column not in names:
            raise UnknownNameError("column", column, names, where=name)
    y, classes = target_of(frame[target], f"{name}, column {target!r}", task)
    columns: list[np.ndarray] = []
    kept: list[str] = []
    left_out: list[str] = []
    categories: dict[int, tuple[str, ...]] = {}
    for column in names:
        if column == target or column in drop:
            continue
        values, texts = column_of(frame[column], f"{name}, column {column!r}", column in categorical)
        if values is None:
            left_out.append(column)
            continue
        if texts is not None:
            categories[len(columns)] = texts
        columns.append(values)
        kept.append(column)
    notes = []
    if left_out:
        many = f"more than {MOST_CATEGORIES} different texts, or dates"
        notes.append(f"{count(len(left_out), 'column')} left out ({many}): {listed(left_out)}")
    x = np.stack(columns, axis=1) if columns else np.empty((len(frame), 0))
    return Table(name, x, y, tuple(kept), classes, categories, target, notes=tuple(notes))


def target_of(series: Any, where: str, task: str | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """The targets: class numbers and the names of the classes, or numbers and no names."""
    missing = absent(series)
    if missing.any():
        rows = np.flatnonzero(missing)
        raise DataError(
            "targets are missing.",
            where=where,
            received=f"{count(len(rows), 'empty cell')}; the first in row {rows[0] + 1}",
            fix="fill these cells or remove their rows: what is to be learned cannot be guessed",
        )
    numbers = numbers_in(series)
    if np.isnan(numbers).any():
        if task == NUMBERS:
            row = int(np.flatnonzero(np.isnan(numbers))[0])
            raise DataError(
                "regression needs numbers.",
                where=f"{where}, row {row + 1}",
                received=repr(str(series.iloc[row])[:60]),
                fix="--task classification",
            )
        names = series.astype(str).str.strip().to_numpy(dtype=object)
        classes, y = np.unique(names.astype(str), return_inverse=True)
        return y.astype(np.int64), tuple(map(str, classes))
    if task == NUMBERS or (task is None and is_quantity(numbers)):
        return numbers, ()
    values, y = np.unique(numbers, return_inverse=True)
    return y.astype(np.int64), tuple(f"{value:.12g}" for value in values)


def is_quantity(numbers: np.ndarray) -> bool:
    """Whether these targets are a quantity and not the numbers of classes."""
    return bool(np.any(numbers != np.round(numbers))) or len(np.unique(numbers)) > MOST_CLASSES


def column_of(series: Any, where: str, categorical: bool) -> tuple[np.ndarray | None, tuple[str, ...] | None]:
    """A column as numbers, and the names of its categories if it has some; ``None`` for one to leave out."""
    pandas = load_pandas()
    if pandas.api.types.is_datetime64_any_dtype(series.dtype):
        return None, None
    missing = absent(series)
    if not categorical:
        numbers = numbers_in(series)
        texts = np.isnan(numbers) & ~missing
        if not texts.any():
            return numbers, None
        if texts.sum() <= (1 - MOSTLY) * np.count_nonzero(~missing):
            row = int(np.flatnonzero(texts)[0])
            raise DataError(
                "text stands where numbers are expected.",
                where=f"{where}, row {row + 1}",
                expected="a number (1.5, not 1,5), or an empty cell for what is missing",
                received=f"{str(series.iloc[row])[:60]!r} ({texts.sum():,} of {len(texts):,} cells are no numbers)",
                fix=f"correct the cells; if the numbers are names of categories: --categorical {series.name!r}",
            )
    names = series.astype(str).str.strip().to_numpy(dtype=object).astype(str)
    found = np.unique(names[~missing])
    if len(found) > MOST_CATEGORIES:
        return None, None
    codes = np.searchsorted(found, names).astype(np.float64)
    codes[missing] = np.nan
    return codes, tuple(map(str, found))


def absent(series: Any) -> np.ndarray:
    """Which cells are empty."""
    missing = series.isna()
    if not load_pandas().api.types.is_numeric_dtype(series.dtype):
        missing |= series.astype(str).str.strip() == ""
    result: np.ndarray = missing.to_numpy(dtype=bool)
    return result


def numbers_in(series: Any) -> np.ndarray:
    """The numbers in a column; NaN for what is none."""
    pandas = load_pandas()
    if not pandas.api.types.is_numeric_dtype(series.dtype):
        series = pandas.to_numeric(series.astype(str).str.strip(), errors="coerce")
    result: np.ndarray = series.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    return result
