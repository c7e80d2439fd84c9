"""Composite rules spelt out in primitive ones, as textbooks draw their computational graphs.

An affine map is a dot product and an addition; a sigmoid is ×(−1), exp, +1 and a reciprocal; batch normalisation a
mean, a subtraction, a square, … (Ioffe and Szegedy 2015, arXiv:1502.03167); softmax with loss an exponential, a sum, a
division, a logarithm. The parts compute the same numbers as the composite rule, within rounding: ``trace`` checks that,
and keeps a composite whole where they do not (an exponential overflows that the rule avoids).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from omomi.engines.selection import current
from omomi.graph import functions as F
from omomi.graph.variable import Variable
from omomi.ops import RULES

__all__ = ["EXPANSIONS"]

Labels = dict[str, Variable]
# From the composite's inputs and attributes to its (first) output, and the symbols of intermediate values.
Expansion = Callable[..., tuple[Variable, Labels]]


def _constant(value: Any, like: Variable) -> Variable:
    return Variable(np.asarray(value, like.dtype), requires_grad=False)


def affine(x: Variable, W: Variable, b: Variable) -> tuple[Variable, Labels]:
    u = x @ W
    return u + b, {"x W": u}


def sigmoid(x: Variable) -> tuple[Variable, Labels]:
    opposite = -x
    power = F.exp(opposite)
    denominator = power + 1.0
    return 1.0 / denominator, {"−x": opposite, "e⁻ˣ": power, "1 + e⁻ˣ": denominator}


def tanh(x: Variable) -> tuple[Variable, Labels]:
    up, down = F.exp(x), F.exp(-x)
    return (up - down) / (up + down), {"eˣ": up, "e⁻ˣ": down}


def softplus(x: Variable) -> tuple[Variable, Labels]:
    power = F.exp(x)
    return F.log(power + 1.0), {"eˣ": power}


def swish(x: Variable) -> tuple[Variable, Labels]:
    y, labels = sigmoid(x)
    return x * y, {**labels, "σ(x)": y}


def leaky_relu(x: Variable, *, alpha: float = 0.01) -> tuple[Variable, Labels]:
    return _slopes(x, _constant(alpha, x))


def prelu(x: Variable, alpha: Variable) -> tuple[Variable, Labels]:
    return _slopes(x, alpha)


def _slopes(x: Variable, alpha: Variable) -> tuple[Variable, Labels]:
    positive, negative = F.maximum(x, _constant(0, x)), F.minimum(x, _constant(0, x))
    return positive + alpha * negative, {"max(x, 0)": positive, "min(x, 0)": negative}


def softmax(x: Variable, *, axis: int = -1) -> tuple[Variable, Labels]:
    largest = Variable(x.array.max(axis=axis, keepdims=True), requires_grad=False)  # subtracted: it changes nothing
    power = F.exp(x - largest)
    total = power.sum(axis=axis, keepdims=True)
    return power / total, {"eˣ": power, "Σ eˣ": total}


def batch_normalization(
    x: Variable,
    gamma: Variable,
    beta: Variable,
    *_: Variable,
    epsilon: float = 1e-3,
    **__: float,
) -> tuple[Variable, Labels]:  # the running statistics have no part in the loss
    axes = tuple(range(x.ndim - 1))
    mean = x.mean(axis=axes)
    centred = x - mean
    variance = F.square(centred).mean(axis=axes)
    deviation = F.sqrt(variance + epsilon)
    x_hat = centred / deviation
    scaled = gamma * x_hat
    labels = {"μ": mean, "x − μ": centred, "σ²": variance, "√(σ² + ε)": deviation, "x̂": x_hat, "γ x̂": scaled}
    return scaled + beta, labels


def batch_normalization_inference(
    x: Variable, gamma: Variable, beta: Variable, mean: Variable, variance: Variable, *, epsilon: float = 1e-3
) -> tuple[Variable, Labels]:
    centred = x - mean
    x_hat = centred / F.sqrt(variance + epsilon)
    scaled = gamma * x_hat
    return scaled + beta, {"x − μ": centred, "x̂": x_hat, "γ x̂": scaled}


def dropout(x: Variable, address: Variable, *, rate: float) -> tuple[Variable, Labels]:
    ones = np.ones(x.shape, x.dtype)
    mask = current().forward(RULES["dropout"], (ones, address._array), {"rate": rate})[0]  # drawn again, as it was
    return x * Variable(mask, requires_grad=False), {}


# ---- losses --------------------------------------------------------------------------------------------------------


def _weighted(losses: Variable, w: Variable) -> Variable:
    """E = (1/M) Σₙ wₙ ℓₙ; weights that are all 1 need no node."""
    return (losses if bool((w.array == 1).all()) else w * losses).mean()


def softmax_cross_entropy(x: Variable, t: Variable, w: Variable) -> tuple[Variable, Labels]:
    y, labels = softmax(x)
    logarithm = F.log(y)
    losses = -(t * logarithm).sum(axis=-1)
    return _weighted(losses, w), {**labels, "y": y, "log y": logarithm, "ℓ": losses}


def sparse_softmax_cross_entropy(x: Variable, t: Variable, w: Variable) -> tuple[Variable, Labels]:
    one_hot = Variable(np.eye(x.shape[-1], dtype=x.dtype)[np.asarray(t.numpy())], requires_grad=False)
    return softmax_cross_entropy(x, one_hot, w)


def sigmoid_cross_entropy(x: Variable, t: Variable, w: Variable) -> tuple[Variable, Labels]:
    y, labels = sigmoid(x)
    terms = t * F.log(y) + (1.0 - t.detach()) * F.log(1.0 - y)
    losses = -terms.mean(axis=-1)
    return _weighted(losses, w), {**labels, "y": y, "ℓ": losses}


def squared_error(x: Variable, t: Variable, w: Variable) -> tuple[Variable, Labels]:
    difference = x - t
    losses = F.square(difference).sum(axis=-1) * 0.5
    return _weighted(losses, w), {"x − t": difference, "ℓ": losses}


def mean_squared_error(x: Variable, t: Variable, w: Variable) -> tuple[Variable, Labels]:
    difference = x - t
    losses = F.square(difference).mean(axis=-1)
    return _weighted(losses, w), {"x − t": difference, "ℓ": losses}


def mean_absolute_error(x: Variable, t: Variable, w: Variable) -> tuple[Variable, Labels]:
    difference = x - t
    losses = F.absolute(difference).mean(axis=-1)
    return _weighted(losses, w), {"x − t": difference, "ℓ": losses}


def hinge(x: Variable, t: Variable, w: Variable) -> tuple[Variable, Labels]:
    margin = 1.0 - t * x
    losses = F.maximum(margin, _constant(0, x)).mean(axis=-1)
    return _weighted(losses, w), {"1 − t x": margin, "ℓ": losses}


EXPANSIONS: dict[str, Expansion] = {
    function.__name__: function
    for function in (
        affine,
        sigmoid,
        tanh,
        softplus,
        swish,
        leaky_relu,
        prelu,
        softmax,
        batch_normalization,
        batch_normalization_inference,
        dropout,
        softmax_cross_entropy,
        sparse_softmax_cross_entropy,
        sigmoid_cross_entropy,
        squared_error,
        mean_squared_error,
        mean_absolute_error,
        hinge,
    )
}
