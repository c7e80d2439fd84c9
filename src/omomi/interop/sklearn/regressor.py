"""The regressor: linear output units."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin

from omomi.engines.engine import Array
from omomi.errors import DataError
from omomi.interop.sklearn.estimator import NeuralEstimator
from omomi.training import losses


class NeuralRegressor(RegressorMixin, NeuralEstimator):
    """A network that predicts numbers, as a scikit-learn estimator.

    y is (N,) or (N, outputs). It is learnt as it is: where its numbers are far from 1, standardise it
    (:class:`sklearn.compose.TransformedTargetRegressor`).

    Args:
        loss: its name, or an :class:`omomi.losses.Loss`: mean_squared_error, mean_absolute_error, huber, …
        hidden_layers, activation, optimizer, learning_rate, epochs, batch_size, dropout, l1, l2, early_stopping,
            validation_fraction, n_iter_no_change, tol, shuffle, random_state, verbose, warm_start, model,
            model_arguments: as in :class:`omomi.interop.sklearn.NeuralClassifier`.

    Attributes:
        model_, n_iter_, loss_curve_, validation_loss_curve_, loss_, best_loss_, n_outputs_, out_activation_,
            n_features_in_, feature_names_in_: as there.

    Example:
        >>> import numpy as np
        >>> from omomi.interop.sklearn import NeuralRegressor
        >>> X = np.linspace(-1, 1, 100)[:, None]
        >>> network = NeuralRegressor((20,), learning_rate=0.02, random_state=0).fit(X, X[:, 0] ** 2)
        >>> network.predict([[0.5]]).shape
        (1,)
    """

    _numeric = True

    def __init__(
        self,
        hidden_layers: Any = (100,),
        activation: Any = "relu",
        *,
        loss: Any = "mean_squared_error",
        optimizer: Any = "adam",
        learning_rate: float | None = None,
        epochs: int = 200,
        batch_size: int | str = "auto",
        dropout: float = 0.0,
        l1: float = 0.0,
        l2: float = 0.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int | None = 10,
        tol: float = 1e-4,
        shuffle: bool = True,
        random_state: Any = None,
        verbose: bool | int = False,
        warm_start: bool = False,
        model: Any = None,
        model_arguments: Any = None,
    ) -> None:
        self.hidden_layers = hidden_layers
        self.activation = activation
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.dropout = dropout
        self.l1 = l1
        self.l2 = l2
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.shuffle = shuffle
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.model = model
        self.model_arguments = model_arguments

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train.

        Args:
            X: (N, features), an array, a data frame or a sparse matrix.
            y: (N,) or (N, outputs).
            sample_weight: one for each sample; 0 is as if the sample were not there.

        Raises:
            ConfigurationError: an argument of the constructor is out of its range.
            NonFiniteError: the loss became infinite; the network is what it was before that step.
        """
        return self._fit(X, y, sample_weight, again=self.warm_start)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch, going on from where the network is."""
        return self._fit(X, y, sample_weight, again=True, partial=True)

    def predict(self, X: Any) -> Array:
        """Shaped as y was: (N,) or (N, outputs)."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._one_axis else outputs

    def _meet(self, y: Array, classes: Any) -> None:
        self._one_axis, self._columns = y.ndim == 1, 1 if y.ndim == 1 else y.shape[1]

    def _meet_again(self, y: Array) -> None:
        """Nothing to see: :meth:`_encode` looks at the number of outputs."""

    def _encode(self, y: Array, dtype: str) -> Array:
        columns = np.asarray(y, dtype).reshape(len(y), -1)
        if columns.shape[1] != self._columns:
            raise DataError(
                "y has another number of outputs than before.",
                where="y",
                expected=self._columns,
                received=columns.shape[1],
            )
        return columns

    def _head(self) -> tuple[int, str, losses.Loss]:
        return self._columns, "linear", losses.get(self.loss)
