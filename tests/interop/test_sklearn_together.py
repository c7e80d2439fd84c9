"""The estimators inside scikit-learn's own machinery: pipelines, searches, ensembles, judgements, worker processes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from omomi.engines.cpu import threads
from omomi.interop.sklearn import NeuralClassifier, NeuralRegressor

X, Y = load_iris(return_X_y=True)


def quick(**options):
    return NeuralClassifier(
        **{"hidden_layers": (8,), "learning_rate": 0.05, "epochs": 30, "random_state": 0, **options}
    )


def in_pipeline(**options):
    return make_pipeline(StandardScaler(), quick(**options))


def test_a_pipeline_and_cross_validation():
    scores = cross_val_score(in_pipeline(), X, Y, cv=3)
    assert scores.shape == (3,)
    assert scores.min() > 0.85


def test_columns_of_a_data_frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=200), "colour": rng.choice(["red", "green", "blue"], 200)})
    target = pd.Series(np.where((frame["size"] > 0) ^ (frame["colour"] == "red"), "yes", "no"), name="bought")
    prepare = ColumnTransformer([("number", StandardScaler(), ["size"]), ("word", OneHotEncoder(), ["colour"])])
    model = make_pipeline(prepare, quick(epochs=100)).fit(frame, target)
    assert model.score(frame, target) > 0.95
    assert model[-1].n_features_in_ == 4


def test_names_of_columns_are_remembered_and_checked():
    frame = load_iris(as_frame=True).data
    fitted = quick().fit(frame, pd.Series(Y))
    assert list(fitted.feature_names_in_) == list(frame.columns)
    assert_array_equal(fitted.predict(frame), fitted.predict(frame.copy()))
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[frame.columns[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(X)


def test_a_sparse_matrix_is_what_its_numbers_are():
    assert_allclose(quick().fit(csr_matrix(X), Y).predict_proba(csr_matrix(X)), quick().fit(X, Y).predict_proba(X))


def test_grid_search():
    search = GridSearchCV(in_pipeline(), {"neuralclassifier__hidden_layers": [(2,), (16,)]}, cv=2).fit(X, Y)
    assert search.best_params_ == {"neuralclassifier__hidden_layers": (16,)}
    assert search.best_score_ > 0.9


def test_random_search():
    space = {"neuralclassifier__l2": [0.0, 1e-3], "neuralclassifier__activation": ["tanh", "relu"]}
    search = RandomizedSearchCV(in_pipeline(), space, n_iter=2, cv=2, random_state=0).fit(X, Y)
    assert search.predict(X).shape == (150,)


def test_halving_search_over_epochs():
    search = HalvingGridSearchCV(
        in_pipeline(),
        {"neuralclassifier__learning_rate": [1e-4, 0.05, 0.02]},
        resource="neuralclassifier__epochs",
        min_resources=5,
        max_resources=15,
        cv=2,
        random_state=0,
    ).fit(X, Y)
    assert search.best_params_["neuralclassifier__learning_rate"] > 1e-4


def test_calibration():
    calibrated = CalibratedClassifierCV(in_pipeline(), cv=2).fit(X, Y)
    assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    assert calibrated.score(X, Y) > 0.9


def test_votes():
    members = [("network", in_pipeline()), ("line", LogisticRegression(max_iter=200))]
    assert VotingClassifier(members, voting="soft").fit(X, Y).score(X, Y) > 0.95


def test_a_stack():
    members = [("network", in_pipeline()), ("line", LogisticRegression(max_iter=200))]
    assert StackingClassifier(members, cv=2).fit(X, Y).score(X, Y) > 0.9


def test_permutation_importance():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 3))
    fitted = quick(epochs=60).fit(x, x[:, 1] > 0)
    importance = permutation_importance(fitted, x, x[:, 1] > 0, n_repeats=3, random_state=0).importances_mean
    assert importance.argmax() == 1
    assert importance[1] > 0.3 > importance[[0, 2]].max()


def test_targets_far_from_one_are_standardised_outside():
    x = np.linspace(-1, 1, 120)[:, None]
    y = 1e4 + 500 * x[:, 0] ** 2
    network = NeuralRegressor((20,), learning_rate=0.02, random_state=0)
    assert TransformedTargetRegressor(network, transformer=StandardScaler()).fit(x, y).score(x, y) > 0.95


def threads_and_score(_):
    """In a worker: how many threads the engine takes, and what a network learns there."""
    return threads.wanted_threads(), quick(epochs=5).fit(X, Y).score(X, Y)


def test_workers_share_the_cores_and_learn_the_same(monkeypatch):
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    monkeypatch.delenv(threads.WORKERS_VARIABLE, raising=False)
    here = quick(epochs=5).fit(X, Y).score(X, Y)
    for taken, score in Parallel(n_jobs=2)(delayed(threads_and_score)(i) for i in range(2)):
        assert taken == max(1, threads.cores() // 2)
        assert score == here
    grid = {"neuralclassifier__hidden_layers": [(4,), (8,)]}
    one, two = (GridSearchCV(in_pipeline(epochs=5), grid, cv=2, n_jobs=jobs).fit(X, Y) for jobs in (1, 2))
    assert_array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])
    with_threads = Parallel(n_jobs=2, prefer="threads")(delayed(threads_and_score)(i) for i in range(2))
    assert [score for _, score in with_threads] == [here, here]
