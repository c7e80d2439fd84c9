"""Reductions: many numbers become one, along ``axis`` (an int, a tuple of ints, or ``None`` for all of them).

Backward, the delta of that one number goes back to the many: a sum copies it. With ``keepdims`` the reduced axes stay,
with length 1. Below, i runs over the n numbers that become one, and gy stands again where y stood among its x.
"""

from __future__ import annotations

from math import prod

from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

Axis = int | tuple[int, ...] | None


def kept(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """The shape after a reduction that keeps its axes with length 1."""
    if axis is None:
        return (1,) * len(shape)
    axes = {a % len(shape) for a in ((axis,) if isinstance(axis, int) else axis)}
    return tuple(1 if i in axes else size for i, size in enumerate(shape))


# The sum copies the delta.
#   forward   y = Σᵢ xᵢ             backward   gxᵢ = gy


def sum_forward(xp: Namespace, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array, Saved]:
    return x.sum(axis=axis, keepdims=keepdims), (x.shape,)


def sum_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: Axis = None, keepdims: bool = False
) -> tuple[Array | None, ...]:
    (shape,) = saved
    return (xp.broadcast_to(gy.reshape(kept(shape, axis)), shape),)


sum = Rule("sum", sum_forward, sum_backward, "y = Σᵢ xᵢ", "gxᵢ = gy")


# The mean
#   forward   y = 1/n Σᵢ xᵢ         backward   gxᵢ = gy / n


def mean_forward(xp: Namespace, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array, Saved]:
    return x.mean(axis=axis, keepdims=keepdims), (x.shape,)


def mean_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: Axis = None, keepdims: bool = False
) -> tuple[Array | None, ...]:
    (shape,) = saved
    small = kept(shape, axis)
    return (xp.broadcast_to((gy / _ratio(shape, small)).reshape(small), shape),)


def _ratio(shape: tuple[int, ...], small: tuple[int, ...]) -> int:
    """n: how many numbers become one."""
    return prod(size for size, left in zip(shape, small, strict=True) if left != size)


mean = Rule("mean", mean_forward, mean_backward, "y = 1/n Σᵢ xᵢ", "gxᵢ = gy / n")


# The variance: the mean squared distance from the mean μ (divided by n, not by n − 1)
#   forward   y = 1/n Σᵢ (xᵢ − μ)²  backward   gxᵢ = gy 2 (xᵢ − μ) / n      the route through μ is zero: Σᵢ (xᵢ − μ) = 0


def variance_forward(xp: Namespace, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array, Saved]:
    centred = x - x.mean(axis=axis, keepdims=True)
    return (centred * centred).mean(axis=axis, keepdims=keepdims), (centred,)


def variance_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: Axis = None, keepdims: bool = False
) -> tuple[Array | None, ...]:
    (centred,) = saved
    small = kept(centred.shape, axis)
    return (centred * (gy * (2 / _ratio(centred.shape, small))).reshape(small),)


variance = Rule("variance", variance_forward, variance_backward, "y = 1/n Σᵢ (xᵢ − μ)²", "gxᵢ = gy 2 (xᵢ − μ) / n")


# The largest: the winner receives the delta; several equal winners share it.
#   forward   y = maxᵢ xᵢ           backward   gxᵢ = gy [xᵢ = y] / (number of winners)


def max_forward(xp: Namespace, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array, Saved]:
    y = x.max(axis=axis, keepdims=keepdims)
    return y, (x, y)


def extremum_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: Axis = None, keepdims: bool = False
) -> tuple[Array | None, ...]:
    x, y = saved
    small = kept(x.shape, axis)
    winners = x == y.reshape(small)
    count = winners.sum(axis=axis, keepdims=True, dtype=x.dtype)
    return (winners * (gy.reshape(small) / count),)


max = Rule("max", max_forward, extremum_backward, "y = maxᵢ xᵢ", "gxᵢ = gy [xᵢ = y] / winners")


# The smallest: as the largest.
#   forward   y = minᵢ xᵢ           backward   gxᵢ = gy [xᵢ = y] / (number of winners)


def min_forward(xp: Namespace, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array, Saved]:
    y = x.min(axis=axis, keepdims=keepdims)
    return y, (x, y)


min = Rule("min", min_forward, extremum_backward, "y = minᵢ xᵢ", "gxᵢ = gy [xᵢ = y] / winners")


# The logarithm of a sum of exponentials: a soft maximum. With m the largest x no exponent is positive, so nothing
# overflows. Its derivative is the softmax.
#   forward   y = ln Σᵢ exp xᵢ = m + ln Σᵢ exp(xᵢ − m)        backward   gxᵢ = gy exp(xᵢ − y)


def logsumexp_forward(xp: Namespace, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array, Saved]:
    m = x.max(axis=axis, keepdims=True)
    y = m + xp.log(xp.exp(x - m).sum(axis=axis, keepdims=True))
    return y if keepdims else xp.squeeze(y, axis=axis), (x, y)


def logsumexp_backward(
    xp: Namespace, saved: Saved, gy: Array, wanted: Wanted, *, axis: Axis = None, keepdims: bool = False
) -> tuple[Array | None, ...]:
    x, y = saved
    return (gy.reshape(y.shape) * xp.exp(x - y),)


logsumexp = Rule("logsumexp", logsumexp_forward, logsumexp_backward, "y = ln Σᵢ exp xᵢ", "gxᵢ = gy exp(xᵢ − y)")
