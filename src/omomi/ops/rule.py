"""What a rule is: the mathematics of one operation, forward and backward, over plain arrays.

    forward(xp, *arrays, **attributes)                     -> (y, saved)
    backward(xp, saved, gy, wanted, **attributes)          -> (gx, …)
    step(xp, p, g, slots, t, rate, **attributes)           -> (p, slots)        (an optimiser's rule)

- ``xp`` is the array namespace of the engine: NumPy's names and the few of ``engines.reference``.
- ``y`` is an array, or a tuple of arrays; ``gy`` is then a tuple in which an unused output's entry is ``None``.
- ``saved`` is a flat tuple of whatever backward needs. Only this rule's backward looks inside.
- ``wanted`` has one bool per array input; backward returns one entry per array input, ``None`` where it is not
  wanted, for integer inputs, and for the rule's ``constants``.
- ``attributes`` are static and hashable. Whatever changes from step to step is an array input.
- A gradient may keep the shape that broadcasting gave it: ``sum_to`` undoes broadcasting, centrally.
- No in-place writes, no graph, no global state, and never a look at which engine runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from omomi.engines.engine import Array, Namespace

__all__ = ["Array", "Namespace", "Rule", "Saved", "UpdateRule", "Wanted"]

Saved = tuple[Any, ...]
Wanted = tuple[bool, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One operation of the textbook.

    Args:
        name: the field's word for it; engines key their kernels by it.
        forward: the function y = f(x, …).
        backward: the function from ∂E/∂y to ∂E/∂x; ``None`` for what has no derivative (metrics, tests).
        formula: the forward formula on one line, as ``trace`` prints it.
        gradient: the backward formula on one line.
        constants: names of the array inputs that the rule never differentiates (masks, sample weights, …).
    """

    name: str
    forward: Callable[..., tuple[Any, Saved]]
    backward: Callable[..., tuple[Any, ...]] | None
    formula: str
    gradient: str = ""
    constants: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Rule({self.name}: {self.formula})"


@dataclass(frozen=True, slots=True, eq=False)
class UpdateRule:
    """How an optimiser moves one parameter p, given its gradient g, its slots, the step t ≥ 1 and the rate.

    ``rate`` broadcasts against p: a number, or one rate per unit (a vector scales the columns of an (in, out)
    kernel). ``slots`` names the arrays that are carried from step to step, each with the number it starts from.
    ``shapes`` gives their shapes from that of p; they have its own unless given.
    ``inner`` is the rule that this one applies in every K-th step only, if it is of that kind.
    """

    name: str
    step: Callable[..., tuple[Array, tuple[Array, ...]]]
    slots: tuple[tuple[str, float], ...]
    formula: str
    inner: UpdateRule | None = None
    shapes: Callable[[tuple[int, ...]], tuple[tuple[int, ...], ...]] | None = None

    def slot_shapes(self, parameter: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """The shapes of the slots of a parameter of this shape."""
        return (parameter,) * len(self.slots) if self.shapes is None else self.shapes(parameter)

    def __repr__(self) -> str:
        return f"UpdateRule({self.name}: {self.formula})"
