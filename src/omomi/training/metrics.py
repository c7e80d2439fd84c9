"""Metrics: what a run is judged by. Each is a rule that counts, and two numbers that live in the state tree.

A metric is the quotient of a weighted total and the weight it stands for, both summed over the batches of an epoch.
"""

from __future__ import annotations

from typing import Any

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, UnknownNameError
from omomi.graph import functions
from omomi.graph.variable import Variable, apply
from omomi.layers import initializers
from omomi.layers.state import Buffer
from omomi.ops import arithmetic, metric
from omomi.ops.rule import Rule
from omomi.training import losses, targets

Array = Any


class Metric:
    """A named mean over an epoch.

    Args:
        name: as ``History.history`` and progress show it.
        rule: returns (total, weight) for outputs, targets and sample weights; ``None`` for the loss itself, whose
            value the step has already computed.
        dtype: of the two numbers; that of the model for its loss, float32 for what rules count.
        attributes: of the rule.

    Attributes:
        weighted: whether it counts with the weights of the samples.
        output: the place of the output that it judges; ``None``: the only one, or the whole loss.
    """

    def __init__(self, name: str, rule: Rule | None = None, dtype: str = "float32", **attributes: Any) -> None:
        self.name, self.rule, self.attributes = name, rule, attributes
        self.weighted = False
        self.output: str | None = None
        zeros = initializers.get("zeros")
        self.total, self.count = Buffer((), zeros, dtype), Buffer((), zeros, dtype)
        self.reset()

    def entries(self) -> dict[str, Buffer]:
        """The two numbers, by path."""
        return {f"metrics/{self.name}/total": self.total, f"metrics/{self.name}/count": self.count}

    def reset(self) -> None:
        """Start counting from zero."""
        self.total.assign(0.0)
        self.count.assign(0.0)

    def updated(self, total: Array, count: Array) -> dict[str, Array]:
        """The two numbers with those of one more batch, by path."""
        return {
            f"metrics/{self.name}/total": apply(arithmetic.add, self.total, total)._array,
            f"metrics/{self.name}/count": apply(arithmetic.add, self.count, count)._array,
        }

    def measure(self, t: Array, y: Variable, w: Array) -> dict[str, Array]:
        """Count one batch."""
        assert self.rule is not None
        if len(w.shape) < len(y.shape) - 1:  # one weight for each sample, many steps in a sample
            w = losses.broadcast_weights(w, y)
        if y.mask is not None:
            w = functions.masked_weights(w, y.mask, mean=False)._array
        total, count = apply(self.rule, y, t, w, **self.attributes)
        return self.updated(total, count)

    def result(self) -> float:
        """The mean so far; NaN before anything was counted."""
        to_host = current().to_host
        count = float(to_host(self.count._array))
        return float(to_host(self.total._array)) / count if count else float("nan")

    def __repr__(self) -> str:
        return f"<Metric {self.name}>"


def resolve(identifier: Any, loss: losses.Loss, output: tuple[int | None, ...]) -> Metric:
    """A metric from its name; "accuracy" means the kind that fits the loss and the shape of the output.

    Raises:
        UnknownNameError: nothing of that name.
    """
    if isinstance(identifier, Metric):
        return identifier
    if not isinstance(identifier, str):
        raise UnknownNameError("metric", identifier, KNOWN)
    lower = identifier.lower()
    if lower in ("accuracy", "acc"):
        return accuracy(identifier, loss, output)
    if lower in ("crossentropy", "ce"):
        return Metric(identifier, *_of_loss(loss))
    name = ALIASES.get(lower, lower)
    if name == "binary_accuracy":
        return Metric(identifier, metric.binary_accuracy, threshold=threshold_of(loss))
    if name not in RULES:
        raise UnknownNameError("metric", identifier, KNOWN)
    return Metric(identifier, RULES[name])


def accuracy(name: str, loss: losses.Loss, output: tuple[int | None, ...]) -> Metric:
    """The share of right answers: by class index, by the larger output, or by the side of the threshold."""
    if loss.align is targets.indices:
        return Metric(name, metric.sparse_categorical_accuracy)
    if isinstance(loss, losses.BinaryCrossentropy) or output[-1] == 1:
        return Metric(name, metric.binary_accuracy, threshold=threshold_of(loss))
    return Metric(name, metric.categorical_accuracy)


def threshold_of(loss: losses.Loss) -> float:
    """Where an output changes sides: a probability at ½, a logit or a signed label at 0."""
    return 0.0 if loss.from_logits or loss.align is targets.signs else 0.5


def _of_loss(loss: losses.Loss) -> tuple[Rule]:
    rule = RULES.get(losses.name_of(type(loss)))
    if rule is None:
        raise ConfigurationError("the loss is no cross-entropy.", where="metric crossentropy", received=loss.name)
    return (rule,)


RULES: dict[str, Rule] = {
    "categorical_accuracy": metric.categorical_accuracy,
    "sparse_categorical_accuracy": metric.sparse_categorical_accuracy,
    "top_k_categorical_accuracy": metric.top_k_categorical_accuracy,
    "sparse_top_k_categorical_accuracy": metric.sparse_top_k_categorical_accuracy,
    "mean_squared_error": metric.mean_squared_error_metric,
    "mean_absolute_error": metric.mean_absolute_error_metric,
    "binary_crossentropy": metric.binary_cross_entropy_metric,
    "categorical_crossentropy": metric.categorical_cross_entropy_metric,
    "sparse_categorical_crossentropy": metric.sparse_categorical_cross_entropy_metric,
    "hinge": metric.hinge_metric,
    "kl_divergence": metric.kl_divergence_metric,
}
ALIASES = {"mse": "mean_squared_error", "mae": "mean_absolute_error"}
KNOWN = ["accuracy", "binary_accuracy", *RULES]
