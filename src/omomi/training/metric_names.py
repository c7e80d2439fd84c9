"""How ``compile(metrics=…)`` finds a metric, and how a file names it. "accuracy" means the kind that fits the loss."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any

from omomi.errors import ConfigurationError, UnknownNameError
from omomi.training import class_metrics, losses, metrics, targets, threshold_metrics
from omomi.training.metric import Metric
from omomi.training.metrics import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    CrossEntropyMetric,
    MeanMetricWrapper,
    SparseCategoricalAccuracy,
)

BY_CLASS: dict[str, type[Metric]] = {
    cls.__name__: cls
    for module in (metrics, threshold_metrics, class_metrics)
    for cls in vars(module).values()
    if isinstance(cls, type)
    and issubclass(cls, Metric)
    and not cls.__name__.startswith("_")
    and cls.__name__ not in ("Metric", "CrossEntropyMetric", "ThresholdMetric", "MeanMetricWrapper")
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
    if cls is None or not issubclass(cls, CrossEntropyMetric):
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
