"""Convolution and pooling of sequences, channels last: (N, T, C)."""

from __future__ import annotations

from typing import Any

from omomi.errors import ConfigurationError, ShapeError, UnknownNameError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers import activations, initializers, regularizers
from omomi.layers.convolution import check_channels, group_count
from omomi.layers.core import positive
from omomi.layers.layer import Layer, Shape
from omomi.layers.state import Parameter
from omomi.ops.convolution import causal_padding, output_size, resolve_padding


class _SequenceLayer(Layer):
    """What layers over sequences share: the check of rank and length, and the length of the output."""

    casts_integers = True
    size: int
    stride: int
    dilation: int = 1
    padding: str

    def check_input(self, shape: Shape) -> None:
        _check_sequence(shape, self.where)
        length = self.output_length(shape)
        if length is not None and length < 1:
            raise ShapeError(
                "nothing would be left of the sequence: the window is larger than what it slides over.",
                where=self.where,
                expected=f"at least the window {self.size}, dilated by {self.dilation}",
                received=f"length {shape[1]}",
                fix='padding="same", a smaller window, or fewer pooling layers before it',
            )

    def output_length(self, input_shape: Shape) -> int | None:
        """The length of the output; below 1 if the window does not fit."""
        if input_shape[1] is None:
            return None
        # A sequence is an image with one row.
        image, size, strides, dilation = (1, input_shape[1]), (1, self.size), (1, self.stride), (1, self.dilation)
        words = ((0, 0), causal_padding(self.size, self.dilation)) if self.padding == "causal" else self.padding
        pads = resolve_padding(words, image, size, strides, dilation)
        return output_size(image, size, strides, pads, dilation)[1]


class Conv1D(_SequenceLayer):
    """A kernel slides along the sequence; each position is one dot product with the piece under it.

    Shapes: x (N, T, C_in), kernel (K, C_in / groups, filters), bias (filters,) → (N, OT, filters). The kernel is not
    flipped (it is a cross-correlation).

    Args:
        filters: the number of output channels.
        kernel_size: K, how many times the kernel covers.
        strides: how far the kernel moves.
        padding: "valid" (none), "same" (zeros around) or "causal" (zeros before alone, so that no output sees a later
            time; van den Oord et al. 2016, arXiv:1609.03499).
        dilation_rate: the distance between the kernel's cells.
        groups: each group of filters reads its own group of channels, as in Conv2D.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer: as in Dense.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.filters = positive(filters, "filters", self.where)
        self.size = _single(kernel_size, "kernel_size", self.where)
        self.stride = _single(strides, "strides", self.where)
        self.padding = _padding_name(padding, ("valid", "same", "causal"), self.where)
        self.dilation = _single(dilation_rate, "dilation_rate", self.where)
        self.kernel_size, self.strides, self.dilation_rate = (self.size,), (self.stride,), (self.dilation,)
        self.groups = group_count(groups, self.filters, self.where)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel: Parameter
        self.bias: Parameter | None = None

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        check_channels(shape, self.groups, self.kernel.shape[1] * self.groups if self.built else None, self.where)

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight(
            (self.size, (input_shape[2] or 0) // self.groups, self.filters),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), self.bias_initializer, regularizer=self.bias_regularizer)

    def call(self, inputs: Variable) -> Variable:
        u = functions.convolution_1d(
            inputs,
            self.kernel,
            self.bias,
            strides=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        return self.activation(u)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.output_length(input_shape), self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": list(self.kernel_size),
            "strides": list(self.strides),
            "padding": self.padding,
            "dilation_rate": list(self.dilation_rate),
            "groups": self.groups,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
        }


class _Pooling1D(_SequenceLayer):
    """What max and average pooling share."""

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", **options: Any) -> None:
        super().__init__(**options)
        self.size = _single(pool_size, "pool_size", self.where)
        self.stride = self.size if strides is None else _single(strides, "strides", self.where)
        self.pool_size, self.strides = (self.size,), (self.stride,)
        self.padding = _padding_name(padding, ("valid", "same"), self.where)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.output_length(input_shape), input_shape[2])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": list(self.pool_size),
            "strides": list(self.strides),
            "padding": self.padding,
        }


class MaxPooling1D(_Pooling1D):
    """The largest value under a window that slides along each channel: (N, T, C) → (N, OT, C).

    Args:
        pool_size: the length of the window.
        strides: how far it moves; the window's length unless given.
        padding: "valid" or "same".
    """

    def call(self, inputs: Variable) -> Variable:
        return functions.max_pooling_1d(inputs, self.size, strides=self.stride, padding=self.padding)


class AveragePooling1D(_Pooling1D):
    """The mean under a window that slides along each channel; padding is not counted. Arguments as MaxPooling1D."""

    def call(self, inputs: Variable) -> Variable:
        return functions.average_pooling_1d(inputs, self.size, strides=self.stride, padding=self.padding)


class _GlobalPooling1D(Layer):
    """What the global poolings share: (N, T, C) → (N, C), or (N, 1, C) with ``keepdims``."""

    casts_integers = True

    def __init__(self, keepdims: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.keepdims = keepdims

    def check_input(self, shape: Shape) -> None:
        _check_sequence(shape, self.where)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *((1,) if self.keepdims else ()), input_shape[2])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "keepdims": self.keepdims}


class GlobalMaxPooling1D(_GlobalPooling1D):
    """The largest value of each channel over all times: (N, T, C) → (N, C), or (N, 1, C) with ``keepdims``."""

    def call(self, inputs: Variable) -> Variable:
        return functions.max(inputs, axis=1, keepdims=self.keepdims)


class GlobalAveragePooling1D(_GlobalPooling1D):
    """The mean of each channel over all times: (N, T, C) → (N, C), or (N, 1, C) with ``keepdims``."""

    def call(self, inputs: Variable) -> Variable:
        return functions.mean(inputs, axis=1, keepdims=self.keepdims)


def _check_sequence(shape: Shape, where: str) -> None:
    if len(shape) != 3 or shape[2] is None:
        raise ShapeError(
            "the input is not a batch of sequences with a known number of channels.",
            where=where,
            expected="shape (batch, time, channels)",
            received=f"shape {tuple(shape)}",
            fix="a sequence of single numbers has one channel: x[..., None]" if len(shape) == 2 else None,
        )


def _single(value: Any, what: str, where: str) -> int:
    """One positive whole number, alone or in a list of one."""
    if isinstance(value, (tuple, list)):
        if len(value) != 1:
            raise ConfigurationError(f"{what} is one number.", where=where, received=f"{what}={value!r}")
        value = value[0]
    return positive(value, what, where)


def _padding_name(value: Any, names: tuple[str, ...], where: str) -> str:
    if not isinstance(value, str) or value.lower() not in names:
        raise UnknownNameError("padding", value, names, where=where)
    return value.lower()
