"""Rows of a table, backward: the deltas of an embedding, added up where their rows came from.

A chunk looks after some rows of the table and goes over all indices in their order: sums do not depend on threads.
"""

from __future__ import annotations

from omomi.engines.cpu.kernel import Indices, Matrix, kernel, share
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.primitives import real

MOST_CHUNKS = 16


@kernel()
def scatter_rows(gy: Matrix, index: Indices, gW: Matrix, chunk: int, chunks: int) -> None:
    """gW = 0, then gW[index[n]] += gy[n], for a range of rows of gW."""
    start, stop = share(gW.shape[0], chunk, chunks)
    for i in range(start, stop):
        row = gW[i]
        for j in range(row.size):
            row[j] = real(0)
    for n in range(index.size):
        i = index[n]
        if start <= i and i < stop:
            row, delta = gW[i], gy[n]
            for j in range(row.size):
                row[j] += delta[j]


def scatter(gy: Array, index: Array, gW: Array) -> list[Launch]:
    """gW (K, D), written, from gy (N, D) and index, int64 (N,), each 0 … K − 1."""
    chunks = min(MOST_CHUNKS, len(gW))
    return [Launch(scatter_rows, gy, index, gW, dtype=gW.dtype.name, chunks=chunks, work=gW.size + gy.size)]
