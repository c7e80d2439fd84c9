"""Batches that are no part of an array: drawn from a generator, an iterable, a data set or a folder during training.

A source has a cursor, the epoch and the batch: :meth:`Stream.epoch` begins where it is told to. What lies before is
left out where the source can be asked for any batch, else drawn and dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import chain
from typing import Any, Protocol

import numpy as np

from omomi.engines import random
from omomi.engines.selection import current
from omomi.errors import ConfigurationError, DataError, OmomiError
from omomi.training.batches import Array, Batch
from omomi.training.sources.kinds import kind_of, parts
from omomi.training.sources.prefetch import Waiting, ahead

logger = logging.getLogger("omomi")

# One batch as a source gives it, checked and aligned: host arrays by name, in the dtypes of a step.
Prepare = Callable[[Any, Any, Any], Batch]


class Sampled(Protocol):
    """A source of samples that can be asked for any of them: ``omomi.datasets.ImageFolder``, for one."""

    samples: int
    batch_size: int

    def take(self, rows: Array) -> Any: ...


class Stream:
    """Batches from a source that is not an array.

    Args:
        source: see :mod:`omomi.training.sources.kinds`.
        prepare: what makes (x, y, weights) the batch of a step.
        what: how messages call the source: "x", "validation_data", …
        steps: batches in an epoch; ``None``: until the source ends.
        prefetch: how many batches are made ready in the background.
        restart: every epoch begins at the beginning, even where ``steps`` ends it early: for data that is judged.

    Attributes:
        kind: of the source.
        steps: batches in an epoch, ``None`` where nobody knows it before the first has ended.
        exhausted: whether the source ended before its epoch did.
        waiting: how long training has waited for batches.

    Raises:
        ConfigurationError: the source cannot fill the epochs that are asked for.
    """

    def __init__(
        self,
        source: Any,
        prepare: Prepare,
        what: str = "x",
        steps: int | None = None,
        prefetch: int = 2,
        restart: bool = False,
    ) -> None:
        self.source, self.prepare, self.what, self.prefetch, self.restart = source, prepare, what, prefetch, restart
        self.kind = kind_of(source)
        self.given_steps = steps
        length = self._known_length()
        if steps is not None and length is not None and steps > length and self.kind in ("samples", "batches"):
            raise ConfigurationError(
                "the data has fewer batches than an epoch is to have.",
                where=what,
                expected=f"at most {length} batches",
                received=f"{steps}",
            )
        self.steps = length if steps is None else steps
        self.samples = source.samples if self.kind == "samples" and steps is None else None
        self.size = source.batch_size if self.kind == "samples" else None
        self.waiting = Waiting()
        self.exhausted = False
        self.number = 0  # of the epoch, for messages
        self._running: Iterator[Any] | None = source if self.kind == "iterator" else None
        self._drawn = 0  # batches from the one that runs
        self._fresh = self.kind == "iterator"  # it stands where an epoch begins
        self.owed = 0  # batches of epochs before the one that training goes on with

    def _known_length(self) -> int | None:
        if self.kind == "samples":
            return -(-int(self.source.samples) // int(self.source.batch_size))
        if self.kind in ("iterator", "function"):
            return None
        try:
            length = len(self.source)
        except TypeError:
            return None
        if length <= 0:
            raise DataError(
                "the data holds no batch.", where=self.what, expected="one batch at least", received=f"length {length}"
            )
        return length

    # ---- the order ------------------------------------------------------------------------------------------------

    def order(self, seed: int, step: int, shuffle: bool | str) -> Array | None:
        """The order of the samples or batches in the epoch that begins at this step; ``None``: as they come."""
        if not shuffle or self.kind not in ("samples", "batches"):
            return None
        count = self.source.samples if self.kind == "samples" else len(self.source)
        return random.permutation(random.address(seed, "fit/shuffle", step=step), count)

    # ---- batches --------------------------------------------------------------------------------------------------

    def epoch(self, order: Array | None = None, start: int = 0) -> Generator[Batch, None, None]:
        """The batches of one epoch from batch ``start`` on, in this order. Close it if you do not come to its end.

        Raises:
            DataError, ShapeError, DtypeError: a batch does not fit; the message says which. What a source itself raises
                comes as it is.
        """
        count = 0
        asarray = current().asarray
        made = self._asked(self._numbered(order, start), start)
        with closing(ahead(made, self.prefetch, self.waiting)) as batches:
            for batch in batches:
                count += 1
                yield {name: asarray(array) for name, array in batch.items()}
        self._end(start + count)

    def _end(self, count: int) -> None:
        self.number += 1
        if count == 0:
            raise DataError("the data gave no batch.", where=self.what, expected="one batch at least")
        if self.given_steps is not None and count < self.given_steps:
            self.exhausted = True
            logger.warning(
                "%s ended after %d of the %d batches of an epoch, its number %d (from 1)",
                self.what,
                count,
                self.given_steps,
                self.number,
            )
        elif self.steps is None:
            self.steps = count
        if self.kind == "batches" and hasattr(self.source, "on_epoch_end"):
            self.source.on_epoch_end()

    def _numbered(self, order: Array | None, start: int) -> Iterator[tuple[int, Any]]:
        """The batches of the epoch from ``start`` on, each with its number, as the source gives them."""
        if self.kind == "samples":
            batches = self._of_samples(order, start)
        elif self.kind == "batches":
            numbers = range(len(self.source)) if order is None else order.tolist()
            batches = (self.source[number] for number in numbers[start : self.given_steps])
        else:
            batches = self._of_iterator(start)
        return enumerate(batches, start)

    def _of_samples(self, order: Array | None, start: int) -> Iterator[Any]:
        rows = np.arange(self.source.samples) if order is None else order
        size = self.source.batch_size
        for number in range(start, -(-len(rows) // size) if self.given_steps is None else self.given_steps):
            yield self.source.take(rows[number * size : (number + 1) * size])

    def _of_iterator(self, start: int) -> Iterator[Any]:
        drop, self.owed = self.owed + start, 0
        if drop:
            logger.info("%s: %d batches are drawn and dropped, up to where training goes on", self.what, drop)
        if not self._fresh and not (self.goes_on and self._running is not None):
            self._begin()
        self._fresh = False
        length = None if self.given_steps is None else self.given_steps - start + drop
        position = 0
        while length is None or position < length:
            assert self._running is not None
            batch = next(self._running, END)
            if batch is END:
                if length is None or self.kind == "iterator" or self.restart or self._drawn == 0:
                    return
                self._begin()  # the data is shorter than its epochs: it is gone through again
                continue
            self._drawn += 1
            position += 1
            if position > drop:
                yield batch

    @property
    def goes_on(self) -> bool:
        """Whether an epoch begins where the one before has ended, and not at the beginning of the data."""
        if self.kind in ("samples", "batches"):
            return False
        return self.kind == "iterator" or (self.given_steps is not None and not self.restart)

    def _begin(self) -> None:
        self._running, self._drawn = iter(self.source() if self.kind == "function" else self.source), 0

    def _asked(self, numbered: Iterator[tuple[int, Any]], start: int) -> Iterator[Batch]:
        """Batches made ready, one by one; what fails says which batch it was."""
        number = start
        while True:
            try:
                number, batch = next(numbered)
            except StopIteration:
                return
            except Exception as error:
                error.add_note(f"while batch {number} of epoch {self.number} of {self.what} was made")
                raise
            yield self._prepared(number, batch)
            number += 1

    def _prepared(self, number: int, batch: Any) -> Batch:
        """A batch as a step takes it. An error says which batch it was."""
        try:
            prepared = self.prepare(*parts(batch))
            if self.prefetch == 0:
                return prepared
            # Generators may fill one array again and again, and this batch is not used at once.
            return {name: np.array(array) for name, array in prepared.items()}
        except OmomiError as error:
            place = f"{self.what}, batch {number} of epoch {self.number}"
            where = place if error.where is None else f"{place}, {error.where}"
            raise type(error)(
                error.problem, where=where, expected=error.expected, received=error.received, fix=error.fix
            ) from error

    # ---- what arrays have, and streams have not -------------------------------------------------------------------

    def kept(self) -> None:
        """Streams are never kept beside the processor."""

    def seen(self, batches: int) -> int:
        """How many samples so many batches have; 0 where nobody knows."""
        return batches * (self.size or 0)

    def skip_epochs(self, epochs: int) -> None:
        """Training goes on after so many epochs: what they took is taken from the source again, and dropped."""
        self.number += epochs
        if self.goes_on and self.given_steps is not None:
            self.owed = epochs * self.given_steps
        if self.kind == "batches" and hasattr(self.source, "on_epoch_end"):
            for _ in range(epochs):
                self.source.on_epoch_end()

    def first(self) -> Any:
        """The first batch as the source gives it, which is not lost: it comes again with the first epoch."""
        if self.kind == "samples":
            return self.source.take(np.arange(min(self.source.batch_size, self.source.samples)))
        if self.kind == "batches":
            return self.source[0]
        if self.kind != "iterator":
            self._begin()
            self._fresh = True
        assert self._running is not None
        batch = next(self._running, END)
        if batch is END:
            raise DataError("the data gave no batch.", where=self.what, expected="one batch at least")
        self._running = chain((batch,), self._running)  # which, unlike a generator, closes nothing of the user's
        return batch


END = object()


def check_epochs(stream: Stream, epochs: int, argument: str = "steps_per_epoch") -> None:
    """Raise if a source that can be gone through once is asked for several epochs without a number of batches.

    Raises:
        ConfigurationError: as it says.
    """
    if stream.kind == "iterator" and stream.steps is None and epochs > 1:
        raise ConfigurationError(
            "a generator can be gone through once, so it cannot be said where an epoch of it ends.",
            where=stream.what,
            expected=f"{argument}, the number of batches in an epoch",
            fix=f"give {argument}=…; or hand over the function that makes the generator, or an omomi.utils.PyDataset",
        )
