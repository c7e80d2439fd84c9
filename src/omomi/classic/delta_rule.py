"""The delta rule of Widrow and Hoff: linear units that learn from how wrong they are.

Source: Widrow and Hoff 1960, "Adaptive switching circuits", IRE WESCON Convention Record.

Its units have no threshold while they learn, so that their error has a derivative, and learning goes down its slope:

    forward    u = x W + b
    error      E = (1/N) Σₙ ½ Σⱼ (u − t)²
    delta      δ = u − t                          of the perceptron: step(u) − t
    backward   W ← W − η (1/N) xᵀ δ               b ← b − η (1/N) Σₙ δₙ

*Batch*: N is the number of all samples. The steps converge to the least-squares solution if η < 2/λ, λ being the
largest eigenvalue of (1/N) x̃ᵀ x̃ with x̃ = (x, 1); unless told, η = 1/λ. They need an epoch for every step, and many
steps where features have different scales: standardise them.

*Online*: N = 1. With a constant η the weights keep trembling around the solution, each sample pulling at them; with η
= η₀/(1 + epoch/patience) they settle there, since Σ η diverges and Σ η² does not (Robbins and Monro 1951, "A
stochastic approximation method"). Unless told, η₀ = 1/max ‖x̃‖².

With one layer this is gradient descent. With hidden layers there is no target t for a hidden unit, so no δ: that is
what backpropagation computes.
"""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np

from omomi.classic.checks import (
    ConvergenceWarning,
    check_choice,
    check_count,
    check_positive,
    check_samples,
    check_targets,
)
from omomi.classic.estimator import Estimator, LinearClassifier, Regressor
from omomi.classic.units import backward, forward
from omomi.engines.random import address, permutation
from omomi.errors import ConfigurationError

__all__ = ["Adaline", "DeltaRule"]

MODES = ("batch", "online")


