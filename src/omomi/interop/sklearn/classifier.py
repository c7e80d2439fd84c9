"""The classifier: softmax for classes, sigmoid for labels that stand on their own."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import compute_sample_weight

from omomi.engines.engine import Array
from omomi.errors import ConfigurationError, DataError
from omomi.interop.sklearn.estimator import NeuralEstimator
from omomi.interop.sklearn.labels import BINARY, MULTICLASS, MULTIOUTPUT, LabelCoding
from omomi.training.losses import Loss


class NeuralClassifier(ClassifierMixin, NeuralEstimator):
    """A network that classifies, as a scikit-learn estimator.

    y is (N,) with two classes or more, an indicator matrix (N, labels) for any number of labels on one sample, or
    (N, outputs) for several classifications at once. The arithmetic has X's dtype, float32 or float64.

    Args:
        hidden_layers: the number of units of each hidden layer.
        activation: of the hidden units.
        optimizer: its name, or an :class:`omomi.optimizers.Optimizer`.
        learning_rate: ``None`` is what the optimiser takes by itself, for Adam 0.001.
        epochs: the most epochs.
        batch_size: samples in a step; "auto" is 200, or all if they are fewer; "full" is all.
        dropout: after each hidden layer, the probability that a unit is dropped.
        l1, l2: the penalties l1 Σ|w| and l2 Σw² on all kernels.
        early_stopping: hold out ``validation_fraction`` of the samples, end training by the loss of these, and go back
            to the weights with which it was lowest. Otherwise training ends by its own loss.
        validation_fraction: see there; classes keep their shares.
        n_iter_no_change: end after so many epochs whose loss is not lower by ``tol``; ``None``: never before the end.
        tol: see there.
        shuffle: a new order of the samples in every epoch.
        class_weight: label → weight, "balanced", or for several outputs a list.
        random_state: fixes weights, orders, masks and what is held out.
        verbose: 1 or ``True`` shows progress.
        warm_start: a second ``fit`` goes on with the weights of the first.
        model: a function that builds the network instead. It is called with those of ``n_inputs``, ``n_outputs`` and
            ``output_activation`` that it takes, and returns an :class:`omomi.Model`. hidden_layers, activation,
            dropout, l1 and l2 are then its own affair.
        model_arguments: more keyword arguments for that function.

    Attributes:
        classes_: the labels, sorted; of several outputs a list.
        model_: the trained :class:`omomi.Model`.
        n_iter_: epochs that were trained.
        loss_curve_, validation_loss_curve_: the loss after each epoch.
        loss_, best_loss_: the last and the lowest of ``loss_curve_``.
        n_outputs_, out_activation_: the output units and their activation.
        n_features_in_, feature_names_in_: what X was.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from omomi.interop.sklearn import NeuralClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = make_pipeline(StandardScaler(), NeuralClassifier((16,), random_state=0)).fit(X, y)
        >>> model.predict_proba(X[:2]).shape
        (2, 3)
    """

    _numeric = False

    def __init__(
        self,
        hidden_layers: Any = (100,),
        activation: Any = "relu",
        *,
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
        class_weight: Any = None,
        random_state: Any = None,
        verbose: bool | int = False,
        warm_start: bool = False,
        model: Any = None,
        model_arguments: Any = None,
    ) -> None:
        self.hidden_layers = hidden_layers
        self.activation = activation
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
        self.class_weight = class_weight
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.model = model
        self.model_arguments = model_arguments

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train.

        Args:
            X: (N, features), an array, a data frame or a sparse matrix.
            y: (N,), (N, labels) or (N, outputs).
            sample_weight: one for each sample; 0 is as if the sample were not there.

        Raises:
            DataError: one class only, or targets that cannot be learnt.
            ConfigurationError: an argument of the constructor is out of its range.
            NonFiniteError: the loss became infinite; the network is what it was before that step.
        """
        return self._fit(X, y, sample_weight, again=self.warm_start)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch, going on from where the network is.

        Args:
            classes: all labels that there will ever be, at the first call; of several outputs a list.
        """
        first = not hasattr(self, "model_")
        if first and classes is None:
            raise ConfigurationError(
                "classes must be passed on the first call to partial_fit.",
                where=type(self).__name__,
                fix="partial_fit(X, y, classes=np.unique(all_labels))",
            )
        if not first and classes is not None and not self._coding.same(LabelCoding.of(np.asarray(y), classes)):
            raise ConfigurationError(
                "the classes are not those of the first call.",
                where=type(self).__name__,
                expected=self.classes_,
                received=classes,
            )
        if self.class_weight == "balanced":
            raise ConfigurationError(
                "the balance of all classes does not follow from some of the samples.",
                where="partial_fit",
                received='class_weight="balanced"',
                fix='sklearn.utils.compute_class_weight("balanced", classes=…, y=all_labels), as a dict',
            )
        return self._fit(X, y, sample_weight, again=True, partial=True, classes=classes)

    def predict(self, X: Any) -> Array:
        """The most probable label of each sample, shaped as y was: (N,), (N, labels) or (N, outputs)."""
        outputs = self._outputs(X)
        return self._coding.decode(outputs)

    def predict_proba(self, X: Any) -> Any:
        """Of the classes, as in ``classes_``, (N, classes); of labels (N, labels); of several outputs a list."""
        outputs = self._outputs(X)
        return self._coding.probabilities(outputs)

    def predict_log_proba(self, X: Any) -> Any:
        """The logarithms of :meth:`predict_proba`."""
        found = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return [np.log(p) for p in found] if isinstance(found, list) else np.log(found)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of samples all of whose labels are right."""
        found = self.predict(X)
        if self._coding.kind != MULTIOUTPUT:
            return float(accuracy_score(y, found, sample_weight=sample_weight))
        right = (found == np.asarray(y)).all(axis=1)
        return float(np.average(right, weights=sample_weight))

    def _meet(self, y: Array, classes: Any) -> None:
        self._coding = LabelCoding.of(y, classes)
        self.classes_ = self._coding.classes

    def _meet_again(self, y: Array) -> None:
        coding = LabelCoding.of(y)
        if not self._coding.same(coding):
            raise DataError(
                "warm_start goes on with the classes of the fit before.",
                where="y",
                expected=self.classes_,
                received=coding.classes,
                fix="warm_start=False",
            )

    def _class_weights(self, y: Array) -> Array | float:
        return 1.0 if self.class_weight is None else compute_sample_weight(self.class_weight, y)

    def _encode(self, y: Array, dtype: str) -> Array:
        return self._coding.encode(y, dtype)

    def _head(self) -> tuple[int, str, Loss]:
        return self._coding.units, self._coding.activation, self._coding.loss

    def _strata(self, y: Array) -> Array | None:
        return y if self._coding.kind in (BINARY, MULTICLASS) else None
