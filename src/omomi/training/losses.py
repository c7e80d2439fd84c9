"""Losses as ``compile(loss=…)`` takes them: a rule, and what its targets must look like.

The mathematics stands in ``omomi.ops.loss``. Names are Keras's where the definition is Keras's, and the textbook's
where it is the textbook's (``squared_error`` is ½ Σⱼ (fⱼ − yⱼ)² per sample).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from omomi.errors import ConfigurationError, UnknownNameError
from omomi.graph import functions
from omomi.graph.variable import Variable, apply
from omomi.ops import activation, loss, shape
from omomi.ops.rule import Rule
from omomi.training import targets

Array = Any


class Loss:
    """A loss: ``loss(y_true, y_pred)`` is the scalar E = (1/N) Σₙ wₙ ℓₙ as a Variable.

    Calling it checks and aligns the targets against the outputs; ``fit`` does so once for the whole data set.
    """

    rule: ClassVar[Rule]
    # Whether an engine may record one call and replay it; a loss that is a function of one's own may do anything.
    replayable: ClassVar[bool] = True
    # What the targets must look like; see omomi.training.targets.
    align: ClassVar[Any] = staticmethod(targets.dense)
    # Whether targets are class indices, which stay integers; other targets get the dtype of the output.
    indexed: ClassVar[bool] = False
    # The rule that takes the logits of this activation instead of its output: the canonical link, whose backward
    # pass starts at ŷ − y.
    linked_activation: ClassVar[Rule | None] = None
    linked_rule: ClassVar[Rule | None] = None

    def __init__(self, from_logits: bool = False, name: str | None = None) -> None:
        self.name = name or name_of(type(self))
        self.from_logits = bool(from_logits)
        if self.from_logits and self.linked_rule is None:
            raise ConfigurationError("this loss has no form that takes logits.", where=self.name)

    def attributes(self) -> dict[str, Any]:
        """The static attributes of the rule."""
        return {}

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Variable:
        """E for targets, outputs and (optionally) one weight for each sample."""
        y_pred = y_pred if isinstance(y_pred, Variable) else Variable(y_pred)
        y_true = y_true.numpy() if isinstance(y_true, Variable) else np.asarray(y_true)
        y_true = self.align(y_true, y_pred.shape, self.name)
        if y_true.dtype.kind == "f":
            y_true = y_true.astype(y_pred.dtype)
        w = np.ones(len(y_true)) if sample_weight is None else np.asarray(sample_weight)
        return self.compute(y_true, y_pred, w.astype(y_pred.dtype))

    def compute(self, t: Array, y_pred: Variable, w: Array) -> Variable:
        """E for targets that are already aligned, inside a training step. Its dtype is that of the weights w."""
        mask = y_pred.mask
        if len(w.shape) < len(y_pred.shape) - 1:  # one weight for each sample, many rows in a sample
            w = broadcast_weights(w, y_pred)
        if mask is not None:  # the mean over the steps that exist
            w = functions.masked_weights(w, mask)._array
        creator = y_pred.creator
        link = self.linked_activation is not None and creator is not None and creator.rule is self.linked_activation
        if self.from_logits:
            if link:
                raise ConfigurationError(
                    f"{creator.rule.name} would be applied twice: the model's last layer applies it, and this loss, "  # type: ignore[union-attr]
                    "told from_logits=True, does so again.",
                    where=f"{self.name} after layer {creator.path or 'the last'}",  # type: ignore[union-attr]
                    expected="logits: a last layer without activation",
                    received=f"the output of {creator.rule.name}",  # type: ignore[union-attr]
                    fix=f"take the activation off the last layer, or use {type(self).__name__}() without from_logits",
                )
            y_pred = widened(y_pred, w)
            return apply(self.linked_rule, y_pred, self.as_float(t, y_pred), w, **self.attributes())  # type: ignore[arg-type, no-any-return]
        if link:
            assert creator is not None
            assert self.linked_rule is not None
            logits = widened(creator.inputs[0], w)
            return apply(self.linked_rule, logits, self.as_float(t, logits), w)  # type: ignore[no-any-return]
        y_pred = widened(y_pred, w)
        return apply(self.rule, y_pred, self.as_float(t, y_pred), w, **self.attributes())  # type: ignore[no-any-return]

    def as_float(self, t: Array, y_pred: Variable) -> Array:
        """Targets in the output's dtype, except class indices. The cast is a rule: a recorded step must repeat it."""
        if self.indexed or t.dtype == y_pred.dtype:
            return t
        return apply(shape.cast, Variable(t, requires_grad=False), dtype=y_pred.dtype.name)._array

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"from_logits": True} if self.from_logits else {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_config().items())})"


class SquaredError(Loss):
    """The textbook's E = ½ Σⱼ (fⱼ − yⱼ)² of a sample, averaged over the batch; backward starts at f − y."""

    rule = loss.squared_error


class MeanSquaredError(Loss):
    """The mean of (ŷ − y)² over outputs and samples."""

    rule = loss.mean_squared_error


class MeanAbsoluteError(Loss):
    """The mean of |ŷ − y| over outputs and samples."""

    rule = loss.mean_absolute_error


