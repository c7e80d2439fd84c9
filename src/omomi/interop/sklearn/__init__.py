"""Networks as scikit-learn estimators: they go wherever a classifier or a regressor of scikit-learn's goes."""

from omomi.interop.sklearn.classifier import NeuralClassifier as NeuralClassifier
from omomi.interop.sklearn.regressor import NeuralRegressor as NeuralRegressor
