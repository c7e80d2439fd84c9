"""Where a random draw gets its address: (seed, step, path of the thing that draws, how often it drew)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from omomi.engines import random
from omomi.engines.engine import Array
from omomi.engines.selection import current
from omomi.graph.context import context
from omomi.graph.variable import Variable, apply
from omomi.ops.dropout import draw_address as draw_address_rule


class Draws:
    """The draws of one step: its seed (uint32, (2,): low, high), its number, and a count for each path."""

    def __init__(self, seed: Array, step: Array) -> None:
        self.seed, self.step = seed, step
        self.counts: dict[str, int] = {}

    def next(self, path: str) -> int:
        """How often ``path`` drew before in this step."""
        count = self.counts.get(path, 0)
        self.counts[path] = count + 1
        return count


# What draws outside any model belongs to one long step 0 of this seed.
_outside = Draws(np.zeros(2, np.uint32), np.zeros((), np.uint32))
_default_seed: int | None = None


def seed_words(seed: int) -> Array:
    """A seed as the two words that an address holds: uint32 (2,)."""
    return random.address(seed, "")[:2]


def seed_number(draws: Draws) -> int:
    """The seed of these draws as one number."""
    low, high = (int(word) for word in current().to_host(draws.seed))
    return low | high << 32


def set_seed(seed: int) -> None:
    """Fix the seed of everything that is built from here on and has none of its own.

    Models take it for their initial weights, masks and shuffles; functions called outside any model restart
    their draws from it.
    """
    global _default_seed, _outside
    _default_seed = int(seed)
    _outside = Draws(seed_words(seed), np.zeros((), np.uint32))


def fresh_seed() -> int:
    """The seed for a new model: that of :func:`seeded`, that of :func:`set_seed`, or one from NumPy's generator.

    That generator starts from the operating system's entropy, and ``numpy.random.seed`` at the head of a script
    fixes it: so such a line fixes the script's result.
    """
    chosen = chosen_seed()
    return chosen if chosen is not None else int(np.random.randint(2**31))


def chosen_seed() -> int | None:
    """The seed that a new model gets if somebody has chosen one."""
    return context.seed if context.seed is not None else _default_seed


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, in this thread, models without a seed of their own take this one."""
    before, context.seed = context.seed, int(seed)
    try:
        yield
    finally:
        context.seed = before


@contextmanager
def drawing(draws: Draws) -> Iterator[None]:
    """Inside, draws belong to this step."""
    before, context.draws = context.draws, draws
    try:
        yield
    finally:
        context.draws = before


def draw_address() -> Variable:
    """The address of the next draw of the layer that runs now: uint32 (5,)."""
    draws = context.draws or _outside
    path = context.path
    address = apply(draw_address_rule, draws.seed, draws.step, path=random.path_word(path), draw=draws.next(path))
    return address
