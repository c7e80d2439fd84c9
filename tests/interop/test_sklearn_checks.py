"""scikit-learn's own checks of estimators, none left out. `make variants` runs them on the numpy engine too."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from omomi.interop.sklearn import NeuralClassifier, NeuralRegressor


@pytest.mark.filterwarnings("ignore")  # the checks hand over what warnings are made for
@parametrize_with_checks([NeuralClassifier(), NeuralRegressor()])
def test_scikit_learns_checks(estimator, check):
    check(estimator)
