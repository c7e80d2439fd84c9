"""What the pictures are given, checked and brought into one form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from omomi.errors import DataError, DtypeError, ShapeError

__all__ = [
    "check_names",
    "class_indices",
    "class_name",
    "grey_levels",
    "image_stack",
    "probability_rows",
    "same_length",
]


def image_stack(images: Any) -> np.ndarray:
    """Images as (N, H, W), grey, or (N, H, W, 3), in colour; their numbers as they came."""
    stack = np.asarray(images)
    if stack.dtype.kind not in "biuf":
        raise DtypeError("images hold numbers.", where="images", expected="a numeric dtype", received=stack.dtype)
    if stack.ndim == 4 and stack.shape[-1] == 1:
        stack = stack[..., 0]
    if not (stack.ndim == 3 or (stack.ndim == 4 and stack.shape[-1] == 3)):
        raise ShapeError(
            "these are no pictures.",
            where="images",
            expected="(N, H, W), (N, H, W, 1) or (N, H, W, 3)",
            received=stack.shape,
            fix="reshape the array, for instance x.reshape(-1, 28, 28).",
        )
    if 0 in stack.shape:
        raise DataError("there is nothing to draw.", where="images", received=stack.shape)
    return stack


def grey_levels(stack: np.ndarray) -> np.ndarray:
    """The images scaled to [0, 1] for the screen, all by the same rule; NaN and infinities become mid-grey.

    Colours keep their meaning: 0…1 and 0…255 are taken as they are. Grey images are stretched over the range of
    the whole stack, and turned to dark ink on light paper if their borders are mostly at the low end.
    """
    levels = stack.astype(np.float64)
    finite = np.isfinite(levels)
    if not finite.any():
        return np.full(levels.shape, 0.5)
    low, high = float(levels[finite].min()), float(levels[finite].max())
    if levels.ndim == 4 and low >= 0 and high <= 255:
        low, high = 0.0, 255.0 if high > 1 else 1.0
    middle = low / 2 + high / 2  # halves first: the sum of two large numbers may overflow
    span = (high / 2 - low / 2) or 1.0
    scaled = 0.5 + 0.5 * (np.where(finite, levels, middle) - middle) / span
    if levels.ndim == 3:
        border = np.concatenate([scaled[:, [0, -1], :].ravel(), scaled[:, :, [0, -1]].ravel()])
        if np.median(border) < 0.5:
            scaled = 1 - scaled
    scaled = np.clip(scaled, 0, 1)
    return scaled


def class_indices(labels: Any, *, where: str = "labels") -> np.ndarray:
    """Labels as class numbers (N,): from indices (N,) or (N, 1), or from rows (N, classes) by their largest entry."""
    array = np.asarray(labels)
    if array.dtype.kind not in "biuf":
        raise DtypeError("labels are class numbers.", where=where, expected="integers", received=array.dtype)
    if array.ndim == 2 and array.shape[1] >= 2:
        return np.asarray(array.argmax(axis=1))
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ShapeError(
            "labels are one class number per image.",
            where=where,
            expected="(N,), (N, 1) or one-hot (N, classes)",
            received=array.shape,
        )
    if array.dtype.kind == "f" and not np.all(np.isfinite(array) & (array == np.round(array))):
        raise DataError("labels are whole numbers.", where=where, received=array[array != np.round(array)][:3])
    if array.size and array.min() < 0:
        raise DataError("class numbers start at 0.", where=where, received=array.min())
    return array.astype(np.int64)


def probability_rows(probabilities: Any) -> np.ndarray:
    """Probabilities as (N, classes). One number per image is the probability of class 1 of two."""
    rows = np.asarray(probabilities)
    if rows.dtype.kind not in "biuf":
        raise DtypeError("probabilities are numbers.", where="probabilities", received=rows.dtype)
    rows = rows.astype(np.float64)
    if rows.ndim == 1:
        rows = rows[:, None]
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ShapeError(
            "probabilities come as one row per image.",
            where="probabilities",
            expected="(N, classes), or (N,) for two classes",
            received=rows.shape,
        )
    if rows.shape[1] == 1:
        rows = np.concatenate([1 - rows, rows], axis=1)
    slack = 1e-3  # rounding in half precision
    if not np.all((rows >= -slack) & (rows <= 1 + slack)):
        raise DataError(
            "probabilities lie between 0 and 1.",
            where="probabilities",
            received=f"from {rows.min():.4g} to {rows.max():.4g}",
            fix="if these are logits, apply softmax first.",
        )
    return rows


def same_length(**arrays: np.ndarray) -> None:
    """Every array has one entry per sample."""
    if len({len(array) for array in arrays.values()}) > 1:
        raise ShapeError(
            "there is not one of each per sample.",
            where=", ".join(arrays),
            expected="equal lengths",
            received=", ".join(f"{len(array)} {name}" for name, array in arrays.items()),
        )


def check_names(class_names: Sequence[str] | None, classes: int) -> None:
    """If classes have names, there is one for each."""
    if class_names is not None and len(class_names) < classes:
        raise DataError(
            "some classes have no name.",
            where="class_names",
            expected=f"at least {classes} names",
            received=len(class_names),
        )


def class_name(index: int, class_names: Sequence[str] | None) -> str:
    """The class's name, or its number."""
    return str(index) if class_names is None else str(class_names[index])
