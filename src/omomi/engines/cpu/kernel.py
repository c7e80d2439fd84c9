"""What a kernel is: a Python function over arrays that does one share, a *chunk*, of a piece of work.

    @kernel()
    def scale(x: Vector, y: Vector, factor: Real, chunk: int, chunks: int) -> None:
        start, stop = share(x.size, chunk, chunks)
        ...

The annotations are its signature for the compiler: ``Vector``, ``Matrix``, … are C-contiguous arrays of the dtype
the kernel is compiled for (T: float32 or float64), ``Real`` is one number of that dtype, and ``int`` a whole number.
A kernel may end in any of ``chunk`` (which share it does), ``chunks`` (how many there are) and ``worker`` (which
thread runs it: the index of its scratch memory). Chunks are independent of one another and run in any order, and
how the work is cut depends on its shapes alone, so the result does not depend on the number of threads.

A kernel's body can use what Numba compiles: numbers, loops, indices, slices, ``math``. It allocates nothing and raises
nothing. What it calls is declared with the decorators here:

==================  ==============================================================================================
``@helper``         a Python function that kernels call
``Primitive``       an operation that the compiler writes itself (see ``primitives``)
``@routine()``      a function over whole numbers and addresses, compiled once on its own and shared by all kernels
==================  ==============================================================================================

At run time a kernel is machine code of the type ``void (int64 *block, int64 chunk, int64 chunks, int64 worker)``. The
*block* holds its arguments as 64-bit words: for an array its address and its shape, for a number the number.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray


class Layout(NamedTuple):
    """One argument: its dtype ("T" is the dtype the kernel is compiled for) and its axes, or −1 for a number."""

    dtype: str
    ndim: int

    @property
    def words(self) -> int:
        """How many words of the block it takes."""
        return 1 + max(self.ndim, 0)


Vector: TypeAlias = Annotated[NDArray[Any], Layout("T", 1)]
Matrix: TypeAlias = Annotated[NDArray[Any], Layout("T", 2)]
Images: TypeAlias = Annotated[NDArray[Any], Layout("T", 4)]
Bytes: TypeAlias = Annotated[NDArray[np.uint8], Layout("uint8", 1)]
ByteMatrix: TypeAlias = Annotated[NDArray[np.uint8], Layout("uint8", 2)]
ByteImages: TypeAlias = Annotated[NDArray[np.uint8], Layout("uint8", 4)]
Words: TypeAlias = Annotated[NDArray[np.uint32], Layout("uint32", 1)]
Indices: TypeAlias = Annotated[NDArray[np.int64], Layout("int64", 1)]
Doubles: TypeAlias = Annotated[NDArray[np.float64], Layout("float64", 1)]
Real: TypeAlias = Annotated[float, Layout("T", -1)]

_NUMBER = Layout("int64", -1)
PLACE = ("chunk", "chunks", "worker")  # what a kernel is told at run time, beside its arguments

Body = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Primitive:
    """An operation that the compiler writes itself.

    Args:
        name: what kernels call it.
        meaning: what it does.
    """

    name: str
    meaning: str

    def __call__(self, *arguments: Any) -> Any:
        raise TypeError(f"{self.name} exists in compiled kernels only")


@dataclass(frozen=True, eq=False)
class Helper:
    """A function that kernels call. In Python it is called like any other."""

    function: Body

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)


@dataclass(frozen=True, eq=False)
class Emitted:
    """Machine code that is not written in Python but built from LLVM's instructions.

    Args:
        name: what it is called.
        build: from a machine, a dtype and the symbol to a module of LLVM that defines the symbol.
        arguments: how many whole numbers it takes. It returns one.
    """

    name: str
    build: Callable[[Any, str, str], Any]
    arguments: int

    def __call__(self, *arguments: Any) -> Any:
        raise TypeError(f"{self.name} exists in compiled kernels only")


@dataclass(frozen=True, eq=False)
class Routine:
    """A function over whole numbers, compiled on its own and called by address.

    Args:
        function: its body. It returns a whole number.
        generic: True if it is compiled for each dtype, False if it has nothing to do with one.
        uses: what it calls.
    """

    function: Body
    generic: bool = True
    uses: tuple[Routine | Emitted, ...] = ()

    @property
    def name(self) -> str:
        return self.function.__name__

    @cached_property
    def arguments(self) -> int:
        """How many it takes."""
        return len(inspect.signature(self.function).parameters)

    def __call__(self, *arguments: Any) -> Any:
        raise TypeError(f"{self.name} exists in compiled kernels only")


@dataclass(frozen=True, eq=False)
class Kernel:
    """A kernel's declaration.

    Args:
        function: its body.
        uses: routines, and what is emitted, that it calls.
        fastmath: liberties that LLVM may take with its sums: "reassoc" to add up in lanes, "contract" to fuse a
            product and a sum into one rounding.
    """

    function: Body
    uses: tuple[Routine | Emitted, ...] = ()
    fastmath: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.function.__name__

    def __repr__(self) -> str:
        return f"<kernel {self.name}>"

    @cached_property
    def parameters(self) -> dict[str, Layout]:
        """Its arguments by name, in order, without ``chunk``, ``chunks`` and ``worker``."""
        hints = typing.get_type_hints(self.function, include_extras=True)
        names = [name for name in inspect.signature(self.function).parameters if name not in PLACE]
        return {name: hints[name].__metadata__[0] if hints[name] is not int else _NUMBER for name in names}

    @cached_property
    def place(self) -> tuple[str, ...]:
        """Which of ``chunk``, ``chunks`` and ``worker`` it wants, in its own order, after its other arguments."""
        return tuple(inspect.signature(self.function).parameters)[len(self.parameters) :]

    @cached_property
    def offsets(self) -> dict[str, int]:
        """Where in the block each argument starts."""
        offsets, word = {}, 0
        for name, layout in self.parameters.items():
            offsets[name] = word
            word += layout.words
        return offsets


def kernel(*, uses: tuple[Routine | Emitted, ...] = (), fastmath: tuple[str, ...] = ()) -> Callable[[Body], Kernel]:
    """Declare a function as a kernel."""
    return lambda function: Kernel(function, uses, fastmath)


def routine(*, generic: bool = True, uses: tuple[Routine | Emitted, ...] = ()) -> Callable[[Body], Routine]:
    """Declare a function as a routine."""
    return lambda function: Routine(function, generic, uses)


def helper(function: Body) -> Helper:
    """Declare a function as a helper."""
    return Helper(function)


def symbol_of(declared: Kernel | Routine | Emitted, machine: str, dtype: str) -> str:
    """The name of its machine code for a family of vector instructions and a dtype."""
    if isinstance(declared, Emitted):
        return f"omomi_{declared.name}_{machine}_{dtype}"
    generic = isinstance(declared, Kernel) or declared.generic
    module = declared.function.__module__.rpartition(".")[2]
    return f"omomi_{module}_{declared.name}_{machine}" + (f"_{dtype}" if generic else "")


@helper
def share(size: int, chunk: int, chunks: int) -> tuple[int, int]:
    """Where a chunk of ``size`` things starts and stops: as even as whole numbers allow."""
    return size * chunk // chunks, size * (chunk + 1) // chunks
