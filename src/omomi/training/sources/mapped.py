"""Arrays that lie in a file: read where and when they are needed, never as a whole.

``numpy.load(path, mmap_mode="r")`` and ``numpy.memmap`` give such arrays. What is only looked at, a slice or a view of
one, lies in the file as well.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np


def in_file(array: Any) -> bool:
    """Whether the numbers of an array lie in a file that is mapped into memory."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    if isinstance(array, memoryview):
        array = array.obj
    return isinstance(array, mmap.mmap)


def blocks(count: int, size: int, permutation: Any) -> Any:
    """An order in which neighbours stay together: the batches of an epoch, each as it lies, in this order.

    Args:
        count: samples.
        size: of a batch.
        permutation: of the numbers of the whole batches.

    Returns:
        The numbers of the samples, int64; those of a smaller last batch at the end.
    """
    whole = count // size
    rows = np.arange(count)
    shuffled = rows[: whole * size].reshape(whole, size)[permutation].reshape(-1)
    return np.concatenate([shuffled, rows[whole * size :]])