class _Options(Estimator):
    """What can be chosen about the delta rule, and how it went."""

    def __init__(
        self,
        learning_rate: float | None = None,
        mode: str = "batch",
        patience: float = 10.0,
        max_iter: int = 1000,
        tol: float = 1e-6,
        random_state: int = 0,
    ) -> None:
        self.learning_rate, self.mode, self.patience = learning_rate, mode, patience
        self.max_iter, self.tol, self.random_state = max_iter, tol, random_state

    def _learn(self, X: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W (d, m) and b (m,) from samples (n, d) and targets (n, m)."""
        learning = _Learning(X, t, self)
        learning.run()
        self.cost_, self.n_iter_, self.converged_ = learning.cost, len(learning.cost), learning.converged
        return learning.W, learning.b


class _Learning:
    """The delta rule on samples X (n, d) and targets t (n, m): W, b and the error of each epoch."""

    def __init__(self, X: np.ndarray, t: np.ndarray, options: _Options) -> None:
        self.X, self.t, self.options, self.where = X, t, options, type(options).__name__
        check_choice(self.where, "mode", options.mode, MODES)
        check_positive(self.where, learning_rate=options.learning_rate, patience=options.patience, tol=options.tol)
        check_count(self.where, max_iter=options.max_iter)
        self.W, self.b = np.zeros((X.shape[1], t.shape[1])), np.zeros(t.shape[1])
        self.cost: list[float] = []
        self.converged = False
        extended = np.column_stack([X, np.ones(len(X))])
        if options.mode == "batch":
            self.largest_rate = 2 / float(np.linalg.eigvalsh(extended.T @ extended / len(X))[-1])
        else:
            self.largest_rate = 2 / float(np.square(extended).sum(axis=1).max())
        self.rate = self.largest_rate / 2 if options.learning_rate is None else float(options.learning_rate)

    def step(self, x: np.ndarray, t: np.ndarray, rate: float) -> np.ndarray:
        """One step of the rule on the samples x; returns their δ."""
        u, saved = forward(x, self.W, self.b)
        delta = u - t
        gW, gb = backward(saved, delta / len(x))
        self.W, self.b = self.W - rate * gW, self.b - rate * gb
        return np.asarray(delta)

    def epoch(self, number: int) -> np.ndarray:
        """Every sample once; returns the δ of each, as it was when the rule used it."""
        if self.options.mode == "batch":
            return self.step(self.X, self.t, self.rate)
        rate = self.rate / (1 + number / self.options.patience)
        deltas = np.empty_like(self.t)
        for k in permutation(address(self.options.random_state, "delta_rule/order", step=number), len(self.X)):
            deltas[k] = self.step(self.X[k : k + 1], self.t[k : k + 1], rate)[0]
        return deltas

    def slope(self, delta: np.ndarray) -> float:
        """How far the δ are from least squares, where they are orthogonal to every feature: the largest |cosine|."""
        lengths = np.linalg.norm(np.column_stack([self.X, np.ones(len(self.X))]), axis=0)
        if np.linalg.norm(delta) <= 1e-12 * np.linalg.norm(self.t):
            return 0.0  # nothing is left to explain
        products = np.vstack([np.abs(self.X.T @ delta), np.abs(delta.sum(axis=0))])
        scale = np.where(lengths > 0, lengths, 1)[:, None] * np.linalg.norm(delta, axis=0)
        return float(np.max(products / np.where(scale > 0, scale, 1)))

    def run(self) -> None:
        slope = np.inf
        with np.errstate(over="ignore", invalid="ignore"):
            for number in range(self.options.max_iter):
                before = self.W, self.b
                delta = self.epoch(number)
                self.cost.append(float(0.5 * np.square(delta).sum() / len(delta)))
                if not np.isfinite(self.cost[-1]) or self.cost[-1] > 1e12 * max(self.cost[0], 1e-300):
                    self.W, self.b = before
                    raise self.diverged()
                if self.options.mode == "online":  # the δ at the end of the epoch, all from the same weights
                    delta = forward(self.X, self.W, self.b)[0] - self.t
                slope = self.slope(delta)
                if slope <= self.options.tol:
                    self.converged = True
                    break
        if not self.converged and self.options.mode == "batch":
            warnings.warn(
                f"{self.where}: after {len(self.cost)} epochs the error still has a slope ({slope:.1e}, tol is "
                f"{self.options.tol:.1e}). Standardise the features, or raise max_iter.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def diverged(self) -> ConfigurationError:
        return ConfigurationError(
            f"the error grows without bound after {len(self.cost)} epochs: every step goes too far.",
            where=self.where,
            expected=f"a learning rate below {self.largest_rate:.3g} for these samples",
            received=f"learning_rate={self.rate:g}",
            fix="learning_rate=None chooses one; standardised features allow a larger one",
        )


class DeltaRule(_Options, Regressor):
    """Linear units that learn measurements by the delta rule, and end at the least-squares solution.

    Args:
        learning_rate: η, or η₀ where it decays; ``None`` chooses a safe one.
        mode: "batch", or "online": a sample at a time, with a decaying rate.
        patience: after how many epochs an online rate is halved for the first time; ``inf`` keeps it.
        max_iter: the most epochs.
        tol: learning ends when no feature has a larger cosine with the errors δ; at the solution all are 0.
        random_state: the seed of the order of the samples in online learning.

    Attributes:
        coef_: (d,), the weights; (m, d) where the targets are (n, m).
        intercept_: a number; (m,) where the targets are (n, m).
        cost_: E of each epoch, as it was met on the way.
        n_iter_: the epochs.
        converged_: whether ``tol`` was reached.
        n_features_in_: d.
    """

    coef_: np.ndarray
    intercept_: Any

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from samples X (n, d) and their targets y, (n,) or (n, m).

        Raises:
            ShapeError, DtypeError, DataError: X and y are no samples with their targets.
            ConfigurationError: the learning rate is so large that the error grows.
        """
        X = check_samples(X, "DeltaRule.fit")
        t = check_targets(y, len(X), "DeltaRule.fit")
        self.n_features_in_ = X.shape[1]
        W, b = self._learn(X, t)
        one = np.ndim(y) == 1
        self.coef_, self.intercept_ = (W[:, 0].copy(), b[0]) if one else (W.T.copy(), b)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """u = x W + b: (n,), or (n, m) where the targets were."""
        u = self._new_samples(X, "predict") @ self.coef_.T + self.intercept_
        return np.asarray(u)


class Adaline(_Options, LinearClassifier):
    """The adaptive linear element: the delta rule on targets 1 and −1, a threshold only for the answer.

    One unit for two classes, else one for each class against the rest. Other than the perceptron it settles also
    where no line separates the classes; and where one does, it may not find it, as it also moves for samples that lie
    far on the right side.

    Args:
        learning_rate, mode, patience, max_iter, tol, random_state: as of :class:`DeltaRule`.

    Attributes:
        coef_: (units, d), the weights.
        intercept_: (units,), the biases.
        classes_: the classes in order.
        cost_: E of each epoch, as it was met on the way.
        n_iter_: the epochs.
        converged_: whether ``tol`` was reached.
        n_features_in_: d.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from samples X (n, d) of the classes y (n,).

        Raises:
            ShapeError, DtypeError, DataError: X and y are no samples with their classes, or all of one class.
            ConfigurationError: the learning rate is so large that the error grows.
        """
        X, indices = self._labelled(X, y)
        W, b = self._learn(X, self._one_against_rest(indices, negative=-1.0))
        self.coef_, self.intercept_ = W.T.copy(), b
        return self
