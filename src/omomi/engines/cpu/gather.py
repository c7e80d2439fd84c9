"""Batches: samples picked by index, converted and scaled in one pass.

    y[n] = s x[index[n]] + o

The whole data set stays as it is, MNIST as bytes, and what a batch needs of it is made in the step's own dtype. Without
conversion (labels, weights, images that a layer will cast) samples are copied byte by byte.

Every index must be that of a sample, 0 … len(x) − 1: the kernels do not look.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from omomi.engines.cpu.elementwise import cast_run
from omomi.engines.cpu.kernel import ByteMatrix, Indices, Kernel, Layout, Matrix, Real, kernel, share
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.passes import chunks_for

SingleMatrix: TypeAlias = Annotated[NDArray[np.float32], Layout("float32", 2)]
DoubleMatrix: TypeAlias = Annotated[NDArray[np.float64], Layout("float64", 2)]


@kernel()
def gather_bytes(x: ByteMatrix, index: Indices, y: Matrix, factor: Real, offset: Real, chunk: int, chunks: int) -> None:
    """y[n] = factor x[index[n]] + offset for a range of samples."""
    start, stop = share(index.size, chunk, chunks)
    for n in range(start, stop):
        cast_run(x[index[n]], y[n], factor, offset)


@kernel()
def gather_singles(
    x: SingleMatrix, index: Indices, y: Matrix, factor: Real, offset: Real, chunk: int, chunks: int
) -> None:
    """y[n] = factor x[index[n]] + offset for a range of samples."""
    start, stop = share(index.size, chunk, chunks)
    for n in range(start, stop):
        cast_run(x[index[n]], y[n], factor, offset)


@kernel()
def gather_doubles(
    x: DoubleMatrix, index: Indices, y: Matrix, factor: Real, offset: Real, chunk: int, chunks: int
) -> None:
    """y[n] = factor x[index[n]] + offset for a range of samples."""
    start, stop = share(index.size, chunk, chunks)
    for n in range(start, stop):
        cast_run(x[index[n]], y[n], factor, offset)


@kernel()
def gather_copies(x: ByteMatrix, index: Indices, y: ByteMatrix, chunk: int, chunks: int) -> None:
    """y[n] = x[index[n]] for a range of samples."""
    start, stop = share(index.size, chunk, chunks)
    for n in range(start, stop):
        source, target = x[index[n]], y[n]
        for i in range(target.size):
            target[i] = source[i]


GATHERS: dict[str, Kernel] = {"uint8": gather_bytes, "float32": gather_singles, "float64": gather_doubles}


def accepts(source: Any, target: Any) -> bool:
    """Whether samples of that dtype can be gathered as that other."""
    source, target = np.dtype(source).name, np.dtype(target).name
    return source == target or (source in GATHERS and target in ("float32", "float64"))


def gather(x: Array, index: Array, y: Array, *, factor: float = 1.0, offset: float = 0.0) -> list[Launch]:
    """y[n] = factor x[index[n]] + offset.

    Args:
        x: (K, …), all samples.
        index: int64 (N,); a launch's ``replace("index", …)`` picks others.
        y: (N, …) of a dtype that ``accepts`` allows, written. Of x's dtype other than a float, only copies are made.
    """
    work = y.size
    chunks = chunks_for(y.size, y[0].size)
    if x.dtype == y.dtype and factor == 1 and offset == 0:
        rows = x.reshape(len(x), -1).view(np.uint8), index, y.reshape(len(y), -1).view(np.uint8)
        return [Launch(gather_copies, *rows, dtype="float32", chunks=chunks, work=work)]
    declared, samples, batch = GATHERS[x.dtype.name], x.reshape(len(x), -1), y.reshape(len(y), -1)
    return [Launch(declared, samples, index, batch, factor, offset, dtype=y.dtype.name, chunks=chunks, work=work)]
