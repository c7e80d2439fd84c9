"""Recurrence along a sequence. The formulas and their derivatives stand in ``omomi.ops.recurrent``."""

from __future__ import annotations

from typing import Any

from omomi.engines.selection import current
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import recurrent as _recurrent

Input = Any  # a Variable, an array, or numbers


def _given(x: Variable, *arrays: Input | None) -> list[Variable]:
    return [x, *(as_variable(a) for a in arrays if a is not None)]


def _mask(u: Variable, mask: Input | None, kept: Input | None) -> Input | None:
    """The mask; one of ones where what follows it is given, and it is not."""
    return current().xp.ones(u.shape[:2], u._array.dtype) if mask is None and kept is not None else mask


def simple_recurrence(
    u: Input, U: Input, h0: Input, mask: Input | None = None, kept: Input | None = None, *, activation: str = "tanh"
) -> Variable:
    """h_t = f(u_t + h_{t−1} U): u (N, T, H), U (H, H), h0 (N, H) → all states (N, T, H).

    Args:
        mask: (N, T), 1 where a step exists, 0 for padding; all exist unless given.
        kept: (N, H), what the state before a step is multiplied with on its way to U: dropout of the recurrence.
        activation: f: "tanh", "relu", "sigmoid", "linear" or another of :data:`omomi.ops.recurrent.ACTIVATIONS`.

    Raises:
        ShapeError: the shapes do not fit together.
    """
    u = as_variable(u)
    return apply(_recurrent.simple_recurrence, *_given(u, U, h0, _mask(u, mask, kept), kept), activation=activation)


def lstm(
    u: Input,
    U: Input,
    h0: Input,
    c0: Input,
    mask: Input | None = None,
    kept: Input | None = None,
    *,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
) -> tuple[Variable, Variable]:
    """Long short-term memory: u (N, T, 4H), U (H, 4H), h0 and c0 (N, H) → outputs (N, T, H), last memory (N, H).

    The columns are those of the input gate, the forget gate, the candidate and the output gate. ``mask`` and ``kept``
    as in :func:`simple_recurrence`; ``recurrent_activation`` is that of the gates.

    Raises:
        ShapeError: the shapes do not fit together.
    """
    u, names = as_variable(u), {"activation": activation, "recurrent_activation": recurrent_activation}
    return apply(_recurrent.lstm, *_given(u, U, h0, c0, _mask(u, mask, kept), kept), **names)


def gru(
    u: Input,
    U: Input,
    h0: Input,
    b: Input,
    mask: Input | None = None,
    kept: Input | None = None,
    *,
    reset_after: bool = True,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
) -> Variable:
    """The gated recurrent unit: u (N, T, 3H), U (H, 3H), h0 (N, H), recurrent bias b (3H,) → all states (N, T, H).

    The columns are those of the update gate, the reset gate and the candidate. ``mask`` and ``kept`` as in
    :func:`simple_recurrence`; ``recurrent_activation`` is that of the gates.

    Args:
        reset_after: whether the reset gate acts on the product h U, or on h before it.

    Raises:
        ShapeError: the shapes do not fit together.
    """
    u, names = as_variable(u), {"activation": activation, "recurrent_activation": recurrent_activation}
    return apply(_recurrent.gru, *_given(u, U, h0, b, _mask(u, mask, kept), kept), reset_after=reset_after, **names)
