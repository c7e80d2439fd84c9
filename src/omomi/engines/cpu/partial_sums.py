"""Sums that chunks have made apart, added up in order."""

from __future__ import annotations

from omomi.engines.cpu.kernel import Matrix, Vector, kernel, share
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.microkernel import ACCUMULATE

PIECE = 2**12  # numbers of the total that one chunk adds up


@kernel()
def add_partials(partials: Matrix, total: Vector, flags: int, chunk: int, chunks: int) -> None:
    """total = Σ partials, row after row; added to what it holds if the flags say so."""
    start, stop = share(total.size, chunk, chunks)
    result = total[start:stop]
    first = partials[0, start:stop]
    for i in range(result.size):
        result[i] = result[i] + first[i] if flags & ACCUMULATE else first[i]
    for p in range(1, partials.shape[0]):
        part = partials[p, start:stop]
        for i in range(result.size):
            result[i] += part[i]


def add(partials: Array, total: Array, flags: int) -> list[Launch]:
    """total = Σ partials, one partial sum per row; added to what total holds if the flags say ACCUMULATE."""
    chunks = max(1, min(64, total.size // PIECE))
    return [
        Launch(
            add_partials,
            partials,
            total.reshape(-1),
            flags,
            dtype=total.dtype.name,
            chunks=chunks,
            work=partials.size,
        )
    ]
