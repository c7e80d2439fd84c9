"""The perceptron: a unit with a threshold that learns only from its mistakes.

Source: Rosenblatt 1958, "The perceptron: a probabilistic model for information storage and organization in the
brain".

A sample at a time, with target t = 1 for the unit's class and 0 for the others:

    forward    u = x W + b           y = step(u)
    delta      δ = y − t             0 for a right answer, 1 or −1 for a wrong one
    backward   W ← W − η xᵀ δ        b ← b − η δ

So a mistake turns the weights towards a sample that should have been accepted, and away from one that should not.
δ is no derivative: that of the step is 0. The rule is its own reason, and the theorem below is its licence.

**The perceptron convergence theorem** (Novikoff 1962, "On convergence proofs on perceptrons"). Write x̃ = (x, 1) and
w̃ = (w, b). If some w̃* of length 1 separates the classes with margin γ, that is ±x̃ w̃* ≥ γ for all samples, and no
x̃ is longer than R, then whatever the order of the samples, a unit that starts from 0 makes at most (R/γ)² mistakes.
Each mistake moves w̃ by ηx̃, so that w̃·w̃* grows by ηγ or more, while ‖w̃‖² grows by η²R² or less, as the sample lay
on the wrong side; after M mistakes Mηγ ≤ w̃·w̃* ≤ ‖w̃‖ ≤ √M ηR.
"""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np

from omomi.classic.checks import ConvergenceWarning, check_classes, check_count, check_positive, check_samples
from omomi.classic.estimator import LinearClassifier
from omomi.classic.units import backward, forward
from omomi.engines.random import address, permutation
from omomi.engines.reference import xp
from omomi.errors import DataError
from omomi.ops.activation import step

__all__ = ["Perceptron", "mistake_bound"]


class Perceptron(LinearClassifier):
    """Rosenblatt's perceptron: one unit for two classes, else one for each class against the rest.

    Args:
        learning_rate: η. As the weights start from 0, it only scales them.
        max_iter: the most epochs.
        shuffle: whether each epoch has an order of its own.
        random_state: the seed of these orders.

    Attributes:
        coef_: (units, d), the weights.
        intercept_: (units,), the biases.
        classes_: the classes in order.
        errors_: the mistakes of each epoch, by all units; the last is 0 where the classes were separated.
        n_iter_: the epochs.
        converged_: whether an epoch passed without a mistake.
        n_features_in_: d.

    A data set that no line separates is learnt for ``max_iter`` epochs, and a :class:`ConvergenceWarning` says so.

    Example:
        >>> from omomi.classic import Perceptron
        >>> unit = Perceptron().fit([[0, 0], [0, 1], [1, 0], [1, 1]], ["no", "no", "no", "yes"])
        >>> unit.predict([[1, 1], [0, 1]])
        array(['yes', 'no'], dtype='<U3')
    """

    def __init__(
        self, learning_rate: float = 1.0, max_iter: int = 1000, shuffle: bool = True, random_state: int = 0
    ) -> None:
        self.learning_rate, self.max_iter, self.shuffle, self.random_state = (
            learning_rate,
            max_iter,
            shuffle,
            random_state,
        )

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from samples X (n, d) of the classes y (n,).

        Raises:
            ShapeError, DtypeError, DataError: X and y are no samples with their classes, or all of one class.
            ConfigurationError: a parameter is out of its range.
        """
        check_positive("Perceptron", learning_rate=self.learning_rate)
        check_count("Perceptron", max_iter=self.max_iter)
        X, indices = self._labelled(X, y)
        t = self._one_against_rest(indices, negative=0.0)
        W, b = np.zeros((X.shape[1], t.shape[1])), np.zeros(t.shape[1])
        self.errors_: list[int] = []
        for epoch in range(self.max_iter):
            mistakes = 0
            for k in self._order(len(X), epoch):
                u, saved = forward(X[k : k + 1], W, b)
                delta = step.forward(xp, u)[0] - t[k]
                if delta.any():
                    gW, gb = backward(saved, delta)
                    W, b = W - self.learning_rate * gW, b - self.learning_rate * gb
                    mistakes += int(np.count_nonzero(delta))
            self.errors_.append(mistakes)
            if mistakes == 0:
                break
        self.coef_, self.intercept_ = W.T.copy(), b
        self.n_iter_, self.converged_ = len(self.errors_), self.errors_[-1] == 0
        if not self.converged_:
            warnings.warn(
                f"Perceptron: after {self.n_iter_} epochs there are still {self.errors_[-1]} mistakes in an epoch. "
                "Either no line separates the classes, or the margin is so narrow that max_iter is too small.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _order(self, n: int, epoch: int) -> np.ndarray:
        if not self.shuffle:
            return np.arange(n)
        return np.asarray(permutation(address(self.random_state, "perceptron/order", step=epoch), n))


def mistake_bound(X: Any, y: Any, coef: Any, intercept: float) -> float:
    """(R/γ)²: how many mistakes a perceptron makes at most, as the separating line (coef, intercept) proves.

    Every line that separates the two classes proves a bound; the one of largest margin proves a small one.

    Args:
        X: samples (n, d).
        y: their classes (n,), two of them.
        coef: (d,) or (1, d).
        intercept: a number.

    Raises:
        DataError: this line does not separate the classes, or there are more than two.
    """
    X = check_samples(X, "mistake_bound")
    classes, indices = check_classes(y, len(X), "mistake_bound")
    if len(classes) != 2:
        raise DataError("the bound is that of one unit.", expected="two classes", received=f"{len(classes)} classes")
    extended = np.column_stack([X, np.ones(len(X))])
    w = np.append(np.ravel(coef), np.ravel(intercept))
    margin = float(np.min(np.where(indices == 1, 1, -1) * (extended @ w)) / np.linalg.norm(w))
    if not margin > 0:
        raise DataError(
            "this line does not separate the classes.",
            where="mistake_bound",
            received=f"a sample that lies {-margin:.3g} on the wrong side",
        )
    return float(np.max(np.square(extended).sum(axis=1)) / margin**2)
