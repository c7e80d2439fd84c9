"""What moves, picks or reduces numbers, and the losses at which backpropagation starts, explained."""

from __future__ import annotations

import numpy as np

from omomi.inspect.formulas import number
from omomi.inspect.worked_line import Lines, Occasion, at, factor, largest, line, total


def moved_forward(o: Occasion) -> Lines:
    x = next(iter(o.inputs.values()))
    place = np.unravel_index(int(np.ravel_multi_index(o.index, o.y.shape)), x.shape)
    return [line(o, "y", o.index, at("x", place))]


def moved_backward(o: Occasion) -> Lines:
    (name, g), *_ = o.gradients.items()
    place = tuple(int(i) for i in np.unravel_index(int(np.ravel_multi_index(o.index, o.y.shape)), g.shape))
    return [line(o, name, place, at("gy", o.index))]


def dropout_forward(o: Occasion) -> Lines:
    rate, kept = o.attributes["rate"], o.y[o.index] != 0
    mask = f"1/(1 − {number(rate)})" if kept else "0"
    return [line(o, "y", o.index, f"x m = {factor(o.inputs['x'][o.index])}·{mask}" + ("" if kept else ", left out"))]


def dropout_backward(o: Occasion) -> Lines:
    assert o.gy is not None
    kept = o.gradients["x"][o.index] != 0
    mask = f"1/(1 − {number(o.attributes['rate'])})" if kept else "0"
    return [line(o, "x", o.index, f"gy m = {factor(o.gy[o.index])}·{mask}")]


def reduction_forward(o: Occasion) -> Lines:
    x, axis = o.inputs["x"], o.attributes.get("axis")
    named = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = tuple(a % x.ndim for a in named)
    left = [size for a, size in enumerate(x.shape) if a not in axes]
    values = np.moveaxis(x, axes, range(-len(axes), 0)).reshape(*left, -1)
    index = tuple(i for a, i in enumerate(o.index) if not o.attributes.get("keepdims") or a not in axes)
    row = values[index]
    words = {
        "mean": f"1/n Σ x = ({total([(v,) for v in row])}) / {len(row)}",
        "sum": f"Σ x = {total([(v,) for v in row])}",
        "max": f"the largest of {len(row)} numbers",
        "min": f"the smallest of {len(row)} numbers",
    }
    return [line(o, "y", o.index, words[o.rule])]


def largest_gradient(o: Occasion) -> Lines:
    """For rules whose backward is one sentence: the formula, and the largest entry."""
    return [line(o, name, largest(g), o.gradient.partition(" = ")[2]) for name, g in o.gradients.items()]


def whole_formula(o: Occasion) -> Lines:
    """For rules whose sums are too many to write: the formula, and what comes out."""
    return [line(o, "y", o.index, o.formula.partition(" = ")[2])]


def loss_backward(o: Occasion) -> Lines:
    """The delta at which backpropagation starts, for the output entry where it is largest."""
    index = largest(o.gradients["x"])
    x, t, n = o.inputs["x"], o.inputs["t"], o.inputs["w"].size
    w = float(np.broadcast_to(o.inputs["w"], x.shape[:-1])[index[:-1]])
    row = x[index[:-1]].astype(np.float64)
    target = float(t[index[:-1]] == index[-1]) if t.ndim < x.ndim else float(t[index])
    if "softmax" in o.rule:
        y = float(np.exp(row - row.max())[index[-1]] / np.exp(row - row.max()).sum())
        text = f"wₙ/M (softmax(x) − t) = {number(w)}/{n} · ({number(y)} − {number(target)})"
    elif o.rule == "sigmoid_cross_entropy":
        y = float(1 / (1 + np.exp(-row[index[-1]])))
        text = f"wₙ/M (σ(x) − t)/m = {number(w)}/{n} · ({number(y)} − {number(target)})/{x.shape[-1]}"
    elif o.rule == "squared_error":
        text = f"wₙ/M (x − t) = {number(w)}/{n} · ({number(row[index[-1]])} − {factor(target)})"
    else:
        text = f"wₙ/M 2 (x − t)/m = {number(w)}/{n} · 2 · ({number(row[index[-1]])} − {factor(target)})/{x.shape[-1]}"
    return [line(o, "x", index, text)]
