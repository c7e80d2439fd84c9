"""Activations that are layers of their own, because they have parameters or attributes."""

from __future__ import annotations

from typing import Any

from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers import initializers
from omomi.layers.layer import Layer, Shape
from omomi.layers.state import Parameter


class _Elementwise(Layer):
    """What layers that keep the shape share."""

    casts_integers = True
    supports_masking = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class ReLU(_Elementwise):
    """max(0, u), cut off at ``max_value`` if given."""

    def __init__(self, max_value: float | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.max_value = max_value

    def call(self, inputs: Variable) -> Variable:
        y = functions.relu(inputs)
        return y if self.max_value is None else functions.clip(y, 0.0, float(self.max_value))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "max_value": self.max_value}


class LeakyReLU(_Elementwise):
    """u for u > 0, else ``negative_slope`` · u. The slope is 0.3, as in Keras (the function's is 0.01)."""

    def __init__(self, negative_slope: float = 0.3, **options: Any) -> None:
        super().__init__(**options)
        self.negative_slope = float(negative_slope)

    def call(self, inputs: Variable) -> Variable:
        return functions.leaky_relu(inputs, alpha=self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


class PReLU(_Elementwise):
    """u for u > 0, else α u with a learned α. Source: He et al. 2015, arXiv:1502.01852.

    Args:
        alpha_initializer: where α starts from.
        shared_axes: axes (from 1, the batch is 0) along which one α serves all: (1, 2) gives one for each channel of
            an image.
    """

    def __init__(self, alpha_initializer: Any = "zeros", shared_axes: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.alpha_initializer = initializers.get(alpha_initializer)
        axes = (shared_axes,) if isinstance(shared_axes, int) else tuple(shared_axes or ())
        self.shared_axes = tuple(int(a) for a in axes)
        self.alpha: Parameter

    def build(self, input_shape: Shape) -> None:
        size = tuple(1 if axis in self.shared_axes else d for axis, d in enumerate(input_shape))[1:]
        self.alpha = self.add_weight(size, self.alpha_initializer)

    def call(self, inputs: Variable) -> Variable:
        return functions.prelu(inputs, self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "shared_axes": list(self.shared_axes),
        }


class ELU(_Elementwise):
    """u for u > 0, else α (eᵘ − 1)."""

    def __init__(self, alpha: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.alpha = float(alpha)

    def call(self, inputs: Variable) -> Variable:
        return functions.elu(inputs, alpha=self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class Softmax(_Elementwise):
    """eᵘ over its sum along ``axis``."""

    def __init__(self, axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis = int(axis)

    def call(self, inputs: Variable) -> Variable:
        return functions.softmax(inputs, axis=self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
