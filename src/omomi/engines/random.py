"""Randomness without hidden state: the counter-based generator Philox 4x32-10.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

A generator of this kind is a function, not a machine with a state: it scrambles a 128-bit counter under a 64-bit
key into four 32-bit words. Omomi writes the whole story of a draw into counter and key: the seed, the step, the
path of the thing that draws, how often it drew in this step, and the index of the block of four words. So the
mask of dropout at step 1000 can be computed without the 999 masks before it, on any engine, in any order.

A draw's *address* is an array of five 32-bit words: seed (low, high), path, step, draw.

====================  ==========================
counter               block, draw, step, seed high
key                   seed low, path
====================  ==========================
"""

from __future__ import annotations

from zlib import crc32

import numpy as np

from omomi.engines.engine import Array

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)  # added to the key after each round: the golden ratio and √3 − 1
ROUNDS = 10
RUN = 8192  # blocks per pass: the words of one round then stay in the processor's cache
_MASK = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def path_word(path: str) -> int:
    """The 32-bit word that stands for a path in an address."""
    return crc32(path.encode())


def address(seed: int, path: str, step: int = 0, draw: int = 0) -> Array:
    """The address of one draw: uint32 array of shape (5,)."""
    seed = int(seed) & 0xFFFFFFFFFFFFFFFF
    return np.array([seed & 0xFFFFFFFF, seed >> 32, path_word(path), step & 0xFFFFFFFF, draw & 0xFFFFFFFF], np.uint32)


def philox(counter: tuple[Array, Array, Array, Array], key: tuple[Array, Array]) -> tuple[Array, Array, Array, Array]:
    """Ten rounds of Philox 4x32 over arrays of uint64 that each hold a 32-bit word.

    One round multiplies two of the four words, and spreads the high and low halves of the products over the
    others under the key.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    m0, m1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
    w0, w1 = np.uint64(WEYL[0]), np.uint64(WEYL[1])
    for _ in range(ROUNDS):
        p0, p1 = c0 * m0, c2 * m1
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _MASK, (p0 >> _HALF) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + w0) & _MASK, (k1 + w1) & _MASK
    return c0, c1, c2, c3


def random_bits(where: Array, count: int) -> Array:
    """``count`` uniform random words of the draw at address ``where``: uint32 array of shape (count,).

    Word i is lane i % 4 of block i // 4.
    """
    seed_low, seed_high, path, step, draw = (np.uint64(word) for word in where)
    lanes = np.empty((-(-count // 4), 4), np.uint32)
    for start in range(0, len(lanes), RUN):
        run = lanes[start : start + RUN]
        blocks = np.arange(start, start + len(run), dtype=np.uint64)
        for lane, words in enumerate(philox((blocks, draw, step, seed_high), (seed_low, path))):
            run[:, lane] = words
    return lanes.reshape(-1)[:count]


def uniform(where: Array, count: int) -> Array:
    """Uniform numbers in [0, 1) with 24 random bits each: float64 array of shape (count,)."""
    return (random_bits(where, count) >> np.uint32(8)).astype(np.float64) * 2.0**-24


def normal(where: Array, count: int) -> Array:
    """Standard normal numbers: float64 array of shape (count,).

    Source: Box and Muller 1958: r = √(−2 ln u₁), the pair r cos 2πu₂ and r sin 2πu₂.
    """
    pairs = -(-count // 2)
    bits = random_bits(where, 2 * pairs).astype(np.float64).reshape(2, pairs)
    u1, u2 = (bits[0] + 1.0) * 2.0**-32, bits[1] * 2.0**-32  # u1 in (0, 1], so that its logarithm is finite
    r, angle = np.sqrt(-2.0 * np.log(u1)), 2.0 * np.pi * u2
    return np.concatenate([r * np.cos(angle), r * np.sin(angle)])[:count]


def permutation(where: Array, count: int) -> Array:
    """A random order of ``range(count)``: the argsort of random words, ties kept in order. int64 (count,)."""
    return np.argsort(random_bits(where, count), kind="stable")
