"""The metrics that are means over samples. Names and definitions are Keras 3's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError
from omomi.graph.context import no_grad
from omomi.graph.variable import Variable, apply
from omomi.ops import counting, metric
from omomi.ops.rule import Rule
from omomi.training import losses, targets
from omomi.training.metric import Metric

Array = Any


class _Named(Metric):
    """A mean whose rule and name belong to the class."""

    counted: ClassVar[Rule]
    default_name: ClassVar[str]

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name or self.default_name, self.counted)


class MeanSquaredError(_Named):
    """The mean of (ŷ − y)²."""

    counted, default_name = metric.mean_squared_error_metric, "mean_squared_error"


class RootMeanSquaredError(MeanSquaredError):
    """The root of the mean of (ŷ − y)²."""

    default_name = "root_mean_squared_error"

    def compute(self, **sums: Array) -> Any:
        return np.sqrt(super().compute(**sums))


class MeanAbsoluteError(_Named):
    """The mean of |ŷ − y|."""

    counted, default_name = metric.mean_absolute_error_metric, "mean_absolute_error"


class MeanAbsolutePercentageError(_Named):
    """The mean of 100 |ŷ − y| / |y|."""

    counted, default_name = metric.mean_absolute_percentage_error_metric, "mean_absolute_percentage_error"


class MeanSquaredLogarithmicError(_Named):
    """The mean of (ln(1 + ŷ) − ln(1 + y))²."""

    counted, default_name = metric.mean_squared_logarithmic_error_metric, "mean_squared_logarithmic_error"


class CosineSimilarity(_Named):
    """The cosine of the angle between output and target: 1 where their directions agree."""

    counted, default_name = metric.cosine_similarity_metric, "cosine_similarity"

    def compute(self, **sums: Array) -> Any:
        return -super().compute(**sums)  # the loss has a minus


class LogCoshError(_Named):
    """The mean of log cosh(ŷ − y)."""

    counted, default_name = metric.log_cosh_metric, "logcosh"


class KLDivergence(_Named):
    """Σⱼ yⱼ log(yⱼ / ŷⱼ)."""

    counted, default_name = metric.kl_divergence_metric, "kl_divergence"


class Poisson(_Named):
    """The mean of ŷ − y log ŷ."""

    counted, default_name = metric.poisson_metric, "poisson"


class Hinge(_Named):
    """The mean of max(0, 1 − y ŷ), labels −1 and 1 (0 stands for −1)."""

    counted, default_name = metric.hinge_metric, "hinge"

    def aligned(self, t: Array, y: Array) -> tuple[Array, Array]:
        t, y = super().aligned(t, y)
        return targets.signs(t, (None, *y.shape[1:]), self.name).astype(y.dtype), y


class SquaredHinge(Hinge):
    """The mean of max(0, 1 − y ŷ)², labels −1 and 1 (0 stands for −1)."""

    counted, default_name = metric.squared_hinge_metric, "squared_hinge"


class CategoricalHinge(_Named):
    """max(0, 1 + the largest output of a wrong class − the output of the right one)."""

    counted, default_name = metric.categorical_hinge_metric, "categorical_hinge"


class Accuracy(_Named):
    """How often outputs equal targets exactly."""

    counted, default_name = counting.exact_accuracy, "accuracy"


class BinaryAccuracy(Metric):
    """How often an output lies on the same side of ``threshold`` as its target, 0 or 1."""

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(name, metric.binary_accuracy, threshold=float(threshold))


class CategoricalAccuracy(_Named):
    """How often the largest output is that of the right class; targets one-hot."""

    counted, default_name = metric.categorical_accuracy, "categorical_accuracy"


class SparseCategoricalAccuracy(_Named):
    """How often the largest output is that of the right class; targets class indices."""

    takes = "indices"
    counted, default_name = metric.sparse_categorical_accuracy, "sparse_categorical_accuracy"


class TopKCategoricalAccuracy(Metric):
    """How often the right class is among the ``k`` largest outputs; targets one-hot."""

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(name, metric.top_k_categorical_accuracy, k=int(k))


class SparseTopKCategoricalAccuracy(Metric):
    """How often the right class is among the ``k`` largest outputs; targets class indices."""

    takes = "indices"

    def __init__(self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(name, metric.sparse_top_k_categorical_accuracy, k=int(k))


class CrossEntropyMetric(Metric):
    """A cross-entropy of probabilities, or of logits."""

    rules: ClassVar[tuple[Rule, Rule]]
    default_name: ClassVar[str]

    def __init__(self, name: str | None = None, dtype: Any = None, from_logits: bool = False) -> None:
        self.from_logits = bool(from_logits)
        super().__init__(name or self.default_name, self.rules[self.from_logits])

    def config(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits}


class BinaryCrossentropy(CrossEntropyMetric):
    """−y log ŷ − (1 − y) log(1 − ŷ)."""

    rules = (metric.binary_cross_entropy_metric, metric.sigmoid_cross_entropy_metric)
    default_name = "binary_crossentropy"


class CategoricalCrossentropy(CrossEntropyMetric):
    """−Σⱼ yⱼ log ŷⱼ."""

    rules = (metric.categorical_cross_entropy_metric, metric.softmax_cross_entropy_metric)
    default_name = "categorical_crossentropy"


class SparseCategoricalCrossentropy(CrossEntropyMetric):
    """−log ŷ_t with class indices t."""

    takes = "indices"
    rules = (metric.sparse_categorical_cross_entropy_metric, metric.sparse_softmax_cross_entropy_metric)
    default_name = "sparse_categorical_crossentropy"


class _OfValues(Metric):
    """A metric of values that the user gives, one by one or many at once."""

    def __init__(self, name: str, dtype: Any = None) -> None:
        super().__init__(name, counting.weighted_sum)

    def update_state(self, values: Any, sample_weight: Any = None, _: Any = None) -> None:  # type: ignore[override]
        """Count values, each with its weight, or with that of its row."""
        x = np.asarray(values.numpy() if isinstance(values, Variable) else values, np.float32)
        w = np.ones(x.shape) if sample_weight is None else np.asarray(sample_weight, np.float64)
        w = np.broadcast_to(w.reshape(*w.shape, *(1,) * (x.ndim - w.ndim)), x.shape).astype(x.dtype)
        asarray = current().asarray
        with no_grad():
            new = self.updated(*apply(counting.weighted_sum, asarray(x), asarray(w)))
        for path, entry in self.entries().items():
            entry._array = new[path]

    def __call__(self, values: Any, sample_weight: Any = None, _: Any = None) -> Any:  # type: ignore[override]
        self.update_state(values, sample_weight)
        return self.result()

    def check(self, loss: losses.Loss) -> None:
        raise ConfigurationError(
            "this metric is of values, and not of targets and outputs.",
            where=f"metric {self.name}",
            fix="use it alone: update_state(values)",
        )


class Mean(_OfValues):
    """The weighted mean of values."""

    def __init__(self, name: str = "mean", dtype: Any = None) -> None:
        super().__init__(name)


class Sum(_OfValues):
    """The weighted sum of values."""

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(name)

    def compute(self, **sums: Array) -> Any:
        return sums["total"]


class MeanMetricWrapper(Metric):
    """The mean of what a function ``(y_true, y_pred) -> Variable`` of your own says of each sample, or of the batch."""

    takes = "any"
    replayable = False

    def __init__(self, fn: Callable[[Variable, Variable], Any], name: str | None = None, dtype: Any = None) -> None:
        self.fn = fn
        super().__init__(name or str(getattr(fn, "__name__", "metric")), counting.weighted_sum)

    def given(self, t: Array, y: Variable, w: Array) -> tuple[Any, ...]:
        values = self.fn(Variable(t, requires_grad=False), y)
        values = values if isinstance(values, Variable) else Variable(values, requires_grad=False)
        if values.ndim > 1:
            values = values.mean(axis=tuple(range(1, values.ndim)))
        weights = Variable(w, requires_grad=False)
        if weights.ndim > 1:
            weights = weights.mean(axis=tuple(range(1, weights.ndim)))
        if values.ndim == 0:  # of the whole batch: it counts as often as there are samples
            return values, weights.sum()._array
        return values, weights._array

    def config(self) -> dict[str, Any]:
        raise ConfigurationError(
            "a metric that is a function cannot be written to a file.",
            where=f"metric {self.name}",
            fix="compile without it before saving, or save the weights alone (get_weights)",
        )
