"""The perceptron, the delta rule, Hebb's rule and Oja's: by hand, by theorems, least squares and components."""

from __future__ import annotations

import numpy as np
import pytest

import omomi
from omomi.classic import Adaline, ConvergenceWarning, DeltaRule, HebbianLayer, OjaPCA, Perceptron, mistake_bound
from omomi.errors import ConfigurationError, DataError

AND = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
RANDOM = np.random.default_rng(0)


def blobs(n: int, gap: float, d: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two classes that the first axis separates, ``gap`` apart."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, d))
    y = X[:, 0] > 0
    X[:, 0] += np.where(y, gap / 2, -gap / 2)
    return X, y.astype(int)


def standardised(X: np.ndarray) -> np.ndarray:
    return (X - X.mean(axis=0)) / X.std(axis=0)


class TestPerceptron:
    def test_two_epochs_by_hand(self):
        """The samples in order, η = 1, w = (0, 0), b = 0; step(0) = 0.

        epoch 1   (0,0) t=0   u = 0   y = 0   right
                  (0,1) t=0   u = 0   y = 0   right
                  (1,0) t=0   u = 0   y = 0   right
                  (1,1) t=1   u = 0   y = 0   δ = −1:   w = (1, 1), b = 1
        epoch 2   (0,0) t=0   u = 1   y = 1   δ = +1:   w = (1, 1), b = 0
                  (0,1) t=0   u = 1   y = 1   δ = +1:   w = (1, 0), b = −1
                  (1,0) t=0   u = 0   y = 0   right
                  (1,1) t=1   u = 0   y = 0   δ = −1:   w = (2, 1), b = 0
        """
        with pytest.warns(ConvergenceWarning, match="still 3 mistakes"):
            one = Perceptron(max_iter=2, shuffle=False).fit(AND, [0, 0, 0, 1])
        assert one.errors_ == [1, 3]
        assert one.coef_.tolist() == [[2, 1]]
        assert one.intercept_.tolist() == [0]
        assert not one.converged_

    def test_the_rate_only_scales(self):
        X, y = blobs(50, 0.3)
        one, other = Perceptron().fit(X, y), Perceptron(learning_rate=0.25).fit(X, y)
        assert one.errors_ == other.errors_
        np.testing.assert_allclose(one.coef_, 4 * other.coef_)

    @pytest.mark.parametrize("gap", [1.0, 0.2, 0.05])
    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_the_convergence_theorem(self, gap, seed):
        """On separable samples it stops, after at most (R/γ)² mistakes, γ the margin of a known separating line."""
        X, y = blobs(100, gap, d=3, seed=seed)
        one = Perceptron(random_state=seed, max_iter=5000).fit(X, y)
        assert one.converged_
        assert one.score(X, y) == 1
        # the line x₁ = 0 has margin γ = min |x₁|, R² = max ‖x‖² + 1
        by_hand = (np.square(X).sum(axis=1).max() + 1) / np.abs(X[:, 0]).min() ** 2
        assert mistake_bound(X, y, [1, 0, 0], 0) == pytest.approx(by_hand)
        assert 0 < sum(one.errors_) <= by_hand

    def test_the_bound_of_a_line_that_does_not_separate(self):
        with pytest.raises(DataError, match="does not separate"):
            mistake_bound(AND, [0, 0, 0, 1], [1, 0], -0.5)
        with pytest.raises(DataError, match="3 classes"):
            mistake_bound(AND, [0, 1, 2, 1], [1, 0], -0.5)

    def test_not_separable(self):
        X, y = omomi.datasets.xor(4, noise=0)
        with pytest.warns(ConvergenceWarning, match=r"after 50 epochs(.|\n)*no line separates the classes"):
            one = Perceptron(max_iter=50).fit(X, y)
        assert one.n_iter_ == 50
        assert not one.converged_
        assert one.score(X, y) < 1


class TestDeltaRule:
    @pytest.fixture(params=["iris", "wine", "linear"])
    def problem(self, request):
        """Standardised samples and targets."""
        if request.param == "linear":
            X = RANDOM.normal(size=(80, 4))
            return X, X @ [1.0, -2.0, 0.5, 0.0] + 3 + RANDOM.normal(size=80)
        (X, y), _ = getattr(omomi.datasets, request.param).load_data()
        return standardised(X.astype(float)), y.astype(float)

    def least_squares(self, X, t):
        solution = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), t, rcond=None)[0]
        return solution[:-1].T, solution[-1]

    def test_batch_reaches_least_squares(self, problem):
        X, t = problem
        one = DeltaRule(max_iter=5000).fit(X, t)
        w, b = self.least_squares(X, t)
        assert one.converged_
        np.testing.assert_allclose(one.coef_, w, atol=1e-4)
        np.testing.assert_allclose(one.intercept_, b, atol=1e-4)
        assert (np.diff(one.cost_) <= 1e-12).all()  # downhill all the way

    def test_online_with_a_decaying_rate_reaches_least_squares(self, problem):
        X, t = problem
        one, constant = (DeltaRule(mode="online", max_iter=200, patience=p).fit(X, t) for p in (10, np.inf))
        w, b = self.least_squares(X, t)
        np.testing.assert_allclose(one.coef_, w, atol=5e-3)
        np.testing.assert_allclose(one.intercept_, b, atol=5e-3)
        # with a constant rate each sample goes on pulling
        assert np.abs(constant.coef_ - w).max() > 5 * np.abs(one.coef_ - w).max()

    def test_one_step_by_hand(self):
        """Two samples, W = 0, b = 0: u = 0, δ = −t = (−1, −3); η/N = 0.1/2.
        gw = xᵀδ/2 = (1·(−1) + 2·(−3))/2 = −3.5,  gb = −4/2 = −2;  w = 0.35, b = 0.2;  E = ½ (1 + 9)/2 = 2.5
        """
        with pytest.warns(ConvergenceWarning):
            one = DeltaRule(learning_rate=0.1, max_iter=1).fit([[1.0], [2.0]], [1.0, 3.0])
        assert one.cost_ == [2.5]
        np.testing.assert_allclose([one.coef_[0], one.intercept_], [0.35, 0.2])
        np.testing.assert_allclose(one.predict([[10.0]]), [3.7])

    def test_several_outputs_and_score(self):
        X = RANDOM.normal(size=(40, 3))
        T = X @ RANDOM.normal(size=(3, 2)) + [1, 2]
        one = DeltaRule(tol=1e-9).fit(X, T)
        assert one.coef_.shape == (2, 3)
        np.testing.assert_allclose(one.predict(X), T, atol=1e-5)
        assert one.score(X, T) == pytest.approx(1)
        assert DeltaRule().fit(X, T[:, 0]).score(X, T[:, 1]) < 1
        assert DeltaRule().fit(X, np.zeros(40)).score(X, np.zeros(40)) == 1

    def test_a_rate_that_is_too_large(self):
        X = RANDOM.normal(size=(40, 3))
        for mode in ("batch", "online"):
            with pytest.raises(ConfigurationError, match=r"a learning rate below (.|\n)*learning_rate=100"):
                DeltaRule(learning_rate=100, mode=mode).fit(X, X[:, 0] + 1)

    def test_the_largest_rate_is_where_it_says(self):
        X = standardised(RANDOM.normal(size=(50, 3)))
        largest = (
            2 / np.linalg.eigvalsh(np.column_stack([X, np.ones(50)]).T @ np.column_stack([X, np.ones(50)]) / 50)[-1]
        )
        t = X @ [1.0, 2.0, 3.0] + 1
        assert DeltaRule(learning_rate=0.98 * largest, max_iter=3000).fit(X, t).converged_
        with pytest.raises(ConfigurationError):
            DeltaRule(learning_rate=1.1 * largest, max_iter=3000).fit(X, t)

    def test_features_of_different_scale_say_so(self):
        (X, y), _ = omomi.datasets.wine.load_data()
        with pytest.warns(ConvergenceWarning, match="Standardise the features"):
            DeltaRule(max_iter=100).fit(X, y)

    def test_text_as_targets(self):
        with pytest.raises(omomi.errors.DtypeError, match="y holds something else"):
            DeltaRule().fit(AND, list("abcd"))


