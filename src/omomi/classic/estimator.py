"""The grammar of scikit-learn: parameters in the constructor, ``fit``, what was learnt in names that end in "_".

scikit-learn itself is not needed for it. But whatever follows the grammar can stand in scikit-learn's pipelines and
searches, and these learners do.
"""

from __future__ import annotations

import inspect
from typing import Any, Self

import numpy as np

from omomi.classic.checks import check_classes, check_samples, check_targets
from omomi.errors import NotBuiltError, UnknownNameError
from omomi.layers import Dense
from omomi.models.sequential import Sequential


class Estimator:
    """Base of the learners. A constructor only stores its arguments, under their names."""

    kind = "estimator"
    n_features_in_: int

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from the samples."""
        raise NotImplementedError

    @classmethod
    def _parameters(cls) -> dict[str, Any]:
        """The constructor's arguments and their defaults."""
        found = inspect.signature(cls.__init__).parameters
        return {name: p.default for name, p in found.items() if name != "self" and p.kind is not p.VAR_KEYWORD}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments as they are now."""
        return {name: getattr(self, name) for name in self._parameters()}

    def set_params(self, **parameters: Any) -> Self:
        """Change some of the constructor's arguments.

        Raises:
            UnknownNameError: there is no such argument.
        """
        for name, value in parameters.items():
            if name not in self._parameters():
                raise UnknownNameError(f"parameter of {type(self).__name__}", name, self._parameters())
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        changed = {k: getattr(self, k) for k, default in self._parameters().items() if getattr(self, k) is not default}
        changed = {k: v for k, v in changed.items() if v != self._parameters()[k]}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"

    def _check_fitted(self, asked: str) -> None:
        if not hasattr(self, "n_features_in_"):
            raise NotBuiltError(
                "this learner has not learnt anything yet.",
                where=f"{type(self).__name__}.{asked}",
                fix="call fit first",
            )

    def _new_samples(self, X: Any, asked: str) -> np.ndarray:
        """Samples after ``fit``: finite, with as many features as then."""
        self._check_fitted(asked)
        return check_samples(X, f"{type(self).__name__}.{asked}", features=self.n_features_in_)

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks about a learner that stands in one of its pipelines. Only scikit-learn calls it."""
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=self.kind if self.kind in ("classifier", "regressor") else None,
            target_tags=TargetTags(required=self.kind in ("classifier", "regressor")),
            classifier_tags=ClassifierTags() if self.kind == "classifier" else None,
            regressor_tags=RegressorTags() if self.kind == "regressor" else None,
            transformer_tags=TransformerTags() if hasattr(self, "transform") else None,
        )


class Classifier(Estimator):
    """A learner of classes."""

    kind = "classifier"
    classes_: np.ndarray

    def _labelled(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Samples (n, d) and the index of each one's class (n,); ``classes_`` and ``n_features_in_`` are set."""
        where = f"{type(self).__name__}.fit"
        X = check_samples(X, where)
        self.classes_, indices = check_classes(y, len(X), where)
        self.n_features_in_ = X.shape[1]
        return X, indices

    def predict(self, X: Any) -> np.ndarray:
        """The class of each sample: (n,)."""
        raise NotImplementedError

    def score(self, X: Any, y: Any) -> float:
        """The share of samples whose class is predicted."""
        predicted = self.predict(X)
        return float(np.mean(predicted == np.asarray(y).reshape(predicted.shape)))


class LinearClassifier(Classifier):
    """A classifier of linear units: one for two classes, else one for each class.

    Attributes:
        coef_: (units, d), the weights; row k is unit k, the transpose of a dense kernel.
        intercept_: (units,), the biases.
    """

    coef_: np.ndarray
    intercept_: np.ndarray

    def decision_function(self, X: Any) -> np.ndarray:
        """The pre-activations u = x W + b: (n,) for two classes, else (n, K)."""
        u = self._new_samples(X, "decision_function") @ self.coef_.T + self.intercept_
        return np.asarray(u[:, 0] if len(self.classes_) == 2 else u)

    def predict(self, X: Any) -> np.ndarray:
        """The class of each sample: for two classes by the sign of u, else that of the largest u."""
        u = self.decision_function(X)
        return np.asarray(self.classes_[(u > 0).astype(int) if u.ndim == 1 else u.argmax(axis=1)])

    def _network(self, **options: Any) -> Sequential:
        """The units as a network of one Dense layer, in float64."""
        self._check_fitted("to_network")
        layer = Dense(len(self.coef_), input_shape=(self.n_features_in_,), dtype="float64", **options)
        network = Sequential([layer])
        network.set_weights([self.coef_.T, self.intercept_])
        return network

    def _one_against_rest(self, indices: np.ndarray, negative: float) -> np.ndarray:
        """The targets of the units: 1 for a unit's class, ``negative`` for the others, (n, units)."""
        units = np.arange(1, 2) if len(self.classes_) == 2 else np.arange(len(self.classes_))
        return np.where(indices[:, None] == units, 1.0, negative)


class Regressor(Estimator):
    """A learner of measurements."""

    kind = "regressor"

    def predict(self, X: Any) -> np.ndarray:
        """What is expected for each sample."""
        raise NotImplementedError

    def score(self, X: Any, y: Any) -> float:
        """R², the share of the targets' variance that is explained; the mean over several outputs."""
        predicted = self.predict(X)
        t = check_targets(y, len(predicted), f"{type(self).__name__}.score")
        error = np.square(t - predicted.reshape(t.shape)).sum(axis=0)
        variation = np.square(t - t.mean(axis=0)).sum(axis=0)
        perfect = np.where(error == 0, 1.0, 0.0)
        return float(np.mean(np.where(variation > 0, 1 - error / np.where(variation > 0, variation, 1), perfect)))


class Transformer(Estimator):
    """A learner of directions, onto which it projects."""

    kind = "transformer"

    def transform(self, X: Any) -> np.ndarray:
        """The samples in the learnt directions: (n, components)."""
        raise NotImplementedError

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Learn from the samples and transform them."""
        return self.fit(X, y).transform(X)
