"""Losses and accuracies, as ``chainer.functions`` has them: scalars, the mean over the samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi import functions as F
from omomi.dialects.chainer.variable import Variable, as_variable, speaking
from omomi.errors import ConfigurationError, DtypeError, ShapeError

Input = Any


def softmax_cross_entropy(
    x: Input,
    t: Input,
    normalize: bool = True,
    cache_score: bool = True,
    class_weight: Any = None,
    ignore_label: int = -1,
    reduce: str = "mean",
    **options: Any,
) -> Variable:
    """Cross-entropy of softmax(x) with class indices t; samples whose t is ``ignore_label`` do not count.

    With more than two axes the classes stand along axis 1: x (N, classes, …), t (N, …).
    """
    x, labels = as_variable(x), np.asarray(as_variable(t).array)
    if options.pop("enable_double_backprop", False) or options or reduce != "mean":
        raise ConfigurationError(
            "only the mean, differentiated once, is offered.", where="softmax_cross_entropy", received=reduce
        )
    if labels.dtype.kind not in "iu":
        raise DtypeError(
            "class indices are whole numbers.",
            where="softmax_cross_entropy",
            expected="int32",
            received=labels.dtype,
            fix="t.astype(np.int32)",
        )
    if labels.shape != (x.shape[0], *x.shape[2:]):
        raise ShapeError(
            "one class index belongs to each sample.",
            where="softmax_cross_entropy",
            expected=f"t of shape {(x.shape[0], *x.shape[2:])}",
            received=f"shape {labels.shape}",
        )
    if x.ndim > 2:
        x = x.transpose(0, *range(2, x.ndim), 1).reshape(-1, x.shape[1])
    samples, flat = len(labels), labels.reshape(-1)
    counts = flat != ignore_label
    weight = counts.astype(x.dtype)
    flat = np.where(counts, flat, 0)
    if class_weight is not None:
        weight = weight * np.asarray(class_weight, x.dtype)[flat]
    divisor = max(int(counts.sum()), 1) if normalize else samples
    return speaking(F.softmax_cross_entropy(x, flat, weight * (len(flat) / divisor)))


def sigmoid_cross_entropy(x: Input, t: Input, normalize: bool = True, reduce: str = "mean") -> Variable:
    """Binary cross-entropy of sigmoid(x); entries of t that are −1 do not count."""
    if reduce != "mean":
        raise ConfigurationError("only the mean is offered.", where="sigmoid_cross_entropy", received=reduce)
    x, targets = as_variable(x), np.asarray(as_variable(t).array)
    counts = (targets != -1).reshape(-1)
    divisor = max(int(counts.sum()), 1) if normalize else len(targets)
    flat = x.reshape(-1, 1)
    weight = counts.astype(x.dtype) * (counts.size / divisor)
    aims = np.where(targets == -1, 0, targets).reshape(-1, 1).astype(x.dtype)
    return speaking(F.sigmoid_cross_entropy(flat, aims, weight))


def mean_squared_error(x0: Input, x1: Input) -> Variable:
    """The mean of (x0 − x1)², with a gradient for both."""
    difference = _difference(x0, x1, "mean_squared_error")
    return (difference * difference).mean()


def mean_absolute_error(x0: Input, x1: Input) -> Variable:
    """The mean of |x0 − x1|."""
    return absolute_error(x0, x1).mean()


def squared_error(x0: Input, x1: Input) -> Variable:
    """(x0 − x1)², entry by entry."""
    difference = _difference(x0, x1, "squared_error")
    return difference * difference


def absolute_error(x0: Input, x1: Input) -> Variable:
    """|x0 − x1|, entry by entry."""
    return speaking(F.absolute(_difference(x0, x1, "absolute_error")))


def huber_loss(x: Input, t: Input, delta: float, reduce: str = "sum_along_second_axis") -> Variable:
    """½ d² up to |d| = δ, then δ (|d| − ½ δ), summed over the second axis."""
    size = speaking(F.absolute(_difference(x, t, "huber_loss")))
    small = speaking(F.minimum(size, np.full(size.shape, delta, size.dtype)))
    loss = small * (size - small * 0.5)
    return loss if reduce == "no" else loss.sum(1)


def hinge(x: Input, t: Input, norm: str = "L1", reduce: str = "mean") -> Variable:
    """The hinge loss of one against the rest: x (N, classes), t class indices; mean over the samples."""
    x, labels = as_variable(x), np.asarray(as_variable(t).array)
    signs = np.full(x.shape, -1, x.dtype)
    signs[np.arange(len(labels)), labels] = 1
    short = speaking(F.relu(1.0 - x * signs))
    short = short * short if norm == "L2" else short
    return short if reduce == "no" else short.sum() / len(labels)


def bernoulli_nll(x: Input, y: Input, reduce: str = "sum") -> Variable:
    """−Σ log p(x) of bits x under logits y."""
    x, y = as_variable(x), as_variable(y)
    loss = speaking(F.softplus(y)) - x * y
    return loss if reduce == "no" else loss.sum()


def gaussian_kl_divergence(mean: Input, ln_var: Input, reduce: str = "sum") -> Variable:
    """KL(N(mean, e^ln_var) ‖ N(0, 1)) = ½ (mean² + e^ln_var − ln_var − 1)."""
    mean, ln_var = as_variable(mean), as_variable(ln_var)
    loss = (mean * mean + speaking(F.exp(ln_var)) - ln_var - 1.0) * 0.5
    return loss if reduce == "no" else loss.sum()


def accuracy(y: Input, t: Input, ignore_label: int | None = None) -> Variable:
    """The share of samples whose largest output (along axis 1) is the right class."""
    outputs, labels = np.asarray(as_variable(y).array), np.asarray(as_variable(t).array)
    right = outputs.argmax(1) == labels
    if ignore_label is not None:
        right = right[labels != ignore_label]
    return Variable(np.asarray(right.mean() if right.size else 0.0, outputs.dtype), requires_grad=False)


def binary_accuracy(y: Input, t: Input) -> Variable:
    """The share of logits on the right side of 0; targets of −1 do not count."""
    outputs, labels = np.asarray(as_variable(y).array), np.asarray(as_variable(t).array)
    right = ((outputs >= 0) == (labels == 1))[labels != -1]
    return Variable(np.asarray(right.mean() if right.size else 0.0, outputs.dtype), requires_grad=False)


def _difference(x0: Input, x1: Input, where: str) -> Variable:
    x0, x1 = as_variable(x0), as_variable(x1)
    if x0.shape != x1.shape:
        raise ShapeError(
            "the two differ in shape.", where=where, expected=f"shape {x0.shape}", received=f"shape {x1.shape}"
        )
    return x0 - x1
