"""Dropout in one pass: random words, mask and product.

    forward   y = x ⊙ m             m = 1 / (1 − p) for a unit that stays, 0 for one that is left out
    backward  gx = gy ⊙ m

Unit i stays if word i of the draw reaches a threshold. The words come from Philox 4x32-10 (see engines.random), bit
for bit as there: block b of the draw is the words of units 4b … 4b + 3. The blocks are independent of one another, so
the loop over them runs in vectors: a 32-bit word in each 64-bit lane, where the product of two words has room.

What forward keeps for backward is one byte per unit, 1 if it stays. The four bytes of a block are one 32-bit number, so
that they are written with one instruction for a whole vector of blocks.
"""

from __future__ import annotations

import numpy as np

from omomi.engines.cpu.kernel import Bytes, Real, Vector, Words, helper, kernel, share
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.passes import chunks_for
from omomi.engines.cpu.primitives import address, copy, real
from omomi.engines.random import MULTIPLIERS, ROUNDS, WEYL

M0, M1 = MULTIPLIERS
W0, W1 = WEYL
WORD = 0xFFFFFFFF
BLOCK = 4  # words in a block
RUN = 1024  # blocks at a time: their mask is still in the nearest cache when it is multiplied with


@helper
def stays(words, first, where, threshold):  # type: ignore[no-untyped-def]
    """Blocks ``first``, ``first`` + 1, … of the draw: the four mask bytes of each as one word."""
    seed_low, seed_high, path = np.int64(where[0]), np.int64(where[1]), np.int64(where[2])
    step, draw = np.int64(where[3]), np.int64(where[4])
    for b in range(words.size):
        c0, c1, c2, c3 = first + b, draw, step, seed_high
        k0, k1 = seed_low, path
        for _ in range(ROUNDS):
            p0, p1 = (c0 & WORD) * M0, (c2 & WORD) * M1
            c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1, (p0 >> 32) ^ c3 ^ k1, p0
            k0, k1 = (k0 + W0) & WORD, (k1 + W1) & WORD
        # The sign of word − threshold, in the lowest bit of its byte: 0 if it stays.
        left_out = (((c0 & WORD) - threshold) >> 63) & 1
        left_out |= (((c1 & WORD) - threshold) >> 63) & (1 << 8)
        left_out |= (((c2 & WORD) - threshold) >> 63) & (1 << 16)
        left_out |= (((c3 & WORD) - threshold) >> 63) & (1 << 24)
        words[b] = np.uint32(left_out ^ 0x01010101)


@helper
def mask_run(x, mask, y, scale):  # type: ignore[no-untyped-def]
    """y = x ⊙ m along a run; x is copied to y first, since a loop over two arrays that may be one is slow."""
    if address(x, 0) != address(y, 0):
        copy(address(y, 0), address(x, 0), y.size)
    for i in range(y.size):
        y[i] *= scale if mask[i] else real(0)


@kernel()
def dropout_forward(
    x: Vector,
    where: Words,
    mask: Bytes,
    words: Words,
    y: Vector,
    threshold: int,
    scale: Real,
    chunk: int,
    chunks: int,
) -> None:
    """The mask and y = x ⊙ m for a range of blocks. ``words`` and ``mask`` are the same memory."""
    first, last = share(words.size, chunk, chunks)
    for b in range(first, last, RUN):
        b_end = min(b + RUN, last)
        stays(words[b:b_end], b, where, threshold)
        i, i_end = b * BLOCK, min(b_end * BLOCK, x.size)
        mask_run(x[i:i_end], mask[i:i_end], y[i:i_end], scale)


@kernel()
def dropout_backward(gy: Vector, mask: Bytes, gx: Vector, scale: Real, chunk: int, chunks: int) -> None:
    """gx = gy ⊙ m."""
    start, stop = share(gy.size, chunk, chunks)
    for i in range(start, stop, BLOCK * RUN):
        i_end = min(i + BLOCK * RUN, stop)
        mask_run(gy[i:i_end], mask[i:i_end], gx[i:i_end], scale)


@kernel()
def draw_address_forward(seed: Words, step: Words, where: Words, path: int, draw: int) -> None:
    """where = (seed low, seed high, path, step, draw)."""
    where[0] = seed[0]
    where[1] = seed[1]
    where[2] = np.uint32(path)
    where[3] = step[0]
    where[4] = np.uint32(draw)


def mask_size(units: int) -> int:
    """How many bytes the mask of so many units takes: whole blocks."""
    return -(-units // BLOCK) * BLOCK


def forward(x: Array, where: Array, mask: Array, y: Array, *, rate: float) -> list[Launch]:
    """y = x ⊙ m, all C-contiguous.

    Args:
        x: any number of units, as a vector.
        where: uint32 (5,), the address of the draw.
        mask: uint8 (``mask_size(x.size)``,), at a multiple of 4 bytes, written: what backward needs.
        y: like x, written; it may be x.
        rate: p, the share of the units that is left out.
    """
    threshold = min(round(rate * 2**32), 2**32 - 1)
    return [
        Launch(
            dropout_forward,
            x,
            where,
            mask,
            mask.view(np.uint32),
            y,
            threshold,
            1 / (1 - rate),
            dtype=x.dtype.name,
            chunks=chunks_for(x.size, BLOCK),
            work=2 * x.size,
        )
    ]


def backward(mask: Array, gy: Array, gx: Array, *, rate: float) -> list[Launch]:
    """gx = gy ⊙ m, as vectors; gx may be gy."""
    chunks = chunks_for(gy.size)
    return [Launch(dropout_backward, gy, mask, gx, 1 / (1 - rate), dtype=gy.dtype.name, chunks=chunks, work=gy.size)]


def draw_address(seed: Array, step: Array, where: Array, *, path: int, draw: int = 0) -> list[Launch]:
    """where = (seed low, seed high, path, step, draw): seed uint32 (2,), step uint32 (1,), where uint32 (5,)."""
    return [Launch(draw_address_forward, seed, step, where, path, draw, dtype="float32")]
