"""Arithmetic and elementary functions, entry by entry. The formulas and their derivatives stand in ``omomi.ops``."""

from __future__ import annotations

from typing import Any

from omomi.graph.variable import Variable, apply, as_variable, operand
from omomi.ops import arithmetic as _arithmetic
from omomi.ops import elementary as _elementary
from omomi.ops.rule import Rule

Input = Any  # a Variable, an array, or numbers


def add(a: Input, b: Input) -> Variable:
    """a + b, broadcast."""
    return _binary(_arithmetic.add, a, b)


def subtract(a: Input, b: Input) -> Variable:
    """a − b, broadcast."""
    return _binary(_arithmetic.subtract, a, b)


def multiply(a: Input, b: Input) -> Variable:
    """a · b elementwise, broadcast."""
    return _binary(_arithmetic.multiply, a, b)


def divide(a: Input, b: Input) -> Variable:
    """a / b elementwise, broadcast."""
    return _binary(_arithmetic.divide, a, b)


def maximum(a: Input, b: Input) -> Variable:
    """The larger of a and b, elementwise."""
    return _binary(_arithmetic.maximum, a, b)


def minimum(a: Input, b: Input) -> Variable:
    """The smaller of a and b, elementwise."""
    return _binary(_arithmetic.minimum, a, b)


def _binary(rule: Rule, a: Input, b: Input) -> Variable:
    return apply(rule, *_pair_of_operands(a, b))


def _pair_of_operands(a: Input, b: Input) -> tuple[Variable, Variable]:
    """Two Variables; a plain number takes the dtype of its partner."""
    if isinstance(a, (int, float)):
        b = as_variable(b)
        return as_variable(operand(a, b)), b
    a = as_variable(a)
    return a, as_variable(operand(b, a))


def negative(x: Input) -> Variable:
    """−x."""
    return apply(_arithmetic.negative, as_variable(x))


def power(x: Input, exponent: float) -> Variable:
    """x to a constant exponent."""
    return apply(_arithmetic.power, as_variable(x), exponent=float(exponent))


def exponentiation(a: Input, b: Input) -> Variable:
    """a to the power b, both arrays; a > 0."""
    return _binary(_arithmetic.exponentiation, a, b)


def where(condition: Input, a: Input, b: Input) -> Variable:
    """a where the condition holds, else b, elementwise; the condition is constant."""
    a, b = _pair_of_operands(a, b)
    return apply(_arithmetic.where, as_variable(condition), a, b)


def exp(x: Input) -> Variable:
    """eˣ."""
    return apply(_elementary.exp, as_variable(x))


def log(x: Input) -> Variable:
    """The natural logarithm."""
    return apply(_elementary.log, as_variable(x))


def expm1(x: Input) -> Variable:
    """eˣ − 1, exact near 0."""
    return apply(_elementary.expm1, as_variable(x))


def log1p(x: Input) -> Variable:
    """ln(1 + x), exact near 0."""
    return apply(_elementary.log1p, as_variable(x))


def sqrt(x: Input) -> Variable:
    """√x."""
    return apply(_elementary.sqrt, as_variable(x))


def square(x: Input) -> Variable:
    """x²."""
    return apply(_elementary.square, as_variable(x))


def absolute(x: Input) -> Variable:
    """|x|."""
    return apply(_elementary.absolute, as_variable(x))


def sin(x: Input) -> Variable:
    """sin x."""
    return apply(_elementary.sin, as_variable(x))


def cos(x: Input) -> Variable:
    """cos x."""
    return apply(_elementary.cos, as_variable(x))


def clip(x: Input, low: float | None, high: float | None) -> Variable:
    """x kept between ``low`` and ``high`` (``None``: no bound on that side); no gradient passes outside."""
    bounds = {"low": None if low is None else float(low), "high": None if high is None else float(high)}
    return apply(_elementary.clip, as_variable(x), **bounds)
