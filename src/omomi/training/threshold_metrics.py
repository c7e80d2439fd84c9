"""Metrics of answers yes and no: precision, recall, areas under curves. Names and definitions are Keras 3's.

All of them count right and wrong answers at one or many thresholds; the rule is
``omomi.ops.counting.threshold_counts``. Outputs are probabilities; targets above ½ mean yes. Class indices stand for
one-hot rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from omomi.errors import ConfigurationError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.ops import counting
from omomi.training.metric import Metric, ratio

Array = Any
EPSILON = 1e-7
COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def between(value: Any, where: str, what: str) -> float:
    """A number from 0 to 1.

    Raises:
        ConfigurationError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0 <= value <= 1:
        raise ConfigurationError(f"{what} lies between 0 and 1.", where=where, received=f"{what}={value!r}")
    return float(value)


def spread(count: int, where: str) -> tuple[float, ...]:
    """So many thresholds from just below 0 to just above 1, as Keras lays them."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 2:
        raise ConfigurationError("num_thresholds is above 1.", where=where, received=f"num_thresholds={count!r}")
    return (-EPSILON, *((i + 1) / (count - 1) for i in range(count - 2)), 1 + EPSILON)


class ThresholdMetric(Metric):
    """Counts of right and wrong answers at thresholds."""

    takes = "labels"

    def __init__(self, name: str, thresholds: Sequence[float], **attributes: Any) -> None:
        super().__init__(name, counting.threshold_counts, thresholds=tuple(thresholds), **attributes)

    def shapes(self, outputs: int) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(COUNTS, (len(self.attributes["thresholds"]),))


class _AtThresholds(ThresholdMetric):
    """One number for each of the thresholds that the user gives."""

    default_name: ClassVar[str]

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        name = name or self.default_name
        self.thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        if thresholds is None:
            given = [0.5 if top_k is None else -np.inf]
        else:
            given = [float(v) for v in np.atleast_1d(np.asarray(thresholds, np.float64))]
        order = np.argsort(given, kind="stable")
        self.place = np.argsort(order, kind="stable")  # where each threshold of the user stands among the sorted
        super().__init__(name, [given[i] for i in order], top_k=top_k, class_id=class_id)

    @property
    def scalar(self) -> bool:
        return len(self.place) == 1

    def config(self) -> dict[str, Any]:
        return {"thresholds": self.thresholds, "top_k": self.top_k, "class_id": self.class_id}

    def compute(self, **sums: Array) -> Any:
        values = self.share(**sums)[self.place]
        return values[0] if self.scalar else values

    def share(self, **sums: Array) -> Array:
        """The result at each of the sorted thresholds."""
        raise NotImplementedError


class Precision(_AtThresholds):
    """TP / (TP + FP): how many of those that were called positive are so."""

    default_name = "precision"

    def share(self, **sums: Array) -> Array:
        return ratio(sums["true_positives"], sums["true_positives"] + sums["false_positives"])


class Recall(_AtThresholds):
    """TP / (TP + FN): how many of the positive ones were found."""

    default_name = "recall"

    def share(self, **sums: Array) -> Array:
        return ratio(sums["true_positives"], sums["true_positives"] + sums["false_negatives"])


class _Count(_AtThresholds):
    """One of the four counts."""

    def __init__(self, thresholds: float | Sequence[float] | None = None, name: str | None = None) -> None:
        super().__init__(thresholds, name=name)

    def config(self) -> dict[str, Any]:
        return {"thresholds": self.thresholds}

    def share(self, **sums: Array) -> Array:
        return sums[self.default_name]


class TruePositives(_Count):
    """The (weighted) number of positive samples that were called positive."""

    default_name = "true_positives"


class FalsePositives(_Count):
    """The (weighted) number of negative samples that were called positive."""

    default_name = "false_positives"


class TrueNegatives(_Count):
    """The (weighted) number of negative samples that were called negative."""

    default_name = "true_negatives"


class FalseNegatives(_Count):
    """The (weighted) number of positive samples that were called negative."""

    default_name = "false_negatives"


class _AtBest(ThresholdMetric):
    """The best value of one quantity where another is at least so large."""

    default_name: ClassVar[str]
    bound: ClassVar[str]  # the argument that holds the least value

    def __init__(
        self, least: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None
    ) -> None:
        name = name or self.default_name
        self.least, self.num_thresholds, self.class_id = between(least, name, self.bound), num_thresholds, class_id
        thresholds = (0.5,) if num_thresholds == 1 else spread(num_thresholds, name)
        super().__init__(name, thresholds, class_id=class_id)

    def config(self) -> dict[str, Any]:
        return {self.bound: self.least, "num_thresholds": self.num_thresholds, "class_id": self.class_id}

    def compute(self, **sums: Array) -> Any:
        bounded, wanted = self.quantities(*(sums[key] for key in COUNTS))
        fitting = bounded >= self.least
        return wanted[fitting].max() if fitting.any() else 0.0

    def quantities(self, tp: Array, fp: Array, tn: Array, fn: Array) -> tuple[Array, Array]:
        """What is bounded, and what is wanted."""
        raise NotImplementedError


class PrecisionAtRecall(_AtBest):
    """The best precision at a recall of at least ``recall``."""

    default_name, bound = "precision_at_recall", "recall"

    def __init__(
        self, recall: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name)

    def quantities(self, tp: Array, fp: Array, tn: Array, fn: Array) -> tuple[Array, Array]:
        return ratio(tp, tp + fn), ratio(tp, tp + fp)


class RecallAtPrecision(_AtBest):
    """The best recall at a precision of at least ``precision``."""

    default_name, bound = "recall_at_precision", "precision"

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name)

    def quantities(self, tp: Array, fp: Array, tn: Array, fn: Array) -> tuple[Array, Array]:
        return ratio(tp, tp + fp), ratio(tp, tp + fn)


class SensitivityAtSpecificity(_AtBest):
    """The best sensitivity TP/(TP + FN) at a specificity TN/(TN + FP) of at least ``specificity``."""

    default_name, bound = "sensitivity_at_specificity", "specificity"

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name)

    def quantities(self, tp: Array, fp: Array, tn: Array, fn: Array) -> tuple[Array, Array]:
        return ratio(tn, tn + fp), ratio(tp, tp + fn)


class SpecificityAtSensitivity(_AtBest):
    """The best specificity TN/(TN + FP) at a sensitivity TP/(TP + FN) of at least ``sensitivity``."""

    default_name, bound = "specificity_at_sensitivity", "sensitivity"

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name)

    def quantities(self, tp: Array, fp: Array, tn: Array, fn: Array) -> tuple[Array, Array]:
        return ratio(tp, tp + fn), ratio(tn, tn + fp)


class AUC(ThresholdMetric):
    """The area under the curve of true positives over false positives (ROC), or of precision over recall (PR).

    The curve has one point for each of the thresholds, so the area is approximate; more thresholds bring it nearer.
    With ``exact=True``, every score that occurs is a threshold, and all scores are kept: for use alone, not in
    ``compile``.

    Args:
        num_thresholds: how many, spread evenly over [0, 1].
        curve: "ROC" or "PR".
        summation_method: "interpolation" (trapezoids; for PR, Davis and Goadrich 2006), "minoring" or "majoring" (steps
            below or above the curve).
        thresholds: inner thresholds of one's own, in place of those that are spread evenly.
        multi_label: an area for each output, of which the mean is taken, weighted by ``label_weights``.
        num_labels: accepted, and without effect: the outputs are counted.
        from_logits: outputs are logits, and their sigmoid is taken.
        exact: see above.
    """

    default_name = "auc"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
        exact: bool = False,
    ) -> None:
        name = name or "auc"
        known = ("interpolation", "minoring", "majoring")
        if curve.upper() not in ("ROC", "PR") or summation_method.lower() not in known:
            raise ConfigurationError(
                "the area is that under ROC or PR, summed in one of three ways.",
                where=name,
                expected=f"curve 'ROC' or 'PR', summation_method one of {', '.join(known)}",
                received=f"curve={curve!r}, summation_method={summation_method!r}",
            )
        self.num_thresholds, self.curve, self.summation_method = num_thresholds, curve.upper(), summation_method.lower()
        self.thresholds = None if thresholds is None else tuple(between(v, name, "a threshold") for v in thresholds)
        self.multi_label, self.from_logits, self.exact = bool(multi_label), bool(from_logits), bool(exact)
        self.label_weights = None if label_weights is None else tuple(float(v) for v in label_weights)
        self.kept: list[tuple[Array, Array, Array]] = []  # targets, outputs and weights, of an exact area
        inner = None if self.thresholds is None else (-EPSILON, *sorted(self.thresholds), 1 + EPSILON)
        super().__init__(name, inner or spread(num_thresholds, name), labels=self.multi_label)

    @property
    def needs_outputs(self) -> bool:  # type: ignore[override]
        return self.multi_label

    def shapes(self, outputs: int) -> dict[str, tuple[int, ...]]:
        count = len(self.attributes["thresholds"])
        return dict.fromkeys(COUNTS, (count, outputs) if self.multi_label else (count,))

    def config(self) -> dict[str, Any]:
        config = {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "thresholds": self.thresholds,
            "multi_label": self.multi_label,
            "label_weights": self.label_weights,
            "from_logits": self.from_logits,
        }
        return {**config, "exact": True} if self.exact else config

    def given(self, t: Array, y: Variable, w: Array) -> tuple[Any, ...]:
        return (functions.sigmoid(y) if self.from_logits else y), t, w

    def check(self, loss: Any) -> None:
        if self.exact:
            raise ConfigurationError(
                "an exact area needs all scores at once, which a step of training does not keep.",
                where=f"metric {self.name}",
                fix="AUC(num_thresholds=1000); or auc.update_state(y, model.predict(x)), and auc.result()",
            )
        super().check(loss)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        super().update_state(y_true, y_pred, sample_weight)
        if self.exact:
            y = np.asarray(y_pred, np.float64)
            t, y = self.aligned(np.asarray(y_true), y[:, None] if y.ndim == 1 else y)
            if t.ndim == y.ndim - 1:
                t = t[..., None] == np.arange(y.shape[-1])
            w = np.ones(y.shape[:-1]) if sample_weight is None else np.asarray(sample_weight, np.float64)
            w = np.broadcast_to(w.reshape(*w.shape, *(1,) * (y.ndim - w.ndim)), y.shape)
            self.kept.append(tuple(a.reshape(-1, y.shape[-1]) for a in (t > 0.5, y, w)))  # type: ignore[arg-type]

    def reset(self) -> None:
        self.kept = []
        super().reset()

    def compute(self, **sums: Array) -> Any:
        if self.exact and self.kept:
            t, y, w = (np.concatenate(parts) for parts in zip(*self.kept, strict=True))
            columns = [(t[:, j], y[:, j], w[:, j]) for j in range(y.shape[1])]
            if not self.multi_label:
                columns = [(t.ravel(), y.ravel(), w.ravel())]
            areas = np.array([self.area(*exact_counts(*column)) for column in columns])
        else:
            tables = [np.asarray(sums[key]) for key in COUNTS]
            many = [table if table.ndim == 2 else table[:, None] for table in tables]
            areas = np.array([self.area(*(table[:, j] for table in many)) for j in range(many[0].shape[1])])
        if self.label_weights is None:
            return areas.mean()
        return ratio((areas * self.label_weights).sum(), np.sum(self.label_weights))

    def area(self, tp: Array, fp: Array, tn: Array, fn: Array) -> Any:
        """The area under the curve through these points, thresholds rising."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            return interpolated_pr_area(tp, fp, fn)
        recall = ratio(tp, tp + fn)
        x, y = (ratio(fp, fp + tn), recall) if self.curve == "ROC" else (recall, ratio(tp, tp + fp))
        heights = {
            "interpolation": (y[:-1] + y[1:]) / 2,
            "minoring": np.minimum(y[:-1], y[1:]),
            "majoring": np.maximum(y[:-1], y[1:]),
        }
        return ((x[:-1] - x[1:]) * heights[self.summation_method]).sum()