class Huber(Loss):
    """Squared near the target, linear beyond ``delta``. Source: Huber 1964."""

    rule = loss.huber

    def __init__(self, delta: float = 1.0, name: str | None = None) -> None:
        super().__init__(name=name)
        if delta <= 0:
            raise ConfigurationError("delta is positive.", where=self.name, received=delta)
        self.delta = float(delta)

    def attributes(self) -> dict[str, Any]:
        return {"delta": self.delta}

    def get_config(self) -> dict[str, Any]:
        return {"delta": self.delta}


class LogCosh(Loss):
    """The mean of log cosh(ŷ − y)."""

    rule = loss.log_cosh


class BinaryCrossentropy(Loss):
    """−y log ŷ − (1 − y) log(1 − ŷ), averaged over outputs and samples. ``from_logits``: ŷ = sigmoid of the output."""

    rule = loss.binary_cross_entropy
    align = staticmethod(targets.binary)
    linked_activation = activation.sigmoid
    linked_rule = loss.sigmoid_cross_entropy


class CategoricalCrossentropy(Loss):
    """−Σⱼ yⱼ log ŷⱼ with one-hot or soft targets. ``from_logits``: ŷ = softmax of the output."""

    rule = loss.categorical_cross_entropy
    align = staticmethod(targets.one_hot)
    linked_activation = activation.softmax
    linked_rule = loss.softmax_cross_entropy


class SparseCategoricalCrossentropy(Loss):
    """−log ŷ_t with class indices t. ``from_logits``: ŷ = softmax of the output."""

    rule = loss.sparse_categorical_cross_entropy
    align = staticmethod(targets.indices)
    indexed = True
    linked_activation = activation.softmax
    linked_rule = loss.sparse_softmax_cross_entropy


class Hinge(Loss):
    """The mean of max(0, 1 − y ŷ) with labels −1 and 1."""

    rule = loss.hinge
    align = staticmethod(targets.signs)


class SquaredHinge(Loss):
    """The mean of max(0, 1 − y ŷ)² with labels −1 and 1."""

    rule = loss.squared_hinge
    align = staticmethod(targets.signs)


class KLDivergence(Loss):
    """Σⱼ yⱼ log(yⱼ / ŷⱼ)."""

    rule = loss.kl_divergence


class Poisson(Loss):
    """The mean of ŷ − y log ŷ."""

    rule = loss.poisson


def widened(y: Variable, w: Array) -> Variable:
    """An output of half precision in the dtype of the weights: losses and metrics are computed in the model's own."""
    if y._array.dtype == w.dtype:
        return y
    wide = functions.cast(y, w.dtype)
    wide.mask = y.mask
    return wide


def broadcast_weights(w: Array, y_pred: Variable) -> Array:
    """Weights (N,) for an output (N, …, m), one for each of its rows."""
    from_shape = (*w.shape, *(1,) * (len(y_pred.shape) - 1 - len(w.shape)))
    ones = Variable(np.ones(y_pred.shape[:-1], w.dtype), requires_grad=False)
    return (ones * Variable(w, requires_grad=False).reshape(from_shape))._array


def name_of(cls: type) -> str:
    """The name that ``compile`` knows a loss by."""
    return next((name for name, known in BY_NAME.items() if known is cls), cls.__name__)


BY_NAME: dict[str, type[Loss]] = {
    "squared_error": SquaredError,
    "mean_squared_error": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "huber": Huber,
    "log_cosh": LogCosh,
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "hinge": Hinge,
    "squared_hinge": SquaredHinge,
    "kl_divergence": KLDivergence,
    "poisson": Poisson,
}
ALIASES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "logcosh": "log_cosh",
    "kld": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
}


class Custom(Loss):
    """A function ``(y_true, y_pred) -> Variable`` of your own: its mean over everything is E."""

    replayable = False

    def __init__(self, function: Any) -> None:
        super().__init__(name=getattr(function, "__name__", "custom"))
        self.function = function

    def compute(self, t: Array, y_pred: Variable, w: Array) -> Variable:
        values: Variable = self.function(Variable(t, requires_grad=False), y_pred)
        if values.ndim == 0:
            return values
        weights = w.reshape((*w.shape, *(1,) * (values.ndim - len(w.shape))))
        return (values * Variable(weights, requires_grad=False)).mean()


def get(identifier: Any) -> Loss:
    """A loss from its name, class, configuration, a function of (y_true, y_pred), or itself.

    Raises:
        UnknownNameError: nothing of that name.
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, dict):
        return get(identifier.get("class_name", "")).__class__(**identifier.get("config", {}))
    if isinstance(identifier, str):
        name = ALIASES.get(identifier.lower(), identifier.lower())
        by_class = {cls.__name__.lower(): cls for cls in BY_NAME.values()}
        found = BY_NAME.get(name) or by_class.get(name)
        if found is None:
            raise UnknownNameError("loss", identifier, BY_NAME)
        return found()
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if callable(identifier):
        return Custom(identifier)
    raise UnknownNameError("loss", identifier, BY_NAME)
