"""What all learners share: scikit-learn's grammar, and clear errors for what cannot be learnt from."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest

import omomi
from omomi import classic
from omomi.errors import ConfigurationError, DataError, DtypeError, NotBuiltError, ShapeError, UnknownNameError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(30, 3))
Y = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")
CLASSIFIERS = [classic.Perceptron, classic.Adaline, classic.LogisticRegression, classic.LinearSVM, classic.LDA]
TRANSFORMERS = [classic.PCA, classic.LDA, classic.KernelPCA, classic.OjaPCA, classic.HebbianLayer]
LEARNERS = list(dict.fromkeys([*CLASSIFIERS, *TRANSFORMERS, classic.DeltaRule]))


def fitted(learner):
    """The learner, fitted to X and whatever targets it takes."""
    if learner is classic.HebbianLayer:
        return learner(learning_rate=0.01).fit(X)
    return learner().fit(X, X[:, 0] if learner is classic.DeltaRule else Y)


def asked(learner):
    """How the learner answers."""
    return learner.predict if hasattr(learner, "predict") else learner.transform


@pytest.mark.parametrize("learner", LEARNERS)
class TestEveryLearner:
    def test_parameters(self, learner):
        one = learner()
        assert one.set_params(**one.get_params()) is one
        assert learner(**one.get_params()).get_params() == one.get_params()
        assert repr(one) == f"{learner.__name__}()"
        name = next(iter(one.get_params()))
        assert repr(one.set_params(**{name: 7})) == f"{learner.__name__}({name}=7)"
        with pytest.raises(UnknownNameError, match=f"did you mean '{name}'"):
            one.set_params(**{name + "s": 1})

    def test_fit_learns_and_changes_no_parameter(self, learner):
        one = fitted(learner)
        assert one.n_features_in_ == 3
        assert one.get_params() == fitted(learner).get_params()
        np.testing.assert_array_equal(asked(one)(X), asked(fitted(learner))(X))  # the same again
        np.testing.assert_allclose(asked(one)(X[:1]), asked(one)(X)[:1]) if learner not in CLASSIFIERS else None

    def test_inputs_are_not_written_to(self, learner):
        mine, labels = X.copy(), Y.copy()
        mine.flags.writeable = labels.flags.writeable = False
        learner().fit(mine, mine[:, 0] if learner in (classic.DeltaRule, classic.HebbianLayer) else labels)

    def test_before_fit(self, learner):
        with pytest.raises(NotBuiltError, match="call fit first"):
            asked(learner())(X)

    @pytest.mark.parametrize(
        ("samples", "error", "said"),
        [
            (X[0], ShapeError, r"X.reshape\(-1, 1\)"),
            (X[None], ShapeError, r"X.reshape\(len\(X\), -1\)"),
            (X[:0], DataError, "too little to learn from"),
            (X[:, :0], DataError, "too little to learn from"),
            (np.where(X[4, 2] == X, np.inf, X), DataError, r"inf at X\[4, 2\], 1 in all"),
            (np.where(X[4, 2] == X, np.nan, X), DataError, r"nan at X\[4, 2\], 1 in all"),
            (np.where(X[4, 2] == X, -1e200, X), DataError, "squares overflow"),
            (np.full((30, 3), "a"), DtypeError, "something else than numbers"),
            ([[1.0, 2.0], [3.0]], DtypeError, "something else than numbers"),
            (X + 1j, DtypeError, "something else than numbers"),
        ],
    )
    def test_bad_samples(self, learner, samples, error, said):
        with pytest.raises(error, match=said):
            learner().fit(samples, Y)

    def test_the_wrong_number_of_features(self, learner):
        with pytest.raises(ShapeError, match="3 columns, as in fit"):
            asked(fitted(learner))(X[:, :2])

    def test_sparse_samples(self, learner):
        from scipy.sparse import csr_array

        with pytest.raises(DtypeError, match="toarray"):
            learner().fit(csr_array(X), Y)


@pytest.mark.parametrize("learner", CLASSIFIERS)
class TestEveryClassifier:
    @pytest.mark.parametrize(
        ("labels", "error", "said"),
        [
            (np.full(30, "yes"), DataError, "all samples are of one class"),
            (Y[:-1], ShapeError, r"y of shape \(30,\)"),
            (np.eye(3)[[0, 1, 2] * 10], ShapeError, r"y.argmax\(axis=1\)"),
            (X[:, 0], DataError, "no classes but measurements"),
            (np.where(np.arange(30) == 3, np.nan, 1), DataError, r"nan at y\[3\]"),
            (None, ShapeError, "one label for each sample"),
        ],
    )
    def test_bad_labels(self, learner, labels, error, said):
        with pytest.raises(error, match=said):
            learner().fit(X, labels)

    def test_names_and_several_classes(self, learner):
        corners = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
        points = np.repeat(corners, 20, axis=0) + RANDOM.normal(size=(60, 2))
        names = np.repeat(["a", "b", "c"], 20)
        one = learner().fit(points, names)
        assert one.classes_.tolist() == ["a", "b", "c"]
        assert one.predict(corners).tolist() == ["a", "b", "c"]
        assert one.decision_function(corners).shape == (3, 3)
        assert one.score(points, names) > 0.95
        assert fitted(learner).decision_function(X).shape == ((30, 2) if learner is classic.LDA else (30,))

    def test_inside_scikit_learn(self, learner):
        """Clones, pipelines and cross-validation take it."""
        from sklearn.base import clone, is_classifier
        from sklearn.model_selection import GridSearchCV, cross_val_score
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", classic.ConvergenceWarning)
            assert is_classifier(learner())
            assert cross_val_score(make_pipeline(StandardScaler(), learner()), X, Y, cv=3).min() >= 0.5
            name = "n_components" if learner is classic.LDA else "max_iter"
            search = GridSearchCV(clone(learner()), {name: [1]}, cv=2).fit(X, Y)
            assert search.best_estimator_.get_params()[name] == 1


def test_a_constant_feature_changes_nothing_for_linear_classifiers():
    with_constant = np.column_stack([X, np.full(30, 7.0)])
    for learner in (classic.LogisticRegression, classic.LinearSVM):
        one, plain = learner().fit(with_constant, Y), learner().fit(X, Y)
        np.testing.assert_allclose(one.coef_[:, :3], plain.coef_, atol=1e-5)
        np.testing.assert_allclose(one.coef_[:, 3], 0, atol=1e-7)


@pytest.mark.parametrize("learner", [classic.PCA, classic.KernelPCA, classic.OjaPCA])
def test_samples_that_do_not_vary_have_no_components(learner):
    with pytest.raises(DataError, match="no direction in which they vary"):
        learner().fit(np.ones((5, 2)))


@pytest.mark.parametrize(
    ("learner", "said"),
    [
        (classic.Perceptron(learning_rate=0), "learning_rate is a positive number"),
        (classic.Perceptron(max_iter=1.5), "max_iter is a whole number"),
        (classic.Adaline(mode="stochastic"), "'batch', 'online'"),
        (classic.Adaline(patience=-1), "patience is a positive number"),
        (classic.LogisticRegression(C="1"), "C is a positive number"),
        (classic.LinearSVM(C=float("nan")), "C is a positive number"),
        (classic.LinearSVM(C=float("inf")), "a large C"),
        (classic.LDA(n_components=2), "n_components is a whole number from 1 to 1"),
        (classic.PCA(n_components=4), "n_components is a whole number from 1 to 3"),
        (classic.PCA(n_components=1.5), "a share of the variance"),
        (classic.KernelPCA(kernel="sigmoid"), "'linear', 'poly', 'rbf'"),
        (classic.OjaPCA(n_components=0), "n_components is a whole number from 1 to 3"),
        (classic.HebbianLayer(epochs=True), "epochs is a whole number"),
    ],
)
def test_parameters_out_of_range(learner, said):
    with pytest.raises(ConfigurationError, match=said):
        learner.fit(X, None if isinstance(learner, classic.HebbianLayer) else Y)


def test_scikit_learn_is_not_imported():
    code = (
        "import sys, numpy as np, omomi.classic as c; X = np.random.normal(size=(20, 2)); y = X[:, 0] > 0;"
        "[f().fit(X, y).predict(X) for f in (c.Perceptron, c.Adaline, c.LogisticRegression, c.LinearSVM, c.LDA)];"
        "print('sklearn' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"


def test_it_is_part_of_the_face():
    assert omomi.classic is classic
