"""Convolution and its way back, of sequences, images and volumes, channels last."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, ClassVar

from omomi.errors import ConfigurationError, ShapeError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers import constraints, initializers, regularizers
from omomi.layers.core import positive
from omomi.layers.layer import Shape
from omomi.layers.sliding import ConvolutionLayer
from omomi.layers.state import Parameter
from omomi.ops.convolution import transposed_size


class _Filters(ConvolutionLayer):
    """What convolution and transposed convolution share: a number of filters, and one kernel that holds them all."""

    def __init__(
        self,
        filters: int,
        kernel_initializer: Any,
        kernel_regularizer: Any,
        kernel_constraint: Any,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.filters = positive(filters, "filters", self.where)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.kernel: Parameter

    def kernel_shape(self, channels: int) -> tuple[int, ...]:
        """The shape of the kernel that reads so many channels."""
        raise NotImplementedError

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight(
            self.kernel_shape(input_shape[-1] or 0),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.add_bias(input_shape)

    def output_channels(self, input_channels: int) -> int:
        return self.filters

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
        }


class _Convolution(_Filters):
    """What convolutions of all ranks share. The docstrings of the classes below say what the arguments mean."""

    function: ClassVar[Callable[..., Variable]]

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **options,
        )
        self.groups = positive(groups, "groups", self.where)
        if self.filters % self.groups:
            raise ConfigurationError(
                "the filters cannot be cut into equal groups.",
                where=self.where,
                expected=f"a divisor of filters={self.filters}",
                received=f"groups={groups!r}",
            )

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        if (shape[-1] or 0) % self.groups:
            raise ShapeError(
                "the channels cannot be cut into equal groups.",
                where=self.where,
                expected=f"a multiple of groups={self.groups} channels",
                received=f"{shape[-1]} channels in shape {tuple(shape)}",
            )

    def kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, channels // self.groups, self.filters)

    def channels_when_built(self) -> int:
        return self.kernel.shape[-2] * self.groups

    def convolve(self, inputs: Variable) -> Variable:
        placed = {"strides": self.strides, "padding": self.padding, "dilation": self.dilation_rate}
        return type(self).function(inputs, self.kernel, self.bias, groups=self.groups, **placed)

    def multiply_accumulates(self, input_shape: Shape) -> int:
        places = prod(size or 1 for size in self.output_sizes(input_shape))
        return places * prod(self.kernel_shape(input_shape[-1] or 0))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}


class Conv1D(_Convolution):
    """A kernel slides along the sequence; each position is one dot product with the piece under it.

    Shapes: x (N, T, C_in), kernel (K, C_in / groups, filters), bias (filters,) → (N, OT, filters). The kernel is not
    flipped (it is a cross-correlation).

    Args:
        filters: the number of output channels.
        kernel_size: K, how many times the kernel covers.
        strides: how far the kernel moves.
        padding: "valid" (none), "same" (zeros around) or "causal" (zeros before alone, so that no output sees a later
            time; van den Oord et al. 2016, arXiv:1609.03499).
        data_format: "channels_last", the one offered.
        dilation_rate: the distance between the kernel's cells.
        groups: each group of filters reads its own group of channels, as in Conv2D.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
        activity_regularizer, kernel_constraint, bias_constraint: as in Dense.

    Raises:
        ConfigurationError: an argument makes no sense, or the filters cannot be cut into the groups.
        ShapeError: when built: no sequence, or one that is shorter than the kernel; channels that are no multiple of
            the groups.
    """

    rank = 1
    paddings = ("valid", "same", "causal")
    function = staticmethod(functions.convolution_1d)


class Conv2D(_Convolution):
    """A kernel slides over the image; each position is one dot product with the patch under it.

    Shapes: x (N, H, W, C_in), kernel (KH, KW, C_in / groups, filters), bias (filters,) → (N, OH, OW, filters). As
    everywhere in deep learning the kernel is not flipped (it is a cross-correlation).

    Args:
        filters: the number of output channels.
        kernel_size: (KH, KW), or one number for both.
        strides: how far the kernel moves, (rows, columns) or one number.
        padding: "valid" (none), "same" (zeros around, so that with stride 1 the size stays), or explicit
            ((top, bottom), (left, right)).
        data_format: "channels_last", the one offered.
        dilation_rate: the distance between the kernel's cells.
        groups: input channels and filters are cut into so many groups, and each group of filters reads its own group
            of channels (Krizhevsky, Sutskever, Hinton 2012); the kernel is then (KH, KW, C_in / groups, filters).
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
        activity_regularizer, kernel_constraint, bias_constraint: as in Dense.

    Raises:
        ConfigurationError: an argument makes no sense, or the filters cannot be cut into the groups.
        ShapeError: when built: no image, or one that is smaller than the kernel; channels that are no multiple of
            the groups.
    """

    rank = 2
    function = staticmethod(functions.convolution_2d)


class Conv3D(_Convolution):
    """A kernel slides through the volume; each position is one dot product with the block under it.

    Shapes: x (N, D, H, W, C_in), kernel (KD, KH, KW, C_in / groups, filters), bias (filters,) → (N, OD, OH, OW,
    filters). Films are such volumes too, with time for depth (Tran et al. 2015, arXiv:1412.0767).

    Args:
        filters: the number of output channels.
        kernel_size: (KD, KH, KW), or one number for all.
        strides, padding, data_format, dilation_rate, groups: as in Conv2D, for three axes.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
        activity_regularizer, kernel_constraint, bias_constraint: as in Dense.

    Raises:
        ConfigurationError, ShapeError: as in Conv2D.
    """

    rank = 3
    function = staticmethod(functions.convolution_3d)


class _Transposed(_Filters):
    """What transposed convolutions of all ranks share."""

    function: ClassVar[Callable[..., Variable]]

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **options,
        )
        if not isinstance(self.padding, str):
            raise ConfigurationError(
                "the padding of a transposed convolution is a name.",
                where=self.where,
                expected=" or ".join(map(repr, self.paddings)),
                received=f"padding={padding!r}",
                fix='padding="valid" and a Cropping layer after it',
            )
        given = isinstance(output_padding, (tuple, list))
        entries = tuple(output_padding) if given else (output_padding,) * self.rank
        self.output_padding = None if output_padding is None else entries
        if output_padding is not None:
            self._check_output_padding(entries)

    def _check_output_padding(self, entries: tuple[Any, ...]) -> None:
        whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in entries)
        if len(entries) != self.rank or not whole or any(n >= s for n, s in zip(entries, self.strides, strict=False)):
            raise ConfigurationError(
                "output_padding chooses among the sizes that a convolution with these strides would lead back from.",
                where=self.where,
                expected=f"whole numbers from 0 on, smaller than strides={self.strides}",
                received=f"output_padding={self.output_padding}",
                fix="leave output_padding out, or make it one less than the strides",
            )
        transposed_size((1,) * self.rank, self.kernel_size, self.strides, self.padding, entries, self.dilation_rate)

    def output_sizes(self, input_shape: Shape) -> tuple[int | None, ...]:
        known = tuple(1 if size is None else size for size in input_shape[1:-1])
        placed = (self.kernel_size, self.strides, self.padding, self.output_padding, self.dilation_rate)
        sizes = transposed_size(known, *placed)
        return tuple(None if size is None else out for size, out in zip(input_shape[1:-1], sizes, strict=True))

    def kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, self.filters, channels)

    def channels_when_built(self) -> int:
        return self.kernel.shape[-1]

    def convolve(self, inputs: Variable) -> Variable:
        placed = {"strides": self.strides, "padding": self.padding, "dilation": self.dilation_rate}
        return type(self).function(inputs, self.kernel, self.bias, output_padding=self.output_padding, **placed)

    def multiply_accumulates(self, input_shape: Shape) -> int:
        places = prod(size or 1 for size in input_shape[1:-1])
        return places * prod(self.kernel_shape(input_shape[-1] or 0))

    def get_config(self) -> dict[str, Any]:
        padding = None if self.output_padding is None else list(self.output_padding)
        return {**super().get_config(), "output_padding": padding}


class Conv1DTranspose(_Transposed):
    """The way back of a Conv1D: from (N, T, C_in) to a longer sequence (N, OT, filters). See Conv2DTranspose."""

    rank = 1
    function = staticmethod(functions.transposed_convolution_1d)


class Conv2DTranspose(_Transposed):
    """The way back of a Conv2D with the same arguments: from a coarse image to a finer one.

    Each pixel puts down the kernel, times its value, every ``strides`` pixels of the result, where the copies add up
    (Dumoulin and Visin 2016, arXiv:1603.07285, chapter 4).

    Shapes: x (N, H, W, C_in), kernel (KH, KW, filters, C_in), bias (filters,) → (N, OH, OW, filters).

    Args:
        filters: the number of output channels.
        kernel_size: (KH, KW), or one number for both.
        strides: how far apart the pixels put down the kernel, (rows, columns) or one number.
        padding: "valid": OH = (H − 1) · strides + max(KH, strides); "same": OH = H · strides.
        output_padding: where a convolution with strides would lead from several sizes to this one, which it is: with it
            OH = (H − 1) · strides + KH + output_padding ("valid"), or (H − 1) · strides + (KH mod 2) + output_padding
            ("same"). Smaller than the strides.
        data_format: "channels_last", the one offered.
        dilation_rate: the distance between the kernel's cells.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
        activity_regularizer, kernel_constraint, bias_constraint: as in Dense.

    Raises:
        ConfigurationError: an argument makes no sense; an output_padding that no convolution leads back from.
        ShapeError: when built: no batch of images.
    """

    rank = 2
    function = staticmethod(functions.transposed_convolution_2d)


class Conv3DTranspose(_Transposed):
    """The way back of a Conv3D: from (N, D, H, W, C_in) to larger volumes. See Conv2DTranspose.

    As in Keras, ``data_format`` stands before ``output_padding`` here.
    """

    rank = 3
    function = staticmethod(functions.transposed_convolution_3d)

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        *rest: Any,
        **options: Any,
    ) -> None:
        super().__init__(filters, kernel_size, strides, padding, output_padding, data_format, *rest, **options)
