"""Impurity: how mixed the classes in a node of a decision tree are, and what a split gains.

Source: Breiman, Friedman, Olshen and Stone 1984, "Classification and regression trees"; Quinlan 1986, "Induction of
decision trees".

With p_k the share of class k in the node:

    Gini impurity            I = 1 − Σ p_k²              how often two samples of the node are of different classes
    entropy                  I = −Σ p_k log₂ p_k         bits that a sample's class tells
    classification error     I = 1 − max p_k             how often the most frequent class is the wrong answer

    information gain         IG = I(D_p) − Σ_j (N_j/N_p) I(D_j)           parent D_p, children D_j

All are 0 for one class and largest for equal shares. The first two are curved: a split that makes the children's
shares different always gains. The error is straight between its corners, so that it often sees no gain in a split
that is a step on the way; that is why trees grow by the first two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from omomi.classic.checks import check_classes, check_samples
from omomi.errors import DataError, ShapeError, UnknownNameError

__all__ = ["IMPURITIES", "Split", "best_split", "classification_error", "entropy", "gini", "information_gain"]


def gini(p: Any) -> np.ndarray:
    """1 − Σ p² over the last axis.

    Args:
        p: shares of the classes, (…, K), each row of sum 1.

    Raises:
        DataError: p are no shares.
    """
    p = _shares(p, "gini")
    return np.asarray(1 - np.square(p).sum(axis=-1))


def entropy(p: Any) -> np.ndarray:
    """−Σ p log₂ p over the last axis, in bits; 0 log 0 is 0.

    Args:
        p: shares of the classes, (…, K), each row of sum 1.

    Raises:
        DataError: p are no shares.
    """
    p = _shares(p, "entropy")
    return np.asarray(0 - (p * np.log2(np.where(p > 0, p, 1))).sum(axis=-1))


def classification_error(p: Any) -> np.ndarray:
    """1 − max p over the last axis.

    Args:
        p: shares of the classes, (…, K), each row of sum 1.

    Raises:
        DataError: p are no shares.
    """
    p = _shares(p, "classification_error")
    return np.asarray(1 - p.max(axis=-1))


Impurity = Callable[[Any], np.ndarray]
IMPURITIES: dict[str, Impurity] = {
    "gini": gini,
    "entropy": entropy,
    "classification_error": classification_error,
}


def information_gain(parent: Any, children: Sequence[Any], impurity: str | Impurity = "gini") -> float:
    """IG = I(parent) − Σ (N_j/N) I(child j): what dividing the parent's samples into the children gains.

    Args:
        parent: the classes of the samples in the node, (N,).
        children: the classes of the samples in each child; together they are the parent's.
        impurity: "gini", "entropy", "classification_error", or a function of shares.

    Raises:
        DataError: the children are not a division of the parent.
        UnknownNameError: there is no such impurity.
    """
    measure = _measure(impurity)
    classes, counts = np.unique(np.asarray(parent), return_counts=True)
    tables = []
    for child in children:
        labels = np.asarray(child)
        tables.append(np.array([np.count_nonzero(labels == c) for c in classes]))
        if tables[-1].sum() != labels.size:
            raise DataError("a child has a class that its parent has not.", where="information_gain")
    if not len(classes) or not tables or (np.sum(tables, axis=0) != counts).any():
        raise DataError(
            "the children are a division of the parent: every sample is in exactly one.",
            where="information_gain",
            expected=", ".join(f"{n} of {c}" for c, n in zip(classes.tolist(), counts, strict=True)) or "samples",
            received=", ".join(f"{n} of {c}" for c, n in zip(classes.tolist(), np.sum(tables, axis=0), strict=True))
            if tables
            else "no children",
        )
    return _gain(counts, np.array([table for table in tables if table.any()]), measure)


def _gain(parent: np.ndarray, children: np.ndarray, measure: Impurity) -> float:
    """IG from the counts of the classes: (K,) and (children, K)."""
    sizes = children.sum(axis=1)
    remaining = (sizes / sizes.sum()) @ measure(children / sizes[:, None])
    return float(measure(parent / parent.sum()) - remaining)


@dataclass(frozen=True, slots=True)
class Split:
    """A question that divides a node: is the feature at most the threshold?

    Args:
        feature: the column.
        threshold: half-way between two neighbouring values.
        gain: the information gain.
    """

    feature: int
    threshold: float
    gain: float


def best_split(X: Any, y: Any, impurity: str | Impurity = "gini") -> Split:
    """The question x_feature ≤ threshold with the largest information gain: the root of a decision tree.

    Args:
        X: samples (n, d).
        y: their classes (n,).
        impurity: "gini", "entropy", "classification_error", or a function of shares.

    Raises:
        DataError: all samples are equal, or of one class.
        UnknownNameError: there is no such impurity.
    """
    measure = _measure(impurity)
    X = check_samples(X, "best_split", fewest=2)
    classes, indices = check_classes(y, len(X), "best_split")
    member = np.eye(len(classes))[indices]
    total, best = member.sum(axis=0), None
    for feature in range(X.shape[1]):
        order = np.argsort(X[:, feature], kind="stable")
        x, left = X[order, feature], np.cumsum(member[order], axis=0)[:-1]
        cuts = np.flatnonzero(x[1:] > x[:-1])  # between equal values there is no threshold
        if not len(cuts):
            continue
        left, right = left[cuts], total - left[cuts]
        sizes = np.stack([left.sum(axis=1), right.sum(axis=1)])
        impure = [measure(side / side.sum(axis=1, keepdims=True)) for side in (left, right)]
        gains = measure(total / total.sum()) - (sizes * impure).sum(axis=0) / len(X)
        k = int(gains.argmax())
        if best is None or gains[k] > best.gain:
            best = Split(feature, float((x[cuts[k]] + x[cuts[k] + 1]) / 2), float(gains[k]))
    if best is None:
        raise DataError("all samples are equal, so that no question divides them.", where="best_split")
    return best


def _measure(impurity: str | Impurity) -> Impurity:
    if callable(impurity):
        return impurity
    if impurity not in IMPURITIES:
        raise UnknownNameError("impurity", impurity, IMPURITIES)
    return IMPURITIES[impurity]


def _shares(p: Any, where: str) -> np.ndarray:
    p = np.asarray(p, np.float64)
    if p.ndim == 0 or p.shape[-1] == 0:
        raise ShapeError(
            "shares are one number for each class.",
            where=where,
            expected="shape (…, K)",
            received=f"shape {p.shape}",
            fix="for two classes: [p, 1 - p]",
        )
    if not (np.isfinite(p) & (p >= 0)).all() or not np.allclose(p.sum(axis=-1), 1, atol=1e-8):
        raise DataError(
            "these are no shares of classes.",
            where=where,
            expected="numbers from 0 to 1 that add up to 1",
            received=np.array2string(p, threshold=8),
        )
    return np.asarray(p)