class TestAdaline:
    def test_it_is_least_squares_on_plus_and_minus_one(self):
        (X, y), _ = omomi.datasets.iris.load_data()
        X, y = standardised(X.astype(float)), y == 2
        one = Adaline(max_iter=5000).fit(X, y)
        line = DeltaRule(max_iter=5000).fit(X, np.where(y, 1.0, -1.0))
        np.testing.assert_allclose(one.coef_[0], line.coef_)
        np.testing.assert_allclose(one.intercept_[0], line.intercept_)
        assert one.score(X, y) > 0.9

    @pytest.mark.parametrize("mode", ["batch", "online"])
    def test_xor_is_unsolved_and_a_hidden_layer_solves_it(self, mode):
        """Least squares for XOR is u = 0 everywhere: no direction tells anything about the class."""
        X, y = omomi.datasets.xor(4, noise=0)
        one = Adaline(mode=mode, patience=1, max_iter=300).fit(X, y)
        np.testing.assert_allclose(one.decision_function(X), 0, atol=0.1)
        assert one.score(X, y) < 1
        network = omomi.Sequential(
            [omomi.layers.Dense(4, "tanh", input_shape=(2,)), omomi.layers.Dense(1, "sigmoid")], seed=1
        )
        network.compile(omomi.optimizers.Adam(0.1), "binary_crossentropy")
        network.fit(X, y, epochs=200, batch_size="full", verbose=0)
        assert ((network.predict(X)[:, 0] > 0.5) == y).all()


