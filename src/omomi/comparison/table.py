"""The data of a comparison in one form, and what must hold before a learner sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

import numpy as np

from omomi.comparison.names import CLASSES, NUMBERS
from omomi.errors import DataError, ShapeError

MOST_SHOWN = 5  # names in a note


@dataclass(frozen=True, slots=True)
class Table:
    """Samples in rows, features in columns.

    Args:
        name: how the data set is called.
        x: (n, features), float. A category is the number of its name in ``categories``; what is missing is NaN.
        y: (n,), class numbers (int64) or, in regression, float64.
        features: the names of the columns.
        classes: the name of each class; empty in regression.
        categories: for each column that holds categories, their names.
        target: what is predicted.
        image: the shape of an image whose pixels the features are; ``None`` for other data.
        published_test: the last so many rows are the test set that the data was published with; 0 without one.
        notes: what was done to the data and should be known.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    features: tuple[str, ...]
    classes: tuple[str, ...] = ()
    categories: dict[int, tuple[str, ...]] = field(default_factory=dict)
    target: str = "target"
    image: tuple[int, ...] | None = None
    published_test: int = 0
    notes: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """Whether classes or numbers are predicted."""
        return CLASSES if self.classes else NUMBERS

    @property
    def numeric(self) -> list[int]:
        """The columns that hold numbers."""
        return [i for i in range(self.x.shape[1]) if i not in self.categories]

    def fingerprint(self) -> str:
        """SHA-256 of all values, by which a comparison that is continued knows its data again."""
        digest = sha256()
        for part in (self.x, self.y):
            digest.update(repr((part.shape, part.dtype.str)).encode())
            digest.update(np.ascontiguousarray(part).data)
        digest.update(repr((self.features, self.classes, sorted(self.categories.items()))).encode())
        return digest.hexdigest()


def checked(table: Table) -> Table:
    """The table without its constant columns, if learners can work with it.

    Raises:
        ShapeError: x or y has a wrong rank, or their lengths differ.
        DataError: it is empty, holds infinities, has one class only, or every column is constant.
    """
    where = table.name
    if table.x.ndim != 2 or table.y.ndim != 1 or len(table.x) != len(table.y):
        raise ShapeError(
            "features are a table and targets a column of equal length.",
            where=where,
            expected="x (n, features) and y (n,)",
            received=f"x {table.x.shape} and y {table.y.shape}",
        )
    if table.x.size == 0:
        raise DataError(
            "there is nothing to learn from.", where=where, received=f"{len(table.x)} rows, {table.x.shape[1]} features"
        )
    check_finite(table)
    if table.classes and len(np.unique(table.y)) < 2:
        raise DataError(
            "one class is nothing to tell apart.", where=f"{where}, {table.target}", received=table.classes[table.y[0]]
        )
    if not table.classes and np.all(table.y == table.y[0]):
        raise DataError(
            "the target is always the same.", where=f"{where}, {table.target}", received=f"{table.y[0]:g} in every row"
        )
    return without_constants(table)


def check_finite(table: Table) -> None:
    """Refuse infinities, and targets that are missing."""
    endless = np.isinf(table.x)
    if endless.any():
        row, column = (int(i) for i in np.argwhere(endless)[0])
        raise DataError(
            "a feature is infinite.",
            where=f"{table.name}, column {table.features[column]!r}, row {row + 1}",
            received=f"{endless.sum():,} infinities in {int(endless.any(axis=0).sum())} columns",
            fix="correct the value, or leave the cell empty: what is missing is filled in",
        )
    if not table.classes and not np.isfinite(table.y).all():
        wrong = np.flatnonzero(~np.isfinite(table.y))
        raise DataError(
            "a target is missing or infinite.",
            where=f"{table.name}, {table.target}",
            received=f"{len(wrong):,} rows; the first is row {wrong[0] + 1}",
            fix="correct these rows or remove them",
        )


def without_constants(table: Table) -> Table:
    """Leave out the columns that say nothing: one value (or nothing) in every row."""
    known = ~np.isnan(table.x)
    low = np.where(known, table.x, np.inf).min(axis=0)
    high = np.where(known, table.x, -np.inf).max(axis=0)
    varying = (low < high) | ((low == high) & ~known.all(axis=0))  # that a value is missing can say something
    empty = ~known.any(axis=0)
    keep = np.flatnonzero(varying & ~empty)
    if len(keep) == 0:
        raise DataError(
            "every feature is constant.",
            where=table.name,
            received=f"{table.x.shape[1]} columns with one value each",
            fix="is --target the right column?",
        )
    if len(keep) == table.x.shape[1]:
        return table
    dropped = [table.features[i] for i in range(table.x.shape[1]) if i not in set(keep.tolist())]
    number = {int(old): new for new, old in enumerate(keep)}
    return replace(
        table,
        x=table.x[:, keep],
        features=tuple(table.features[i] for i in keep),
        categories={number[i]: names for i, names in table.categories.items() if i in number},
        notes=(*table.notes, f"{count(len(dropped), 'constant column')} left out: {listed(dropped)}"),
    )


def sampled(table: Table, size: int, seed: int) -> Table:
    """At most ``size`` rows, drawn at random; each class keeps its share."""
    from sklearn.model_selection import train_test_split

    if size >= len(table.y):
        return table
    many = table.classes and np.bincount(table.y).min() >= 2 and size >= len(table.classes)
    rows, _ = train_test_split(
        np.arange(len(table.y)), train_size=size, random_state=seed, stratify=table.y if many else None
    )
    rows = np.sort(rows)
    notes = (*table.notes, drawn_rows(size, len(table.y)))
    return replace(table, x=table.x[rows], y=table.y[rows], published_test=0, notes=notes)


def drawn_rows(size: int, of: int) -> str:
    """The note on a sample."""
    return f"{size:,} of {of:,} rows, drawn at random"


def count(number: int, thing: str) -> str:
    """ "1 column", "2 columns"."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - MOST_SHOWN
    return ", ".join(names[:MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
