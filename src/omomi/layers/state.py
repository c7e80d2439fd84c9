"""What training changes: parameters and buffers, and the one tree that holds them.

The state of a model is a mapping from path ("dense_1/kernel") to entry. Everything that training changes is in it,
and nothing else: so saving, resuming and compiling a step are all short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from omomi.engines import random
from omomi.engines.engine import Array
from omomi.engines.selection import current
from omomi.errors import NotBuiltError, ShapeError
from omomi.graph.context import context
from omomi.graph.variable import Variable
from omomi.layers.initializers import Initializer


class Changes:
    """How often an attribute of a built layer was assigned: what was recorded before may not hold any more."""

    count = 0


changes = Changes()


class StateEntry(Variable):
    """An array that training changes. It has a shape from the start, and its numbers once its path is known."""

    __slots__ = ("_dtype", "_shape", "initializer", "provisional")

    def __init__(self, shape: tuple[int, ...], initializer: Initializer, dtype: Any, requires_grad: bool) -> None:
        self._array = None
        self._shape, self._dtype, self.initializer = tuple(shape), np.dtype(dtype), initializer
        self.requires_grad, self.name, self.grad = requires_grad, None, None
        self.provisional = False  # whether zeros stand in for the first numbers, which are drawn when its path is known
        self.creator, self.index, self.generation, self.mask = None, 0, 0, None

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return len(self._shape)

    @property
    def size(self) -> int:
        return int(np.prod(self._shape, dtype=np.int64))

    @property
    def array(self) -> Array:
        """The value, as a read-only view; :meth:`assign` writes."""
        if self._array is None or self.provisional:
            raise NotBuiltError(
                "this parameter has no numbers yet: its layer has not been built inside a model.",
                where=self.name,
                fix="make the Model of these layers first"
                if self.provisional
                else "call the model on data once, or give the first layer an input_shape",
            )
        engine = current()
        return engine.lend(engine.read(self._array))

    def assign(self, value: Any) -> None:
        """Put in new numbers of the same shape; they are cast to this entry's dtype.

        Raises:
            ShapeError: the shape differs.
        """
        array = value._array if isinstance(value, Variable) else value
        if not hasattr(array, "dtype") or not hasattr(array, "shape"):
            array = np.asarray(array)
        if tuple(array.shape) != self._shape:
            raise ShapeError(
                "the new value has another shape.",
                where=self.name or type(self).__name__,
                expected=f"shape {self._shape}",
                received=f"shape {tuple(array.shape)}",
            )
        self.provisional = False
        owned = isinstance(value, Variable)  # computed in the graph: nobody else writes to it
        self._array = array if owned and array.dtype == self._dtype else current().xp.array(array, dtype=self._dtype)

    def initialize(self, seed: int, path: str) -> None:
        """Draw the first numbers. They are a function of (seed, path), and always come from the host."""
        self.name = path
        self.provisional = context.sketching
        if self.provisional:
            self._array = np.zeros(self._shape, self._dtype)
            return
        host = self.initializer(self._shape, random.address(seed, path)).astype(self._dtype)
        self._array = current().asarray(host)


class Parameter(StateEntry):
    """An array that the optimiser moves along its gradient, unless ``trainable`` is switched off.

    Attributes:
        regularizer: from the parameter to what it adds to the loss, if anything.
        constraint: from the parameter, after a step has moved it, to what it may be, if it may not be everything.
    """

    __slots__ = ("constraint", "regularizer")

    def __init__(
        self, shape: tuple[int, ...], initializer: Initializer, dtype: Any = "float32", trainable: bool = True
    ) -> None:
        super().__init__(shape, initializer, dtype, trainable)
        self.regularizer: Callable[[Variable], Variable] | None = None
        self.constraint: Callable[[Variable], Variable] | None = None

    @property
    def trainable(self) -> bool:
        """Whether training moves it."""
        return self.requires_grad

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.requires_grad = bool(value)


class Buffer(StateEntry):
    """An array that training changes by other means than a gradient: running statistics, slots, counters."""

    __slots__ = ()

    def __init__(self, shape: tuple[int, ...], initializer: Initializer, dtype: Any = "float32") -> None:
        super().__init__(shape, initializer, dtype, False)


Entries = Mapping[str, StateEntry]


def arrays(entries: Entries) -> dict[str, Array]:
    """The arrays of a state tree, by path."""
    return {path: entry._array for path, entry in entries.items()}


def put(entries: Entries, values: Mapping[str, Array]) -> None:
    """Make these arrays the state. They are taken as they are: a step has computed them."""
    for path, entry in entries.items():
        entry._array = values[path]


@contextmanager
def holding(entries: Entries, values: Mapping[str, Array]) -> Iterator[None]:
    """Inside, the entries hold these arrays; afterwards, what they held before."""
    before = arrays(entries)
    put(entries, values)
    try:
        yield
    finally:
        put(entries, before)


def put_in_order(entries: Mapping[str, StateEntry], values: Any, where: str) -> None:
    """Put one array after the other into the entries.

    Raises:
        ShapeError: the number of arrays or one of the shapes differs; nothing is changed then.
    """
    values = list(values)
    if len(values) != len(entries):
        raise ShapeError(
            "the number of arrays differs.",
            where=where,
            expected=f"{len(entries)} arrays ({', '.join(entries)})" if entries else "none: it has no weights yet",
            received=f"{len(values)} arrays",
        )
    for (path, entry), value in zip(entries.items(), values, strict=True):
        if np.shape(value) != entry.shape:
            raise ShapeError(
                "an array has another shape.",
                where=f"{where}, {path}",
                expected=f"shape {entry.shape}",
                received=f"shape {np.shape(value)}",
            )
    for entry, value in zip(entries.values(), values, strict=True):
        entry.assign(np.asarray(value))
