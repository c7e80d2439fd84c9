"""The linear support vector machine: a network of one layer that wants a margin.

Source: Cortes and Vapnik 1995, "Support-vector networks".

    forward    u = x w + b                                     t = 1 or −1
    slack      ξ = max(0, 1 − t u)                             the hinge loss: 0 beyond the margin
    cost       E = ½ ‖w‖² + C Σₙ ξₙ                            the bias is not penalised
    backward   ∂ξ/∂u = −t where t u < 1, else 0

The margin, the strip |u| < 1 along the boundary u = 0, is 2/‖w‖ wide: a small ‖w‖ is a wide strip. A large C forbids
slack and makes the strip narrow, a small C pays for a wide one with samples inside it.

**Its optimum.** The hinge has a corner, and the optimum lies where many samples sit on theirs, so that gradient
descent never comes to rest. The method of multipliers (Hestenes 1969; Powell 1969; Rockafellar 1973) gives each
sample a number α between 0 and C, the force with which it holds the boundary, and replaces the hinge by one with a
round corner:

    m = max(0, 1 − t u + α/ρ)          E_ρ = ½ ‖w‖² + ρ Σₙ h(mₙ)          h: Huber's function, straight from C/ρ on
    minimise E_ρ over w and b by backpropagation;   then   α ← ρ h'(m) = min(ρ m, C);   and again

At the end α are the multipliers of the dual problem, w = Σₙ αₙ tₙ xₙ: only samples with α > 0, those on the wrong
side of their margin or right on it, hold the boundary. They are the support vectors. And the dual value
Σα − ½ ‖Σ α t x‖² lies below the optimum as E lies above: the gap between the two proves how close the solution is.
"""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np

from omomi.classic.checks import ConvergenceWarning, check_count, check_positive
from omomi.classic.estimator import LinearClassifier
from omomi.classic.optimum import minimise
from omomi.errors import ConfigurationError
from omomi.graph import functions as F
from omomi.graph.variable import Variable
from omomi.layers.regularizers import L2
from omomi.models.sequential import Sequential

__all__ = ["LinearSVM"]

SUPPORT = 1e-6  # of the largest force: a sample that holds with less is no support vector
START, SHARPEST = 10.0, 1e8  # ρ at the start, and the largest
IDLE = 10  # rounds without a smaller gap