class TestHebb:
    def test_an_associative_memory_recalls(self):
        """W = Σ xᵀ y; with orthonormal x, x_k W = y_k. By hand: x₁ = (1, 0) and x₂ = (0, 1) store rows."""
        patterns = np.array([[1.0, -1.0, 1.0], [-1.0, -1.0, 1.0]])
        one = HebbianLayer().fit(np.eye(2), patterns)
        np.testing.assert_array_equal(one.weights_, patterns)
        keys = np.linalg.qr(RANDOM.normal(size=(6, 4)))[0].T
        values = np.sign(RANDOM.normal(size=(4, 5)))
        np.testing.assert_allclose(HebbianLayer().fit(keys, values).transform(keys), values, atol=1e-12)

    def test_without_targets_the_weights_turn_to_the_first_component_and_grow(self):
        X = RANDOM.normal(size=(200, 3)) * [3.0, 1.0, 0.5]
        one = HebbianLayer(learning_rate=1e-3, epochs=10).fit(X)
        w = one.weights_[:, 0]
        assert np.abs(w[0]) / np.linalg.norm(w) > 0.999
        growth = np.array(one.norms_[1:]) / one.norms_[:-1]
        # (1 + η x²) over an epoch is about e^(η Σ x²) = e^(η n λ₁)
        np.testing.assert_allclose(growth[-1], np.exp(1e-3 * np.square(X[:, 0]).sum()), rtol=0.05)

    def test_growth_without_end(self):
        with pytest.raises(ConfigurationError, match="no brake"):
            HebbianLayer(learning_rate=10, epochs=200).fit(RANDOM.normal(size=(50, 3)))


class TestOja:
    @pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
    def test_it_reaches_the_first_component(self, name):
        (X, _), _ = getattr(omomi.datasets, name).load_data()
        X = standardised(X.astype(float))
        one = OjaPCA().fit(X)
        first = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2][0]
        w = one.components_[0]
        assert abs(w @ first) / np.linalg.norm(w) > 0.999
        assert np.linalg.norm(w) == pytest.approx(1, abs=0.01)  # the brake

    def test_sanger_finds_several(self):
        (X, _), _ = omomi.datasets.wine.load_data()
        X = standardised(X.astype(float))
        one = OjaPCA(3).fit(X)
        components = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2][:3]
        cosines = np.abs((one.components_ * components).sum(axis=1)) / np.linalg.norm(one.components_, axis=1)
        assert cosines.min() > 0.999
        values = np.linalg.eigvalsh(np.cov(X.T))[::-1][:3]
        np.testing.assert_allclose(one.explained_variance_, values, rtol=0.02)
        assert one.history_.shape == (101, 3, 13)
        back = one.inverse_transform(one.transform(X))
        assert np.square(back - X).sum() < 0.35 * np.square(X).sum()

    def test_a_rate_that_is_too_large(self):
        with pytest.raises(ConfigurationError, match="a learning rate of about"):
            OjaPCA(learning_rate=10).fit(RANDOM.normal(size=(50, 3)))
