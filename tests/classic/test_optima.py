"""Logistic regression and the linear support vector machine: the optima of scikit-learn, by hand, by proof."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Reference
from sklearn.svm import SVC, LinearSVC

import omomi
from omomi.classic import ConvergenceWarning, LinearSVM, LogisticRegression, log_likelihood, logit, odds
from omomi.classic.optimum import minimise
from omomi.errors import DataError
from omomi.graph import functions as F

RANDOM = np.random.default_rng(0)


def standardised(X: np.ndarray) -> np.ndarray:
    return (X - X.mean(axis=0)) / X.std(axis=0)


def data(name: str, classes: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """A standardised data set; its last ``classes`` classes."""
    (X, y), (U, v) = getattr(omomi.datasets, name).load_data()
    X, y = np.concatenate([X, U]).astype(np.float64), np.concatenate([y, v])
    kept = y >= (0 if classes is None else y.max() + 1 - classes)
    return standardised(X[kept]), y[kept]


class TestOdds:
    def test_by_hand(self):
        assert odds(0.8) == pytest.approx(4)  # four to one
        assert odds([0, 1]).tolist() == [0, np.inf]
        assert logit(0.8) == pytest.approx(np.log(4))
        assert logit([0, 0.5, 1]).tolist() == [-np.inf, 0, np.inf]
        u = np.linspace(-30, 30, 7)
        np.testing.assert_allclose(logit(omomi.functions.sigmoid(u).numpy()), u, rtol=1e-3)

    def test_log_likelihood_by_hand(self):
        """0.8 · (1 − 0.3) · 0.5 = 0.28"""
        assert log_likelihood([0.8, 0.3, 0.5], [1, 0, 1]) == pytest.approx(np.log(0.28))
        assert log_likelihood([0.0], [1]) == -np.inf

    @pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
    def test_no_probabilities(self, p):
        for function in (odds, logit):
            with pytest.raises(DataError, match="no probabilities"):
                function([0.5, p])
        with pytest.raises(DataError, match="no probabilities"):
            log_likelihood([p], [1])

    def test_targets_that_do_not_fit(self):
        with pytest.raises(DataError, match="one target, 0 or 1"):
            log_likelihood([0.5, 0.5], [1])
        with pytest.raises(DataError, match="one target, 0 or 1"):
            log_likelihood([0.5, 0.5], [1, 2])


class TestLogisticRegression:
    @pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
    @pytest.mark.parametrize(("name", "classes"), [("iris", 2), ("wine", 2), ("breast_cancer", None)])
    def test_two_classes_have_the_coefficients_of_scikit_learn(self, name, classes, C):
        X, y = data(name, classes)
        one, reference = LogisticRegression(C=C).fit(X, y), Reference(C=C, tol=1e-10, max_iter=10_000).fit(X, y)
        np.testing.assert_allclose(one.coef_, reference.coef_, atol=1e-3)
        np.testing.assert_allclose(one.intercept_, reference.intercept_, atol=1e-3)
        np.testing.assert_allclose(one.predict_proba(X), reference.predict_proba(X), atol=1e-4)
        assert one.converged_

    @pytest.mark.parametrize("name", ["iris", "wine"])
    def test_several_classes_have_the_coefficients_of_scikit_learn(self, name):
        X, y = data(name)
        one, reference = LogisticRegression().fit(X, y), Reference(tol=1e-10, max_iter=10_000).fit(X, y)
        np.testing.assert_allclose(one.coef_, reference.coef_, atol=1e-3)
        np.testing.assert_allclose(one.intercept_, reference.intercept_, atol=1e-3)
        np.testing.assert_allclose(one.predict_proba(X).sum(axis=1), 1)
        assert (one.predict(X) == reference.predict(X)).all()

    def test_features_of_different_scale(self):
        """Raw measurements, from thousandths to thousands: the gradient at the end is 0 all the same."""
        (X, y), _ = omomi.datasets.breast_cancer.load_data()
        X = X.astype(np.float64)
        one = LogisticRegression().fit(X, y)
        assert one.converged_
        p = one.predict_proba(X)[:, 1]
        gradient = X.T @ (p - y) + one.coef_[0]
        np.testing.assert_allclose(gradient / np.linalg.norm(X, axis=0), 0, atol=1e-4)

    def test_without_a_penalty(self):
        X = RANDOM.normal(size=(200, 2))
        y = RANDOM.random(200) < 1 / (1 + np.exp(-X @ [1.0, -2.0] - 0.5))
        one = LogisticRegression(C=np.inf).fit(X, y)
        assert one.converged_
        reference = Reference(C=1e12, tol=1e-10).fit(X, y)
        np.testing.assert_allclose(one.coef_, reference.coef_, atol=1e-3)
        # the most likely weights: p − t is orthogonal to every feature and to the bias
        delta = one.predict_proba(X)[:, 1] - y
        np.testing.assert_allclose([*(X.T @ delta), delta.sum()], 0, atol=1e-4)

    def test_the_cost_is_minus_the_log_likelihood_and_the_penalty(self):
        X, y = data("iris", 2)
        one = LogisticRegression(C=0.5).fit(X, y)
        p = one.predict_proba(X)[:, 1]
        J = -log_likelihood(p, y == 2) + np.square(one.coef_).sum() / (2 * 0.5)
        assert one.cost(X, y) == pytest.approx(J)
        assert one.cost_[-1] == pytest.approx(J)
        assert one.cost_[0] == pytest.approx(len(X) * np.log(2))  # p = ½ for everybody
        with pytest.raises(DataError, match="was not there in fit"):
            one.cost(X[:1], [7])

    @pytest.mark.parametrize(("name", "classes"), [("iris", 2), ("wine", None)])
    def test_it_is_a_network(self, name, classes):
        X, y = data(name, classes)
        one = LogisticRegression().fit(X, y)
        outputs = one.to_network().predict(X)
        expected = one.predict_proba(X)
        np.testing.assert_allclose(outputs, expected[:, 1:] if classes == 2 else expected, atol=1e-7)

    def test_separable_classes_without_a_penalty(self):
        with pytest.warns(ConvergenceWarning, match="the weights grow without end"):
            one = LogisticRegression(C=np.inf).fit([[0.0], [1.0]], [0, 1])
        assert not one.converged_
        with pytest.warns(ConvergenceWarning, match="Raise max_iter"):
            LogisticRegression(max_iter=2).fit(*data("wine"))


class TestLinearSVM:
    @pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
    @pytest.mark.parametrize(("name", "classes"), [("iris", 2), ("wine", 2), ("breast_cancer", None)])
    def test_it_is_the_svc_of_scikit_learn(self, name, classes, C):
        X, y = data(name, classes)
        one, reference = LinearSVM(C=C).fit(X, y), SVC(kernel="linear", C=C, tol=1e-8).fit(X, y)
        np.testing.assert_allclose(one.coef_, reference.coef_, atol=1e-3)
        np.testing.assert_allclose(one.intercept_, reference.intercept_, atol=1e-3)
        assert one.support_.tolist() == sorted(reference.support_.tolist())
        assert one.converged_
        assert one.n_iter_ < 200

    @pytest.mark.parametrize("C", [0.01, 1.0, 1e6])
    def test_the_gap_is_a_proof(self, C):
        """Worked out again from the definitions, for raw measurements and for a price that forbids slack."""
        (X, y), _ = omomi.datasets.breast_cancer.load_data()
        X, t = X[:, :3].astype(np.float64) if C == 1e6 else X.astype(np.float64), np.where(y == 1, 1.0, -1.0)
        if C == 1e6:
            X = standardised(X) + 3 * t[:, None]  # far apart: no slack
        one = LinearSVM(C=C).fit(X, t)
        w, alpha = one.coef_[0], one.dual_coef_[0] * t
        slack = np.maximum(0, 1 - t * one.decision_function(X))
        E, dual = 0.5 * w @ w + C * slack.sum(), alpha.sum() - 0.5 * np.square((alpha * t) @ X).sum()
        assert ((alpha >= 0) & (alpha <= C)).all()
        assert abs(alpha @ t) < 1e-6 * max(1, alpha.sum())
        np.testing.assert_allclose((alpha * t) @ X, w, atol=1e-4 * np.abs(w).max())
        assert E - dual <= 1e-6 * E
        assert one.cost_ == pytest.approx(E, rel=1e-6)
        if C == 1e6:
            assert slack.max() < 1e-6

    @pytest.mark.parametrize(("name", "classes"), [("iris", 2), ("wine", None)])
    def test_it_is_a_network(self, name, classes):
        """The loss of the network is E/(C n m), and no weights that its training finds make it smaller."""
        X, y = data(name, classes)
        one = LinearSVM(C=0.1).fit(X, y)
        network = one.to_network()
        t = np.where(y[:, None] == (one.classes_[1:] if classes == 2 else one.classes_), 1.0, -1.0)
        u = one.decision_function(X)
        np.testing.assert_allclose(network.predict(X), u[:, None] if classes == 2 else u, atol=1e-6)
        least = network.evaluate(X, t, batch_size=len(X), verbose=0)
        assert least == pytest.approx(one.cost_ / (0.1 * t.size), rel=1e-6)
        network.compile(omomi.optimizers.SGD(0.3), "hinge")
        network.set_weights([np.zeros_like(one.coef_.T), np.zeros_like(one.intercept_)])
        trained = network.fit(X, t, batch_size="full", epochs=300, verbose=0).history["loss"]
        assert least < min(trained) < 1.05 * least

    def test_two_points_by_hand(self):
        """(0, 0) and (2, 0): the boundary x₁ = 1 half-way, the margin 2 from one to the other, so ‖w‖ = 1.
        Σ α t x = w gives 2α = 1. With C = ¼ the samples may hold with no more than ¼: w = ½, slack ½ each.
        """
        one = LinearSVM(C=10).fit([[0.0, 0.0], [2.0, 0.0]], [-1, 1])
        np.testing.assert_allclose(one.coef_, [[1, 0]], atol=1e-6)
        np.testing.assert_allclose(one.intercept_, [-1], atol=1e-6)
        np.testing.assert_allclose(one.dual_coef_, [[-0.5, 0.5]], atol=1e-6)
        np.testing.assert_allclose(one.margin_, [2], atol=1e-6)
        soft = LinearSVM(C=0.25).fit([[0.0, 0.0], [2.0, 0.0]], [-1, 1])
        np.testing.assert_allclose(soft.coef_, [[0.5, 0]], atol=1e-6)
        np.testing.assert_allclose(soft.dual_coef_, [[-0.25, 0.25]], atol=1e-6)
        np.testing.assert_allclose(soft.cost_, 0.5 * 0.25 + 0.25 * (0.5 + 0.5), atol=1e-6)

    def test_samples_that_are_no_support_vectors_do_not_matter(self):
        X, y = data("iris", 2)
        one = LinearSVM().fit(X, y)
        again = LinearSVM().fit(one.support_vectors_, y[one.support_])
        np.testing.assert_allclose(again.coef_, one.coef_, atol=1e-5)
        assert 0 < len(one.support_) < len(X)

    def test_a_small_price_makes_a_wide_margin(self):
        X, y = data("wine", 2)
        margins = [LinearSVM(C=C).fit(X, y).margin_[0] for C in (0.001, 0.01, 0.1, 1)]
        assert (np.diff(margins) < 0).all()

    def test_several_classes_are_one_against_the_rest(self):
        X, y = data("wine")
        one = LinearSVM(C=0.1).fit(X, y)
        for k in range(3):
            reference = SVC(kernel="linear", C=0.1, tol=1e-8).fit(X, y == k)
            np.testing.assert_allclose(one.coef_[k], reference.coef_[0], atol=1e-3)
        assert (one.predict(X) == LinearSVC(C=0.1, loss="hinge", max_iter=100_000).fit(X, y).predict(X)).mean() > 0.98

    def test_too_few_steps_say_so(self):
        with pytest.warns(ConvergenceWarning, match="above the optimum"):
            one = LinearSVM(max_iter=3).fit(*data("breast_cancer"))
        assert not one.converged_
        assert one.gap_ > 0


class TestMinimise:
    CURVATURES = np.array([1e-4, 1.0, 1e4])
    PLACE = np.array([3.0, -2.0, 1.0])

    def bowl(self, z):
        return F.sum((z - self.PLACE) ** 2 * self.CURVATURES) * 0.5

    def test_an_elongated_bowl(self):
        found = minimise(self.bowl, [np.zeros(3)], [np.ones(3)], tol=1e-10, max_iter=200)
        assert found.converged
        np.testing.assert_allclose(found.values[0], self.PLACE, atol=1e-5)
        assert (np.diff(found.cost) <= 1e-9 * found.cost[0]).all()

    def test_newton_needs_one_step(self):
        curvature = np.diag(self.CURVATURES)
        found = minimise(self.bowl, [np.zeros(3)], [np.ones(3)], tol=1e-10, max_iter=5, curvature=lambda z: curvature)
        assert len(found.cost) == 2
        np.testing.assert_allclose(found.values[0], self.PLACE)

    def test_the_most_steps(self):
        found = minimise(self.bowl, [np.zeros(3)], [np.ones(3)], tol=1e-12, max_iter=3)
        assert not found.converged
        assert len(found.cost) == 4

    def test_the_engine_that_was_chosen_stays(self):
        before = omomi.engine().name
        minimise(self.bowl, [np.zeros(3)], [np.ones(3)], tol=1e-3, max_iter=3)
        assert omomi.engine().name == before
