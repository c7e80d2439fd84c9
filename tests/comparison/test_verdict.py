"""The paired test against numbers worked out by hand, and the words made of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from omomi.comparison.fitting import Result
from omomi.comparison.names import METRICS
from omomi.comparison.result import Comparison, Outcome
from omomi.comparison.verdict import corrected_t_test, holm
from omomi.errors import ShapeError


def test_the_statistic_worked_by_hand():
    # d = 1, 2, 3, 4, 5 hundredths: mean 0.03, Σ (d − mean)² = 10·10⁻⁴, variance 2.5·10⁻⁴ with four degrees of freedom.
    # n_test/n_train = 1/4 in five folds: t = 0.03 / √((0.2 + 0.25) · 2.5·10⁻⁴) = 0.03 / 0.0106066 = 2.8284271 = 2√2.
    second = np.array([0.90, 0.90, 0.90, 0.90, 0.90])
    found = corrected_t_test(second + np.array([0.01, 0.02, 0.03, 0.04, 0.05]), second, 0.25)
    assert found.difference == pytest.approx(0.03)
    assert found.t == pytest.approx(2 * np.sqrt(2))
    # P(|T₄| > t) in closed form: with s = t / √(4 + t²), 1 − s (1 + (1 − s²) / 2)
    s = 2 * np.sqrt(2) / np.sqrt(12)
    assert found.p == pytest.approx(1 - s * (1 + (1 - s**2) / 2))


def test_without_overlap_it_is_the_ordinary_paired_test():
    rng = np.random.default_rng(0)
    a, b = rng.random(8), rng.random(8)
    assert corrected_t_test(a, b, 0.0).p == pytest.approx(stats.ttest_rel(a, b).pvalue)


def test_equal_scores_and_equal_differences():
    assert corrected_t_test([0.9, 0.8], [0.9, 0.8], 0.25).p == 1
    assert corrected_t_test([0.9, 0.8], [0.8, 0.7], 0.25).p == 0
    with pytest.raises(ShapeError):
        corrected_t_test([0.9], [0.8], 0.25)


def test_it_seldom_finds_differences_among_equals():
    """Two equal coins under five folds of the same rows: at level 5 %, about 5 % of the comparisons are wrong."""
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(300):
        right = rng.random((2, 500)) < 0.8
        folds = np.split(right, 5, axis=1)
        found += corrected_t_test([f[0].mean() for f in folds], [f[1].mean() for f in folds], 0.25).p < 0.05
    assert found <= 0.05 * 300


def test_holm_worked_by_hand():
    # sorted 0.01, 0.03, 0.04: times 3, 2, 1 is 0.03, 0.06, 0.04; the last may not fall below 0.06
    assert holm({"a": 0.04, "b": 0.01, "c": 0.03}) == pytest.approx({"a": 0.06, "b": 0.03, "c": 0.06})


def outcome(name, *scores):
    return Outcome(name, [Result(score) for score in scores], [{} for _ in scores])


def comparison(*outcomes, **changes):
    options = {"failed": {}, "test_share": 0.25, "notes": [], **changes}
    return Comparison("iris", "classification", "kfold", METRICS["accuracy"], list(outcomes), **options)


def test_the_verdict_says_what_the_test_found():
    good, near, bad = (
        outcome("knn", 0.9, 0.92, 0.91),
        outcome("tree", 0.91, 0.9, 0.91),
        outcome("forest", 0.4, 0.45, 0.41),
    )
    assert comparison(good, bad).verdict() == "K nearest neighbours is better than every other learner (p < 0.001)."
    assert "not shown to be better than decision tree" in comparison(good, near, bad).verdict()
    single = comparison(outcome("knn", 0.9), outcome("tree", 0.9))
    assert single.verdict().startswith("K nearest neighbours and decision tree have the best score on the one test set")
    assert "nothing to compare" in comparison(good).verdict()
