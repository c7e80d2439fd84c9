"""Logistic regression: a network of one layer with a sigmoid, or a softmax, at the end.

Sources: Cox 1958, "The regression analysis of binary sequences"; Hastie, Tibshirani and Friedman 2009, "The elements
of statistical learning", 4.4.

    forward      u = x W + b            p = σ(u) = 1/(1 + e^(−u))           the probability of class 1
    odds         p/(1 − p) = eᵘ
    logit        u = log p/(1 − p)                                         the inverse of the sigmoid: what is linear
    likelihood   L = Πₙ pₙ^tₙ (1 − pₙ)^(1 − tₙ)
    cost         J = −log L + ‖W‖²/(2C) = Σₙ −tₙ log pₙ − (1 − tₙ) log(1 − pₙ) + ‖W‖²/(2C)
    delta        δ = ∂J/∂u = p − t
    backward     gW = xᵀ δ + W/C         gb = Σₙ δₙ

A sample adds to the logit: one more unit of x_i multiplies the odds by e^(w_i). The most likely weights are those of
the smallest cross-entropy, and the penalty says how much they may cost; the bias is not penalised. J is convex: there
is one optimum, whoever looks for it. For K classes there are K units, softmax takes the place of the sigmoid, and δ
is p − t again.
"""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np

from omomi.classic.checks import ConvergenceWarning, check_classes, check_count, check_positive
from omomi.classic.estimator import LinearClassifier
from omomi.classic.optimum import minimise
from omomi.engines.reference import xp
from omomi.errors import DataError
from omomi.graph import functions as F
from omomi.graph.variable import Variable
from omomi.models.sequential import Sequential
from omomi.ops.activation import sigmoid, softmax

__all__ = ["LogisticRegression", "log_likelihood", "logit", "odds"]


def odds(p: Any) -> np.ndarray:
    """p/(1 − p): how much more likely than not; ∞ for 1.

    Raises:
        DataError: p is no probability.
    """
    p = _probabilities(p, "odds")
    with np.errstate(divide="ignore"):
        return np.asarray(p / (1 - p))


def logit(p: Any) -> np.ndarray:
    """log p/(1 − p), the logarithm of the odds and the inverse of the sigmoid; ∓∞ for 0 and 1.

    Raises:
        DataError: p is no probability.
    """
    p = _probabilities(p, "logit")
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p) - np.log1p(-p))


def log_likelihood(p: Any, t: Any) -> float:
    """log L = Σₙ tₙ log pₙ + (1 − tₙ) log(1 − pₙ): how likely the targets t, 0 or 1, are if p are their probabilities.

    Raises:
        DataError: p are no probabilities, or t is not 0 or 1, one for each.
    """
    p, t = _probabilities(p, "log_likelihood"), np.asarray(t)
    if t.shape != p.shape or not np.isin(t, (0, 1)).all():
        raise DataError(
            "there is one target, 0 or 1, for each probability.",
            where="log_likelihood",
            expected=f"t of shape {p.shape}",
            received=f"t of shape {t.shape}, from {t.min() if t.size else '-'} to {t.max() if t.size else '-'}",
        )
    with np.errstate(divide="ignore"):
        return float(np.log(np.where(t == 1, p, 1 - p)).sum())


