"""Small helpers that scripts expect."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from omomi.datasets.py_dataset import PyDataset as PyDataset
from omomi.errors import DataError
from omomi.graph.randomness import set_seed

Sequence = PyDataset  # as Keras 2 calls it


def to_categorical(y: Any, num_classes: int | None = None, dtype: str = "float32") -> Any:
    """Class indices as one-hot rows: (N,) or (N, 1) integers → (N, num_classes).

    Args:
        y: class indices from 0.
        num_classes: the largest index plus one unless given.

    Raises:
        DataError: labels that are no indices, or not below ``num_classes``.
    """
    labels = np.asarray(y)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if labels.size == 0 or (labels.dtype.kind == "f" and (labels != np.floor(labels)).any()) or labels.min() < 0:
        raise DataError("class indices are whole numbers from 0, at least one.", where="to_categorical")
    labels = labels.astype(np.int64)
    count = int(labels.max()) + 1 if num_classes is None else int(num_classes)
    if labels.max() >= count:
        raise DataError(
            "a label lies outside the classes.",
            where="to_categorical",
            expected=f"labels below num_classes={count}",
            received=f"{labels.max()}",
        )
    return np.eye(count, dtype=dtype)[labels]


def set_random_seed(seed: int) -> None:
    """Fix the seed of what is built from here on: Keras's name for :func:`omomi.set_seed`; NumPy's and Python's too."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    set_seed(seed)
