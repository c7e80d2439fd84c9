"""PCA, LDA and kernel PCA: equal to scikit-learn's up to sign, and true to their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import decomposition, discriminant_analysis

import omomi
from omomi.classic import LDA, PCA, KernelPCA, covariance, variance_along
from omomi.classic.kernel_pca import kernel_matrix
from omomi.errors import ConfigurationError, DataError, ShapeError

RANDOM = np.random.default_rng(0)
NAMES = ["iris", "wine", "breast_cancer"]


def data(name: str) -> tuple[np.ndarray, np.ndarray]:
    (X, y), _ = getattr(omomi.datasets, name).load_data()
    return X.astype(np.float64), y


def assert_equal_up_to_sign(a: np.ndarray, b: np.ndarray, **tolerance: float) -> None:
    """The columns are equal, or opposite."""
    signs = np.sign((a * b).sum(axis=0))
    np.testing.assert_allclose(a * signs, b, **tolerance)


class TestPCA:
    @pytest.mark.parametrize("name", NAMES)
    def test_scikit_learn(self, name):
        X, _ = data(name)
        one, reference = PCA().fit(X), decomposition.PCA().fit(X)
        assert_equal_up_to_sign(one.transform(X), reference.transform(X), atol=1e-6)
        np.testing.assert_allclose(one.explained_variance_, reference.explained_variance_, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(one.explained_variance_ratio_.sum(), 1)
        np.testing.assert_allclose(one.inverse_transform(one.transform(X)), X, atol=1e-6)

    @pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
    def test_a_share_of_the_variance(self, share):
        X = data("wine")[0] / data("wine")[0].std(axis=0)
        assert PCA(share).fit(X).n_components_ == decomposition.PCA(share).fit(X).n_components_

    def test_four_points_by_hand(self):
        """(±2, 0) and (0, ±1): Σ = diag(8, 2)/3. The directions are the axes, the largest entry positive."""
        X = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        one = PCA().fit(X + 5)
        np.testing.assert_allclose(covariance(X), [[8 / 3, 0], [0, 2 / 3]])
        np.testing.assert_allclose(one.components_, np.eye(2), atol=1e-12)
        np.testing.assert_allclose(one.explained_variance_, [8 / 3, 2 / 3])
        np.testing.assert_allclose(one.explained_variance_ratio_, [0.8, 0.2])
        np.testing.assert_allclose(one.mean_, [5, 5])

    def test_no_direction_has_more_variance_than_the_first(self):
        """aᵀΣa = λ₁ at a₁, and is smaller everywhere else."""
        X, _ = data("iris")
        one = PCA().fit(X)
        largest = one.explained_variance_[0]
        assert variance_along(X, 3 * one.components_[0]) == pytest.approx(largest)
        assert max(variance_along(X, a) for a in RANDOM.normal(size=(200, 4))) < largest
        a = RANDOM.normal(size=4)
        assert variance_along(X, a) == pytest.approx(np.var(X @ a / np.linalg.norm(a), ddof=1))

    def test_a_direction_of_length_0(self):
        for a in (np.zeros(4), np.ones(3)):
            with pytest.raises(ShapeError, match="not 0"):
                variance_along(data("iris")[0], a)


class TestLDA:
    @pytest.mark.parametrize("name", NAMES)
    def test_scikit_learn(self, name):
        X, y = data(name)
        one = LDA().fit(X, y)
        reference = discriminant_analysis.LinearDiscriminantAnalysis(solver="eigen").fit(X, y)
        svd = discriminant_analysis.LinearDiscriminantAnalysis().fit(X, y)
        m = len(one.classes_) - 1
        assert_equal_up_to_sign(one.scalings_, reference.scalings_[:, :m], rtol=1e-5, atol=1e-8)
        unit = [a / np.linalg.norm(a, axis=0) for a in (one.scalings_, svd.scalings_[:, :m])]
        assert_equal_up_to_sign(*unit, rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(one.explained_variance_ratio_, svd.explained_variance_ratio_[:m], rtol=1e-6)
        np.testing.assert_allclose(one.predict_proba(X), reference.predict_proba(X), atol=1e-6)
        assert (one.predict(X) == reference.predict(X)).all()

    def test_the_definition(self):
        """S_W⁻¹ S_B a = λ a, written out class by class; and within the classes Z has variance 1."""
        X, y = data("wine")
        one = LDA().fit(X, y)
        groups = [X[y == k] for k in range(3)]
        S_W = sum((g - g.mean(axis=0)).T @ (g - g.mean(axis=0)) for g in groups)
        S_B = sum(len(g) * np.outer(m := g.mean(axis=0) - X.mean(axis=0), m) for g in groups)
        image = np.linalg.solve(S_W, S_B) @ one.scalings_
        values = (image * one.scalings_).sum(axis=0) / np.square(one.scalings_).sum(axis=0)
        np.testing.assert_allclose(image, values * one.scalings_, rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(one.explained_variance_ratio_, values / values.sum())
        np.testing.assert_allclose(one.scalings_.T @ S_W @ one.scalings_ / len(X), np.eye(2), atol=1e-8)

    def test_a_feature_that_is_constant(self):
        X, y = data("iris")
        with pytest.raises(DataError, match=r"does not vary within any class(.|\n)*column 4\n(.|\n)*PCA"):
            LDA().fit(np.column_stack([X, np.full(len(X), 0.1)]), y)
        with pytest.raises(DataError, match="column 4"):
            LDA().fit(np.column_stack([X, y]), y)  # constant in every class

    def test_features_that_follow_from_each_other(self):
        X, y = data("iris")
        with pytest.raises(DataError, match="follow from the others"):
            LDA().fit(np.column_stack([X, X[:, 0] + 2 * X[:, 1]]), y)
        with pytest.raises(DataError, match="fewer samples than features"):
            LDA().fit(RANDOM.normal(size=(10, 12)), [0, 1] * 5)

    def test_classes_of_equal_mean(self):
        with pytest.raises(DataError, match="same mean"):
            LDA().fit([[1.0], [-1.0], [2.0], [-2.0]], [0, 0, 1, 1])


class TestKernelPCA:
    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("kernel", ["linear", "poly", "rbf"])
    def test_scikit_learn(self, name, kernel):
        X, _ = data(name)
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        one, reference = (P(4, kernel=kernel).fit(X[20:]) for P in (KernelPCA, decomposition.KernelPCA))
        assert_equal_up_to_sign(one.transform(X), reference.transform(X), atol=1e-6)
        np.testing.assert_allclose(one.eigenvalues_, reference.eigenvalues_)

    def test_the_linear_kernel_is_pca(self):
        X, _ = data("iris")
        one, plain = KernelPCA(kernel="linear").fit(X), PCA().fit(X)
        assert one.eigenvectors_.shape == (len(X), 4)  # the others have the eigenvalue 0
        assert_equal_up_to_sign(one.transform(X), plain.transform(X), atol=1e-8)
        np.testing.assert_allclose(one.eigenvalues_ / (len(X) - 1), plain.explained_variance_)

    def test_kernels_by_hand(self):
        """x = (1, 2), x' = (3, 0): x·x' = 3, ‖x − x'‖² = 8; with γ = ½: (1.5 + 1)³ = 15.625, e^(−4)."""
        a, b = np.array([[1.0, 2.0]]), np.array([[3.0, 0.0]])
        values = [kernel_matrix(a, b, kernel, gamma=0.5).item() for kernel in ("linear", "poly", "rbf")]
        np.testing.assert_allclose(values, [3, 15.625, np.exp(-4)])

    def test_circles_come_apart(self):
        """In the plane no line separates the rings; along the first kernel components a threshold does."""
        X, y = omomi.datasets.circles(200)
        Z = KernelPCA(3, gamma=3.0).fit_transform(X)
        assert omomi.classic.LogisticRegression().fit(X, y).score(X, y) < 0.7
        assert omomi.classic.LogisticRegression(C=1e3).fit(Z, y).score(Z, y) > 0.95

    def test_more_components_than_samples(self):
        with pytest.raises(ConfigurationError, match="from 1 to 5"):
            KernelPCA(6).fit(RANDOM.normal(size=(5, 9)))
