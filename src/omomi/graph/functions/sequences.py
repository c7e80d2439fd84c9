"""Recurrence along a sequence. The formulas and their derivatives stand in ``omomi.ops.recurrent``."""

from __future__ import annotations

from typing import Any

from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import recurrent as _recurrent

Input = Any  # a Variable, an array, or numbers


def _given(*arrays: Input | None) -> list[Variable]:
    return [as_variable(x) for x in arrays if x is not None]


def simple_recurrence(
    u: Input, U: Input, h0: Input, mask: Input | None = None, *, activation: str = "tanh"
) -> Variable:
    """h_t = f(u_t + h_{t−1} U): u (N, T, H), U (H, H), h0 (N, H) → all states (N, T, H).

    Args:
        mask: (N, T), 1 where a step exists, 0 for padding; all exist unless given.
        activation: f: "tanh", "relu", "sigmoid" or "linear".

    Raises:
        ShapeError: the shapes do not fit together.
    """
    return apply(_recurrent.simple_recurrence, *_given(u, U, h0, mask), activation=activation)


def lstm(u: Input, U: Input, h0: Input, c0: Input, mask: Input | None = None) -> tuple[Variable, Variable]:
    """Long short-term memory: u (N, T, 4H), U (H, 4H), h0 and c0 (N, H) → outputs (N, T, H), last memory (N, H).

    The columns are those of the input gate, the forget gate, the candidate and the output gate.

    Raises:
        ShapeError: the shapes do not fit together.
    """
    return apply(_recurrent.lstm, *_given(u, U, h0, c0, mask))


def gru(u: Input, U: Input, h0: Input, b: Input, mask: Input | None = None, *, reset_after: bool = True) -> Variable:
    """The gated recurrent unit: u (N, T, 3H), U (H, 3H), h0 (N, H), recurrent bias b (3H,) → all states (N, T, H).

    The columns are those of the update gate, the reset gate and the candidate.

    Args:
        mask: (N, T), 1 where a step exists.
        reset_after: whether the reset gate acts on the product h U, or on h before it.

    Raises:
        ShapeError: the shapes do not fit together.
    """
    return apply(_recurrent.gru, *_given(u, U, h0, b, mask), reset_after=reset_after)
