"""Counts from which metrics are computed: at thresholds, by class, and sums over outputs.

As in chapter metric, a sample is one row along the last axis of x, and w has one weight per sample. Every rule returns
float32 sums, so that the counts of many batches add up. Nothing is differentiated.
"""

from __future__ import annotations

from omomi.ops.rule import Array, Namespace, Rule, Saved


def _float32(xp: Namespace, *sums: Array) -> tuple[Array, ...]:
    return tuple(xp.asarray(s, dtype=xp.float32) for s in sums)


# Right and wrong answers at each of the thresholds θ₁ < θ₂ < …, which take x > θ for the answer 1:
#   TPₖ = Σₙⱼ wₙ [x > θₖ] t     FPₖ = Σₙⱼ wₙ [x > θₖ] (1 − t)     TNₖ = Σₙⱼ wₙ [x ≤ θₖ] (1 − t)     FNₖ = Σₙⱼ wₙ [x ≤
# θₖ] t with t = 1 for targets above ½, else 0. The sums go over all outputs j; over one class; or, with several
# labels, there is one for each output. With top_k, only the k largest outputs of a sample can be answered by 1.
# Each x is put into the gap between thresholds that it lies in, once: N log K comparisons and not N K.


def threshold_counts_forward(
    xp: Namespace,
    x: Array,
    t: Array,
    w: Array,
    *,
    thresholds: tuple[float, ...],
    class_id: int | None = None,
    top_k: int | None = None,
    labels: bool = False,
) -> tuple[tuple[Array, ...], Saved]:
    m = x.shape[-1]
    if top_k is not None and top_k < m:
        place = xp.argsort(xp.argsort(-x, axis=-1, stable=True), axis=-1, stable=True)
        x = xp.where(place < top_k, x, -xp.inf)
    if class_id is not None:
        x, t = x[..., class_id : class_id + 1], t[..., class_id : class_id + 1]
    columns = x.shape[-1]
    weights = (w[..., None] * xp.ones(x.shape, w.dtype)).reshape(-1, columns).astype(xp.float32)
    positive = xp.asarray(t > 0.5).reshape(-1, columns).astype(xp.float32)
    gap = xp.searchsorted(xp.asarray(thresholds, dtype=x.dtype), x.reshape(-1, columns), side="left")
    label = xp.arange(columns) * (1 if labels else 0) + xp.zeros(gap.shape, gap.dtype)
    empty = xp.zeros((len(thresholds) + 1, columns if labels else 1), xp.float32)
    of_ones = xp.scatter_add(empty, (gap, label), weights * positive)
    of_zeros = xp.scatter_add(empty, (gap, label), weights * (1 - positive))

    def above(counts: Array) -> Array:
        """Sums over the gaps above each threshold."""
        return xp.flip(xp.cumsum(xp.flip(counts, axis=0), axis=0), axis=0)[1:]

    def below(counts: Array) -> Array:
        return xp.cumsum(counts, axis=0)[:-1]

    found = _float32(xp, above(of_ones), above(of_zeros), below(of_zeros), below(of_ones))
    return found if labels else tuple(f[:, 0] for f in found), ()


threshold_counts = Rule(
    "threshold_counts",
    threshold_counts_forward,
    None,
    "TPₖ = Σ w [x > θₖ] t, FPₖ = Σ w [x > θₖ] (1 − t), TNₖ = Σ w [x ≤ θₖ] (1 − t), FNₖ = Σ w [x ≤ θₖ] t",
)


# Right and wrong answers of each output j: z = 1 where x exceeds the threshold, or, without one, for the largest
# outputs.
#   TPⱼ = Σₙ wₙ zⱼ tⱼ     FPⱼ = Σₙ wₙ zⱼ (1 − tⱼ)     FNⱼ = Σₙ wₙ (1 − zⱼ) tⱼ     Sⱼ = Σₙ wₙ tⱼ
# As in Keras, an output of 0 (|x| ≤ 1e-9) is never the largest.


