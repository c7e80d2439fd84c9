"""``chainer.iterators``: a data set batch by batch, in an order from NumPy's generator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from omomi.dialects.hook import missing
from omomi.errors import DataError


class SerialIterator:
    """Lists of samples. With ``repeat`` it never ends, and a batch may reach into the next epoch.

    Attributes:
        epoch: how many are over.
        is_new_epoch: whether the last batch ended one.
    """

    def __init__(self, dataset: Any, batch_size: int, repeat: bool = True, shuffle: bool | None = None, **_: Any):
        if len(dataset) == 0:
            raise DataError("the data set is empty.", where="SerialIterator")
        self.dataset, self.batch_size, self._repeat = dataset, int(batch_size), repeat
        self._shuffle = repeat if shuffle is None else shuffle
        self.reset()

    def reset(self) -> None:
        """To the beginning."""
        self.current_position = self.epoch = 0
        self.is_new_epoch = False
        self._previous = -1.0
        self._order = np.random.permutation(len(self.dataset)) if self._shuffle else None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> list[Any]:
        size = len(self.dataset)
        if not self._repeat and self.epoch > 0:
            raise StopIteration
        self._previous = self.epoch_detail
        begin, end = self.current_position, self.current_position + self.batch_size
        batch = self._samples(begin, min(end, size))
        self.is_new_epoch = end >= size
        if not self.is_new_epoch:
            self.current_position = end
            return batch
        self.epoch += 1
        self.current_position = 0
        if self._repeat:
            if self._order is not None:
                np.random.shuffle(self._order)
            rest = end - size
            if rest > 0:
                batch += self._samples(0, rest)
                self.current_position = rest
        return batch

    next = __next__

    def _samples(self, begin: int, end: int) -> list[Any]:
        if self._order is None:
            return list(self.dataset[begin:end])
        return [self.dataset[int(i)] for i in self._order[begin:end]]

    @property
    def epoch_detail(self) -> float:
        return self.epoch + self.current_position / len(self.dataset)

    @property
    def previous_epoch_detail(self) -> float | None:
        return None if self._previous < 0 else self._previous

    @property
    def repeat(self) -> bool:
        return self._repeat

    def finalize(self) -> None:
        """Nothing to do."""

    def serialize(self, serializer: Any) -> None:
        """Give the place in the data and the order to a serializer, or take them from it."""
        self.current_position = int(serializer("current_position", self.current_position))
        self.epoch = int(serializer("epoch", self.epoch))
        self.is_new_epoch = bool(serializer("is_new_epoch", self.is_new_epoch))
        if self._order is not None:
            self._order = serializer("order", self._order)
        self._previous = float(serializer("previous_epoch_detail", self._previous))


# Chainer's others read ahead in threads or processes; here reading is not what takes time.
MultithreadIterator = MultiprocessIterator = SerialIterator

__getattr__ = missing("chainer.iterators", {"DaliIterator": "SerialIterator"})
