"""Losses as functions of Variables: each returns the scalar E, the mean over the samples.

The formulas and their derivatives stand in ``omomi.ops.loss``. Nothing is broadcast between output and target.
"""

from __future__ import annotations

from typing import Any

from omomi.engines.selection import current
from omomi.errors import DtypeError, ShapeError
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import loss, penalty, shape
from omomi.ops.rule import Rule

Input = Any  # a Variable, an array, or numbers


def squared_error(x: Input, t: Input, w: Input | None = None) -> Variable:
    """The textbook's ½ Σⱼ (xⱼ − tⱼ)² of a sample, averaged over the samples; ∂E/∂x = (x − t)/N."""
    return _dense_loss(loss.squared_error, x, t, w)


def mean_squared_error(x: Input, t: Input, w: Input | None = None) -> Variable:
    """The mean of (x − t)²; ∂E/∂x = 2 (x − t)/(N m)."""
    return _dense_loss(loss.mean_squared_error, x, t, w)


def mean_absolute_error(x: Input, t: Input, w: Input | None = None) -> Variable:
    """The mean of |x − t|."""
    return _dense_loss(loss.mean_absolute_error, x, t, w)


def huber(x: Input, t: Input, w: Input | None = None, *, delta: float = 1.0) -> Variable:
    """Squared near the target, linear beyond ``delta``. Source: Huber 1964."""
    return _dense_loss(loss.huber, x, t, w, delta=float(delta))


def binary_cross_entropy(x: Input, t: Input, w: Input | None = None) -> Variable:
    """−t log x − (1 − t) log(1 − x), x probabilities."""
    return _dense_loss(loss.binary_cross_entropy, x, t, w)


def sigmoid_cross_entropy(x: Input, t: Input, w: Input | None = None) -> Variable:
    """Binary cross-entropy of sigmoid(x), x logits; the backward pass starts at ŷ − t."""
    return _dense_loss(loss.sigmoid_cross_entropy, x, t, w)


def softmax_cross_entropy(x: Input, t: Input, w: Input | None = None) -> Variable:
    """Cross-entropy of softmax(x), x logits (N, m); ∂E/∂x = (y − t)/N.

    The targets' shape says what they are: (N, m) one-hot or soft, (N,) or (N, 1) class indices.

    Raises:
        ShapeError: neither fits, or m = 1, where (N, 1) could mean both.
        DtypeError: class indices that are no integers.
    """
    x, t = as_variable(x), as_variable(t)
    if x.ndim and x.shape[-1] == 1:
        raise ShapeError(
            "with one logit the targets are ambiguous, and a softmax of one unit is always 1.",
            where="softmax_cross_entropy",
            expected="two classes or more",
            received=f"x {x.shape}, t {t.shape}",
            fix="two classes on one unit: sigmoid_cross_entropy",
        )
    if t.shape == x.shape:
        return _loss_of(loss.softmax_cross_entropy, x, _like(t, x), w)
    if t.shape == (*x.shape[:-1], 1):
        t = Variable(t.array.reshape(x.shape[:-1]), requires_grad=False)
    if t.shape != x.shape[:-1]:
        raise ShapeError(
            "targets and logits do not fit together.",
            where="softmax_cross_entropy",
            expected=f"one-hot {x.shape} or class indices {x.shape[:-1]}",
            received=f"t {t.shape}",
        )
    if t.dtype.kind not in "iu":
        raise DtypeError(
            "class indices are whole numbers.",
            where="softmax_cross_entropy",
            expected="an integer dtype",
            received=f"dtype {t.dtype}",
            fix="t.astype(int)",
        )
    return _loss_of(loss.sparse_softmax_cross_entropy, x, t, w)


def hinge(x: Input, t: Input, w: Input | None = None) -> Variable:
    """The mean of max(0, 1 − t x), labels −1 and 1."""
    return _dense_loss(loss.hinge, x, t, w)


def kl_divergence(x: Input, t: Input, w: Input | None = None) -> Variable:
    """Σⱼ tⱼ log(tⱼ / xⱼ), x and t probabilities."""
    return _dense_loss(loss.kl_divergence, x, t, w)


def l1_penalty(x: Input, factor: float = 0.01) -> Variable:
    """λ Σ |x| with λ = ``factor``, a scalar."""
    return apply(penalty.l1_penalty, as_variable(x), factor=float(factor))


def l2_penalty(x: Input, factor: float = 0.01) -> Variable:
    """λ Σ x² with λ = ``factor``, a scalar."""
    return apply(penalty.l2_penalty, as_variable(x), factor=float(factor))


def _dense_loss(rule: Rule, x: Input, t: Input, w: Input | None, **attributes: float) -> Variable:
    """A loss whose targets have the shape of the output. Nothing is broadcast: (N,) against (N, 1) is a mistake."""
    x, t = as_variable(x), as_variable(t)
    if x.shape != t.shape or x.ndim == 0:
        raise ShapeError(
            "output and targets differ in shape.",
            where=rule.name,
            expected=f"t of shape {x.shape}, like x" if x.ndim else "samples along the first axis",
            received=f"t of shape {t.shape}",
            fix="t.reshape(-1, 1)" if x.ndim == 2 and x.shape[1] == 1 and t.ndim == 1 else None,
        )
    return _loss_of(rule, x, _like(t, x), w, **attributes)


def _loss_of(rule: Rule, x: Variable, t: Variable, w: Input | None, **attributes: float) -> Variable:
    """E with one weight for each sample, 1 unless given."""
    if w is None:
        w = current().xp.ones(x.shape[:-1], dtype=x.dtype)
    w = _like(as_variable(w), x)
    if w.shape != x.shape[:-1]:
        raise ShapeError(
            "there is one weight for each sample.",
            where=rule.name,
            expected=f"w of shape {x.shape[:-1]}",
            received=f"w of shape {w.shape}",
        )
    return apply(rule, x, t, w, **attributes)


def _like(t: Variable, x: Variable) -> Variable:
    """Targets or weights in the dtype of the output."""
    if t.dtype == x.dtype:
        return t
    if x.dtype.kind != "f":
        raise DtypeError("a loss compares floats.", expected="outputs of a float dtype", received=x.dtype)
    return apply(shape.cast, t, dtype=x.dtype.name)
