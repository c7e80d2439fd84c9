"""From arrays to mini-batches: checked once, then cut, shuffled and cast batch by batch.

A batch is a dictionary of arrays: "x", "y", "w" (one weight for each sample) and "one" (the weight 1 for each). Where a
model has several inputs or outputs, they stand under "x[0]", "x[1]" or "x/left", "x/right", as
:mod:`omomi.graph.structure` writes places. The order of an epoch is a function of
(seed, step it begins at): the same on every engine, and the same again after a resume.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from omomi.engines import random
from omomi.engines.selection import current
from omomi.errors import ConfigurationError, DataError
from omomi.graph.structure import flat, mapped
from omomi.training.sources.mapped import blocks, in_file
from omomi.training.sources.prefetch import Waiting, ahead

Array = Any
Structure = Any  # one array, a list of arrays, or a dictionary of them
Batch = dict[str, Array]


@dataclass
class Batches:
    """Arrays that belong together, sample by sample.

    Args:
        x: inputs, (N, …), of any numeric dtype; cast to ``dtype`` batch by batch. Several: a list or a dictionary.
        y: targets, (N, …), or ``None`` (prediction). Several: likewise; ``None`` for an output that has none.
        weights: one for each sample, (N,), or ``None``: all 1. For each output its own: likewise.
        size: samples in a batch; the last batch of an epoch may be smaller.
        dtype: of the model.
        limit: batches in an epoch, if not all of them.
        prefetch: how many batches are made ready in the background, where arrays lie in a file.

    Attributes:
        in_file: whether an array lies in a file: such batches are read when they are needed.
        waiting: how long training has waited for batches.

    Raises:
        ConfigurationError: there are fewer batches than ``limit``.
    """

    x: Structure
    y: Structure | None
    weights: Structure | None
    size: int
    dtype: str
    limit: int | None = None
    prefetch: int = 2
    exhausted: ClassVar[bool] = False  # arrays never end before their epoch

    def __post_init__(self) -> None:
        given = {**flat("x", self.x), **flat("y", self.y), **flat("w", self.weights)}
        # By name in a batch: all samples, and the dtype of a batch of them.
        self.arrays = {name: (array, self.dtype_of(name, array)) for name, array in given.items() if array is not None}
        self.samples = len(next(iter(self.arrays.values()))[0])
        if self.limit is not None and self.limit > -(-self.samples // self.size):
            raise ConfigurationError(
                "the data has fewer batches than an epoch is to have.",
                where="steps",
                expected=f"at most {-(-self.samples // self.size)}, of {self.samples} samples",
                received=self.limit,
            )
        self.count = self.samples if self.limit is None else min(self.samples, self.limit * self.size)  # in an epoch
        self.in_file = any(in_file(array) for array, _ in self.arrays.values())
        self.waiting = Waiting()
        self.ones = np.ones(min(self.size, self.samples), self.dtype)  # the weights of a batch that has none
        self._kept: tuple[str, Batch | None] | None = None  # the engine that was asked, and what it keeps

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-self.count // self.size)

    @property
    def steps(self) -> int:
        """The number of batches in an epoch."""
        return len(self)

    def order(self, seed: int, step: int, shuffle: bool | str) -> Array | None:
        """The order of the samples in the epoch that begins at this step; ``None``: as they lie.

        Args:
            shuffle: "batch" keeps the samples of a batch together, and shuffles the batches.
        """
        if not shuffle:
            return None
        if shuffle == "batch":
            return blocks(self.samples, self.size, shuffled(seed, step, self.samples // self.size))[: self.count]
        return shuffled(seed, step, self.samples)[: self.count]

    def seen(self, batches: int) -> int:
        """How many samples so many batches have."""
        return min(batches * self.size, self.count)

    def skip_epochs(self, epochs: int) -> None:
        """Training goes on after so many epochs. The order of each is a function of its first step: nothing to do."""

    def epoch(self, order: Array | None = None, start: int = 0) -> Generator[Batch, None, None]:
        """The batches of one epoch from batch ``start`` on, in this order of samples (as they lie unless given)."""
        batches = self._read(order, start) if self.in_file else self._cuts(order, start)
        with closing(ahead(batches, self.prefetch if self.in_file else 0, self.waiting)) as ready:
            yield from ready

    def _rows(self, order: Array | None, start: int) -> Iterator[tuple[Array | slice, int]]:
        for begin in range(start * self.size, self.count, self.size):
            end = min(begin + self.size, self.count)
            yield slice(begin, end) if order is None else order[begin:end], end - begin

    def _cuts(self, order: Array | None, start: int) -> Iterator[Batch]:
        for rows, count in self._rows(order, start):
            yield self.cut(rows, count)

    def _read(self, order: Array | None, start: int) -> Iterator[Batch]:
        """Batches that are read from a file now: host arrays of their own."""
        for rows, count in self._rows(order, start):
            with np.errstate(over="ignore"):
                batch = {name: np.array(a[rows], dtype or a.dtype) for name, (a, dtype) in self.arrays.items()}
            batch["one"] = self.ones[:count]
            if self.weights is None:
                batch["w"] = batch["one"]
            yield batch

    def kept(self) -> Batch | None:
        """All samples as one batch that the engine keeps beside its processor; ``None`` if it does not."""
        if self.in_file:  # what lies in a file may not fit into any memory
            return None
        engine = current()
        if self._kept is None or self._kept[0] != engine.name:
            whole = engine.keep(self.whole)
            self._kept = (engine.name, whole)
        return self._kept[1]

    def whole(self) -> Batch:
        """All samples as one batch on the host."""
        with np.errstate(over="ignore"):
            batch = {name: a.astype(dtype or a.dtype, copy=False) for name, (a, dtype) in self.arrays.items()}
            batch["one"] = np.ones(self.samples, self.dtype)
        if self.weights is None:
            batch["w"] = batch["one"]
        return batch

    def groups(self, order: Array | None, length: int | None = None, start: int = 0) -> Iterator[tuple[int, Array]]:
        """The samples of the batches of one epoch from batch ``start`` on, ``length`` batches at a time.

        Yields:
            The number of the first batch, and the numbers of the samples, int32 (batches, size). What is left over at
            the end of the epoch comes batch by batch, the smaller last one too: so there are three shapes at most.
        """
        order = np.arange(self.count) if order is None else order
        rows = np.asarray(order, np.int32 if self.samples < 2**31 else np.int64)
        whole = self.count // self.size
        length = min(length or group_length(whole), max(whole, 1))
        number = start
        while number < len(self):
            count = length if number + length <= whole else 1
            part = rows[number * self.size : (number + count) * self.size]
            yield number, part.reshape(count, -1)
            number += count

    def cut(self, index: Array | slice, count: int) -> Batch:
        """The batch of these samples, in the model's dtype. What is too large for it becomes an infinity, which a step
        of training names."""
        with np.errstate(over="ignore"):
            return self._cut(index, count)

    def _cut(self, index: Array | slice, count: int) -> Batch:
        engine = current()
        batch: Batch = {name: engine.gather(a, index, dtype) for name, (a, dtype) in self.arrays.items()}
        batch["one"] = engine.asarray(self.ones[:count])  # for metrics that are not weighted
        if self.weights is None:
            batch["w"] = batch["one"]
        return batch

    def dtype_of(self, name: str, data: Array) -> str | None:
        """The dtype of a batch of these; integers stay what they are, since a layer casts them, or looks them up."""
        return self.dtype if data.dtype.kind == "f" or name.startswith("w") else None

    def part(self, rows: slice, size: int) -> Batches:
        """Some of the samples, in batches of this size."""

        def cut(value: Structure | None) -> Structure | None:
            return mapped(lambda a: None if a is None else a[rows], value)

        return Batches(cut(self.x), cut(self.y), cut(self.weights), size, self.dtype)


REPORTS, LONGEST = 20, 64  # in an epoch, at least, and batches between two of them, at most


def group_length(batches: int) -> int:
    """How many batches are taken in one call unless told: a twentieth of the epoch, so that progress can be seen."""
    return min(max(batches // REPORTS, 1), LONGEST)


def shuffled(seed: int, step: int, count: int) -> Array:
    """The order of the samples in the epoch that begins at this step."""
    return random.permutation(random.address(seed, "fit/shuffle", step=step), count)


def as_data(value: Any, what: str) -> Array:
    """Inputs or targets as one array of numbers with the samples along the first axis.

    Raises:
        DataError: no numbers, no samples, or not finite.
    """
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DataError(
            f"{what} is not one array.", expected="samples of equal shape", received=str(error), where=what
        ) from None
    if array.dtype.kind == "b":
        array = array.view(np.uint8)
    if array.dtype.kind not in "fiu":
        raise DataError(
            f"{what} does not hold numbers.",
            expected="an array of integers or floats",
            received=f"{type(value).__name__} of dtype {array.dtype}",
            fix="encode categories as numbers first (one-hot or indices)" if array.dtype.kind in "OSU" else None,
        )
    if array.ndim == 0 or len(array) == 0:
        raise DataError(f"{what} is empty.", expected="at least one sample", received=f"shape {array.shape}")
    if array.dtype.kind == "f" and not in_file(array):  # of what lies in a file, each step looks at its batch
        check_finite(array, what)
    return array


def check_finite(array: Array, what: str) -> None:
    """Raise if there is a NaN or an infinity, and say where the first one is."""
    for begin in range(0, len(array), 8192):  # in pieces, so that nothing of the data's size is allocated
        piece = array[begin : begin + 8192]
        finite = np.isfinite(piece)
        if not finite.all():
            first = np.argwhere(~finite)[0]
            index = (begin + int(first[0]), *(int(i) for i in first[1:]))
            raise DataError(
                f"{what} holds a number that is not finite.",
                where=f"{what}[{', '.join(map(str, index))}]",
                received=piece[tuple(first)],
                fix="remove or replace it; a network spreads one NaN to all of its weights in one step",
            )


def check_lengths(**arrays: Any) -> None:
    """Raise if arrays that belong together have different numbers of samples."""
    lengths = {name: len(a) for name, a in arrays.items() if a is not None}
    if len(set(lengths.values())) > 1:
        raise DataError(
            "the numbers of samples differ.",
            expected="as many targets (and weights) as inputs",
            received=", ".join(f"{name}: {length}" for name, length in lengths.items()),
        )


def sample_weights(y: Array, sample_weight: Any, class_weight: Mapping[int, float] | None) -> Array | None:
    """One weight for each sample: the product of its own and that of its class.

    Raises:
        DataError: weights of a wrong length, or a class without a weight.
    """
    weights = None
    if sample_weight is not None:
        weights = as_data(sample_weight, "sample_weight").astype(np.float64)
        if weights.shape not in ((len(y),), (len(y), 1)):
            raise DataError(
                "sample_weight has one number for each sample.",
                expected=f"shape ({len(y)},)",
                received=f"shape {weights.shape}",
            )
        weights = weights.reshape(-1)
    if class_weight:
        labels = np.argmax(y, axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
        if len(labels) != len(y):
            raise DataError("class_weight needs one class for each sample.", received=f"targets of shape {y.shape}")
        classes, positions = np.unique(labels, return_inverse=True)
        missing = [c.item() for c in classes if c.item() not in class_weight]
        if missing:
            raise DataError(
                "class_weight lacks a class that occurs.",
                expected=f"a weight for each of {classes.tolist()}",
                received=f"none for {missing}",
            )
        of_class = np.array([class_weight[c.item()] for c in classes], np.float64)[positions]
        weights = of_class if weights is None else weights * of_class
    if weights is not None and (weights < 0).any():
        raise DataError("weights are not negative.", received=f"{weights.min():g}")
    return weights


def batch_length(batch_size: Any, samples: int) -> int:
    """The number of samples in a batch: 32 unless given; "full" is all of them.

    Raises:
        ConfigurationError: it is no positive whole number.
    """
    if batch_size is None:
        return 32
    if batch_size == "full":
        return samples
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ConfigurationError(
            "batch_size is the number of samples in a step.",
            expected='a positive whole number, or "full"',
            received=f"batch_size={batch_size!r}",
        )
    return int(batch_size)


def split(data: Batches, share: float, validation_size: int | None) -> tuple[Batches, Batches]:
    """Training and validation data: the last ``share`` of the samples is only judged."""
    kept = int(data.samples * (1 - share))
    if not 0 < share < 1 or kept == 0 or kept == data.samples:
        raise DataError(
            "validation_split leaves nothing to train on, or nothing to judge.",
            expected="a share between 0 and 1",
            received=f"validation_split={share} of {data.samples} samples",
        )
    return data.part(slice(0, kept), data.size), data.part(slice(kept, None), validation_size or data.size)
