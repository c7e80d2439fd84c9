"""What a loss is: a rule, what its targets must look like, and how the losses of the samples become one number.

The named ones stand in :mod:`omomi.training.losses`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError
from omomi.graph import functions
from omomi.graph.variable import Variable, apply
from omomi.ops import arithmetic, shape
from omomi.ops.rule import Rule
from omomi.training import targets

Array = Any
REDUCTIONS = ("sum_over_batch_size", "sum", "mean_with_sample_weight")
ALIASES_OF_REDUCTIONS = {"mean": REDUCTIONS[0]}


class Loss:
    """A loss: ``loss(y_true, y_pred)`` is the scalar E = (1/N) Σₙ wₙ ℓₙ as a Variable.

    Calling it checks and aligns the targets against the outputs; ``fit`` does so once for the whole data set.

    Args:
        from_logits: outputs are logits, and the activation that belongs to the loss is part of it.
        name: as messages and logs show it.
        reduction: "sum_over_batch_size" is E as above (over the rows of all samples, those without a step left out);
            "sum" is Σ wₙ ℓₙ; "mean_with_sample_weight" is Σ wₙ ℓₙ / Σ wₙ.
        label_smoothing: s in t ← (1 − s) t + s/m: the share of a target that is spread evenly over all answers.
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
    # How ``compile`` calls it.
    default_name: ClassVar[str] = ""

    def __init__(
        self,
        from_logits: bool = False,
        name: str | None = None,
        reduction: str | None = REDUCTIONS[0],
        label_smoothing: float = 0.0,
    ) -> None:
        self.name = name or self.default_name or type(self).__name__
        self.from_logits, self.label_smoothing = bool(from_logits), float(label_smoothing)
        self.reduction = ALIASES_OF_REDUCTIONS.get(str(reduction), str(reduction))
        if self.from_logits and self.linked_activation is None:
            raise ConfigurationError("this loss has no form that takes logits.", where=self.name)
        if self.reduction not in REDUCTIONS:
            raise ConfigurationError(
                "a loss is one number, from which backpropagation starts.",
                where=self.name,
                expected=f"reduction one of {', '.join(REDUCTIONS)}",
                received=f"reduction={reduction!r}",
                fix="for a number of each sample: functions on Variables, or a metric",
            )
        if not 0 <= self.label_smoothing < 1:
            raise ConfigurationError(
                "label_smoothing is a share.", where=self.name, received=f"label_smoothing={label_smoothing!r}"
            )

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
            w = functions.masked_weights(w, mask, mean=self.reduction != "sum")._array
        t, w = self.counted(t, w)
        E = self.mean(t, y_pred, w)
        if self.reduction == "sum":
            return E * float(w.size)
        if self.reduction == "mean_with_sample_weight":
            least = current().asarray(1e-30, dtype=w.dtype)  # no weights at all: E is 0
            weights: Variable = apply(arithmetic.maximum, Variable(w, requires_grad=False).sum(), least)
            return E * float(w.size) / weights
        return E

    def counted(self, t: Array, w: Array) -> tuple[Array, Array]:
        """Targets and weights, without those targets that do not count."""
        return t, w

    def mean(self, t: Array, y_pred: Variable, w: Array) -> Variable:
        """(1/M) Σ w ℓ over the M rows."""
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
            if self.linked_rule is not None:
                return apply(self.linked_rule, y_pred, self.as_float(t, y_pred), w)  # type: ignore[no-any-return]
            y_pred = apply(self.linked_activation, y_pred)  # type: ignore[arg-type]
        elif link and self.linked_rule is not None:
            assert creator is not None
            logits = widened(creator.inputs[0], w)
            return apply(self.linked_rule, logits, self.as_float(t, logits), w)  # type: ignore[no-any-return]
        y_pred = widened(y_pred, w)
        return apply(self.rule, y_pred, self.as_float(t, y_pred), w, **self.attributes())  # type: ignore[no-any-return]

    def as_float(self, t: Array, y_pred: Variable) -> Array:
        """Targets in the output's dtype and smoothed, except class indices. The cast is a rule: a recorded step must
        repeat it."""
        if self.indexed:
            return t
        if t.dtype != y_pred.dtype:
            t = apply(shape.cast, Variable(t, requires_grad=False), dtype=y_pred.dtype.name)._array
        if self.label_smoothing:
            spread = self.label_smoothing / self.answers(y_pred.shape[-1])
            t = (Variable(t, requires_grad=False) * (1 - self.label_smoothing) + spread)._array
        return t

    def answers(self, outputs: int) -> int:
        """Between how many answers a target with so many entries decides."""
        return outputs

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments that are not the defaults."""
        config: dict[str, Any] = {"from_logits": True} if self.from_logits else {}
        if self.reduction != REDUCTIONS[0]:
            config["reduction"] = self.reduction
        if self.label_smoothing:
            config["label_smoothing"] = self.label_smoothing
        return config

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_config().items())})"


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
