"""Metrics: the counts of right answers, and losses as metrics count them.

Samples are rows: x (N, m), weights w (N,). Each kernel writes two float32 numbers, the weighted total and the weight.
The formulas are those of the rules (chapter: metric).
"""

from __future__ import annotations

import numpy as np

from omomi.engines.cpu.elementwise import Singles
from omomi.engines.cpu.kernel import Indices, Kernel, Matrix, Real, Vector, helper, kernel
from omomi.engines.cpu.launch import Array, Launch
from omomi.engines.cpu.primitives import real


@helper
def largest_entry(row):  # type: ignore[no-untyped-def]
    """The first of the largest entries of a row, and the first that is not a number if there is one."""
    best, at = row[0], 0
    for j in range(row.size):
        v = row[j]
        if v > best or (v != v and best == best):
            best, at = v, j
    return at


@kernel()
def categorical_accuracy(x: Matrix, t: Matrix, w: Vector, total: Singles, weight: Singles) -> None:
    """total = Σ w [argmax x = argmax t], weight = Σ w."""
    right, all_weights = 0.0, 0.0
    for n in range(w.size):
        right += w[n] if largest_entry(x[n]) == largest_entry(t[n]) else real(0)
        all_weights += w[n]
    total[0], weight[0] = np.float32(right), np.float32(all_weights)


@kernel()
def sparse_categorical_accuracy(x: Matrix, t: Indices, w: Vector, total: Singles, weight: Singles) -> None:
    """total = Σ w [argmax x = t], weight = Σ w."""
    right, all_weights = 0.0, 0.0
    for n in range(w.size):
        right += w[n] if largest_entry(x[n]) == t[n] else real(0)
        all_weights += w[n]
    total[0], weight[0] = np.float32(right), np.float32(all_weights)


@kernel()
def binary_accuracy(x: Matrix, t: Matrix, w: Vector, total: Singles, weight: Singles, threshold: Real) -> None:
    """total = Σ w mean of [[x > threshold] = t], weight = Σ w."""
    m = x.shape[1]
    right, all_weights = 0.0, 0.0
    for n in range(w.size):
        row, targets = x[n], t[n]
        same = 0
        for j in range(m):
            same += 1 if targets[j] == (real(1) if row[j] > threshold else real(0)) else 0
        right += w[n] * (same / max(m, 1))
        all_weights += w[n]
    total[0], weight[0] = np.float32(right), np.float32(all_weights)


@helper
def among_the_first(row, c, k):  # type: ignore[no-untyped-def]
    """Whether fewer than k entries are larger than entry c; one that is not a number counts as larger."""
    if c < 0 or c >= row.size:
        return False
    own, larger = row[c], 0
    for j in range(row.size):
        larger += 0 if row[j] <= own else 1
    return larger < k


@kernel()
def top_k_categorical_accuracy(x: Matrix, t: Matrix, w: Vector, total: Singles, weight: Singles, k: int) -> None:
    """total = Σ w [#{j : x_j > x_c} < k] with c = argmax t, weight = Σ w."""
    right, all_weights = 0.0, 0.0
    for n in range(w.size):
        right += w[n] if among_the_first(x[n], largest_entry(t[n]), k) else real(0)
        all_weights += w[n]
    total[0], weight[0] = np.float32(right), np.float32(all_weights)


@kernel()
def sparse_top_k_categorical_accuracy(
    x: Matrix, t: Indices, w: Vector, total: Singles, weight: Singles, k: int
) -> None:
    """total = Σ w [#{j : x_j > x_t} < k], weight = Σ w."""
    right, all_weights = 0.0, 0.0
    for n in range(w.size):
        right += w[n] if among_the_first(x[n], t[n], k) else real(0)
        all_weights += w[n]
    total[0], weight[0] = np.float32(right), np.float32(all_weights)


@kernel()
def counted_loss(error: Vector, w: Vector, total: Singles, weight: Singles) -> None:
    """total = M E, weight = Σ w: a loss as a metric counts it."""
    all_weights = 0.0
    for n in range(w.size):
        all_weights += w[n]
    total[0], weight[0] = np.float32(error[0] * real(w.size)), np.float32(all_weights)


# The attribute that a kernel takes as a number, and what it is where it is not given.
NUMBERS = {
    "binary_accuracy": ("threshold", 0.5),
    "top_k_categorical_accuracy": ("k", 5),
    "sparse_top_k_categorical_accuracy": ("k", 5),
}
ACCURACIES: dict[str, Kernel] = {
    declared.name: declared
    for declared in (
        categorical_accuracy,
        sparse_categorical_accuracy,
        binary_accuracy,
        top_k_categorical_accuracy,
        sparse_top_k_categorical_accuracy,
    )
}


def accuracy(
    name: str,
    x: Array,
    t: Array,
    w: Array,
    total: Array,
    weight: Array,
    **attributes: float,
) -> list[Launch]:
    """The weighted count of right answers and the weights' sum.

    Args:
        name: of the rule, one of ``ACCURACIES``.
        x, w: (N, m) and (N,).
        t: (N, m) of x's dtype, or class indices, int64 (N,).
        total, weight: float32 (1,), written.
        attributes: the rule's.
    """
    attribute, default = NUMBERS.get(name, ("", None))
    number = () if default is None else (attributes.get(attribute, default),)
    return [Launch(ACCURACIES[name], x, t, w, total, weight, *number, dtype=x.dtype.name)]


def count_loss(error: Array, w: Array, total: Array, weight: Array) -> list[Launch]:
    """total = M E and weight = Σ w, float32 (1,), from E (1,) and w (N,)."""
    return [Launch(counted_loss, error, w, total, weight, dtype=w.dtype.name)]
