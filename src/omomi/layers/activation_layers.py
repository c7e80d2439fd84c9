"""Activations as layers. Those with attributes or parameters need to be; the others save ``Activation("…")``.

The formulas and their derivatives stand in ``omomi.ops.activation``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from omomi.errors import ConfigurationError, ShapeError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers import constraints, initializers, regularizers
from omomi.layers.layer import Layer, Shape
from omomi.layers.state import Parameter


class _Elementwise(Layer):
    """What layers that keep the shape share: a function of the input and of the layer's attributes."""

    casts_integers = True
    supports_masking = True
    function: ClassVar[Callable[..., Variable]]
    attributes: ClassVar[tuple[str, ...]] = ()  # of the layer, which the function takes and the configuration holds

    def call(self, inputs: Variable) -> Variable:
        return type(self).function(inputs, **{name: getattr(self, name) for name in self.attributes})

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: getattr(self, name) for name in self.attributes}}


class ReLU(_Elementwise):
    """u for u > ``threshold``, else ``negative_slope`` · (u − ``threshold``); cut off at ``max_value`` if given.

    Args:
        max_value: the largest output; none unless given.
        negative_slope: the slope below the threshold.
        threshold: where the linear part begins.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.max_value = None if max_value is None else float(max_value)
        self.negative_slope, self.threshold = float(negative_slope), float(threshold)
        if (self.max_value or 0.0) < 0 or self.negative_slope < 0:
            raise ConfigurationError(
                "max_value and negative_slope are not negative.",
                where=self.where,
                received=f"max_value={max_value}, negative_slope={negative_slope}",
            )

    def call(self, inputs: Variable) -> Variable:
        slope, threshold = self.negative_slope, self.threshold
        if threshold == 0:
            y = functions.leaky_relu(inputs, alpha=slope) if slope else functions.relu(inputs)
        else:
            y = functions.threshold(inputs, threshold)
            if slope:
                y = y - functions.relu(threshold - inputs) * slope
        return y if self.max_value is None else functions.clip(y, None, self.max_value)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class ThresholdedReLU(_Elementwise):
    """u for u > θ, else 0. Source: Konda, Memisevic and Krueger 2015, arXiv:1402.3337.

    Args:
        theta: θ, not negative.
    """

    attributes = ("theta",)

    def __init__(self, theta: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        if not theta >= 0:
            raise ConfigurationError("theta is not negative.", where=self.where, received=f"theta={theta!r}")
        self.theta = float(theta)

    def call(self, inputs: Variable) -> Variable:
        return functions.threshold(inputs, self.theta)


class LeakyReLU(_Elementwise):
    """u for u > 0, else ``negative_slope`` · u. The slope is 0.3, as in Keras (the function's is 0.01)."""

    attributes = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.3, **options: Any) -> None:
        super().__init__(**options)
        self.negative_slope = float(negative_slope)

    def call(self, inputs: Variable) -> Variable:
        return functions.leaky_relu(inputs, alpha=self.negative_slope)


class PReLU(_Elementwise):
    """u for u > 0, else α u with a learned α. Source: He et al. 2015, arXiv:1502.01852.

    Args:
        alpha_initializer: where α starts from.
        alpha_regularizer: what its size adds to the loss.
        alpha_constraint: what it may be after each step.
        shared_axes: axes (from 1, the batch is 0) along which one α serves all: (1, 2) gives one for each channel of
            an image.
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        axes = (shared_axes,) if isinstance(shared_axes, int) else tuple(shared_axes or ())
        self.shared_axes = tuple(int(a) for a in axes)
        self.alpha: Parameter

    def build(self, input_shape: Shape) -> None:
        rank = len(input_shape)
        shared = {a % rank if -rank < a < 0 else a for a in self.shared_axes}
        if any(not 0 < a < rank for a in shared):
            raise ShapeError(
                "a shared axis is one of a sample.",
                where=self.where,
                expected=f"1 … {rank - 1}",
                received=f"shared_axes={self.shared_axes}",
            )
        size = tuple(1 if axis in shared else d for axis, d in enumerate(input_shape))[1:]
        self.alpha = self.add_weight(
            size, self.alpha_initializer, regularizer=self.alpha_regularizer, constraint=self.alpha_constraint
        )

    def call(self, inputs: Variable) -> Variable:
        return functions.prelu(inputs, self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": list(self.shared_axes),
        }


class ELU(_Elementwise):
    """u for u > 0, else α (eᵘ − 1). Source: Clevert et al. 2015, arXiv:1511.07289."""

    function = functions.elu
    attributes = ("alpha",)

    def __init__(self, alpha: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.alpha = float(alpha)


class CELU(ELU):
    """u for u > 0, else α (e^(u/α) − 1). Source: Barron 2017, arXiv:1704.07483."""

    function = functions.celu


class GELU(_Elementwise):
    """u Φ(u), Φ the normal distribution. Source: Hendrycks and Gimpel 2016, arXiv:1606.08415.

    Args:
        approximate: Φ by a tanh.
    """

    function = functions.gelu
    attributes = ("approximate",)

    def __init__(self, approximate: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.approximate = bool(approximate)


class Softmax(_Elementwise):
    """eᵘ over its sum along ``axis``."""

    function = functions.softmax
    attributes = ("axis",)

    def __init__(self, axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis = int(axis)


class LogSoftmax(Softmax):
    """The logarithm of softmax along ``axis``."""

    function = functions.log_softmax


class Step(_Elementwise):
    """1 for u > 0, else 0: the perceptron's unit. No delta passes it."""

    function = functions.step


class Sigmoid(_Elementwise):
    """1 / (1 + e⁻ᵘ)."""

    function = functions.sigmoid


class Tanh(_Elementwise):
    """The hyperbolic tangent."""

    function = functions.tanh


class ReLU6(_Elementwise):
    """min(max(u, 0), 6)."""

    function = functions.relu6


class SELU(_Elementwise):
    """The scaled ELU that keeps mean 0 and variance 1. Source: Klambauer et al. 2017, arXiv:1706.02515."""

    function = functions.selu


class SiLU(_Elementwise):
    """u · sigmoid(u), also called swish. Source: Ramachandran et al. 2017, arXiv:1710.05941."""

    function = functions.swish


class Swish(SiLU):
    """Another name of :class:`SiLU`."""


class Mish(_Elementwise):
    """u · tanh(softplus u). Source: Misra 2019, arXiv:1908.08681."""

    function = functions.mish


class Softplus(_Elementwise):
    """log(1 + eᵘ)."""

    function = functions.softplus


class Softsign(_Elementwise):
    """u / (1 + |u|)."""

    function = functions.softsign


class HardSigmoid(_Elementwise):
    """min(max(u + 3, 0), 6) / 6."""

    function = functions.hard_sigmoid


class HardTanh(_Elementwise):
    """min(max(u, −1), 1)."""

    function = functions.hard_tanh


class HardSwish(_Elementwise):
    """u · hard_sigmoid(u)."""

    function = functions.hard_silu
