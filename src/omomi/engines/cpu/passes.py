"""How a pass over arrays is cut into chunks, and how the sums of the chunks come together.

A pass reads arrays once, from end to end. It is cut into as many chunks as its size asks for, never by the number of
threads, and a sum over all of it is the sum of the chunks' sums, added up in the order of the chunks. So the bits of a
result do not depend on how many threads took part.

Arrays of few numbers are one chunk: to hand work to another thread takes longer than to do it.
"""

from __future__ import annotations

from omomi.engines.cpu.kernel import Doubles, Vector, helper, kernel
from omomi.engines.cpu.primitives import real

CHUNK = 2**14  # numbers in a chunk: 64 KiB of float32, small beside the nearest cache but one
STEP = 64  # chunks start at multiples of so many numbers: whole cache lines of every dtype


def chunks_for(numbers: int, unit: int = 1) -> int:
    """How many chunks a pass over so many numbers takes, if a chunk is a whole number of units of ``unit`` numbers."""
    units = -(-numbers // max(unit, 1))
    return max(1, min(units, numbers // CHUNK))


@helper
def span(size: int, chunk: int, chunks: int) -> tuple[int, int]:
    """Where a chunk of ``size`` numbers starts and stops; it starts at a cache line if the array does."""
    start = size * chunk // chunks // STEP * STEP
    stop = size if chunk == chunks - 1 else size * (chunk + 1) // chunks // STEP * STEP
    return start, stop


@kernel()
def add_sums(sums: Doubles, total: Vector, count: int) -> None:
    """total = Σ sums / count, added up in order."""
    value = 0.0
    for i in range(sums.size):
        value += sums[i]
    total[0] = real(value / count)
