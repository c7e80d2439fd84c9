"""The lines of an explanation: one entry of an array, worked with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from omomi.inspect.formulas import number

__all__ = ["Index", "Line", "Lines", "Occasion", "at", "factor", "largest", "letter", "line", "total"]

Index = tuple[int, ...]

_TERMS = 4  # of a sum that are written out


@dataclass(frozen=True, slots=True)
class Line:
    """One entry, worked: symbol = formula = formula with numbers = value.

    Attributes:
        symbol: "y[0, 2]", "gW[1, 2]".
        text: everything between the first and the last equals sign.
        value: the number that the step computed.
        of: the name of the array whose entry it is: "y", or the input whose gradient it is ("W").
        index: of the entry in that array.
    """

    symbol: str
    text: str
    value: float
    of: str = "y"
    index: Index = ()

    def __str__(self) -> str:
        return f"{self.symbol} = {self.text} = {number(self.value)}"


@dataclass(frozen=True)
class Occasion:
    """One call of a rule in a step, and the entry of its output to be worked.

    Attributes:
        inputs: the arrays by the rule's own names for them.
        y, gy: output and its delta (``None`` where no delta comes by).
        gradients: ∂E by the inputs, as far as there are any.
        index: the entry of y.
    """

    rule: str
    formula: str
    gradient: str
    inputs: dict[str, np.ndarray]
    attributes: dict[str, Any]
    y: np.ndarray
    gy: np.ndarray | None
    gradients: dict[str, np.ndarray]
    index: Index


Lines = list[Line]


def at(name: str, index: Sequence[Any]) -> str:
    """x[0, 2]"""
    return f"{name}[{', '.join(str(int(i)) for i in index)}]" if len(index) else name


def factor(value: Any) -> str:
    """A number as a factor or term: negative ones in parentheses."""
    text = number(value)
    return f"({text})" if text.startswith("−") else text


def total(products: Sequence[tuple[Any, ...]], before: str = "") -> str:
    """1·(−2) + 2·1, or the first terms of a longer sum; each with what stands ``before`` it."""
    terms = [before + "·".join(factor(v) for v in p) for p in products[:_TERMS]]
    more = f" + … ({len(products)} terms)" if len(products) > _TERMS else ""
    return " + ".join(terms) + more


def largest(array: np.ndarray) -> Index:
    """Where the entry of the largest size lies."""
    safe = np.where(np.isfinite(array), np.abs(array), np.inf)
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(safe)), array.shape)) if array.size else ()


def line(o: Occasion, name: str, index: Index, text: str) -> Line:
    """A line for an entry of the output ("y") or of the gradient of an input."""
    array = o.y if name == "y" else o.gradients[name]
    return Line(at(name if name == "y" else f"g{letter(name)}", index), text, float(array[index]), name, index)


def letter(name: str) -> str:
    return {"alpha": "α", "gamma": "γ", "beta": "β"}.get(name, name)
