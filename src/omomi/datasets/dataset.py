"""What every data set hands over, and how one set of samples is divided into two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from omomi.engines.random import address, permutation
from omomi.errors import DataError

Split = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Samples to learn from and samples to be judged by.

    Args:
        name: how the data set is called.
        train: inputs (n, …) and integer labels (n,).
        test: the same for the samples that training does not see.
        classes: the name of each label.
        scale: divide the inputs by it to bring them to [0, 1]; 1 where they are no brightnesses.
    """

    name: str
    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    classes: tuple[str, ...]
    scale: float

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input: (H, W), (H, W, C) or (features,)."""
        return tuple(self.train[0].shape[1:])

    def __repr__(self) -> str:
        counts = f"{len(self.train[1])} + {len(self.test[1])} samples of shape {self.shape}"
        return f"<Dataset {self.name}: {counts}, {len(self.classes)} classes>"


def stratified_split(x: np.ndarray, y: np.ndarray, *, name: str, seed: int = 0, test_fraction: float = 0.2) -> Split:
    """Divide samples so that each class gives the same share to the test set, both parts in random order.

    The division is a function of the name and the seed alone.
    """
    chosen = np.zeros(len(y), bool)
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        if len(members) < 2:
            raise DataError(
                "a class has too few samples to be divided into training and test.",
                where=f"{name}, class {label}",
                expected="at least 2",
                received=len(members),
            )
        count = min(max(round(test_fraction * len(members)), 1), len(members) - 1)
        chosen[members[permutation(address(seed, f"{name}/split", draw=int(label)), len(members))[:count]]] = True
    train, test = np.flatnonzero(~chosen), np.flatnonzero(chosen)
    train = train[permutation(address(seed, f"{name}/train"), len(train))]
    test = test[permutation(address(seed, f"{name}/test"), len(test))]
    return (x[train], y[train]), (x[test], y[test])
