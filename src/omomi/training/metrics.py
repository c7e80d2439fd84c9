"""The named metrics that are means over samples; and how ``compile(metrics=…)`` finds a metric.

Names and definitions are Keras 3's. "accuracy" means the kind that fits the loss.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, UnknownNameError
from omomi.graph.context import no_grad
from omomi.graph.variable import Variable, apply
from omomi.ops import counting, metric
from omomi.ops.rule import Rule
from omomi.training import class_metrics, losses, targets, threshold_metrics
from omomi.training.metric import Metric as Metric

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


class _CrossEntropy(Metric):
    """A cross-entropy of probabilities, or of logits."""

    rules: ClassVar[tuple[Rule, Rule]]
    default_name: ClassVar[str]

    def __init__(self, name: str | None = None, dtype: Any = None, from_logits: bool = False) -> None:
        self.from_logits = bool(from_logits)
        super().__init__(name or self.default_name, self.rules[self.from_logits])

    def config(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits}


class BinaryCrossentropy(_CrossEntropy):
    """−y log ŷ − (1 − y) log(1 − ŷ)."""

    rules = (metric.binary_cross_entropy_metric, metric.sigmoid_cross_entropy_metric)
    default_name = "binary_crossentropy"


class CategoricalCrossentropy(_CrossEntropy):
    """−Σⱼ yⱼ log ŷⱼ."""

    rules = (metric.categorical_cross_entropy_metric, metric.softmax_cross_entropy_metric)
    default_name = "categorical_crossentropy"


class SparseCategoricalCrossentropy(_CrossEntropy):
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


BY_CLASS: dict[str, type[Metric]] = {
    cls.__name__: cls
    for module in (globals(), vars(threshold_metrics), vars(class_metrics))
    for cls in list(module.values())
    if isinstance(cls, type)
    and issubclass(cls, Metric)
    and not cls.__name__.startswith("_")
    and cls.__name__ not in ("Metric", "ThresholdMetric", "MeanMetricWrapper")
}


def default_name(cls: type[Metric]) -> str:
    """What a metric of this class is called unless told."""
    return getattr(cls, "default_name", None) or str(inspect.signature(cls).parameters["name"].default)


BY_NAME: dict[str, type[Metric]] = {default_name(cls): cls for cls in BY_CLASS.values() if cls is not Accuracy}
ALIASES = {
    "mse": "mean_squared_error",
    "rmse": "root_mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "kld": "kl_divergence",
    "log_cosh": "logcosh",
    "cosine": "cosine_similarity",
}
KNOWN = ["accuracy", *BY_NAME]


def resolve(identifier: Any, loss: losses.Loss, output: tuple[int | None, ...]) -> Metric:
    """A metric for an output of this shape from its name, class, configuration, a function of (y_true, y_pred), or
    itself, of which it is a copy. "accuracy" means the kind that fits the loss and the shape of the output.

    Raises:
        UnknownNameError: nothing of that name.
        ConfigurationError: it cannot judge what is trained with this loss.
    """
    found = made(identifier, loss, output)
    found.check(loss)
    found.build(output[-1])
    return found


def made(identifier: Any, loss: losses.Loss, output: tuple[int | None, ...]) -> Metric:
    """The metric that is meant."""
    if isinstance(identifier, Metric):
        return copy.deepcopy(identifier)
    if isinstance(identifier, Mapping):
        kind = identifier.get("class_name", "")
        if kind not in BY_CLASS:
            raise UnknownNameError("metric", kind, BY_CLASS)
        return BY_CLASS[kind](**identifier.get("config", {}))
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return named(identifier, loss, default_name(identifier))
    if not isinstance(identifier, str):
        if callable(identifier):
            return MeanMetricWrapper(identifier)
        raise UnknownNameError("metric", identifier, KNOWN)
    lower = identifier.lower()
    if lower in ("accuracy", "acc"):
        return accuracy(identifier, loss, output)
    if lower in ("crossentropy", "ce"):
        return crossentropy(identifier, loss)
    by_class = {name.lower(): cls for name, cls in BY_CLASS.items()}
    name = ALIASES.get(lower, lower)
    if name in BY_NAME:
        return named(BY_NAME[name], loss, identifier)
    if name in by_class:
        return named(by_class[name], loss, default_name(by_class[name]))
    raise UnknownNameError("metric", identifier, KNOWN)


def named(cls: type[Metric], loss: losses.Loss, name: str) -> Metric:
    """A metric of this class with its defaults, for outputs as this loss takes them.

    Raises:
        ConfigurationError: it has arguments without a default.
    """
    given: dict[str, Any] = {"name": name}
    parameters = inspect.signature(cls).parameters
    missing = [p.name for p in parameters.values() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    if missing:
        arguments = ", ".join(f"{argument}=…" for argument in missing)
        raise ConfigurationError(
            "this metric has arguments that a name does not say.",
            where=f"metric {name}",
            fix=f"metrics=[omomi.metrics.{cls.__name__}({arguments})]",
        )
    if cls is BinaryAccuracy:
        given["threshold"] = threshold_of(loss)
    elif "thresholds" in parameters and cls is not threshold_metrics.AUC:
        given["thresholds"] = threshold_of(loss)
    elif "from_logits" in parameters:
        given["from_logits"] = loss.from_logits
    return cls(**given)


def accuracy(name: str, loss: losses.Loss, output: tuple[int | None, ...]) -> Metric:
    """The share of right answers: by class index, by the larger output, or by the side of the threshold."""
    if loss.indexed:
        return SparseCategoricalAccuracy(name)
    if isinstance(loss, losses.BinaryCrossentropy) or output[-1] == 1:
        return BinaryAccuracy(name, threshold=threshold_of(loss))
    return CategoricalAccuracy(name)


def crossentropy(name: str, loss: losses.Loss) -> Metric:
    """The cross-entropy that is the loss."""
    cls = BY_NAME.get(losses.name_of(type(loss)))
    if cls is None or not issubclass(cls, _CrossEntropy):
        raise ConfigurationError("the loss is no cross-entropy.", where="metric crossentropy", received=loss.name)
    return cls(name, from_logits=loss.from_logits)


def threshold_of(loss: losses.Loss) -> float:
    """Where an output changes sides: a probability at ½, a logit or a signed label at 0."""
    return 0.0 if loss.from_logits or loss.align is targets.signs else 0.5


def serialize(found: Any) -> Any:
    """Metrics as ``compile`` was given them, as plain values.

    Raises:
        ConfigurationError: one is a function, or of a class of one's own, which a file cannot name.
    """
    if isinstance(found, Mapping):
        return {key: serialize(one) for key, one in found.items()}
    if isinstance(found, (list, tuple)):
        return [serialize(one) for one in found]
    if found is None or isinstance(found, (str, int, float)):
        return found
    found = found() if isinstance(found, type) else found if isinstance(found, Metric) else MeanMetricWrapper(found)
    config = found.get_config()
    if BY_CLASS.get(type(found).__name__) is not type(found):
        raise ConfigurationError(
            "a metric of your own cannot be written to a file.",
            received=type(found).__name__,
            fix="compile without it before saving, or save the weights alone (get_weights)",
        )
    return {"class_name": type(found).__name__, "config": config}
