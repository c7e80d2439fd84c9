"""A launch: a kernel, the arrays it works on, and how they are cut into chunks. And programs: lists of launches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omomi.engines.cpu import library, threads
from omomi.engines.cpu.kernel import Kernel, Layout
from omomi.errors import DtypeError, ShapeError

Array = NDArray[Any]

LINE = 64  # bytes of a cache line, and of the widest vector
# Work, in multiply-accumulates or numbers touched, below which one thread is faster than several.
SERIAL = 2**16


class Launch:
    """A kernel bound to its arguments, to be run as often as wanted.

    The arrays are used where they are: a run reads what they hold at that time, and writes into them. The launch
    keeps them alive.

    Args:
        kernel: the kernel.
        arguments: arrays and numbers in the order of its parameters.
        dtype: what the kernel is compiled for, "float32" or "float64".
        chunks: how many chunks the work is cut into. It follows from shapes, never from the number of threads.
        work: about how many multiply-accumulates it is; if they are few, the calling thread does it alone.
    """

    __slots__ = ("arrays", "block", "chunks", "function", "kernel", "workers")

    def __init__(self, kernel: Kernel, *arguments: Any, dtype: str, chunks: int = 1, work: int = 0) -> None:
        self.kernel, self.chunks = kernel, chunks
        self.workers = threads.pool().threads if work >= SERIAL else 1
        self.function = library.current().address(kernel, dtype)
        self.block = np.zeros(sum(layout.words for layout in kernel.parameters.values()), np.int64)
        self.arrays: dict[str, Array] = {}
        doubles = self.block.view(np.float64)
        for (name, layout), value in zip(kernel.parameters.items(), arguments, strict=True):
            offset = kernel.offsets[name]
            if layout.ndim >= 0:
                _check(kernel, name, layout, value, dtype)
                self.arrays[name] = value
                self.block[offset] = value.ctypes.data
                self.block[offset + 1 : offset + layout.words] = value.shape
            elif layout.dtype == "T":
                doubles[offset] = value
            else:
                self.block[offset] = value

    def __repr__(self) -> str:
        return f"<launch of {self.kernel.name} in {self.chunks} chunks>"

    def replace(self, name: str, array: Array) -> None:
        """Let an argument be another array of the same shape and dtype from now on."""
        before = self.arrays[name]
        if array.shape != before.shape or array.dtype != before.dtype or not array.flags.c_contiguous:
            raise ShapeError(
                "the array does not fit in place of the one the launch was made with.",
                where=f"{self.kernel.name}, {name}",
                expected=f"C-contiguous {before.dtype} {before.shape}",
                received=f"{array.dtype} {array.shape}",
            )
        self.arrays[name] = array
        self.block[self.kernel.offsets[name]] = array.ctypes.data

    def point(self, name: str, array: Array) -> None:
        """Let an argument be where another array is, whose first axis may be longer, without keeping that alive."""
        self.block[self.kernel.offsets[name]] = array.__array_interface__["data"][0]


class Program:
    """A list of launches, run one after the other without a return to Python in between."""

    __slots__ = ("launches", "parallel", "table")

    def __init__(self, launches: Sequence[Launch]) -> None:
        self.launches = tuple(launches)
        rows = [(x.function, x.block.ctypes.data, x.chunks, x.workers) for x in self.launches]
        self.table = np.array(rows, np.int64).reshape(-1, 4)
        self.parallel = any(x.workers > 1 and x.chunks > 1 for x in self.launches)

    def __repr__(self) -> str:
        return f"<program of {len(self.launches)} launches>"

    def run(self) -> None:
        """Run them all."""
        threads.pool().run(self.table, self.parallel)


def run(launches: Sequence[Launch]) -> None:
    """Run launches once, one after the other."""
    Program(launches).run()


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """An array of zeros that starts at a cache line, so that a vector does not lie across two of them."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    memory = np.zeros(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def scratch(numbers: int, dtype: Any) -> Array:
    """Memory of its own for each thread that may take part: at least so many numbers, whole cache lines. Zeros."""
    lines = -(-numbers * np.dtype(dtype).itemsize // LINE)
    return aligned((threads.pool().threads, lines * LINE // np.dtype(dtype).itemsize), dtype)


def empty(ndim: int, dtype: Any) -> Array:
    """An array without entries, for an argument that is not wanted."""
    return np.empty((0,) * ndim, dtype)


def _check(kernel: Kernel, name: str, layout: Layout, value: Any, dtype: str) -> None:
    wanted = dtype if layout.dtype == "T" else layout.dtype
    if value.dtype != wanted or value.ndim != layout.ndim or not value.flags.c_contiguous:
        raise DtypeError(
            "an array is not what the kernel is compiled for.",
            where=f"{kernel.name}, {name}",
            expected=f"C-contiguous {wanted} of {layout.ndim} axes",
            received=f"{value.dtype} of shape {value.shape}, strides {value.strides}",
        )
