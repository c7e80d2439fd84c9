"""What people hand over as data that is no array: generators, iterables, Keras's data sets, folders, functions.

====================  ==================================================  ========================================
kind                  what it is                                          an epoch
====================  ==================================================  ========================================
``"samples"``         ``samples`` and ``take(rows)``, as ImageFolder      every sample once, in an order of its own
``"batches"``         ``len()`` and ``[i]``, as ``omomi.utils.PyDataset``  every batch once, in an order of its own
``"iterable"``        ``iter()`` begins anew, as a DataLoader             from the beginning to the end
``"function"``        called without arguments, gives an iterable         the same
``"iterator"``        a generator: goes on where it was                   ``steps_per_epoch`` batches
====================  ==================================================  ========================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from omomi.errors import DataError

ARRAYS = "arrays"


def kind_of(data: Any) -> str:
    """Which kind of data this is.

    Raises:
        DataError: it gives samples one by one where batches are wanted.
    """
    if isinstance(data, (list, tuple, Mapping, str, bytes)) or hasattr(data, "__array__") or hasattr(data, "to_numpy"):
        return ARRAYS
    if hasattr(data, "take") and hasattr(data, "samples"):
        return "samples"
    if isinstance(data, Iterator):
        return "iterator"
    if any(kind.__module__ == "torch.utils.data.dataset" for kind in type(data).__mro__):
        raise DataError(
            "a torch Dataset gives single samples, not batches.",
            where="x",
            received=type(data).__name__,
            fix="torch.utils.data.DataLoader(dataset, batch_size=…)",
        )
    if hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        return "batches"
    if hasattr(data, "__iter__"):
        return "iterable"
    return "function" if callable(data) and not isinstance(data, type) else ARRAYS


def parts(batch: Any, one_input: bool = True) -> tuple[Any, Any, Any]:
    """Inputs, targets and weights of a batch as a source gives it: x, (x,), (x, y) or (x, y, sample_weight).

    Raises:
        DataError: it has more parts.
    """
    if isinstance(batch, list) and one_input:  # a DataLoader gives lists; a list of one input would say nothing
        batch = tuple(batch)
    if not isinstance(batch, tuple):
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        raise DataError(
            "a batch has two or three parts.",
            expected="(x, y) or (x, y, sample_weight)",
            received=f"a tuple of {len(batch)}",
            fix="several inputs are a list inside of it: ([left, right], y)",
        )
    x, y, weights = (*batch, None, None)[:3]
    return x, y, weights