def class_counts_forward(
    xp: Namespace, x: Array, t: Array, w: Array, *, threshold: float | None = None
) -> tuple[tuple[Array, ...], Saved]:
    if threshold is None:
        z = (x >= xp.max(x, axis=-1, keepdims=True)) & (xp.abs(x) > 1e-9)
    else:
        z = x > threshold
    axes = tuple(range(x.ndim - 1))
    weights, z = w[..., None], z.astype(x.dtype)
    t = xp.asarray(t).astype(x.dtype)
    sums = (weights * z * t, weights * z * (1 - t), weights * (1 - z) * t, weights * t)
    return _float32(xp, *(xp.sum(s, axis=axes) for s in sums)), ()


class_counts = Rule(
    "class_counts", class_counts_forward, None, "TP = Σₙ w z t, FP = Σₙ w z (1 − t), FN = Σₙ w (1 − z) t, S = Σₙ w t"
)


# How often (by weight) label i was taken for label j, both whole numbers from 0 on; others are not counted.
#   y[i, j] = Σ w [t = i] [x = j]


def label_confusion_forward(xp: Namespace, x: Array, t: Array, w: Array, *, classes: int) -> tuple[Array, Saved]:
    counts = xp.zeros((classes, classes), xp.float32)
    x, t = xp.asarray(x).astype(xp.int64).reshape(-1), xp.asarray(t).astype(xp.int64).reshape(-1)
    known = (x >= 0) & (x < classes) & (t >= 0) & (t < classes)
    weights = xp.where(known, w.reshape(-1), 0).astype(xp.float32)
    cells = (xp.where(known, t, 0), xp.where(known, x, 0))
    return xp.scatter_add(counts, cells, weights), ()


label_confusion = Rule("label_confusion", label_confusion_forward, None, "y[i, j] = Σ w [t = i] [x = j]")


# What the coefficient of determination needs, for each output.
#   Σₙ wₙ t     Σₙ wₙ t²     Σₙ wₙ (t − x)²     Σₙ wₙ


def residual_sums_forward(xp: Namespace, x: Array, t: Array, w: Array) -> tuple[tuple[Array, ...], Saved]:
    axes = tuple(range(x.ndim - 1))
    weights = w[..., None] * xp.ones(x.shape, w.dtype)
    t = xp.asarray(t).astype(x.dtype)
    sums = (weights * t, weights * t * t, weights * (t - x) * (t - x), weights)
    return _float32(xp, *(xp.sum(s, axis=axes) for s in sums)), ()


residual_sums = Rule("residual_sums", residual_sums_forward, None, "Σ w t, Σ w t², Σ w (t − x)², Σ w")


# Whether output and target are the same number.
#   m = (1/m) Σⱼ [xⱼ = tⱼ]


def exact_accuracy_forward(xp: Namespace, x: Array, t: Array, w: Array) -> tuple[tuple[Array, ...], Saved]:
    share = xp.sum(x == t, axis=-1) / max(x.shape[-1], 1)
    return _float32(xp, xp.sum(w * share), xp.sum(w)), ()


exact_accuracy = Rule("exact_accuracy", exact_accuracy_forward, None, "m = mean of [x = t]")


# A class index as a row with a single 1.
#   y[n, j] = [tₙ = j]


def one_hot_forward(xp: Namespace, t: Array, *, classes: int) -> tuple[Array, Saved]:
    return (xp.asarray(t)[..., None] == xp.arange(classes)).astype(xp.float32), ()


one_hot = Rule("one_hot", one_hot_forward, None, "y[n, j] = [tₙ = j]")


# Weighted total and weight of given values.
#   Σ w x     Σ w


def weighted_sum_forward(xp: Namespace, x: Array, w: Array) -> tuple[tuple[Array, ...], Saved]:
    weights = w * xp.ones(x.shape, w.dtype)
    return _float32(xp, xp.sum(weights * x), xp.sum(weights)), ()


weighted_sum = Rule("weighted_sum", weighted_sum_forward, None, "Σ w x, Σ w")


# The class that is meant: the largest entry of a row, the first of equal ones.
#   y = argmax t


def largest_forward(xp: Namespace, t: Array) -> tuple[Array, Saved]:
    return xp.argmax(t, axis=-1), ()


largest = Rule("largest", largest_forward, None, "y = argmax t")
