"""Elementary functions, entry by entry: gx = gy f'(x)."""

from __future__ import annotations

from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# The exponential function is its own derivative.
#   forward   y = eˣ                backward   gx = gy y


def exp_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    y = xp.exp(x)
    return y, (y,)


def exp_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    (y,) = saved
    return (gy * y,)


exp = Rule("exp", exp_forward, exp_backward, "y = eˣ", "gx = gy y")


# eˣ − 1, accurate near x = 0, where eˣ would drown x in the 1
#   forward   y = eˣ − 1            backward   gx = gy eˣ = gy (y + 1)


def expm1_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    y = xp.expm1(x)
    return y, (y,)


def expm1_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    (y,) = saved
    return (gy * (y + 1),)


expm1 = Rule("expm1", expm1_forward, expm1_backward, "y = eˣ − 1", "gx = gy (y + 1)")


# The natural logarithm
#   forward   y = ln x              backward   gx = gy / x


def log_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    return xp.log(x), (x,)


def log_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    (x,) = saved
    return (gy / x,)


log = Rule("log", log_forward, log_backward, "y = ln x", "gx = gy / x")


# ln(1 + x), accurate near x = 0
#   forward   y = ln(1 + x)         backward   gx = gy / (1 + x)


def log1p_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    return xp.log1p(x), (x,)


def log1p_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    (x,) = saved
    return (gy / (1 + x),)


log1p = Rule("log1p", log1p_forward, log1p_backward, "y = ln(1 + x)", "gx = gy / (1 + x)")


# The square root
#   forward   y = √x                backward   gx = gy / (2 √x) = gy / (2 y)


def sqrt_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    y = xp.sqrt(x)
    return y, (y,)


def sqrt_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    (y,) = saved
    return (gy / (2 * y),)


sqrt = Rule("sqrt", sqrt_forward, sqrt_backward, "y = √x", "gx = gy / (2 y)")


# The square
#   forward   y = x²                backward   gx = 2 gy x


def square_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    return x * x, (x,)


def square_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    (x,) = saved
    return (gy * (2 * x),)


square = Rule("square", square_forward, square_backward, "y = x²", "gx = 2 gy x")


# The absolute value. At its kink, x = 0, the derivative is taken as 0.
#   forward   y = |x|               backward   gx = gy sign x


def absolute_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    return xp.abs(x), (x,)


def absolute_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    (x,) = saved
    return (gy * xp.sign(x),)


absolute = Rule("absolute", absolute_forward, absolute_backward, "y = |x|", "gx = gy sign x")


# Clipping to [low, high]; either end may be missing (None). The ends themselves still pass the delta on.
#   forward   y = min(max(x, low), high)        backward   gx = gy [low ≤ x ≤ high]


def clip_forward(
    xp: Namespace, x: Array, *, low: float | None = None, high: float | None = None
) -> tuple[Array, Saved]:
    y = x if low is None else xp.maximum(x, low)
    return y if high is None else xp.minimum(y, high), (x,)


def clip_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, low: float | None = None, high: float | None = None
) -> tuple[Array | None, ...]:
    (x,) = saved
    gx = gy if low is None else gy * (x >= low)
    return (gx if high is None else gx * (x <= high),)


clip = Rule("clip", clip_forward, clip_backward, "y = min(max(x, low), high)", "gx = gy [low ≤ x ≤ high]")


# The sine
#   forward   y = sin x             backward   gx = gy cos x


def sin_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    return xp.sin(x), (x,)


def sin_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    (x,) = saved
    return (gy * xp.cos(x),)


sin = Rule("sin", sin_forward, sin_backward, "y = sin x", "gx = gy cos x")


# The cosine
#   forward   y = cos x             backward   gx = −gy sin x


def cos_forward(xp: Namespace, x: Array) -> tuple[Array, Saved]:
    return xp.cos(x), (x,)


def cos_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    (x,) = saved
    return (-gy * xp.sin(x),)


cos = Rule("cos", cos_forward, cos_backward, "y = cos x", "gx = −gy sin x")
