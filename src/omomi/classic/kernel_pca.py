"""Kernel PCA: principal components in a space of features that is never written down.

Source: Schölkopf, Smola and Müller 1998, "Nonlinear component analysis as a kernel eigenvalue problem".

A kernel k(x, x') is the product φ(x)·φ(x') of two samples in a space of features φ, often of infinitely many
dimensions. A principal component in that space is a sum of samples, v = Σₙ αₙ φ(xₙ), so that everything is said in
products:

    kernel matrix     Kᵢⱼ = k(xᵢ, xⱼ)                                       (n, n)
    centre            K̃ = K − 1K − K1 + 1K1,  1 being (n, n) with entries 1/n: φ minus its mean
    eigenvectors      K̃ α = λ α,  αᵀ α = 1;  v has length 1 with α/√λ
    project           z = k̃(x, ·) α/√λ

    linear   x·x'              poly   (γ x·x' + c)^p              rbf   e^(−γ ‖x − x'‖²)          γ = 1/d unless told
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from omomi.classic.checks import check_choice, check_count, check_positive, check_samples, check_variation
from omomi.classic.estimator import Transformer
from omomi.classic.pca import eigenvectors

__all__ = ["KERNELS", "KernelPCA", "kernel_matrix"]

KERNELS = ("linear", "poly", "rbf")
FLAT = 1e-12  # of the largest eigenvalue: what is smaller is rounding


def kernel_matrix(
    A: np.ndarray, B: np.ndarray, kernel: str, *, gamma: float, degree: float = 3, coef0: float = 1.0
) -> np.ndarray:
    """k(a, b) for each row a of A (m, d) and b of B (n, d): (m, n)."""
    products = A @ B.T
    if kernel == "linear":
        return np.asarray(products)
    if kernel == "poly":
        return np.asarray((gamma * products + coef0) ** degree)
    squares = np.square(A).sum(axis=1)[:, None] + np.square(B).sum(axis=1) - 2 * products
    return np.asarray(np.exp(-gamma * np.maximum(squares, 0)))


class KernelPCA(Transformer):
    """Principal component analysis in the feature space of a kernel.

    Args:
        n_components: how many; ``None`` for all whose eigenvalue is not 0.
        kernel: "linear", "poly" or "rbf".
        gamma: γ; 1/d unless given.
        degree: p, of "poly".
        coef0: c, of "poly".

    Attributes:
        eigenvalues_: (m,), λ.
        eigenvectors_: (n, m), the α as columns.
        gamma_: γ.
        n_features_in_: d.

    The samples are kept: ``transform`` compares new ones with each of them.
    """

    def __init__(
        self,
        n_components: int | None = None,
        kernel: str = "rbf",
        gamma: float | None = None,
        degree: float = 3,
        coef0: float = 1.0,
    ) -> None:
        self.n_components, self.kernel, self.gamma, self.degree, self.coef0 = (
            n_components,
            kernel,
            gamma,
            degree,
            coef0,
        )

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from samples X (n, d); y is not looked at.

        Raises:
            ShapeError, DtypeError, DataError: X are no samples, or all of them are equal.
            ConfigurationError: a parameter is out of its range, or there are not that many components.
        """
        X = check_samples(X, "KernelPCA.fit", fewest=2)
        check_variation(X, "KernelPCA.fit")
        check_choice("KernelPCA", "kernel", self.kernel, KERNELS)
        check_positive("KernelPCA", gamma=self.gamma, degree=self.degree)
        if self.n_components is not None:
            check_count("KernelPCA", len(X), n_components=self.n_components)
        self.n_features_in_ = X.shape[1]
        self.gamma_ = 1 / X.shape[1] if self.gamma is None else float(self.gamma)
        self._samples = X
        K = self._compare(X)
        self._column_means, self._mean = K.mean(axis=0), K.mean()
        values, vectors = eigenvectors(self._centre(K))
        m = int(np.count_nonzero(values > FLAT * values[0]))
        m = m if self.n_components is None else min(m, self.n_components)
        self.eigenvalues_, self.eigenvectors_ = values[:m], vectors[:, :m]
        return self

    def _compare(self, X: np.ndarray) -> np.ndarray:
        options = {"gamma": self.gamma_, "degree": self.degree, "coef0": self.coef0}
        return kernel_matrix(X, self._samples, self.kernel, **options)

    def _centre(self, K: np.ndarray) -> np.ndarray:
        """The products of φ(x) minus the mean of the samples' φ, from products of φ(x): (m, n)."""
        return np.asarray(K - K.mean(axis=1, keepdims=True) - self._column_means + self._mean)

    def transform(self, X: Any) -> np.ndarray:
        """z of each sample: (n, m)."""
        K = self._centre(self._compare(self._new_samples(X, "transform")))
        return np.asarray(K @ self.eigenvectors_ / np.sqrt(self.eigenvalues_))
