"""Nested cross-validation against a script with scikit-learn's own loops: the same scores, bit by bit."""

from __future__ import annotations

import os

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedKFold, cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_info

from omomi import compare
from omomi.comparison import learners
from omomi.interop.sklearn import NeuralClassifier

SEED = 7
BY_HAND = {
    "network": (
        make_pipeline(
            StandardScaler(), NeuralClassifier(epochs=100, batch_size=32, learning_rate=0.002, random_state=SEED)
        ),
        {"neuralclassifier__hidden_layers": [(64,), (128, 64)], "neuralclassifier__l2": [0.0, 1e-3]},
    ),
    "logistic": (
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, random_state=SEED)),
        {"logisticregression__C": [0.01, 0.1, 1, 10]},
    ),
    "linear-svm": (
        make_pipeline(StandardScaler(), SVC(kernel="linear", random_state=SEED)),
        {"svc__C": [0.01, 0.1, 1, 10]},
    ),
    "rbf-svm": (
        make_pipeline(StandardScaler(), SVC(random_state=SEED)),
        {"svc__C": [1, 10, 100], "svc__gamma": ["scale", "auto"]},
    ),
    "tree": (
        DecisionTreeClassifier(random_state=SEED),
        {"criterion": ["gini", "entropy"], "max_depth": [4, 8, None]},
    ),
    "forest": (RandomForestClassifier(100, random_state=SEED), {"max_features": ["sqrt", 0.5]}),
    "knn": (
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
        {
            "kneighborsclassifier__n_neighbors": [1, 3, 5, 9],
            "kneighborsclassifier__metric": ["euclidean", "manhattan"],
        },
    ),
    "boosting": (
        HistGradientBoostingClassifier(early_stopping=False, random_state=SEED),
        {"learning_rate": [0.05, 0.2]},
    ),
}


@pytest.mark.parametrize(("name", "load"), [("iris", load_iris), ("breast_cancer", load_breast_cancer)])
def test_every_learner_scores_as_in_a_script_written_by_hand(name, load):
    x, y = load(return_X_y=True)
    found = compare(name, folds=2, inner_folds=2, seed=SEED, learners=list(BY_HAND), verbose=0)
    assert set(found.scores) == set(BY_HAND)
    for learner, (estimator, grid) in BY_HAND.items():
        inner = StratifiedKFold(2, shuffle=True, random_state=SEED)
        outer = StratifiedKFold(2, shuffle=True, random_state=SEED)
        expected = cross_val_score(GridSearchCV(estimator, grid, cv=inner), x, y, cv=outer)
        assert found.scores[learner] == expected.tolist(), learner


def test_grid_search_scores_and_chooses_as_in_a_script_written_by_hand():
    x, y = load_iris(return_X_y=True)
    found = compare("iris", protocol="grid", learners=["rbf-svm", "knn"], folds=4, seed=SEED, verbose=0)
    train, test, t_train, t_test = train_test_split(x, y, test_size=0.2, random_state=SEED, stratify=y)
    for one in found.outcomes:
        estimator, grid = BY_HAND[one.name]
        search = GridSearchCV(estimator, grid, cv=StratifiedKFold(4, shuffle=True, random_state=SEED)).fit(
            train, t_train
        )
        assert one.scores == [search.score(test, t_test)]
        assert one.tuning == [search.best_score_]
        assert dict(one.settings[0]) == {name.split("__")[-1]: value for name, value in search.best_params_.items()}


def test_random_search_scores_as_in_a_script_written_by_hand():
    x, y = load_breast_cancer(return_X_y=True)
    found = compare(
        "breast_cancer", protocol="random", learners=["logistic"], candidates=4, folds=3, seed=SEED, verbose=0
    )
    train, test, t_train, t_test = train_test_split(x, y, test_size=0.2, random_state=SEED, stratify=y)
    search = RandomizedSearchCV(
        BY_HAND["logistic"][0],
        {"logisticregression__C": learners.CLASSIFIERS["logistic"].ranges["C"]},
        n_iter=4,
        cv=StratifiedKFold(3, shuffle=True, random_state=SEED),
        random_state=SEED,
    ).fit(train, t_train)
    assert found.best.scores == [search.score(test, t_test)]
    assert found.best.settings[0] == {"C": search.best_params_["logisticregression__C"]}


def test_preparation_never_sees_the_rows_that_are_judged():
    """Features are noise; with targets leaking through LDA on all rows, scores would be far above chance."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((80, 60)), np.arange(80) % 2
    found = compare((x, y), protocol="kfold", learners=["logistic"], reduce="lda", verbose=0)
    assert found.best.mean < 0.7
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    leaked = LinearDiscriminantAnalysis().fit(x, y).transform(x)
    assert cross_val_score(LogisticRegression(), leaked, y).mean() > 0.9


def test_the_number_of_jobs_does_not_change_the_scores():
    one = compare("iris", learners=["knn", "tree"], folds=3, inner_folds=2, verbose=0)
    two = compare("iris", learners=["knn", "tree"], folds=3, inner_folds=2, jobs=2, verbose=0)
    assert one.scores == two.scores


def test_repeated_folds_and_hold_out():
    repeated = compare("iris", protocol="kfold", learners=["knn"], folds=3, repeats=2, verbose=0)
    assert len(repeated.best.scores) == 6
    held = compare("iris", protocol="holdout", learners=["knn"], verbose=0)
    assert len(held.best.scores) == 1
    assert len(held.best.judged[0].predictions) == 30  # of 150: 90 to learn from, 30 to tune on, 30 to be judged on


def test_metrics_of_probabilities():
    options = {"protocol": "kfold", "folds": 3, "verbose": 0}
    two = compare("breast_cancer", learners=["linear-svm", "logistic"], metric="auc", **options)
    assert min(one.mean for one in two.outcomes) > 0.98
    three = compare("iris", metric="log-loss", samples=60, **options)
    assert {"linear-svm", "rbf-svm"}.isdisjoint(three.scores)
    assert sum("tells no probabilities" in note for note in three.notes) == 2
    assert three.scores[three.best.name][0] > 0  # people know cross-entropy as a positive number


def test_quantities_are_predicted_too():
    found = compare("diabetes", protocol="kfold", folds=3, learners=["network", "ridge", "linear-svm"], verbose=0)
    assert found.task == "regression"
    assert all(0.4 < one.mean < 0.6 for one in found.outcomes)
    error = compare("diabetes", protocol="kfold", folds=3, learners=["ridge", "knn"], metric="rmse", verbose=0)
    assert error.best.name == "ridge"
    assert 45 < error.scores["ridge"][0] < 65  # a loss keeps its sign for people


class Careful(BaseEstimator, ClassifierMixin):
    """Fails where a job has more than one thread."""

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        import scipy.linalg  # loads its BLAS

        scipy.linalg.svd(np.eye(3))
        threads = {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info()}
        if max(threads.values()) > 1 or os.environ.get("OMOMI_NUM_THREADS") != "1":
            raise RuntimeError(f"{threads}")
        return self

    def predict(self, x):
        return np.full(len(x), self.classes_[0])


def test_a_job_has_one_thread(monkeypatch):
    careful = learners.Learner(lambda _: Careful(), {}, {}, ("C", ()))
    monkeypatch.setitem(learners.CLASSIFIERS, "tree", careful)
    found = compare("iris", protocol="kfold", learners=["tree", "knn"], jobs=2, verbose=0)
    assert found.failed == {}
