"""Arithmetic with broadcasting: +, −, ×, ÷, powers, larger and smaller.

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


def add_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array, ...]:
    return gy, gy


add = Rule("add", add_forward, add_backward, "y = a + b", "ga = gy, gb = gy")


# Multiplication multiplies the delta by the partner.
#   forward   y = a b               backward   ga = gy b
#                                              gb = gy a


def multiply_forward(xp: Namespace, a: Array, b: Array) -> tuple[Array, Saved]:
    return a * b, (a, b)


def multiply_backward(xp: Namespace, saved: Saved, gy: Array, wanted: Wanted) -> tuple[Array | None, ...]:
    a, b = saved
    return gy * b if wanted[0] else None, gy * a if wanted[1] else None


multiply = Rule("multiply", multiply_forward, multiply_backward, "y = a b", "ga = gy b, gb = gy a")
