"""What a metric is: a rule that counts, and the sums that it keeps over the batches of an epoch.

The sums live in the state tree, so that a step that is compiled counts too. A metric can also be used alone:

    >>> import omomi
    >>> auc = omomi.metrics.AUC()
    >>> auc.update_state([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])
    >>> round(auc.result(), 2)
    0.75
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from omomi.engines.engine import floating
from omomi.engines.selection import current
from omomi.errors import ConfigurationError
from omomi.graph import functions
from omomi.graph.context import no_grad
from omomi.graph.variable import Variable, apply
from omomi.layers import initializers
from omomi.layers.state import Buffer
from omomi.ops import arithmetic, counting
from omomi.ops.rule import Rule
from omomi.training import losses, targets
from omomi.training.batches import check_lengths

Array = Any


class Metric:
    """A named mean over an epoch: a weighted total, divided by the weight that it stands for.

    Other metrics are subclasses with other sums (``shapes``) and another ``compute``.

    Args:
        name: as ``History.history`` and progress show it.
        rule: returns what is to be added to the sums for outputs, targets and sample weights; ``None`` for the loss
            itself, whose value the step has already computed.
        dtype: of the sums; that of the model for its loss, float32 for what rules count.
        attributes: of the rule.

    Attributes:
        weighted: whether it counts with the weights of the samples.
        output: the place of the output that it judges; ``None``: the only one, or the whole loss.
    """

    # What the targets must be: "dense" (of the output's shape), "indices" (class indices), "labels" (either).
    takes: ClassVar[str] = "dense"
    # Whether an engine may record the counting and replay it.
    replayable: ClassVar[bool] = True

    def __init__(self, name: str, rule: Rule | None = None, dtype: str = "float32", **attributes: Any) -> None:
        self.name, self.rule, self.attributes, self.dtype = name, rule, attributes, dtype
        self.weighted = False
        self.output: str | None = None
        self.sums: dict[str, Buffer] = {}
        if not self.needs_outputs:
            self.build(None)

    # ---- what subclasses say -----------------------------------------------------------------------------------

    needs_outputs: ClassVar[bool] = False  # whether the shapes of the sums depend on the number of outputs

    def shapes(self, outputs: int) -> dict[str, tuple[int, ...]]:
        """The sums and their shapes, in the order in which the rule returns what is added to them."""
        return {"total": (), "count": ()}

    def compute(self, **sums: Array) -> Any:
        """The result from the sums, which are float64; NaN where nothing was counted."""
        return ratio(sums["total"], sums["count"], float("nan"))

    def given(self, t: Array, y: Variable, w: Array) -> tuple[Any, ...]:
        """What the rule is called with."""
        return y, t, w

    @property
    def scalar(self) -> bool:
        """Whether the result is one number, as logs hold them."""
        return True

    def config(self) -> dict[str, Any]:
        """The constructor's arguments besides the name."""
        return dict(self.attributes)

    # ---- counting ----------------------------------------------------------------------------------------------

    def build(self, outputs: int | None) -> None:
        """Make the sums for an output with so many entries in a row. Sums that are there already stay."""
        wanted = self.shapes(outputs or 1)
        if {key: sum_.shape for key, sum_ in self.sums.items()} != wanted:
            self.sums = {key: Buffer(shape, initializers.get("zeros"), self.dtype) for key, shape in wanted.items()}
            self.reset()

    def entries(self) -> dict[str, Buffer]:
        """The sums, by path."""
        return {f"metrics/{self.name}/{key}": sum_ for key, sum_ in self.sums.items()}

    def reset(self) -> None:
        """Start counting from zero."""
        for sum_ in self.sums.values():
            sum_.assign(np.zeros(sum_.shape))

    def updated(self, *found: Array) -> dict[str, Array]:
        """The sums with those of one more batch, by path."""
        return {
            f"metrics/{self.name}/{key}": apply(arithmetic.add, sum_, more)._array
            for (key, sum_), more in zip(self.sums.items(), found, strict=True)
        }

    def measure(self, t: Array, y: Variable, w: Array) -> dict[str, Array]:
        """Count one batch: the new sums, by path. Nothing is changed yet."""
        assert self.rule is not None
        if len(w.shape) < len(y.shape) - 1:  # one weight for each sample, many steps in a sample
            w = losses.broadcast_weights(w, y)
        if y.mask is not None:
            w = functions.masked_weights(w, y.mask, mean=False)._array
        if self.takes == "labels" and len(t.shape) == len(y.shape) - 1:
            t = apply(counting.one_hot, t, classes=y.shape[-1])._array
        found = apply(self.rule, *self.given(t, y, w), **self.attributes)
        return self.updated(*(found if isinstance(found, tuple) else (found,)))

    def result(self) -> Any:
        """What was counted so far, as a number, or as an array where there are many."""
        to_host = current().to_host
        if not self.sums:
            return float("nan")
        with np.errstate(all="ignore"):
            found = np.asarray(
                self.compute(**{key: np.asarray(to_host(s._array), np.float64) for key, s in self.sums.items()})
            )
        return float(found) if found.ndim == 0 else found

    # ---- used alone --------------------------------------------------------------------------------------------

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count targets and outputs, with (optionally) one weight for each sample.

        Raises:
            ShapeError, DataError, DtypeError: they do not fit together.
        """
        y = y_pred._array if isinstance(y_pred, Variable) else np.asarray(y_pred)
        y = np.asarray(current().to_host(y))
        t = y_true.numpy() if isinstance(y_true, Variable) else np.asarray(y_true)
        if not floating(y.dtype):
            y = y.astype(np.float32)
        check_lengths(y_true=t, y_pred=y)
        t, y = self.aligned(t, y)
        w = np.ones(y.shape[:-1]) if sample_weight is None else np.asarray(sample_weight, np.float64)
        if w.ndim == y.ndim and w.shape[-1] == 1:
            w = w[..., 0]
        targets.check_weights(w, y.shape, self.name)
        self.build(y.shape[-1])
        asarray = current().asarray
        with no_grad():
            new = self.measure(asarray(t), Variable(asarray(y), requires_grad=False), asarray(w.astype(y.dtype)))
        for path, entry in self.entries().items():
            entry._array = new[path]

    def aligned(self, t: Array, y: Array) -> tuple[Array, Array]:
        """Targets and outputs as the rule takes them: rows along the last axis."""
        if self.takes == "indices" or (self.takes == "labels" and t.ndim == y.ndim - 1 and y.shape[-1] > 1):
            return targets.indices(t, (None, *y.shape[1:]), self.name), y
        if y.ndim == 1:
            y = y[:, None]
        t = targets.dense(t, (None, *y.shape[1:]), self.name)
        return (t.astype(y.dtype) if t.dtype != y.dtype else t), y

    def reset_state(self) -> None:
        """Start counting from zero."""
        self.reset()

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Count, and return the result so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain values."""
        plain = {key: list(v) if isinstance(v, tuple) else v for key, v in self.config().items()}
        return {"name": self.name, **plain}

    def check(self, loss: losses.Loss) -> None:
        """Raise if it cannot judge what is trained with this loss.

        Raises:
            ConfigurationError: the targets are of another kind, or the result is no single number.
        """
        if self.rule is None or isinstance(loss, losses.Custom):  # a function of one's own takes what it takes
            return
        if self.takes == "indices" and not loss.indexed:
            raise ConfigurationError(
                "this metric compares outputs with class indices.",
                where=f"metric {self.name}",
                received=f"the loss {loss.name}, whose targets have one entry for each output",
                fix="the metric of the same name without sparse_",
            )
        if self.takes == "dense" and loss.indexed:
            raise ConfigurationError(
                "this metric compares outputs with targets of the same shape.",
                where=f"metric {self.name}",
                received=f"the loss {loss.name}, whose targets are class indices",
                fix="a sparse_… metric, or one-hot targets and categorical_crossentropy",
            )
        if not self.scalar:
            raise ConfigurationError(
                "logs hold single numbers, and this metric has many.",
                where=f"metric {self.name}",
                fix='average="macro" (F1Score), one threshold (Precision), class_aggregation="uniform_average" '
                "(R2Score); or use it alone, on what predict() gives",
            )

    def __repr__(self) -> str:
        return f"<Metric {self.name}>"


def ratio(total: Array, count: Array, empty: float = 0.0) -> Array:
    """total / count, and ``empty`` where count is 0."""
    if np.ndim(total) == np.ndim(count) == 0:  # as after every batch, for whoever reads the logs there
        return total / count if count else empty
    return np.where(count == 0, empty, total / np.where(count == 0, 1, count))
