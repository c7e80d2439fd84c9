"""Products of any size, from blocks of the micro-kernel.

The result is cut into panels of columns, as wide as the register block, and each panel into blocks of rows. Rows are
split evenly: 26 rows become 13 + 13, not 14 + 12, so that no block is left with so few rows that loads, and not
multiplications, take the time.
"""

from __future__ import annotations

from omomi.engines.cpu.kernel import helper, routine
from omomi.engines.cpu.microkernel import tile, tile_by_channel
from omomi.engines.cpu.primitives import (
    block_rows,
    block_vectors,
    copy_panel,
    itemsize,
    lanes,
    load_number,
    store_number,
    transpose_block,
)


@routine(uses=(tile,))
def contract(
    a: int,
    am: int,
    as_: int,
    ak: int,
    b: int,
    bs: int,
    bk: int,
    c: int,
    cm: int,
    rows: int,
    columns: int,
    steps_s: int,
    steps_k: int,
    bias: int,
    flags: int,
) -> int:
    """c[m, n] = Σ_s Σ_k a[m·am + s·as + k·ak] · b[s·bs + k·bk + n] for m < rows, n < columns; see microkernel."""
    blocks = (rows + block_rows() - 1) // block_rows()
    width = block_vectors() * lanes()
    size = itemsize()
    for first in range(0, columns, width):
        panel = min(width, columns - first)
        vectors = (panel + lanes() - 1) // lanes()
        shift = first * size
        bias_here = bias + shift if bias != 0 else 0
        for block in range(blocks):
            start, stop = rows * block // blocks, rows * (block + 1) // blocks
            tile(
                stop - start,
                vectors,
                a + start * am * size,
                am,
                as_,
                ak,
                b + shift,
                bs,
                bk,
                c + start * cm * size + shift,
                cm,
                steps_s,
                steps_k,
                panel,
                bias_here,
                flags,
            )
    return 0


@routine(uses=(tile_by_channel,))
def contract_by_channel(
    a: int,
    am: int,
    as_: int,
    ak: int,
    b: int,
    bs: int,
    bk: int,
    c: int,
    cm: int,
    rows: int,
    columns: int,
    steps_s: int,
    steps_k: int,
    bias: int,
    flags: int,
) -> int:
    """c[m, n] = Σ_s Σ_k a[m·am + s·as + k·ak + n] · b[s·bs + k·bk + n] for m < rows, n < columns; see microkernel."""
    blocks = (rows + block_rows() - 1) // block_rows()
    width = block_vectors() * lanes()
    size = itemsize()
    for first in range(0, columns, width):
        panel = min(width, columns - first)
        vectors = (panel + lanes() - 1) // lanes()
        shift = first * size
        bias_here = bias + shift if bias != 0 else 0
        for block in range(blocks):
            start, stop = rows * block // blocks, rows * (block + 1) // blocks
            tile_by_channel(
                stop - start,
                vectors,
                a + start * am * size + shift,
                am,
                as_,
                ak,
                b + shift,
                bs,
                bk,
                c + start * cm * size + shift,
                cm,
                steps_s,
                steps_k,
                panel,
                bias_here,
                flags,
            )
    return 0


@helper
def pack(source: int, row: int, target: int, width: int, count: int) -> None:
    """``count`` rows of ``width`` numbers, which lie ``row`` numbers apart, side by side.

    Rows that lie far apart are each on a memory page of their own, and with unlucky lengths they compete for the same
    few lines of the cache. Packed, they are read as they lie.
    """
    size, panel = itemsize(), block_vectors() * lanes()
    for k in range(count):
        for j in range(0, width, panel):
            copy_panel(target + (k * width + j) * size, source + (k * row + j) * size, min(panel, width - j))


@helper
def transpose(source: int, source_row: int, target: int, target_row: int, rows: int, columns: int) -> None:
    """target[j, i] = source[i, j] for i < rows, j < columns: two addresses, each with the length of a row.

    Squares of numbers are transposed in registers, the rest one by one.
    """
    square, size = lanes(), itemsize()
    whole_rows, whole_columns = rows - rows % square, columns - columns % square
    for i in range(0, whole_rows, square):
        for j in range(0, whole_columns, square):
            transpose_block(
                source + (i * source_row + j) * size, source_row, target + (j * target_row + i) * size, target_row
            )
    for i in range(rows):
        for j in range(whole_columns if i < whole_rows else 0, columns):
            store_number(target + (j * target_row + i) * size, load_number(source + (i * source_row + j) * size))