class LinearSVM(LinearClassifier):
    """A linear support vector machine: one unit for two classes, else one for each class against the rest.

    Args:
        C: the price of slack.
        max_iter: the most steps, over all rounds of the method of multipliers.
        tol: learning ends when the duality gap is less than this share of E.

    Attributes:
        coef_: (units, d), the weights.
        intercept_: (units,), the biases.
        classes_: the classes in order.
        dual_coef_: (units, n), α t of each sample; 0 for all but the support vectors.
        support_: the indices of the samples that are support vectors of some unit.
        support_vectors_: these samples.
        cost_: E at the end; the sum over the units.
        gap_: E minus the dual value, at the end: E is at most this far above the optimum.
        n_iter_: the steps.
        converged_: whether ``tol`` was reached.
        n_features_in_: d.
    """

    def __init__(self, C: float = 1.0, max_iter: int = 10_000, tol: float = 1e-8) -> None:
        self.C, self.max_iter, self.tol = C, max_iter, tol

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from samples X (n, d) of the classes y (n,).

        Raises:
            ShapeError, DtypeError, DataError: X and y are no samples with their classes, or all of one class.
            ConfigurationError: a parameter is out of its range.
        """
        check_positive("LinearSVM", C=self.C, tol=self.tol)
        check_count("LinearSVM", max_iter=self.max_iter)
        if not np.isfinite(self.C):
            raise ConfigurationError("an infinite price has no network.", where="LinearSVM", fix="a large C, as 1e6")
        X, indices = self._labelled(X, y)
        t = self._one_against_rest(indices, negative=-1.0)
        # Centring moves only the bias. Dividing x by its size makes w larger by that, and E, α and C by its square.
        mean = X.mean(axis=0)
        size = float(np.sqrt(np.square(X - mean).sum(axis=1).mean())) or 1.0
        units = [_Multipliers((X - mean) / size, t[:, k : k + 1], self.C * size**2) for k in range(t.shape[1])]
        for unit in units:
            unit.run(self.tol, self.max_iter)
        W, b = np.hstack([unit.w for unit in units]) / size, np.concatenate([unit.b for unit in units])
        alpha = np.hstack([unit.alpha for unit in units]) / size**2
        self.coef_, self.intercept_ = W.T.copy(), b - mean @ W
        self.cost_ = sum(unit.cost for unit in units) / size**2
        self.gap_ = sum(unit.gap for unit in units) / size**2
        self.n_iter_ = max(unit.steps for unit in units)
        self.converged_ = all(unit.gap <= self.tol * unit.cost for unit in units)
        self.dual_coef_ = (alpha * t).T
        self.support_ = np.flatnonzero((alpha > SUPPORT * alpha.max(axis=0)).any(axis=1))
        self.support_vectors_ = X[self.support_]
        if not self.converged_:
            warnings.warn(
                f"LinearSVM: after {self.n_iter_} steps E may still be {self.gap_ / self.cost_:.1e} of itself above "
                f"the optimum (tol is {self.tol:.1e}). Standardise the features, or raise max_iter.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def to_network(self) -> Sequential:
        """The same as a network of one Dense layer, compiled with the hinge loss and a penalty on the kernel.

        Its loss, the mean hinge and λ ‖W‖² with λ = 1/(2 C n m) for n samples and m units, is E/(C n m).
        """
        self._check_fitted("to_network")
        samples = self.C * self.dual_coef_.size
        network = self._network(kernel_regularizer=L2(0.5 / samples))
        network.compile("sgd", "hinge")
        return network

    @property
    def margin_(self) -> np.ndarray:
        """2/‖w‖ of each unit: (units,)."""
        self._check_fitted("margin_")
        return np.asarray(2 / np.linalg.norm(self.coef_, axis=1))


class _Multipliers:
    """The method of multipliers for one unit, on centred samples X (n, d) with targets t (n, 1), 1 or −1."""

    def __init__(self, X: np.ndarray, t: np.ndarray, C: float) -> None:
        self.X, self.t, self.C = X, t, C
        self.rho = min(C, START)
        self.w, self.b, self.alpha = np.zeros((X.shape[1], 1)), np.zeros(1), np.zeros(t.shape)
        self.extended = np.column_stack([X, np.ones(len(X))])
        self.cost = self.gap = np.inf
        self.steps = 0

    def rounded(self, w: Variable, b: Variable) -> Variable:
        """E_ρ, the cost with round corners: a network of one layer and its loss."""
        m = F.relu(1 - self.t * F.affine(self.X, w, b) + self.alpha / self.rho)
        h = F.huber(m, np.zeros_like(self.t), delta=self.C / self.rho) * self.t.size
        return F.sum(w * w) * 0.5 + h * self.rho

    def violation(self, w: np.ndarray, b: np.ndarray) -> np.ndarray:
        """1 − t u + α/ρ: (n, 1)."""
        return np.asarray(1 - self.t * (self.X @ w + b) + self.alpha / self.rho)

    def curvature(self, w: np.ndarray, b: np.ndarray) -> np.ndarray:
        """∇²E_ρ = I + ρ Σ x̃ᵀ x̃ over the samples in the round part of the corner; the bias has no 1 of its own."""
        m = self.violation(w, b)[:, 0]
        here = (m > 0) & (m < self.C / self.rho)
        x = self.extended[here if here.any() else m > 0 if (m > 0).any() else slice(None)]
        own = np.append(np.ones(self.X.shape[1]), 0)
        return np.asarray(np.diag(own) + self.rho * (x.T @ x))

    def run(self, tol: float, max_iter: int) -> None:
        """Rounds of minimising E_ρ and moving α, until the gap is less than ``tol`` of E, or shrinks no more."""
        n, spread, best = len(self.X), self.X.std(axis=0)[:, None], np.inf
        idle = 0
        while self.steps < max_iter and idle < IDLE:
            scales = [1 / np.sqrt(1 + self.rho * n * spread**2), np.array(1 / np.sqrt(self.rho * n))]
            found = minimise(
                self.rounded,
                [self.w, self.b],
                scales,
                tol=0.0,
                max_iter=max_iter - self.steps,
                curvature=self.curvature,
            )
            self.w, self.b = found.values
            self.steps += len(found.cost)
            self.alpha = np.clip(self.rho * self.violation(self.w, self.b), 0, self.C)
            self.cost, self.gap = self.cost_and_gap()
            if self.gap <= tol * self.cost:
                break
            if self.gap > 0.1 * best:  # a sharper corner needs fewer rounds, each of more steps
                self.rho = min(4 * self.rho, SHARPEST)
            idle = idle + 1 if self.gap >= best else 0
            best = min(best, self.gap)

    def cost_and_gap(self) -> tuple[float, float]:
        """E and how far it is at most above the optimum."""
        E = 0.5 * np.square(self.w).sum() + self.C * np.maximum(0, 1 - self.t * (self.X @ self.w + self.b)).sum()
        forces = self.alpha * self.t
        dual = self.alpha.sum() - 0.5 * np.square(self.X.T @ forces).sum()
        unbalanced = abs(float(self.b[0] * forces.sum()))  # 0 at the optimum, where Σ α t = 0
        return float(E), float(E - dual + unbalanced)
