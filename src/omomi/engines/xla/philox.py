"""Philox 4x32-10 as :mod:`omomi.engines.random` has it, in 32-bit integer arithmetic, so that it runs on any device.

Bit for bit the same words. A product of two 32-bit words has 64 bits; where a device has no such integers, its high
half is put together from products of 16-bit halves.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from omomi.engines.engine import Array
from omomi.engines.random import MULTIPLIERS, ROUNDS, WEYL

_LOW = 0xFFFF


def high_product(a: Array, m: int) -> Array:
    """The high word of the 64-bit product a·m.

    With a = a₁ 2¹⁶ + a₀ and m = m₁ 2¹⁶ + m₀, a m = a₁m₁ 2³² + (a₁m₀ + a₀m₁) 2¹⁶ + a₀m₀; no sum below exceeds a word.
    """
    m0, m1 = jnp.uint32(m & _LOW), jnp.uint32(m >> 16)
    a0, a1 = a & _LOW, a >> 16
    middle0, middle1 = a1 * m0, a0 * m1
    carried = (a0 * m0 >> 16) + (middle0 & _LOW) + (middle1 & _LOW)
    return a1 * m1 + (middle0 >> 16) + (middle1 >> 16) + (carried >> 16)


def philox(counter: tuple[Array, ...], key: tuple[Array, ...]) -> tuple[Array, ...]:
    """Ten rounds of Philox 4x32 over arrays of uint32.

    A GPU does all rounds in registers, so there they are written out. On a processor XLA would fuse them by computing
    each word anew for every later round that reads it, so there they are a loop.
    """

    def one_round(_: int, words: tuple[Array, ...]) -> tuple[Array, ...]:
        c0, c1, c2, c3, k0, k1 = words
        high0, low0 = high_product(c0, MULTIPLIERS[0]), c0 * jnp.uint32(MULTIPLIERS[0])
        high1, low1 = high_product(c2, MULTIPLIERS[1]), c2 * jnp.uint32(MULTIPLIERS[1])
        return high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0, k0 + jnp.uint32(WEYL[0]), k1 + jnp.uint32(WEYL[1])

    unroll = 1 if jax.default_backend() == "cpu" else ROUNDS
    words: tuple[Array, ...] = jax.lax.fori_loop(0, ROUNDS, one_round, (*counter, *key), unroll=unroll)
    return words[:4]


def random_bits(where: Array, count: int) -> Array:
    """``count`` uniform random words of the draw at address ``where``: uint32 array of shape (count,)."""
    seed_low, seed_high, path, step, draw = (jnp.asarray(where)[i] for i in range(5))
    blocks = jax.lax.iota(jnp.uint32, -(-count // 4))
    counter = (blocks, *(jnp.broadcast_to(word, blocks.shape) for word in (draw, step, seed_high)))
    return jnp.stack(philox(counter, (seed_low, path)), axis=-1).reshape(-1)[:count]
