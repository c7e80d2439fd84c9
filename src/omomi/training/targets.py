"""What a target means: decided by its shape and by the loss's name, never by comparing sizes or guessing.

Checked once, before training starts, on all targets: so that a mistake is named before it costs an hour.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.errors import DataError, DtypeError, ShapeError

Array = Any
Shape = tuple[int | None, ...]


def dense(y: Array, output: Shape, where: str) -> Array:
    """Targets of the output's own shape. (N,) against an output of (N, 1) becomes (N, 1).

    Raises:
        ShapeError: any other difference; nothing is ever broadcast.
    """
    if y.ndim == len(output) - 1 and output[-1] == 1:
        y = y[..., None]
    if y.ndim != len(output) or any(d is not None and d != n for d, n in zip(output[1:], y.shape[1:], strict=True)):
        raise ShapeError(
            "targets and outputs differ in shape.",
            where=where,
            expected=f"targets of shape {shown(output)}, like the model's output",
            received=f"targets of shape {y.shape}",
            fix="one-hot targets: omomi.utils.to_categorical(y); class indices: a sparse_… loss"
            if y.ndim == 1 and len(output) == 2
            else one_answer(y, output),
        )
    return y


def one_answer(y: Array, output: Shape) -> str | None:
    """What is missing where each sample has one target and the model gives an output for each step or place."""
    if y.ndim > 2 or len(output) < 3:
        return None
    return "one answer for each sample: Flatten() or a global pooling layer before the last ones; no return_sequences"


def one_hot(y: Array, output: Shape, where: str) -> Array:
    """One-hot or soft targets: like the output, each row summing to one.

    Raises:
        ShapeError: class indices, or another number of classes.
        DataError: rows that do not sum to one, or negative entries.
    """
    check_choice(output, where)
    if y.ndim == len(output) - 1 or (y.ndim == len(output) and y.shape[-1] == 1):
        raise ShapeError(
            "these targets are class indices, and this loss takes one row per sample with one entry per class.",
            where=where,
            expected=f"targets of shape {shown(output)}",
            received=f"targets of shape {y.shape}",
            fix='loss="sparse_categorical_crossentropy", or y = omomi.utils.to_categorical(y)',
        )
    y = dense(y, output, where)
    sums = y.sum(axis=-1)
    if (y < 0).any() or not np.allclose(sums, 1.0, atol=1e-3):
        wrong = np.argwhere(~np.isclose(sums, 1.0, atol=1e-3))
        raise DataError(
            "the rows of the targets are no probabilities.",
            where=where,
            expected="entries ≥ 0 that sum to 1 in each row",
            received=f"row {int(wrong[0][0])} sums to {sums[tuple(wrong[0])]:g}" if len(wrong) else "negative entries",
            fix='several labels on one sample: activation="sigmoid" and loss="binary_crossentropy"',
        )
    return y


def check_choice(output: Shape, where: str) -> None:
    """Raise if there is one class only."""
    if output[-1] == 1:
        raise ShapeError(
            "with one output unit there is nothing to choose between: a softmax of one unit is always 1.",
            where=where,
            expected="as many units as classes",
            received=f"output of shape {shown(output)}",
            fix='two classes on one unit: activation="sigmoid" and loss="binary_crossentropy"',
        )


def indices(y: Array, output: Shape, where: str) -> Array:
    """Class indices of the output's leading shape; a last axis of length one is taken off.

    Raises:
        ShapeError: one-hot targets, or a single output unit.
        DtypeError: labels that are not integers.
        DataError: labels outside 0 … classes − 1.
    """
    classes = output[-1]
    check_choice(output, where)
    if y.ndim == len(output) and y.shape[-1] == 1:
        y = y[..., 0]
    if y.ndim == len(output):
        raise ShapeError(
            "these targets have one entry per class, and this loss takes one class index per sample.",
            where=where,
            expected=f"targets of shape {shown(output[:-1])}",
            received=f"targets of shape {y.shape}",
            fix='loss="categorical_crossentropy", or y = y.argmax(axis=-1)',
        )
    if y.ndim != len(output) - 1 or any(
        d is not None and d != n for d, n in zip(output[1:-1], y.shape[1:], strict=True)
    ):
        raise ShapeError(
            "targets and outputs differ in shape.",
            where=where,
            expected=f"targets of shape {shown(output[:-1])}",
            received=f"targets of shape {y.shape}",
            fix=one_answer(y, output),
        )
    if y.dtype.kind not in "iu":
        raise DtypeError(
            "class indices are whole numbers.",
            where=where,
            expected="an integer dtype",
            received=f"dtype {y.dtype}",
            fix="y = y.astype(int)"
            if (y == np.floor(y)).all()
            else "is this a regression? then use mean_squared_error",
        )
    low, high = int(y.min()), int(y.max())
    if low < 0 or (classes is not None and high >= classes):
        raise DataError(
            "a label lies outside the classes of the model.",
            where=where,
            expected=f"labels 0 … {(classes or 0) - 1}, for {classes} output units",
            received=f"labels {low} … {high}",
            fix=f"y = y - {low}" if classes is not None and high - low < classes else "more units in the last layer",
        )
    return y


def binary(y: Array, output: Shape, where: str) -> Array:
    """Targets between 0 and 1, of the output's shape.

    Raises:
        ShapeError, DataError: another shape, or entries outside [0, 1].
    """
    y = dense(y, output, where)
    low, high = y.min(), y.max()
    if low < 0 or high > 1:
        raise DataError(
            "a target of a sigmoid unit lies between 0 and 1.",
            where=where,
            expected="targets from 0 to 1",
            received=f"targets from {low:g} to {high:g}",
            fix="labels −1 and 1 become 0 and 1 by (y + 1) / 2" if low == -1 and high == 1 else None,
        )
    return y


def signs(y: Array, output: Shape, where: str) -> Array:
    """Targets −1 and 1, of the output's shape; 0 and 1 become −1 and 1, as in Keras.

    Raises:
        ShapeError, DataError: another shape, or other labels.
    """
    y = dense(y, output, where)
    values = set(np.unique(y).tolist())
    if values <= {0, 1} and 0 in values:
        return 2.0 * y.astype(np.float64) - 1.0
    if not values <= {-1, 1}:
        raise DataError(
            "hinge losses take the labels −1 and 1.",
            where=where,
            expected="−1 and 1 (or 0 and 1)",
            received=f"{sorted(values)[:5]}",
        )
    return y


def shown(shape: Shape) -> str:
    """A shape as messages write it, the batch as N."""
    return "(" + ", ".join("N" if d is None else str(d) for d in shape) + ("," if len(shape) == 1 else "") + ")"


def check_weights(w: Array, outputs: tuple[int, ...], where: str) -> None:
    """Raise unless there is one weight for each sample, or for each row of one, and none is negative.

    Raises:
        ShapeError, DataError: there is not, or one is.
    """
    if w.shape != outputs[: w.ndim] or not 1 <= w.ndim < len(outputs):
        raise ShapeError(
            "there is one weight for each sample.",
            where=where,
            expected=f"sample_weight of shape ({outputs[0]},)",
            received=f"shape {w.shape}",
        )
    if not np.isfinite(w).all() or (w < 0).any():
        raise DataError("weights are finite and not negative.", where=where, received=f"{w.min():g} … {w.max():g}")
