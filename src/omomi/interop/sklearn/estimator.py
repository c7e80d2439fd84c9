"""What classifier and regressor share: checking the data, training, going on with training, and computing outputs."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from omomi.engines.engine import Array
from omomi.errors import DataError
from omomi.interop.sklearn.network import build, check_arguments, compile_model
from omomi.models.model import Model
from omomi.training.callbacks import Callback
from omomi.training.early_stopping import EarlyStopping
from omomi.training.losses import Loss

FLOATS = (np.float64, np.float32)
CHUNK = 4096  # samples whose outputs are computed at a time


class NeuralEstimator(BaseEstimator):
    """A network as an estimator. The subclasses say what targets are, and how outputs become predictions."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.sparse = True
        return tags

    # ---- what the subclasses say ------------------------------------------------------------------------------

    _numeric: ClassVar[bool]  # whether targets are numbers

    def _meet(self, y: Array, classes: Any) -> None:
        """Look at the targets of a new network, and keep what is needed to encode them."""
        raise NotImplementedError

    def _meet_again(self, y: Array) -> None:
        """Raise if a network that was trained before cannot learn these targets."""
        raise NotImplementedError

    def _class_weights(self, y: Array) -> Array | float:
        """The weights of samples that follow from their targets."""
        return 1.0

    def _encode(self, y: Array, dtype: str) -> Array:
        """Targets for the network."""
        raise NotImplementedError

    def _head(self) -> tuple[int, str, Loss]:
        """The output units, their activation, and the loss."""
        raise NotImplementedError

    def _strata(self, y: Array) -> Array | None:
        """Labels whose shares a split keeps, if there are any."""
        return None

    # ---- fit --------------------------------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, sample_weight: Any, again: bool, partial: bool = False, classes: Any = None) -> Self:
        """Train.

        Args:
            again: go on with the network that there is.
            partial: these are some of the samples: one epoch, no early stopping, and not all classes need occur.
            classes: all labels that will ever occur.
        """
        arguments = self.get_params(deep=False)
        check_arguments(arguments, type(self).__name__)
        again = again and hasattr(self, "model_")
        X, y = self._checked(X, y, reset=not again)
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        X, y, weights = without_zeros(X, y, weights)
        if not again:
            self._meet(y, classes)
            self._start(X, arguments)
        elif not partial:
            self._meet_again(y)
        targets = self._encode(y, self.model_.float_dtype)
        weights = weights * self._class_weights(y)
        judged = None
        if self.early_stopping and not partial:
            X, targets, weights, judged = self._held_out(X, targets, weights, self._strata(y))
        callbacks: list[Callback] = []
        if self.n_iter_no_change is not None and not partial:
            name, patience = "loss" if judged is None else "val_loss", self.n_iter_no_change
            callbacks.append(EarlyStopping(name, self.tol, patience, restore_best_weights=judged is not None))
        if self.learning_rate is not None and again:
            assert self.model_.optimizer is not None
            self.model_.optimizer.learning_rate = float(self.learning_rate)
        history = self.model_.fit(
            X,
            targets,
            batch_size=min(200, len(X)) if self.batch_size == "auto" else self.batch_size,
            epochs=1 if partial else self.epochs,
            verbose="auto" if self.verbose is True else int(self.verbose),
            callbacks=callbacks,
            validation_data=judged,
            validation_batch_size=min(CHUNK, len(judged[0])) if judged else None,
            shuffle=self.shuffle,
            sample_weight=scaled(weights),
        ).history
        self.loss_curve_ += history["loss"]
        self.loss_, self.best_loss_ = self.loss_curve_[-1], min(self.loss_curve_)
        self.validation_loss_curve_ += history.get("val_loss", [])
        self.n_iter_ += len(history["loss"])
        return self

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Array, Array]:
        """Inputs and targets as arrays, by scikit-learn's own checks."""
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=FLOATS, multi_output=True, y_numeric=self._numeric, reset=reset
        )
        y = dense(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return dense(X), y

    def _start(self, X: Array, arguments: dict[str, Any]) -> None:
        """A new network, with its first weights."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        units, activation, loss = self._head()
        self._seed = seed
        self.model_: Model = build(arguments, X.shape[1], units, activation, X.dtype.name, seed)
        compile_model(self.model_, arguments, loss)
        self.n_outputs_, self.out_activation_ = units, activation
        self.n_iter_ = 0
        self.loss_curve_: list[float] = []
        self.validation_loss_curve_: list[float] = []

    def _held_out(self, X: Array, y: Array, weights: Array, strata: Array | None) -> Any:
        """Samples to train on, and (x, y, weights) to judge by.

        Raises:
            DataError: too few samples to hold some of them out.
        """
        try:
            X, X_judged, y, y_judged, weights, w_judged = train_test_split(
                X,
                y,
                weights,
                test_size=self.validation_fraction,
                stratify=strata,
                random_state=self._seed,
            )
        except ValueError as error:
            raise DataError(
                "early stopping cannot hold out samples to judge by.",
                where=type(self).__name__,
                received=str(error),
                fix="more samples, another validation_fraction, or early_stopping=False",
            ) from None
        return X, y, weights, (X_judged, y_judged, scaled(w_judged))

    # ---- outputs ----------------------------------------------------------------------------------------------

    def _outputs(self, X: Any) -> Array:
        """The network's outputs, (N, units)."""
        check_is_fitted(self)
        X = dense(validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False))
        outputs = [self._chunk(X[begin : begin + CHUNK]) for begin in range(0, len(X), CHUNK)]
        return np.concatenate(outputs)

    def _chunk(self, X: Array) -> Array:
        """The outputs for some samples.

        An engine may keep a plan for each number of samples. So they are filled up with zeros to a power of two.
        """
        room = max(32, 1 << (len(X) - 1).bit_length())
        filled = np.concatenate([X, np.zeros((room - len(X), X.shape[1]), X.dtype)]) if room > len(X) else X
        return self.model_.predict(filled, batch_size=room)[: len(X)]


def dense(matrix: Any) -> Array:
    """A sparse matrix as an array, and an array as it is."""
    return matrix.toarray() if hasattr(matrix, "toarray") else matrix


def without_zeros(X: Array, y: Array, weights: Array) -> tuple[Array, Array, Array]:
    """The samples whose weight is above 0: the others are as if they were not there.

    Raises:
        DataError: there is none.
    """
    kept = weights > 0
    if kept.all():
        return X, y, weights
    if not kept.any():
        raise DataError("every sample has the weight 0.", where="sample_weight", expected="a weight above 0")
    return X[kept], y[kept], weights[kept]


def scaled(weights: Array) -> Array | None:
    """Weights whose mean is 1: the loss, a mean over samples, is then Σ w ℓ / Σ w. ``None`` where all are equal."""
    return None if (weights == weights[0]).all() else weights / weights.mean()
