"""What slides over sequences, images and volumes, channels last: (N, T, C), (N, H, W, C), (N, D, H, W, C).

The bases of all layers of convolution and pooling. What differs from one to three axes is ``rank`` alone.
"""

from __future__ import annotations

from typing import Any, ClassVar

from omomi.errors import ConfigurationError, ShapeError, UnknownNameError
from omomi.graph.variable import Variable
from omomi.layers import activations, constraints, initializers, regularizers
from omomi.layers.core import positive
from omomi.layers.layer import Layer, Shape
from omomi.layers.naming import check_data_format
from omomi.layers.state import Parameter
from omomi.ops.convolution import causal_padding, output_size, resolve_padding

Sizes = tuple[int, ...]  # one number for each axis
KINDS = {1: "sequences", 2: "images", 3: "volumes"}
AXES = {1: "time", 2: "height, width", 3: "depth, height, width"}


class SpatialLayer(Layer):
    """What layers share that treat the axes between batch and channels: the check of their number."""

    casts_integers = True
    rank: ClassVar[int]

    def check_input(self, shape: Shape) -> None:
        if len(shape) != self.rank + 2 or shape[-1] is None:
            raise ShapeError(
                f"the input is not a batch of {KINDS[self.rank]} with a known number of channels.",
                where=self.where,
                expected=f"shape (batch, {AXES[self.rank]}, channels)",
                received=f"shape {tuple(shape)}",
                fix=_rank_fix(self.rank, shape, self.given_input_shape),
            )


class SlidingLayer(SpatialLayer):
    """A window that slides: the size of the output, and the check that something is left of the input."""

    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")
    window: Sizes
    strides: Sizes
    dilation_rate: Sizes = ()
    padding: Any

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        if any(size is not None and size < 1 for size in self.output_sizes(shape)):
            raise ShapeError(
                f"nothing would be left of the {KINDS[self.rank][:-1]}: the window is larger than what it slides over.",
                where=self.where,
                expected=f"at least the window {self.window}, dilated by {self.dilation_rate or (1,) * self.rank}",
                received=f"({AXES[self.rank]}) of {tuple(shape[1:-1])}",
                fix='padding="same", a smaller window, or fewer pooling layers before it',
            )

    def output_sizes(self, input_shape: Shape) -> tuple[int | None, ...]:
        """The sizes of the output between batch and channels; below 1 where the window does not fit."""
        apart = self.dilation_rate or (1,) * self.rank
        sizes: list[int | None] = []
        for i, (size, k, s, d) in enumerate(zip(input_shape[1:-1], self.window, self.strides, apart, strict=True)):
            if size is None:
                sizes.append(None)
                continue
            words = self.padding if isinstance(self.padding, str) else (self.padding[i],)
            pads = resolve_padding((causal_padding(k, d),) if words == "causal" else words, (size,), (k,), (s,), (d,))
            sizes += output_size((size,), (k,), (s,), pads, (d,))
        return tuple(sizes)


class ConvolutionLayer(SlidingLayer):
    """A kernel that slides. Subclasses make the kernel, and convolve.

    Args:
        kernel_size: the sizes of the kernel, or one number for all axes.
        strides: how far it moves along each axis.
        padding: a name, or the zeros before and after, for each axis.
        data_format: "channels_last", the one offered.
        dilation_rate: the distance between the kernel's cells along each axis.
        activation: name or function of f; the identity unless given.
        use_bias: whether there is a bias.
        bias_initializer, bias_regularizer, bias_constraint: where it starts from; what its size adds to the loss; what
            it may be after each step.
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any,
        padding: Any,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        bias_constraint: Any,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.window = self.kernel_size = one_for_each(kernel_size, self.rank, "kernel_size", self.where)
        self.strides = one_for_each(strides, self.rank, "strides", self.where)
        self.padding = padding_of(padding, self.rank, self.paddings, self.where)
        check_data_format(data_format, self.where)
        self.dilation_rate = one_for_each(dilation_rate, self.rank, "dilation_rate", self.where)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Parameter | None = None

    def channels_when_built(self) -> int:
        """The number of input channels that the kernel reads."""
        raise NotImplementedError

    def output_channels(self, input_channels: int) -> int:
        """The number of channels of the output."""
        raise NotImplementedError

    def convolve(self, inputs: Variable) -> Variable:
        """The pre-activation u."""
        raise NotImplementedError

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        if self.built and shape[-1] != self.channels_when_built():
            raise ShapeError(
                "the input has the wrong number of channels.",
                where=self.where,
                expected=f"{self.channels_when_built()} channels, as when it was built",
                received=f"{shape[-1]} channels in shape {tuple(shape)}",
            )

    def add_bias(self, input_shape: Shape) -> None:
        """In ``build``: make the bias, if there is one."""
        if self.use_bias:
            self.bias = self.add_weight(
                (self.output_channels(input_shape[-1] or 0),),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Variable) -> Variable:
        return self.activation(self.convolve(inputs))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self.output_sizes(input_shape), self.output_channels(input_shape[-1] or 0))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": list(self.kernel_size),
            "strides": list(self.strides),
            "padding": self.padding,
            "dilation_rate": list(self.dilation_rate),
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


def one_for_each(value: Any, rank: int, what: str, where: str) -> Sizes:
    """A positive whole number for each axis, from one for all or one for each."""
    entries = tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank
    if len(entries) != rank:
        raise ConfigurationError(
            f"{what} is one number{f' or {rank}' if rank > 1 else ''}.", where=where, received=f"{what}={value!r}"
        )
    return tuple(positive(entry, what, where) for entry in entries)


def padding_of(value: Any, rank: int, names: tuple[str, ...], where: str) -> Any:
    """Check a padding: a name, or the zeros before and after, for each axis."""
    if isinstance(value, str):
        if value.lower() not in names:
            raise UnknownNameError("padding", value, names, where=where)
        return value.lower()
    try:
        pads = tuple((int(before), int(after)) for before, after in value)
    except (TypeError, ValueError):
        pads = ()
    if len(pads) != rank or min(map(min, pads)) < 0:
        pairs = "((top, bottom), (left, right))" if rank == 2 else f"{rank} of the pairs (before, after)"
        raise ConfigurationError(
            "a padding is a name or the numbers of zeros around the input.",
            where=where,
            expected=f"{', '.join(map(repr, names))} or {pairs}",
            received=f"padding={value!r}",
        )
    return pads


def _rank_fix(rank: int, shape: Shape, given: Shape | None) -> str | None:
    """The likely reason for an input of the wrong number of axes."""
    if len(shape) == rank + 1:
        return {
            1: "a sequence of single numbers has one channel: x[..., None]",
            2: "gray images have one channel: x[..., None], or a Reshape((height, width, 1)) layer first",
            3: "volumes of single numbers have one channel: x[..., None]",
        }[rank]
    if len(shape) == rank + 3 and given is not None and len(given) == rank + 2:
        return f"input_shape includes the batch; leave it out: input_shape={tuple(given[1:])}"
    if len(shape) == 2 and rank == 2:
        return "vectors need a Reshape((height, width, channels)) layer first"
    return None
