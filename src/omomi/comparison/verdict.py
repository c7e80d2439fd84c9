"""Is the best learner really better? A paired test on the scores of the same outer folds.

Folds share training rows, so their scores are not independent, and an ordinary t-test finds differences that are none.
The corrected resampled t-test (Nadeau and Bengio 2003, "Inference for the generalization error", Machine Learning 52)
widens the variance by what the overlap costs. With differences d₁ … d_J of J folds,

    t = mean(d) / √((1/J + n_test/n_train) · var(d)),    var(d) = Σ (d_j − mean(d))² / (J − 1)

with J − 1 degrees of freedom.

The best is compared with every other learner, so the p-values are adjusted after Holm (1979).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from omomi.errors import ShapeError

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison of two learners.

    Args:
        difference: the mean by which the first is better.
        t: the statistic.
        p: how likely so large a difference is among equals (two-sided).
    """

    difference: float
    t: float
    p: float


def corrected_t_test(first: Sequence[float], second: Sequence[float], test_share: float) -> Test:
    """Compare the scores of two learners on the same folds.

    Args:
        first, second: a score for each fold, in the same order.
        test_share: n_test / n_train, test rows for each training row.

    Raises:
        ShapeError: there are fewer than two folds, or not equally many.
    """
    if len(first) != len(second) or len(first) < 2:
        raise ShapeError(
            "a paired test needs two scores or more of each.",
            where="first, second",
            expected="equally many, at least 2",
            received=f"{len(first)} and {len(second)}",
        )
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    mean, variance, count = float(differences.mean()), float(differences.var(ddof=1)), len(differences)
    if variance <= (1e-12 * max(abs(mean), 1e-300)) ** 2:  # the same difference in every fold, but for rounding
        return Test(mean, math.copysign(math.inf, mean), 0.0) if mean else Test(0.0, 0.0, 1.0)
    t = mean / math.sqrt((1 / count + test_share) * variance)
    return Test(mean, t, float(2 * stats.t.sf(abs(t), count - 1)))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values adjusted for their number (Holm 1979): the i-th smallest of m times m − i + 1, never falling."""
    adjusted: dict[str, float] = {}
    highest = 0.0
    for i, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        highest = max(highest, min(1.0, (len(p_values) - i) * p_values[name]))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}
