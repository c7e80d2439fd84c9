"""Metrics by class and by output: F-scores, intersection over union, the coefficient of determination.

Names and definitions are Keras 3's; the rules stand in ``omomi.ops.counting``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError
from omomi.graph.variable import Variable, apply
from omomi.ops import counting, metric, shape
from omomi.training import targets
from omomi.training.metric import Metric, ratio

Array = Any


class FBetaScore(Metric):
    """(1 + β²) P R / (β² P + R) from precision P and recall R of each class: R counts β times as much as P.

    Args:
        average: ``None`` (a score for each class), "micro" (all classes together), "macro" (the mean over the classes)
        or
            "weighted" (the mean, weighted by how often each class is the right one).
        beta: β.
        threshold: outputs above it mean yes; ``None``: the largest output of each sample does.
    """

    takes = "labels"
    needs_outputs = True

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        if average not in (None, "micro", "macro", "weighted") or not beta > 0:
            raise ConfigurationError(
                "the average is one of four, and β is positive.",
                where=name,
                expected="average None, 'micro', 'macro' or 'weighted'",
                received=f"average={average!r}, beta={beta!r}",
            )
        self.average, self.beta, self.threshold = average, float(beta), threshold
        super().__init__(name, counting.class_counts, threshold=threshold)

    def shapes(self, outputs: int) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(("true_positives", "false_positives", "false_negatives", "support"), (outputs,))

    @property
    def scalar(self) -> bool:
        return self.average is not None

    def config(self) -> dict[str, Any]:
        return {"average": self.average, "beta": self.beta, "threshold": self.threshold}

    def compute(self, **sums: Array) -> Any:
        tp, fp, fn, support = sums.values()
        if self.average == "micro":
            tp, fp, fn = tp.sum(), fp.sum(), fn.sum()
        precision, recall, square = ratio(tp, tp + fp), ratio(tp, tp + fn), self.beta**2
        scores = ratio((1 + square) * precision * recall, square * precision + recall)
        if self.average == "macro":
            return scores.mean()
        if self.average == "weighted":
            return ratio((scores * support).sum(), support.sum())
        return scores


class F1Score(FBetaScore):
    """2 P R / (P + R): the harmonic mean of precision and recall. Arguments as of :class:`FBetaScore`."""

    def __init__(
        self, average: str | None = None, threshold: float | None = None, name: str = "f1_score", dtype: Any = None
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def config(self) -> dict[str, Any]:
        return {"average": self.average, "threshold": self.threshold}


class ConfusionMatrix(Metric):
    """How often class i (row) was taken for class j (column), by weight.

    Targets are class indices. Outputs are one number for each class (the largest is meant), or, with
    ``sparse_y_pred=True``, class indices themselves.
    """

    takes = "labels"

    def __init__(self, num_classes: int, sparse_y_pred: bool = False, name: str = "confusion_matrix") -> None:
        if isinstance(num_classes, bool) or not isinstance(num_classes, (int, np.integer)) or num_classes < 1:
            raise ConfigurationError("there are classes.", where=name, received=f"num_classes={num_classes!r}")
        self.num_classes, self.sparse_y_pred = int(num_classes), bool(sparse_y_pred)
        if self.sparse_y_pred:
            super().__init__(name, counting.label_confusion, classes=self.num_classes)
        else:
            super().__init__(name, metric.confusion)

    def shapes(self, outputs: int) -> dict[str, tuple[int, ...]]:
        return {"matrix": (self.num_classes, self.num_classes)}

    @property
    def scalar(self) -> bool:
        return False

    def config(self) -> dict[str, Any]:
        return {"num_classes": self.num_classes, "sparse_y_pred": self.sparse_y_pred}

    def given(self, t: Array, y: Variable, w: Array) -> tuple[Any, ...]:
        if self.sparse_y_pred:
            return apply(shape.reshape, y, shape=tuple(w.shape)), t.reshape(w.shape), w
        if len(t.shape) == len(y.shape):  # one-hot, from a loss or from the user
            t = apply(counting.largest, t)._array
        return y, t, w

    def aligned(self, t: Array, y: Array) -> tuple[Array, Array]:
        if self.sparse_y_pred:
            y, t = np.asarray(y), np.asarray(t)
            if y.shape != t.shape:
                t = targets.dense(t, (None, *y.shape[1:]), self.name)
            return t[..., None], y[..., None]
        if y.shape[-1] != self.num_classes:
            raise ConfigurationError(
                "there is one output for each class.",
                where=self.name,
                expected=f"{self.num_classes} outputs",
                received=f"{y.shape[-1]}",
                fix="sparse_y_pred=True for outputs that are class indices",
            )
        return super().aligned(t, y)

    def compute(self, **sums: Array) -> Any:
        return sums["matrix"]


class IoU(ConfusionMatrix):
    """Intersection over union TP / (TP + FP + FN) of some classes; the mean over those that occur.

    Args:
        num_classes: of which there are so many.
        target_class_ids: the classes that count.
        sparse_y_pred: whether outputs are class indices, rather than one number for each class.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        sparse_y_pred: bool = True,
        name: str = "io_u",
    ) -> None:
        super().__init__(num_classes, sparse_y_pred, name)
        self.target_class_ids = tuple(int(i) for i in target_class_ids)
        if any(not 0 <= i < self.num_classes for i in self.target_class_ids):
            raise ConfigurationError(
                "a target class is none of the classes.", where=name, received=f"target_class_ids={target_class_ids!r}"
            )

    @property
    def scalar(self) -> bool:
        return True

    def config(self) -> dict[str, Any]:
        return {**super().config(), "target_class_ids": self.target_class_ids}

    def compute(self, **sums: Array) -> Any:
        matrix = sums["matrix"]
        right = np.diag(matrix)
        union = matrix.sum(axis=0) + matrix.sum(axis=1) - right
        chosen = np.array(self.target_class_ids, int)
        there = union[chosen] > 0
        return ratio(ratio(right, union)[chosen][there].sum(), there.sum(), float("nan"))


