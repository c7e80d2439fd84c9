"""Convolution channel by channel, and with a mixture of the channels after it, of sequences and images."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, ClassVar

from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers import constraints, initializers, regularizers
from omomi.layers.core import positive
from omomi.layers.layer import Shape
from omomi.layers.sliding import ConvolutionLayer
from omomi.layers.state import Parameter


class _Depthwise(ConvolutionLayer):
    """What depthwise convolutions share: each channel has ``depth_multiplier`` kernels of its own."""

    function: ClassVar[Callable[..., Variable]]

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            **options,
        )
        self.depth_multiplier = positive(depth_multiplier, "depth_multiplier", self.where)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.kernel: Parameter

    def build(self, input_shape: Shape) -> None:
        shape = (*self.kernel_size, input_shape[-1] or 0, self.depth_multiplier)
        self.kernel = self.add_weight(
            shape,
            self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self.add_bias(input_shape)

    def channels_when_built(self) -> int:
        return self.kernel.shape[-2]

    def output_channels(self, input_channels: int) -> int:
        return input_channels * self.depth_multiplier

    def convolve(self, inputs: Variable) -> Variable:
        placed = {"strides": self.strides, "padding": self.padding, "dilation": self.dilation_rate}
        return type(self).function(inputs, self.kernel, self.bias, **placed)

    def multiply_accumulates(self, input_shape: Shape) -> int:
        places = prod(size or 1 for size in self.output_sizes(input_shape))
        return places * prod(self.kernel_size) * self.output_channels(input_shape[-1] or 0)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "depth_multiplier": self.depth_multiplier,
            "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
            "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
            "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
        }


class DepthwiseConv1D(_Depthwise):
    """Each channel of a sequence is convolved with kernels of its own; no channel sees another.

    Shapes: x (N, T, C), kernel (K, C, depth_multiplier), bias (C · depth_multiplier,) → (N, OT, C · depth_multiplier).
    Arguments and errors as DepthwiseConv2D, for one axis.
    """

    rank = 1
    function = staticmethod(functions.depthwise_convolution_1d)


class DepthwiseConv2D(_Depthwise):
    """Each channel of an image is convolved with kernels of its own; no channel sees another.

    Shapes: x (N, H, W, C), kernel (KH, KW, C, depth_multiplier), bias (C · depth_multiplier,) → (N, OH, OW,
    C · depth_multiplier). The results of a channel lie beside one another.

    Args:
        kernel_size: (KH, KW), or one number for both.
        strides: how far the kernel moves, (rows, columns) or one number.
        padding: "valid", "same", or explicit ((top, bottom), (left, right)).
        depth_multiplier: how many kernels each channel has.
        data_format: "channels_last", the one offered.
        dilation_rate: the distance between the kernel's cells.
        activation, use_bias, depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer,
        activity_regularizer, depthwise_constraint, bias_constraint: as in Dense.

    Raises:
        ConfigurationError: an argument makes no sense.
        ShapeError: when built: no image, or one that is smaller than the kernel.
    """

    rank = 2
    function = staticmethod(functions.depthwise_convolution_2d)


class _Separable(ConvolutionLayer):
    """What separable convolutions share: a depthwise convolution, and one of one pixel that mixes the channels."""

    depthwise: ClassVar[Callable[..., Variable]]
    pointwise: ClassVar[Callable[..., Variable]]

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            **options,
        )
        self.filters = positive(filters, "filters", self.where)
        self.depth_multiplier = positive(depth_multiplier, "depth_multiplier", self.where)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.pointwise_constraint = constraints.get(pointwise_constraint)
        self.depthwise_kernel: Parameter
        self.pointwise_kernel: Parameter

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[-1] or 0
        own = (*self.kernel_size, channels, self.depth_multiplier)
        mixing = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        self.depthwise_kernel = self.add_weight(
            own,
            self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self.pointwise_kernel = self.add_weight(
            mixing,
            self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )
        self.add_bias(input_shape)

    def channels_when_built(self) -> int:
        return self.depthwise_kernel.shape[-2]

    def output_channels(self, input_channels: int) -> int:
        return self.filters

    def convolve(self, inputs: Variable) -> Variable:
        placed = {"strides": self.strides, "padding": self.padding, "dilation": self.dilation_rate}
        features = type(self).depthwise(inputs, self.depthwise_kernel, **placed)
        return type(self).pointwise(features, self.pointwise_kernel, self.bias)

    def multiply_accumulates(self, input_shape: Shape) -> int:
        places = prod(size or 1 for size in self.output_sizes(input_shape))
        features = (input_shape[-1] or 0) * self.depth_multiplier
        return places * features * (prod(self.kernel_size) + self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "depth_multiplier": self.depth_multiplier,
            "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
            "pointwise_initializer": initializers.serialize(self.pointwise_initializer),
            "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
            "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
            "pointwise_regularizer": regularizers.serialize(self.pointwise_regularizer),
            "pointwise_constraint": constraints.serialize(self.pointwise_constraint),
        }


class SeparableConv1D(_Separable):
    """A depthwise convolution along the sequence, and a mixture of the channels at each time.

    Shapes: x (N, T, C), depthwise kernel (K, C, depth_multiplier), pointwise kernel (1, C · depth_multiplier, filters),
    bias (filters,) → (N, OT, filters). Arguments and errors as SeparableConv2D, for one axis.
    """

    rank = 1
    depthwise = staticmethod(functions.depthwise_convolution_1d)
    pointwise = staticmethod(functions.convolution_1d)


class SeparableConv2D(_Separable):
    """A depthwise convolution of the image, and a mixture of the channels at each pixel.

    It needs KH·KW + filters multiplications for each pixel and channel instead of KH·KW·filters (Chollet 2017,
    arXiv:1610.02357). Nothing stands between the two: the activation comes after the mixture.

    Shapes: x (N, H, W, C), depthwise kernel (KH, KW, C, depth_multiplier), pointwise kernel (1, 1, C ·
    depth_multiplier, filters), bias (filters,) → (N, OH, OW, filters).

    Args:
        filters: the number of output channels.
        kernel_size: (KH, KW), or one number for both.
        strides: how far the kernel moves, (rows, columns) or one number.
        padding: "valid", "same", or explicit ((top, bottom), (left, right)).
        data_format: "channels_last", the one offered.
        dilation_rate: the distance between the kernel's cells.
        depth_multiplier: how many kernels each channel has.
        activation, use_bias, depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer,
        pointwise_regularizer, bias_regularizer, activity_regularizer, depthwise_constraint, pointwise_constraint,
        bias_constraint: as in Dense.

    Raises:
        ConfigurationError: an argument makes no sense.
        ShapeError: when built: no image, or one that is smaller than the kernel.
    """

    rank = 2
    depthwise = staticmethod(functions.depthwise_convolution_2d)
    pointwise = staticmethod(functions.convolution_2d)
