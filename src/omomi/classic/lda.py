"""Linear discriminant analysis: the directions in which classes lie furthest apart.

Sources: Fisher 1936, "The use of multiple measurements in taxonomic problems"; Rao 1948, "The utilization of multiple
measurements in problems of biological classification".

    within classes     S_W = Σ_k Σ_{n in k} (xₙ − m_k)ᵀ (xₙ − m_k)           m_k: the mean of class k
    between classes    S_B = Σ_k N_k (m_k − x̄)ᵀ (m_k − x̄)                    x̄: the mean of all
    directions         S_W⁻¹ S_B a = λ a,  λ₁ ≥ λ₂ ≥ …                       at most K − 1 with λ > 0

The directions make aᵀ S_B a / aᵀ S_W a largest, the spread of the means in units of the spread around them. PCA does
not know the classes and may throw away what tells them apart. S_W⁻¹ S_B is not symmetric; with S_W = L Lᵀ and a = L⁻ᵀ
v it becomes L⁻¹ S_B L⁻ᵀ v = λ v, which is. The a are scaled so that within the classes each has variance 1: aᵀ S_W a
= N.

With classes of normal distributions of one covariance, Bayes's rule is a distance in this space:
P(k | z) ∝ π_k e^(−½ ‖z − z̄_k‖²), π_k being the share of class k.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from omomi.classic.checks import check_count, columns
from omomi.classic.estimator import Classifier, Transformer
from omomi.classic.pca import eigenvectors
from omomi.engines.reference import xp
from omomi.errors import DataError
from omomi.ops.activation import softmax

__all__ = ["LDA"]

SINGULAR = 1e-10  # the smallest eigenvalue of the within-class correlations that still counts


class LDA(Classifier, Transformer):
    """Linear discriminant analysis: a projection onto at most K − 1 directions, and a classifier in it.

    Args:
        n_components: how many directions ``transform`` gives; ``None`` for all, the smaller of K − 1 and d.

    Attributes:
        scalings_: (d, m), the directions a as columns.
        explained_variance_ratio_: (m,), the share of each λ in their sum.
        means_: (K, d), the mean of each class.
        priors_: (K,), the share π of each class.
        xbar_: (d,), the mean of all samples.
        classes_: the classes in order.
        n_features_in_: d.
    """

    def __init__(self, n_components: int | None = None) -> None:
        self.n_components = n_components

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from samples X (n, d) of the classes y (n,).

        Raises:
            ShapeError, DtypeError, DataError: X and y are no samples with their classes; S_W has no inverse, since
                a feature does not vary within any class, features determine each other, or there are too few samples.
            ConfigurationError: there are not that many directions.
        """
        X, indices = self._labelled(X, y)
        n, d, K = len(X), X.shape[1], len(self.classes_)
        most = min(K - 1, d)
        if self.n_components is not None:
            check_count("LDA", most, n_components=self.n_components)
        counts = np.bincount(indices)
        self.priors_, self.xbar_ = counts / n, X.mean(axis=0)
        self.means_ = np.stack([X[indices == k].mean(axis=0) for k in range(K)])

        within = X - self.means_[indices]
        S_W = within.T @ within
        between = self.means_ - self.xbar_
        S_B = between.T @ (counts[:, None] * between)
        self._check_regular(X, S_W, n - K)

        L = np.linalg.cholesky(S_W)
        inverse = np.linalg.inv(L)
        values, V = eigenvectors(inverse @ S_B @ inverse.T)
        values = np.maximum(values, 0)[:most]
        if not values.any():
            raise DataError("all classes have the same mean.", where="LDA.fit", fix="no direction tells them apart")
        self._directions = inverse.T @ V[:, :most] * np.sqrt(n)
        shown = self.n_components or most
        self.scalings_ = self._directions[:, :shown]
        self.explained_variance_ratio_ = values[:shown] / values.sum()
        return self

    def _check_regular(self, X: np.ndarray, S_W: np.ndarray, freedom: int) -> None:
        """Raise a :class:`DataError` that says why S_W has no inverse, if it has none."""
        spread = np.sqrt(np.diag(S_W))
        still = np.flatnonzero(spread <= 1e-12 * np.maximum(np.abs(X).max(axis=0), 1e-300))
        if len(still):
            raise DataError(
                "a feature does not vary within any class, so that S_W has no inverse.",
                where="LDA.fit",
                received=f"column {columns(still)}" if len(still) == 1 else f"columns {columns(still)}",
                fix="leave it out, or reduce the features with PCA first",
            )
        correlations = S_W / np.outer(spread, spread)
        if np.linalg.eigvalsh(correlations)[0] < SINGULAR:
            few = freedom < X.shape[1]
            raise DataError(
                "S_W has no inverse: "
                + ("there are fewer samples than features." if few else "some features follow from the others."),
                where="LDA.fit",
                received=f"X of shape {X.shape}",
                fix="reduce the features with PCA first",
            )

    def transform(self, X: Any) -> np.ndarray:
        """Z = (X − x̄) [a₁ … a_m]: (n, m)."""
        return np.asarray((self._new_samples(X, "transform") - self.xbar_) @ self.scalings_)

    def decision_function(self, X: Any) -> np.ndarray:
        """log π_k − ½ ‖z − z̄_k‖² for each class, up to what all classes share: (n, K)."""
        z = (self._new_samples(X, "decision_function") - self.xbar_) @ self._directions
        centres = (self.means_ - self.xbar_) @ self._directions
        distances = np.square(z[:, None, :] - centres).sum(axis=2)
        return np.asarray(np.log(self.priors_) - distances / 2)

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class: (n, K), rows of sum 1."""
        return np.asarray(softmax.forward(xp, self.decision_function(X))[0])

    def predict(self, X: Any) -> np.ndarray:
        """The most likely class of each sample: (n,)."""
        scores = self.decision_function(X)
        return np.asarray(self.classes_[scores.argmax(axis=1)])