def interpolated_pr_area(tp: Array, fp: Array, fn: Array) -> Any:
    """The area under precision over recall, false positives interpolated along true ones (Davis and Goadrich 2006).

    Between two thresholds precision is TP / (TP + FP) with FP a linear function of TP; its integral has a logarithm.
    """
    gained, called = tp[:-1] - tp[1:], (tp + fp)[:-1] - (tp + fp)[1:]
    slope = ratio(gained, np.maximum(called, 0))
    rest = tp[1:] - slope * (tp + fp)[1:]
    both = ((tp + fp)[:-1] > 0) & ((tp + fp)[1:] > 0)
    step = np.where(both, ratio((tp + fp)[:-1], np.maximum((tp + fp)[1:], 0), 1.0), 1.0)
    pieces = slope * (gained + rest * np.log(np.where(step > 0, step, 1.0)))
    return ratio(pieces, np.maximum(tp[1:] + fn[1:], 0)).sum()


def exact_counts(t: Array, y: Array, w: Array) -> tuple[Array, Array, Array, Array]:
    """The counts at every score that occurs, the highest last; before them all is called positive."""
    order = np.argsort(y, kind="stable")
    t, y, w = t[order], y[order], w[order]
    last = np.append(y[1:] != y[:-1], True)  # of the equal scores
    fn = np.concatenate([[0.0], np.cumsum(w * t)[last]])
    tn = np.concatenate([[0.0], np.cumsum(w * ~t)[last]])
    return fn[-1] - fn, tn[-1] - tn, tn, fn
