"""Activations: from the pre-activation u to z = f(u); they call it x. The formulas: ``omomi.ops.activation``."""

from __future__ import annotations

from typing import Any

from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import activation as _activation

Input = Any  # a Variable, an array, or numbers


def identity(x: Input) -> Variable:
    """x itself: the activation of a linear output. It adds no node."""
    return as_variable(x)


def step(x: Input) -> Variable:
    """1 where x > 0, else 0. Its derivative is 0: nothing before it can be trained by a gradient."""
    return apply(_activation.step, as_variable(x))


def sigmoid(x: Input) -> Variable:
    """1 / (1 + e⁻ˣ); derivative y (1 − y) ≤ ¼."""
    return apply(_activation.sigmoid, as_variable(x))


def tanh(x: Input) -> Variable:
    """The hyperbolic tangent; derivative 1 − y²."""
    return apply(_activation.tanh, as_variable(x))


def relu(x: Input) -> Variable:
    """max(0, x); derivative 1 for x > 0, else 0."""
    return apply(_activation.relu, as_variable(x))


def relu6(x: Input) -> Variable:
    """min(max(0, x), 6)."""
    return apply(_activation.relu6, as_variable(x))


def leaky_relu(x: Input, alpha: float = 0.01) -> Variable:
    """x for x > 0, else αx."""
    return apply(_activation.leaky_relu, as_variable(x), alpha=alpha)


def prelu(x: Input, alpha: Input) -> Variable:
    """x for x > 0, else αx with α a learned array that broadcasts against x."""
    return apply(_activation.prelu, as_variable(x), as_variable(alpha))


def elu(x: Input, alpha: float = 1.0) -> Variable:
    """x for x > 0, else α(eˣ − 1). Source: Clevert et al. 2015, arXiv:1511.07289."""
    return apply(_activation.elu, as_variable(x), alpha=alpha)


def selu(x: Input) -> Variable:
    """The scaled ELU that keeps mean 0 and variance 1. Source: Klambauer et al. 2017, arXiv:1706.02515."""
    return apply(_activation.selu, as_variable(x))


def softplus(x: Input) -> Variable:
    """log(1 + eˣ); derivative sigmoid(x)."""
    return apply(_activation.softplus, as_variable(x))


def softsign(x: Input) -> Variable:
    """x / (1 + |x|)."""
    return apply(_activation.softsign, as_variable(x))


def swish(x: Input) -> Variable:
    """x · sigmoid(x), also called SiLU."""
    return apply(_activation.swish, as_variable(x))


def gelu(x: Input, approximate: bool = False) -> Variable:
    """x Φ(x) with the normal distribution Φ; ``approximate`` uses tanh. Source: Hendrycks and Gimpel 2016."""
    return apply(_activation.gelu, as_variable(x), approximate=approximate)


def mish(x: Input) -> Variable:
    """x · tanh(softplus x). Source: Misra 2019, arXiv:1908.08681."""
    return apply(_activation.mish, as_variable(x))


def hard_sigmoid(x: Input) -> Variable:
    """relu6(x + 3) / 6."""
    return apply(_activation.hard_sigmoid, as_variable(x))


def softmax(x: Input, axis: int = -1) -> Variable:
    """eˣ over its sum along ``axis``: probabilities."""
    return apply(_activation.softmax, as_variable(x), axis=axis)


def log_softmax(x: Input, axis: int = -1) -> Variable:
    """The logarithm of softmax, without overflow."""
    return apply(_activation.log_softmax, as_variable(x), axis=axis)
