"""Activations: from the pre-activation u to z = f(u); they call it x. The formulas: ``omomi.ops.activation``."""

from __future__ import annotations

from typing import Any

from omomi.errors import ShapeError
from omomi.graph.functions.arithmetic import absolute, clip, sqrt
from omomi.graph.functions.arrays import split
from omomi.graph.variable import Variable, apply, as_variable
from omomi.ops import activation as _activation
from omomi.ops import sparsemax as _sparsemax

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


def sparsemax(x: Input, axis: int = -1) -> Variable:
    """Probabilities along ``axis`` of which small ones are exactly 0. Source: Martins and Astudillo 2016."""
    return apply(_sparsemax.sparsemax, as_variable(x), axis=axis)


# ---- put together from others ----------------------------------------------------------------------------------------


def hard_tanh(x: Input) -> Variable:
    """min(max(x, −1), 1)."""
    return clip(x, -1.0, 1.0)


def hard_silu(x: Input) -> Variable:
    """x · hard_sigmoid(x), also called hard swish. Source: Howard et al. 2019, arXiv:1905.02244."""
    x = as_variable(x)
    return x * hard_sigmoid(x)


def celu(x: Input, alpha: float = 1.0) -> Variable:
    """x for x > 0, else α(e^(x/α) − 1): an ELU with slope 1 at 0. Source: Barron 2017, arXiv:1704.07483."""
    return elu(as_variable(x) * (1 / alpha)) * alpha


def log_sigmoid(x: Input) -> Variable:
    """log sigmoid(x) = −softplus(−x), without overflow."""
    return -softplus(-as_variable(x))


def squareplus(x: Input, b: float = 4.0) -> Variable:
    """(x + √(x² + b)) / 2: a softplus without exponentials. Source: Barron 2021, arXiv:2112.11687."""
    x = as_variable(x)
    return (x + sqrt(x * x + float(b))) * 0.5


def tanh_shrink(x: Input) -> Variable:
    """x − tanh x."""
    x = as_variable(x)
    return x - tanh(x)


def soft_shrink(x: Input, threshold: float = 0.5) -> Variable:
    """x moved toward 0 by ``threshold``; what is nearer to 0 than that becomes 0."""
    x = as_variable(x)
    return x - clip(x, -float(threshold), float(threshold))


def hard_shrink(x: Input, threshold: float = 0.5) -> Variable:
    """x where |x| > ``threshold``, else 0."""
    x = as_variable(x)
    return x * step(absolute(x) - float(threshold))


def threshold(x: Input, threshold: float = 1.0, default_value: float = 0.0) -> Variable:
    """x where x > ``threshold``, else ``default_value``."""
    x = as_variable(x)
    kept = (x - default_value if default_value else x) * step(x - float(threshold))
    return kept + default_value if default_value else kept


def sparse_sigmoid(x: Input) -> Variable:
    """0 for x ≤ −1, 1 for x ≥ 1, (x + 1)/2 between."""
    return (hard_tanh(x) + 1.0) * 0.5


def sparse_plus(x: Input) -> Variable:
    """0 for x ≤ −1, x for x ≥ 1, (x + 1)²/4 between: its derivative is the sparse sigmoid."""
    x = as_variable(x)
    between = hard_tanh(x) + 1.0
    return between * between * 0.25 + relu(x - 1.0)


def glu(x: Input, axis: int = -1) -> Variable:
    """The first half of x along ``axis``, gated by the sigmoid of the second. Source: Dauphin et al. 2017.

    Raises:
        ShapeError: the axis cannot be halved.
    """
    x = as_variable(x)
    if not x.ndim or x.shape[axis] % 2:
        raise ShapeError(
            "the axis cannot be halved.", where="glu", expected="an even size", received=f"x {x.shape}, axis {axis}"
        )
    value, gate = split(x, 2, axis=axis)
    return value * sigmoid(gate)
