"""Impurities and information gain by hand, and the root of scikit-learn's decision tree."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import omomi
from omomi.classic import best_split, classification_error, entropy, gini, information_gain
from omomi.classic.impurity import IMPURITIES
from omomi.errors import DataError, ShapeError, UnknownNameError


def test_by_hand():
    """p = (¾, ¼): 1 − 9/16 − 1/16 = 3/8;  ¾ log₂ 4/3 + ¼ log₂ 4;  ¼."""
    p = [0.75, 0.25]
    assert gini(p) == pytest.approx(3 / 8)
    assert entropy(p) == pytest.approx(0.75 * np.log2(4 / 3) + 0.5)
    assert classification_error(p) == pytest.approx(1 / 4)


@pytest.mark.parametrize("impurity", IMPURITIES.values())
@pytest.mark.parametrize("K", [2, 3, 10])
def test_pure_is_0_and_equal_shares_are_largest(impurity, K):
    assert impurity(np.eye(K)).tolist() == [0] * K
    assert not np.signbit(impurity(np.eye(K))).any()
    equal = impurity(np.full(K, 1 / K))
    assert equal == pytest.approx({gini: 1 - 1 / K, entropy: np.log2(K), classification_error: 1 - 1 / K}[impurity])
    assert (impurity(np.random.default_rng(0).dirichlet(np.ones(K), 50)) < equal).all()


def test_information_gain_by_hand():
    """40 and 40 into (30, 10) and (10, 30), or into (20, 40) and (20, 0): the error sees no difference.

    error     A: ½ − ½·¼ − ½·¼ = ¼                    B: ½ − ¾·⅓ − 0 = ¼
    Gini      A: ½ − ⅜ = ⅛                            B: ½ − ¾·4/9 = 1/6
    entropy   A: 1 − 0.8113 = 0.1887                  B: 1 − ¾·0.9183 = 0.3113
    """
    parent = ["a"] * 40 + ["b"] * 40
    A = [["a"] * 30 + ["b"] * 10, ["a"] * 10 + ["b"] * 30]
    B = [["a"] * 20 + ["b"] * 40, ["a"] * 20]
    for name, gain_a, gain_b in [
        ("classification_error", 0.25, 0.25),
        ("gini", 0.125, 1 / 6),
        ("entropy", 0.1887, 0.3113),
    ]:
        assert information_gain(parent, A, name) == pytest.approx(gain_a, abs=1e-4)
        assert information_gain(parent, B, IMPURITIES[name]) == pytest.approx(gain_b, abs=1e-4)
    assert information_gain(parent, [parent, []]) == 0


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
@pytest.mark.parametrize("impurity", ["gini", "entropy"])
def test_the_best_split_is_the_root_of_a_tree(name, impurity):
    (X, y), _ = getattr(omomi.datasets, name).load_data()
    found = best_split(X, y, impurity)
    tree = DecisionTreeClassifier(criterion=impurity, max_depth=1).fit(X, y).tree_
    n, impure = tree.n_node_samples, tree.impurity
    assert found.gain == pytest.approx(impure[0] - n[1] / n[0] * impure[1] - n[2] / n[0] * impure[2])
    left = X[:, found.feature] <= found.threshold
    assert information_gain(y, [y[left], y[~left]], impurity) == pytest.approx(found.gain)
    if name != "iris":  # there, two questions are equally good
        assert (found.feature, found.threshold) == (tree.feature[0], pytest.approx(tree.threshold[0]))


@pytest.mark.parametrize("p", [[0.5, 0.6], [-0.5, 1.5], [np.nan, 1.0]])
def test_no_shares(p):
    for impurity in IMPURITIES.values():
        with pytest.raises(DataError, match="no shares"):
            impurity(p)


def test_bad_input():
    with pytest.raises(ShapeError, match=r"\[p, 1 - p\]"):
        gini(0.3)
    with pytest.raises(DataError, match=r"3 of a, 1 of b(.|\n)*2 of a, 1 of b"):
        information_gain(["a", "a", "a", "b"], [["a", "a"], ["b"]])
    with pytest.raises(DataError, match="its parent has not"):
        information_gain(["a", "b"], [["a"], ["c"]])
    with pytest.raises(DataError, match="no children"):
        information_gain(["a", "b"], [])
    with pytest.raises(UnknownNameError, match="did you mean 'entropy'"):
        best_split([[1.0], [2.0]], [0, 1], "entropie")
    with pytest.raises(DataError, match="no question divides"):
        best_split(np.ones((3, 2)), [0, 1, 1])
