"""Dropout, and the address from which its mask is drawn."""

from __future__ import annotations

from math import prod

from omomi.errors import ConfigurationError
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# Dropout (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 15, 2014): in training every unit is left
# out with probability p. Inverted: what stays is divided by 1 − p, so that inference needs no change.
#   forward   y = x ⊙ m             m = 1 / (1 − p) for a unit that stays, 0 for one that is left out
#   backward  gx = gy ⊙ m
#
# Unit i stays if its random word, uniform on 0 … 2³² − 1, reaches p 2³². Integers are compared, so that the mask is
# the same on every engine. The words are a function of the address: the same address gives the same mask.


def dropout_forward(xp: Namespace, x: Array, address: Array, *, rate: float) -> tuple[Array, Saved]:
    if not 0 <= rate < 1:
        raise ConfigurationError(
            "the rate is the share of the units that is left out.",
            where="dropout",
            expected="0 ≤ rate < 1",
            received=rate,
        )
    threshold = min(round(rate * 2**32), 2**32 - 1)
    stays = xp.random_bits(address, prod(x.shape)) >= xp.uint32(threshold)
    mask = stays.reshape(x.shape).astype(x.dtype) * (1 / (1 - rate))
    return x * mask, (mask,)


def dropout_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, rate: float
) -> tuple[Array | None, ...]:
    (mask,) = saved
    return gy * mask, None


dropout = Rule(
    "dropout",
    dropout_forward,
    dropout_backward,
    "y = x ⊙ m, m = 1/(1 − p) with probability 1 − p, else 0",
    "gx = gy ⊙ m",
    constants=("address",),
)


# The address of a draw, put together inside a step: seed and step are arrays there, so that a recorded step draws
# anew each time it is replayed; the path of the thing that draws and the number of its draw stay as they are.
#   forward   address = (seed low, seed high, path, step, draw)             uint32, as engines.random reads it


def draw_address_forward(xp: Namespace, seed: Array, step: Array, *, path: int, draw: int = 0) -> tuple[Array, Saved]:
    fixed = xp.asarray([path, draw], dtype=xp.uint32)
    return xp.stack([seed[0], seed[1], fixed[0], step, fixed[1]]), ()


draw_address = Rule("draw_address", draw_address_forward, None, "address = (seed low, seed high, path, step, draw)")
