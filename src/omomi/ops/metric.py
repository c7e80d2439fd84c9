"""Metrics: how good the output x is, counted and not differentiated; and two tests of arrays.

A metric's rule returns two float32 numbers, the weighted total and the weight it stands for,

    (Σₙ wₙ mₙ, Σₙ wₙ),

so that the mean over many batches is the quotient of two sums. As with the losses, a sample is one row along the
last axis of x, and w has one weight per sample.
"""

from __future__ import annotations

from typing import Any

from omomi.ops import distance, loss
from omomi.ops.rule import Array, Namespace, Rule, Saved


def _totals(xp: Namespace, w: Array, values: Array) -> tuple[tuple[Array, Array], Saved]:
    """(Σₙ wₙ mₙ, Σₙ wₙ) in float32."""
    return (xp.asarray(xp.sum(w * values), dtype=xp.float32), xp.asarray(xp.sum(w), dtype=xp.float32)), ()


# Share of right answers. An output is right if it lies on the same side of the threshold as its target (0 or 1).
#   m = (1/m) Σⱼ [ [xⱼ > threshold] = tⱼ ]


def binary_accuracy_forward(
    xp: Namespace, x: Array, t: Array, w: Array, *, threshold: float = 0.5
) -> tuple[tuple[Array, Array], Saved]:
    return _totals(xp, w, xp.sum((x > threshold) == t, axis=-1) / max(x.shape[-1], 1))


binary_accuracy = Rule("binary_accuracy", binary_accuracy_forward, None, "m = mean of [[x > threshold] = t]")


# A class is right if it has the largest output; of equal outputs the first counts.
#   m = [argmax x = argmax t]


def categorical_accuracy_forward(xp: Namespace, x: Array, t: Array, w: Array) -> tuple[tuple[Array, Array], Saved]:
    return _totals(xp, w, xp.argmax(x, axis=-1) == xp.argmax(t, axis=-1))


categorical_accuracy = Rule("categorical_accuracy", categorical_accuracy_forward, None, "m = [argmax x = argmax t]")


# The same with class indices.
#   m = [argmax x = t]


def sparse_categorical_accuracy_forward(
    xp: Namespace, x: Array, t: Array, w: Array
) -> tuple[tuple[Array, Array], Saved]:
    return _totals(xp, w, xp.argmax(x, axis=-1) == t)


sparse_categorical_accuracy = Rule(
    "sparse_categorical_accuracy", sparse_categorical_accuracy_forward, None, "m = [argmax x = t]"
)


# A class is among the first k if fewer than k outputs are larger than its own; equal outputs share a place.
#   m = [#{j : xⱼ > x_t} < k]


def sparse_top_k_categorical_accuracy_forward(
    xp: Namespace, x: Array, t: Array, w: Array, *, k: int = 5
) -> tuple[tuple[Array, Array], Saved]:
    own = xp.take_along_axis(x, t[..., None], axis=-1)
    larger = xp.sum(~(x <= own), axis=-1)  # and not "x > own", so that a NaN is never among the first
    return _totals(xp, w, larger < k)


sparse_top_k_categorical_accuracy = Rule(
    "sparse_top_k_categorical_accuracy", sparse_top_k_categorical_accuracy_forward, None, "m = [#{j : xⱼ > xₜ} < k]"
)


# The same with one-hot or soft targets, of which the largest entry is meant.


def top_k_categorical_accuracy_forward(
    xp: Namespace, x: Array, t: Array, w: Array, *, k: int = 5
) -> tuple[tuple[Array, Array], Saved]:
    return sparse_top_k_categorical_accuracy_forward(xp, x, xp.argmax(t, axis=-1), w, k=k)


top_k_categorical_accuracy = Rule(
    "top_k_categorical_accuracy",
    top_k_categorical_accuracy_forward,
    None,
    "m = [#{j : xⱼ > x_c} < k], c = argmax t",
)


# Confusion matrix: how often (by weight) class i was taken for class j; the diagonal holds the right answers.
#   y[i, j] = Σₙ wₙ [tₙ = i] [argmax xₙ = j]


def confusion_forward(xp: Namespace, x: Array, t: Array, w: Array) -> tuple[Array, Saved]:
    m = x.shape[-1]
    cells = (t.reshape(-1), xp.argmax(x, axis=-1).reshape(-1))
    return xp.scatter_add(xp.zeros((m, m), xp.float32), cells, w.reshape(-1).astype(xp.float32)), ()


confusion = Rule("confusion", confusion_forward, None, "y[i, j] = Σₙ wₙ [tₙ = i] [argmax xₙ = j]")


# Losses as metrics: from E = (1/M) Σₙ wₙ mₙ the total is M E.


def _of_loss(rule: Rule) -> Rule:
    """The metric that counts a loss."""

    def forward(xp: Namespace, x: Array, t: Array, w: Array, **attributes: Any) -> tuple[tuple[Array, Array], Saved]:
        e, _ = rule.forward(xp, x, t, w, **attributes)
        total = xp.asarray(e * w.size, dtype=xp.float32)
        return (total, xp.asarray(xp.sum(w), dtype=xp.float32)), ()

    return Rule(f"{rule.name}_metric", forward, None, f"M E of {rule.formula}")


huber_metric = _of_loss(loss.huber)
log_cosh_metric = _of_loss(loss.log_cosh)
poisson_metric = _of_loss(loss.poisson)
squared_hinge_metric = _of_loss(loss.squared_hinge)
mean_absolute_percentage_error_metric = _of_loss(distance.mean_absolute_percentage_error)
mean_squared_logarithmic_error_metric = _of_loss(distance.mean_squared_logarithmic_error)
cosine_similarity_metric = _of_loss(distance.cosine_similarity)
categorical_hinge_metric = _of_loss(distance.categorical_hinge)
sigmoid_cross_entropy_metric = _of_loss(loss.sigmoid_cross_entropy)
softmax_cross_entropy_metric = _of_loss(loss.softmax_cross_entropy)
sparse_softmax_cross_entropy_metric = _of_loss(loss.sparse_softmax_cross_entropy)
mean_squared_error_metric = _of_loss(loss.mean_squared_error)
mean_absolute_error_metric = _of_loss(loss.mean_absolute_error)
binary_cross_entropy_metric = _of_loss(loss.binary_cross_entropy)
categorical_cross_entropy_metric = _of_loss(loss.categorical_cross_entropy)
sparse_categorical_cross_entropy_metric = _of_loss(loss.sparse_categorical_cross_entropy)
hinge_metric = _of_loss(loss.hinge)
kl_divergence_metric = _of_loss(loss.kl_divergence)


# Whether every number is finite. The largest and the smallest are, exactly then: both ends show a NaN, and an
# infinity is one of them. Two passes that write nothing are cheaper than an array of answers.
#   y = all (max a < ∞ and min a > −∞)


def all_finite_forward(xp: Namespace, *arrays: Array) -> tuple[Array, Saved]:
    finite = xp.asarray(True)
    for a in arrays:
        finite = finite & (a.max(initial=0) < xp.inf) & (a.min(initial=0) > -xp.inf)
    return finite, ()


all_finite = Rule("all_finite", all_finite_forward, None, "y = all a are finite")
