"""How rows are divided: who learns from which, who is tuned on which, who is judged on which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import (
    KFold,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    train_test_split,
)

from omomi.comparison.names import Protocol
from omomi.comparison.table import Table
from omomi.errors import ConfigurationError, DataError

TEST_SHARE = 0.2  # of all rows, where there is one test set
VALIDATION_SHARE = 0.25  # of the rest, where there is one validation set

Rows = np.ndarray
Pair = tuple[Rows, Rows]  # rows to learn from, rows to be judged on


@dataclass(frozen=True, slots=True)
class Division:
    """The rows of a comparison.

    Args:
        outer: for each outer fold, the training rows and the test rows.
        inner: for each outer fold, how its training rows are divided again for tuning: pairs of rows of the table.
    """

    outer: list[Pair]
    inner: list[list[Pair]]

    @property
    def smallest(self) -> int:
        """Rows in the smallest part that is learned from."""
        return min(len(train) for pairs in (self.outer, *self.inner) for train, _ in pairs)


def divide(
    table: Table, protocol: Protocol, *, folds: int = 5, inner_folds: int = 3, repeats: int = 1, seed: int = 0
) -> Division:
    """Divide the rows of a table; classes keep their shares in every part.

    The folds are scikit-learn's, shuffled by the seed. The inner division of an outer fold is made of its training
    rows alone.

    Raises:
        DataError: a class has fewer samples than there are folds.
        ConfigurationError: the number of folds is no number of folds.
    """
    if repeats > 1 and not protocol.many:
        raise ConfigurationError("only folds can be repeated.", where="repeats", fix="--protocol kfold or nested")
    if folds < 2 or inner_folds < 2 or repeats < 1:
        raise ConfigurationError(
            "folds are two or more, repeats one or more.",
            where="folds, inner folds, repeats",
            received=f"{folds}, {inner_folds}, {repeats}",
        )
    check_counts(table, protocol, folds, inner_folds)
    outer = outer_pairs(table, protocol, folds, repeats, seed)
    within = folds if not protocol.many else inner_folds
    inner = [inner_pairs(table, train, protocol.folded, within, seed) for train, _ in outer]
    return Division(outer, inner)


def outer_pairs(table: Table, protocol: Protocol, folds: int, repeats: int, seed: int) -> list[Pair]:
    """Training rows and test rows of each outer fold."""
    if not protocol.many:
        return [held_out(table, seed)]
    if repeats > 1:
        kind = RepeatedStratifiedKFold if table.classes else RepeatedKFold
        return list(kind(n_splits=folds, n_repeats=repeats, random_state=seed).split(table.x, table.y))
    return folded(table, np.arange(len(table.y)), folds, seed)


def held_out(table: Table, seed: int) -> Pair:
    """One test set: the published one, or a fifth of the rows."""
    rows = np.arange(len(table.y))
    if table.published_test:
        return rows[: -table.published_test], rows[-table.published_test :]
    return parted(table, rows, TEST_SHARE, seed)


def inner_pairs(table: Table, train: Rows, in_folds: bool, folds: int, seed: int) -> list[Pair]:
    """How the training rows of an outer fold are divided for tuning."""
    if in_folds:
        return folded(table, train, folds, seed)
    return [parted(table, train, VALIDATION_SHARE, seed)]


def folded(table: Table, rows: Rows, folds: int, seed: int) -> list[Pair]:
    """k folds of these rows."""
    kind = StratifiedKFold if table.classes else KFold
    splitter = kind(n_splits=folds, shuffle=True, random_state=seed)
    return [(rows[train], rows[test]) for train, test in splitter.split(rows, table.y[rows])]


def parted(table: Table, rows: Rows, share: float, seed: int) -> Pair:
    """These rows in two parts, of which the second has this share."""
    train, test = train_test_split(
        rows, test_size=share, random_state=seed, stratify=table.y[rows] if table.classes else None
    )
    return train, test


def check_counts(table: Table, protocol: Protocol, folds: int, inner_folds: int) -> None:
    """Every fold needs a sample of every class, in the inner loop as well."""
    needed = fewest(protocol, folds, inner_folds)
    if not table.classes:
        if len(table.y) < 2 * needed:
            raise DataError(
                "there are too few samples.", where=table.name, expected=f"at least {2 * needed}", received=len(table.y)
            )
        return
    counts = np.bincount(table.y, minlength=len(table.classes))
    rarest = int(counts.argmin())
    if counts[rarest] < needed:
        raise DataError(
            "a class has fewer samples than there are folds.",
            where=f"{table.name}, {table.target}, class {table.classes[rarest]!r}",
            expected=f"at least {needed} samples",
            received=int(counts[rarest]),
            fix="fewer folds (--folds 2), or merge the class with another; for a quantity, --task regression",
        )


def fewest(protocol: Protocol, folds: int, inner_folds: int) -> int:
    """How many samples of a class a protocol needs."""
    if not protocol.many:  # a fifth of them goes to the test set first
        return -(-5 * folds // 4) if protocol.folded else 5
    if protocol.search is None:
        return folds
    return max(folds, -(-inner_folds * folds // (folds - 1)))  # what an outer fold leaves must fill the inner ones
