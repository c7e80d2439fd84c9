"""Principal components: the directions in which samples vary most.

Sources: Pearson 1901, "On lines and planes of closest fit to systems of points in space"; Hotelling 1933, "Analysis
of a complex of statistical variables into principal components".

    centre            x̄ = (1/n) Σ x,  X ← X − x̄
    covariance        Σ = Xᵀ X / (n − 1)                                  (d, d)
    eigenvectors      Σ a = λ a,  λ₁ ≥ λ₂ ≥ …,  aᵀ a = 1
    project           Z = X [a₁ … a_m]

Why eigenvectors: the variance of the samples along a unit vector a is aᵀ Σ a. Where it is largest under aᵀ a = 1,
Lagrange's condition says ∇(aᵀ Σ a − λ aᵀ a) = 0, so Σ a = λ a, and the variance there is aᵀ Σ a = λ. The next
direction is the largest among those orthogonal to the first, and so on. An eigenvector's sign is free; here its
largest entry is positive.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from omomi.classic.checks import check_count, check_samples, check_variation
from omomi.classic.estimator import Transformer
from omomi.errors import ConfigurationError, ShapeError

__all__ = ["PCA", "covariance", "variance_along"]


def covariance(X: Any) -> np.ndarray:
    """Σ = (X − x̄)ᵀ (X − x̄) / (n − 1) of samples (n, d): (d, d)."""
    X = check_samples(X, "covariance", fewest=2)
    centred = X - X.mean(axis=0)
    return np.asarray(centred.T @ centred / (len(X) - 1))


def variance_along(X: Any, a: Any) -> float:
    """aᵀ Σ a / aᵀ a: the variance of samples (n, d) along a vector a (d,) of any length but 0.

    Raises:
        ShapeError: a is no vector of d numbers, or 0.
    """
    sigma, a = covariance(X), np.asarray(a, np.float64)
    if a.shape != (len(sigma),) or not a.any():
        raise ShapeError(
            "a direction is a vector that is not 0.",
            where="variance_along",
            expected=f"shape ({len(sigma)},)",
            received=f"shape {a.shape}",
        )
    return float(a @ sigma @ a / (a @ a))


def eigenvectors(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of a symmetric matrix, the largest first; unit eigenvectors as columns, largest entry positive."""
    values, vectors = np.linalg.eigh(matrix)
    values, vectors = values[::-1], vectors[:, ::-1]
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return values, vectors * np.where(largest < 0, -1, 1)


class PCA(Transformer):
    """Principal component analysis.

    Args:
        n_components: how many; a share of the variance between 0 and 1, and as many are taken as reach it; or
        ``None``
            for all.

    Attributes:
        components_: (m, d), the directions a as rows.
        explained_variance_: (m,), the eigenvalues λ: the variance along each.
        explained_variance_ratio_: (m,), their shares of the variance of all d directions.
        mean_: (d,), x̄.
        n_components_: m.
        n_features_in_: d.

    Features in different units should be standardised first, as the one with the largest numbers wins.
    """

    def __init__(self, n_components: int | float | None = None) -> None:
        self.n_components = n_components

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from samples X (n, d); y is not looked at.

        Raises:
            ShapeError, DtypeError, DataError: X are no samples, or all of them are equal.
            ConfigurationError: there are not that many components.
        """
        X = check_samples(X, "PCA.fit", fewest=2)
        check_variation(X, "PCA.fit")
        self.n_features_in_, self.mean_ = X.shape[1], X.mean(axis=0)
        values, vectors = eigenvectors(covariance(X))
        values = np.maximum(values, 0)  # rounding
        shares = values / values.sum()
        self.n_components_ = m = self._count(shares, min(X.shape))
        self.components_ = vectors[:, :m].T
        self.explained_variance_, self.explained_variance_ratio_ = values[:m], shares[:m]
        return self

    def _count(self, shares: np.ndarray, most: int) -> int:
        wanted = self.n_components
        if wanted is None:
            return most
        if isinstance(wanted, float) and 0 < wanted < 1:
            return int(np.searchsorted(np.cumsum(shares), wanted) + 1)
        if isinstance(wanted, float):
            raise ConfigurationError(
                "a share of the variance lies between 0 and 1.", where="PCA, n_components", received=repr(wanted)
            )
        check_count("PCA", most, n_components=wanted)
        return int(wanted)

    def transform(self, X: Any) -> np.ndarray:
        """Z = (X − x̄) [a₁ … a_m]: (n, m)."""
        return np.asarray((self._new_samples(X, "transform") - self.mean_) @ self.components_.T)

    def inverse_transform(self, Z: Any) -> np.ndarray:
        """Back from Z (n, m) to samples (n, d): the closest points of the plane of the components."""
        self._check_fitted("inverse_transform")
        Z = check_samples(Z, "PCA.inverse_transform", features=self.n_components_)
        return np.asarray(Z @ self.components_ + self.mean_)
