"""Convolution and pooling of images, channels last: (N, H, W, C)."""

from __future__ import annotations

from typing import Any

from omomi.errors import ConfigurationError, ShapeError, UnknownNameError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers import activations, initializers, regularizers
from omomi.layers.core import positive
from omomi.layers.layer import Layer, Shape
from omomi.layers.state import Parameter
from omomi.ops.convolution import output_size, resolve_padding


class _ImageLayer(Layer):
    """What layers over images share: the check of rank and size, and the size of the output."""

    casts_integers = True
    size: tuple[int, int]
    strides: tuple[int, int]
    dilation_rate: tuple[int, int] = (1, 1)
    padding: Any

    def check_input(self, shape: Shape) -> None:
        if len(shape) != 4:
            raise ShapeError(
                "the input is not a batch of images.",
                where=self.where,
                expected="shape (batch, height, width, channels)",
                received=f"shape {tuple(shape)}",
                fix=_rank_fix(shape, self.given_input_shape),
            )
        if shape[3] is None:
            raise ShapeError(
                "the number of channels must be known.", where=self.where, received=f"shape {tuple(shape)}"
            )
        if None not in shape[1:3]:
            self.pads((shape[1] or 0, shape[2] or 0))

    def pads(self, image: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """The padding for an image of this size, as ((top, bottom), (left, right)).

        Raises:
            ShapeError: nothing would be left of the image.
        """
        pads = resolve_padding(self.padding, image, self.size, self.strides, self.dilation_rate)
        out = output_size(image, self.size, self.strides, pads, self.dilation_rate)
        if min(out) < 1:
            raise ShapeError(
                "nothing would be left of the image: the window is larger than what it slides over.",
                where=self.where,
                expected=f"an image of at least the window {self.size}, dilated by {self.dilation_rate}",
                received=f"height × width {image[0]} × {image[1]}",
                fix='padding="same", a smaller window, or fewer pooling layers before it',
            )
        return pads

    def image_size(self, input_shape: Shape) -> tuple[int | None, int | None]:
        """Height and width of the output."""
        height, width = input_shape[1:3]
        if height is None or width is None:
            return (None, None)
        image = (height, width)
        return output_size(image, self.size, self.strides, self.pads(image), self.dilation_rate)


class Conv2D(_ImageLayer):
    """A kernel slides over the image; each position is one dot product with the patch under it.

    Shapes: x (N, H, W, C_in), kernel (KH, KW, C_in, filters), bias (filters,) → (N, OH, OW, filters). As everywhere in
    deep learning the kernel is not flipped (it is a cross-correlation).

    Args:
        filters: the number of output channels.
        kernel_size: (KH, KW), or one number for both.
        strides: how far the kernel moves, (rows, columns) or one number.
        padding: "valid" (none), "same" (zeros around, so that with stride 1 the size stays), or explicit
            ((top, bottom), (left, right)).
        dilation_rate: the distance between the kernel's cells.
        groups: input channels and filters are cut into so many groups, and each group of filters reads its own group
            of channels (Krizhevsky, Sutskever, Hinton 2012); the kernel is then (KH, KW, C_in / groups, filters).
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer: as in Dense.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: Any = "valid",
        dilation_rate: Any = (1, 1),
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
        self.size = self.kernel_size = pair(kernel_size, "kernel_size", self.where)
        self.strides = pair(strides, "strides", self.where)
        self.padding = padding_of(padding, self.where)
        self.dilation_rate = pair(dilation_rate, "dilation_rate", self.where)
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
        check_channels(shape, self.groups, self.kernel.shape[2] * self.groups if self.built else None, self.where)

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight(
            (*self.kernel_size, (input_shape[3] or 0) // self.groups, self.filters),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), self.bias_initializer, regularizer=self.bias_regularizer)

    def call(self, inputs: Variable) -> Variable:
        u = functions.convolution_2d(
            inputs,
            self.kernel,
            self.bias,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation_rate,
            groups=self.groups,
        )
        return self.activation(u)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self.image_size(input_shape), self.filters)

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


class _Pooling2D(_ImageLayer):
    """What max and average pooling share.

    Args:
        pool_size: the window, (rows, columns) or one number.
        strides: how far it moves; the window's size unless given.
        padding: "valid", "same", or explicit ((top, bottom), (left, right)).
    """

    def __init__(self, pool_size: Any = (2, 2), strides: Any = None, padding: Any = "valid", **options: Any) -> None:
        super().__init__(**options)
        self.size = self.pool_size = pair(pool_size, "pool_size", self.where)
        self.strides = self.pool_size if strides is None else pair(strides, "strides", self.where)
        self.padding = padding_of(padding, self.where)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self.image_size(input_shape), input_shape[3])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": list(self.pool_size),
            "strides": list(self.strides),
            "padding": self.padding,
        }


class MaxPooling2D(_Pooling2D):
    """The largest value under a window that slides over each channel: (N, H, W, C) → (N, OH, OW, C)."""

    __doc__ = f"{__doc__}\n\n{_Pooling2D.__doc__}"

    def call(self, inputs: Variable) -> Variable:
        return functions.max_pooling_2d(inputs, self.pool_size, strides=self.strides, padding=self.padding)


class AveragePooling2D(_Pooling2D):
    """The mean of the values under a window that slides over each channel; padding is not counted."""

    def call(self, inputs: Variable) -> Variable:
        return functions.average_pooling_2d(inputs, self.pool_size, strides=self.strides, padding=self.padding)


class _GlobalPooling2D(Layer):
    """What the global poolings share: (N, H, W, C) → (N, C), or (N, 1, 1, C) with ``keepdims``."""

    casts_integers = True

    def __init__(self, keepdims: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.keepdims = keepdims

    def check_input(self, shape: Shape) -> None:
        if len(shape) != 4:
            raise ShapeError(
                "the input is not a batch of images.",
                where=self.where,
                expected="shape (batch, height, width, channels)",
                received=f"shape {tuple(shape)}",
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *((1, 1) if self.keepdims else ()), input_shape[3])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "keepdims": self.keepdims}


class GlobalMaxPooling2D(_GlobalPooling2D):
    """The largest value of each channel."""

    def call(self, inputs: Variable) -> Variable:
        return functions.max(inputs, axis=(1, 2), keepdims=self.keepdims)


class GlobalAveragePooling2D(_GlobalPooling2D):
    """The mean of each channel."""

    def call(self, inputs: Variable) -> Variable:
        return functions.mean(inputs, axis=(1, 2), keepdims=self.keepdims)


def group_count(groups: Any, filters: int, where: str) -> int:
    """The number of groups, which must divide the filters."""
    if filters % positive(groups, "groups", where):
        raise ConfigurationError(
            "the filters cannot be cut into equal groups.",
            where=where,
            expected=f"a divisor of filters={filters}",
            received=f"groups={groups!r}",
        )
    return positive(groups, "groups", where)


def check_channels(shape: Shape, groups: int, built: int | None, where: str) -> None:
    """The last axis holds the channels the kernel was built for, and they can be cut into ``groups``."""
    if built is not None and shape[-1] != built:
        raise ShapeError(
            "the input has the wrong number of channels.",
            where=where,
            expected=f"{built} channels, as when it was built",
            received=f"{shape[-1]} channels in shape {tuple(shape)}",
        )
    if (shape[-1] or 0) % groups:
        raise ShapeError(
            "the channels cannot be cut into equal groups.",
            where=where,
            expected=f"a multiple of groups={groups} channels",
            received=f"{shape[-1]} channels in shape {tuple(shape)}",
        )


def pair(value: Any, what: str, where: str) -> tuple[int, int]:
    """Two positive whole numbers, from one or two."""
    entries = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(entries) != 2:
        raise ConfigurationError(f"{what} is one number or two.", where=where, received=f"{what}={value!r}")
    return positive(entries[0], what, where), positive(entries[1], what, where)


def padding_of(value: Any, where: str) -> Any:
    """Check a padding: a name, or ((top, bottom), (left, right))."""
    if isinstance(value, str):
        if value.lower() not in ("valid", "same"):
            raise UnknownNameError("padding", value, ("valid", "same"), where=where)
        return value.lower()
    try:
        (top, bottom), (left, right) = value
        pads = ((int(top), int(bottom)), (int(left), int(right)))
    except (TypeError, ValueError):
        pads = ((-1, -1), (-1, -1))
    if min(*pads[0], *pads[1]) < 0:
        raise ConfigurationError(
            "a padding is a name or the numbers of zeros around the image.",
            where=where,
            expected='"valid", "same" or ((top, bottom), (left, right))',
            received=f"padding={value!r}",
        )
    return pads


def _rank_fix(shape: Shape, given: Shape | None) -> str | None:
    """The likely reason for an input that is no batch of images."""
    if len(shape) == 3:
        return "gray images have one channel: x[..., None], or a Reshape((height, width, 1)) layer first"
    if len(shape) == 5 and given is not None and len(given) == 4:
        return f"input_shape includes the batch; leave it out: input_shape={tuple(given[1:])}"
    if len(shape) == 2:
        return "vectors need a Reshape((height, width, channels)) layer first"
    return None