class MeanIoU(IoU):
    """Intersection over union, the mean over all classes that occur."""

    def __init__(self, num_classes: int, sparse_y_pred: bool = True, name: str = "mean_io_u") -> None:
        super().__init__(num_classes, range(int(num_classes)), sparse_y_pred, name)

    def config(self) -> dict[str, Any]:
        return {"num_classes": self.num_classes, "sparse_y_pred": self.sparse_y_pred}


class OneHotIoU(IoU):
    """:class:`IoU` of outputs that have one number for each class."""

    def __init__(
        self, num_classes: int, target_class_ids: Sequence[int], sparse_y_pred: bool = False, name: str = "one_hot_io_u"
    ) -> None:
        super().__init__(num_classes, target_class_ids, sparse_y_pred, name)


class OneHotMeanIoU(MeanIoU):
    """:class:`MeanIoU` of outputs that have one number for each class."""

    def __init__(self, num_classes: int, sparse_y_pred: bool = False, name: str = "one_hot_mean_io_u") -> None:
        super().__init__(num_classes, sparse_y_pred, name)


class R2Score(Metric):
    """R² = 1 − Σ (t − x)² / Σ (t − t̄)²: the share of the targets' variance that is explained.

    Args:
        class_aggregation: how the scores of several outputs become one: "uniform_average",
        "variance_weighted_average", or
            ``None`` (one for each).
        num_regressors: p > 0 gives the adjusted R² = 1 − (1 − R²)(n − 1)/(n − p − 1).
    """

    needs_outputs = True

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ) -> None:
        known = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in known or num_regressors < 0:
            raise ConfigurationError(
                "scores of outputs are averaged in one of these ways.",
                where=name,
                expected=f"one of {known}, and num_regressors ≥ 0",
                received=f"class_aggregation={class_aggregation!r}, num_regressors={num_regressors!r}",
            )
        self.class_aggregation, self.num_regressors = class_aggregation, int(num_regressors)
        super().__init__(name, counting.residual_sums)

    def shapes(self, outputs: int) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(("total", "squares", "residual", "count"), (outputs,))

    @property
    def scalar(self) -> bool:
        return self.class_aggregation is not None

    def config(self) -> dict[str, Any]:
        return {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}

    def compute(self, **sums: Array) -> Any:
        mean = ratio(sums["total"], sums["count"])
        spread = sums["squares"] - sums["total"] * mean
        scores = np.where(sums["count"] > 0, 1 - ratio(sums["residual"], spread), np.nan)
        if self.class_aggregation == "uniform_average":
            scores = scores.mean()
        elif self.class_aggregation == "variance_weighted_average":
            scores = ratio((scores * spread).sum(), spread.sum(), float("nan"))
        if self.num_regressors:
            n, p = sums["count"].max(), self.num_regressors
            if n - p - 1 > 0:
                scores = 1 - (1 - scores) * (n - 1) / (n - p - 1)
        return scores