def _probabilities(p: Any, where: str) -> np.ndarray:
    p = np.asarray(p, np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise DataError("these are no probabilities.", where=where, expected="numbers from 0 to 1", received=repr(p))
    return np.asarray(p)


class LogisticRegression(LinearClassifier):
    """Logistic regression for two classes or more, with a penalty on the squares of the weights.

    Args:
        C: the inverse strength of the penalty, ‖W‖²/(2C); ``inf`` for none.
        max_iter: the most steps.
        tol: learning ends when no entry of the gradient is larger, counted in the scale of each feature.

    Attributes:
        coef_: (1, d) for two classes, else (K, d).
        intercept_: (1,) or (K,).
        classes_: the classes in order.
        cost_: J at the start and after every step.
        n_iter_: the steps.
        converged_: whether ``tol`` was reached.
        n_features_in_: d.

    Without a penalty, classes that a line separates have no optimum: the weights grow without end. A
    :class:`ConvergenceWarning` says so.
    """

    def __init__(self, C: float = 1.0, max_iter: int = 1000, tol: float = 1e-6) -> None:
        self.C, self.max_iter, self.tol = C, max_iter, tol

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from samples X (n, d) of the classes y (n,).

        Raises:
            ShapeError, DtypeError, DataError: X and y are no samples with their classes, or all of one class.
            ConfigurationError: a parameter is out of its range.
        """
        check_positive("LogisticRegression", C=self.C, tol=self.tol)
        check_count("LogisticRegression", max_iter=self.max_iter)
        X, indices = self._labelled(X, y)
        # Around their mean, the features leave the bias alone; the penalty does not see the difference.
        mean, spread = X.mean(axis=0), X.std(axis=0)
        centred, t = X - mean, self._targets(indices)
        units = t.shape[1]

        def J(W: Variable, b: Variable) -> Variable:
            return self._cost(centred, t, W, b)

        # ∂²J/∂w² is at most Σ x²/4 + 1/C: steps of its inverse root are moderate.
        scales = [1 / np.sqrt(len(X) * spread[:, None] ** 2 / 4 + 1 / self.C + 1e-12), np.array(2 / np.sqrt(len(X)))]
        start = [np.zeros((X.shape[1], units)), np.zeros(units)]
        found = minimise(J, start, scales, tol=self.tol, max_iter=self.max_iter)
        W, b = found.values
        self.coef_, self.intercept_ = W.T.copy(), b - mean @ W
        self.cost_, self.n_iter_ = found.cost, len(found.cost) - 1
        endless = bool(np.isinf(self.C)) and self.score(X, self.classes_[indices]) == 1
        self.converged_ = found.converged and not endless
        if not self.converged_:
            reason = "A line separates the classes, and without a penalty the weights grow without end: give C."
            warnings.warn(
                f"LogisticRegression: no optimum after {self.n_iter_} steps, J = {found.cost[-1]:.3g}. "
                + (reason if endless else "Raise max_iter."),
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _targets(self, indices: np.ndarray) -> np.ndarray:
        return self._one_against_rest(indices, negative=0.0)

    def _cost(self, X: np.ndarray, t: np.ndarray, W: Variable, b: Variable) -> Variable:
        """J as a Variable: the network's loss, summed over the samples, and the penalty."""
        u = F.affine(X, W, b)
        loss = F.sigmoid_cross_entropy(u, t) if t.shape[1] == 1 else F.softmax_cross_entropy(u, t)
        return loss * len(X) + F.sum(W * W) * (0.5 / self.C)

    def cost(self, X: Any, y: Any) -> float:
        """J = −log L + ‖W‖²/(2C) of these samples under the weights that were learnt."""
        X = self._new_samples(X, "cost")
        t = self._targets(self._known_classes(y, len(X)))
        return self._cost(X, t, Variable(self.coef_.T), Variable(self.intercept_)).item()

    def _known_classes(self, y: Any, n: int) -> np.ndarray:
        classes, indices = check_classes(np.concatenate([np.ravel(y), self.classes_]), n + len(self.classes_), "cost")
        if len(classes) > len(self.classes_):
            raise DataError(
                "a class was not there in fit.",
                where="cost",
                received=repr(np.setdiff1d(classes, self.classes_).tolist()[0]),
            )
        return indices[:n]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class: (n, K), rows of sum 1."""
        u = self.decision_function(X)
        if u.ndim == 1:
            return np.column_stack([sigmoid.forward(xp, -u)[0], sigmoid.forward(xp, u)[0]])
        return np.asarray(softmax.forward(xp, u)[0])

    def to_network(self) -> Sequential:
        """The same as a network of one Dense layer, with a sigmoid or a softmax; its output is ``predict_proba``."""
        self._check_fitted("to_network")
        return self._network(activation="sigmoid" if len(self.classes_) == 2 else "softmax")
