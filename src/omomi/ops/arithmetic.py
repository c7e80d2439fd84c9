"""Arithmetic with broadcasting: +, −, ×, ÷, powers, larger and smaller, and the choice between two.

Where two shapes differ, NumPy repeats the smaller one; a value used many times receives the sum of its deltas.
The rules here return gradients in the broadcast shape, and ``sum_to`` (chapter: shape) adds them up.
"""

from __future__ import annotations

from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# Addition passes the delta on, unchanged, to both sides.
#   forward   y = a + b             backward   ga = gy
#                                              gb = gy


def add_forward(xp: Namespace, a: Array, b: Array) -> tuple[Array, Saved]:
    return a + b, ()


def add_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    return gy if wanted[0] else None, gy if wanted[1] else None


add = Rule("add", add_forward, add_backward, "y = a + b", "ga = gy, gb = gy")


# Subtraction passes the delta on to the left, and with the other sign to the right.
#   forward   y = a − b             backward   ga = gy
#                                              gb = −gy


def subtract_forward(xp: Namespace, a: Array, b: Array) -> tuple[Array, Saved]:
    return a - b, ()


def subtract_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    return gy if wanted[0] else None, -gy if wanted[1] else None


subtract = Rule("subtract", subtract_forward, subtract_backward, "y = a − b", "ga = gy, gb = −gy")


# Multiplication multiplies the delta by the partner.
#   forward   y = a b               backward   ga = gy b
#                                              gb = gy a


def multiply_forward(xp: Namespace, a: Array, b: Array) -> tuple[Array, Saved]:
    return a * b, (a, b)


def multiply_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    a, b = saved
    return gy * b if wanted[0] else None, gy * a if wanted[1] else None


multiply = Rule("multiply", multiply_forward, multiply_backward, "y = a b", "ga = gy b, gb = gy a")


# Division
#   forward   y = a / b             backward   ga = gy / b
#                                              gb = −gy a / b² = −gy y / b


def divide_forward(xp: Namespace, a: Array, b: Array) -> tuple[Array, Saved]:
    y = a / b
    return y, (b, y)


def divide_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    b, y = saved
    ga = gy / b
    return ga if wanted[0] else None, -ga * y if wanted[1] else None


divide = Rule("divide", divide_forward, divide_backward, "y = a / b", "ga = gy / b, gb = −gy y / b")


# The opposite number
#   forward   y = −x                backward   gx = −gy


def negative_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    return -x, ()


def negative_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    return (-gy,)


negative = Rule("negative", negative_forward, negative_backward, "y = −x", "gx = −gy")


# A power with a constant exponent k
#   forward   y = xᵏ                backward   gx = gy k xᵏ⁻¹            0 for k = 0, also at x = 0


def power_forward(xp: Namespace, x: Array, *, exponent: float) -> tuple[Array, Saved]:
    return x**exponent, (x,)


def power_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, exponent: float
) -> tuple[Array | None, ...]:
    (x,) = saved
    return (xp.zeros_like(gy) if exponent == 0 else gy * (exponent * x ** (exponent - 1)),)


power = Rule("power", power_forward, power_backward, "y = xᵏ", "gx = gy k xᵏ⁻¹")


# Exponentiation: base and exponent are both variable. The base is positive.
#   forward   y = aᵇ = e^(b ln a)   backward   ga = gy b aᵇ⁻¹ = gy y b / a
#                                              gb = gy y ln a


def exponentiation_forward(xp: Namespace, a: Array, b: Array) -> tuple[Array, Saved]:
    y = a**b
    return y, (a, b, y)


def exponentiation_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    a, b, y = saved
    return gy * y * b / a if wanted[0] else None, gy * y * xp.log(a) if wanted[1] else None


exponentiation = Rule(
    "exponentiation", exponentiation_forward, exponentiation_backward, "y = aᵇ", "ga = gy y b / a, gb = gy y ln a"
)


# The larger of two numbers: the winner receives the delta. Where both are equal, each receives half of it, so that
# the order of the two makes no difference. ([a > b] is 1 where a > b, else 0.)
#   forward   y = max(a, b)         backward   ga = ½ gy ([a > b] + [a ≥ b])
#                                              gb = ½ gy ([b > a] + [b ≥ a])


def maximum_forward(xp: Namespace, a: Array, b: Array) -> tuple[Array, Saved]:
    return xp.maximum(a, b), (a, b)


def maximum_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    a, b = saved
    return _to_the_larger(gy, a, b) if wanted[0] else None, _to_the_larger(gy, b, a) if wanted[1] else None


def _to_the_larger(gy: Array, one: Array, other: Array) -> Array:
    """What the delta brings to ``one``: all where it is larger than the other, half where they are equal."""
    half = 0.5 * gy
    return half * (one > other) + half * (one >= other)


maximum = Rule(
    "maximum", maximum_forward, maximum_backward, "y = max(a, b)", "ga = ½ gy ([a > b] + [a ≥ b]), gb likewise"
)


# The smaller of two numbers; equal numbers share the delta as above.
#   forward   y = min(a, b)         backward   ga = ½ gy ([a < b] + [a ≤ b])
#                                              gb = ½ gy ([b < a] + [b ≤ a])


def minimum_forward(xp: Namespace, a: Array, b: Array) -> tuple[Array, Saved]:
    return xp.minimum(a, b), (a, b)


def minimum_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    a, b = saved
    return _to_the_larger(gy, b, a) if wanted[0] else None, _to_the_larger(gy, a, b) if wanted[1] else None


minimum = Rule(
    "minimum", minimum_forward, minimum_backward, "y = min(a, b)", "ga = ½ gy ([a < b] + [a ≤ b]), gb likewise"
)


# The choice between two, by a condition c (true or false) that is given.
#   forward   y = a if c else b     backward   ga = gy [c]
#                                              gb = gy [not c]


def where_forward(xp: Namespace, condition: Array, a: Array, b: Array) -> tuple[Array, Saved]:
    return xp.where(condition, a, b), (condition,)


def where_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    (condition,) = saved
    return (
        None,
        xp.where(condition, gy, 0) if wanted[1] else None,
        xp.where(condition, 0, gy) if wanted[2] else None,
    )


where = Rule(
    "where",
    where_forward,
    where_backward,
    "y = a if c else b",
    "ga = gy if c else 0, gb = 0 if c else gy",
    constants=("condition",),
)
