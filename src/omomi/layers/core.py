"""The layers of the feed-forward network: Dense, Activation, and those that only change the shape."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, ShapeError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers import activations, constraints, initializers, regularizers
from omomi.layers.layer import Layer, Shape
from omomi.layers.naming import check_data_format
from omomi.layers.state import Parameter


class Dense(Layer):
    """Every input connected to every unit: u = x W + b, z = f(u).

    Shapes: x (…, in), kernel W (in, units), bias b (units,) → (…, units). Textbooks that write u = W z + b with w_ji
    (from i to j) hold the transpose of this kernel.

    Args:
        units: the number of units.
        activation: name or function of f; the identity unless given.
        use_bias: whether there is a bias b.
        kernel_initializer, bias_initializer: where W and b start from.
        kernel_regularizer, bias_regularizer: what their size adds to the loss.
        kernel_constraint, bias_constraint: what they may be after each step.
    """

    casts_integers = True
    supports_masking = True

    def __init__(
        self,
        units: int,
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
        super().__init__(activity_regularizer=activity_regularizer, **options)
        self.units = positive(units, "units", self.where)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.kernel: Parameter
        self.bias: Parameter | None = None

    def check_input(self, shape: Shape) -> None:
        if len(shape) < 2:
            raise ShapeError(
                "a Dense layer reads vectors, one for each sample.",
                where=self.where,
                expected="shape (batch, in)",
                received=f"shape {tuple(shape)}",
                fix="one sample is a batch of one: x[None, :]",
            )
        if shape[-1] is None:
            raise ShapeError("the length of the vectors must be known.", where=self.where, received=f"shape {shape}")
        if self.built and shape[-1] != self.kernel.shape[0]:
            raise ShapeError(
                "the vectors have the wrong length.",
                where=self.where,
                expected=f"(…, {self.kernel.shape[0]}), as when it was built",
                received=f"shape {tuple(shape)}",
                fix="images need a Flatten layer before a Dense one" if len(shape) > 2 else None,
            )

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight(
            (input_shape[-1], self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Variable) -> Variable:
        u = functions.affine(inputs, self.kernel, self.bias)
        return self.activation(u)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)

    def multiply_accumulates(self, input_shape: Shape) -> int:
        return prod(size or 1 for size in input_shape[1:]) * self.units

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


class Activation(Layer):
    """Applies an activation: z = f(u).

    Args:
        activation: its name, or a function of a Variable.
    """

    casts_integers = True
    supports_masking = True

    def __init__(self, activation: Any, **options: Any) -> None:
        super().__init__(**options)
        self.activation = activations.get(activation)

    def call(self, inputs: Variable) -> Variable:
        return self.activation(inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class Flatten(Layer):
    """Each sample as one vector: (N, …) → (N, the product of the rest), the last axis fastest.

    Args:
        data_format: "channels_last", the one offered.
    """

    def __init__(self, data_format: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        check_data_format(data_format, self.where)

    def call(self, inputs: Variable) -> Variable:
        return inputs.reshape((inputs.shape[0], prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if None in input_shape[1:]:
            return (input_shape[0], None)
        return (input_shape[0], prod(d for d in input_shape[1:] if d is not None))


class Reshape(Layer):
    """Each sample in another shape: (N, …) → (N, *target_shape).

    Args:
        target_shape: the new shape of one sample; one entry may be −1.
    """

    def __init__(self, target_shape: Any, **options: Any) -> None:
        super().__init__(**options)
        self.target_shape = tuple(int(d) for d in np.atleast_1d(target_shape))
        if any(d < 1 and d != -1 for d in self.target_shape):
            raise ConfigurationError(
                "a sample's shape has positive sizes; one may be -1, to be worked out from the others.",
                where=self.where,
                received=f"target_shape={self.target_shape}",
                fix="leave the batch out: it keeps its place",
            )
        if self.target_shape.count(-1) > 1:
            raise ConfigurationError(
                "only one size can be worked out from the others.",
                where=self.where,
                received=f"target_shape={self.target_shape}",
            )

    def check_input(self, shape: Shape) -> None:
        self.compute_output_shape(shape)

    def call(self, inputs: Variable) -> Variable:
        return inputs.reshape((inputs.shape[0], *self.compute_output_shape(inputs.shape)[1:]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if None in input_shape[1:]:
            return (input_shape[0], *(None if d == -1 else d for d in self.target_shape))
        size = prod(d for d in input_shape[1:] if d is not None)
        known = prod(d for d in self.target_shape if d != -1)
        missing = -1 in self.target_shape
        if (missing and (known == 0 or size % known)) or (not missing and known != size):
            raise ShapeError(
                "a sample cannot take this shape.",
                where=self.where,
                expected=f"a sample of {'a multiple of ' if missing else ''}{known} numbers",
                received=f"a sample of shape {tuple(input_shape[1:])}, {size} numbers",
            )
        return (input_shape[0], *(size // known if d == -1 else d for d in self.target_shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": list(self.target_shape)}


class Permute(Layer):
    """The axes of each sample in another order: (N, d₁, d₂, …) → (N, d_dims[0], d_dims[1], …).

    Args:
        dims: which axis of the input each axis of the output is, counted from 1, without the batch: (2, 1) exchanges
            the first two.

    Example:
        >>> import omomi
        >>> omomi.layers.Permute((3, 1, 2)).compute_output_shape((None, 28, 32, 3))  # the channels first
        (None, 3, 28, 32)
    """

    def __init__(self, dims: Any, **options: Any) -> None:
        super().__init__(**options)
        self.dims = tuple(int(d) for d in (dims if isinstance(dims, (tuple, list)) else (dims,)))
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ConfigurationError(
                "dims are the axes of a sample in their new order, each once, counted from 1.",
                where=self.where,
                expected=f"the numbers 1 … {len(self.dims)}",
                received=f"dims={dims!r}",
                fix="the batch, axis 0, is not named: it stays first",
            )

    def check_input(self, shape: Shape) -> None:
        if len(shape) != len(self.dims) + 1:
            raise ShapeError(
                "a sample has another number of axes than dims names.",
                where=self.where,
                expected=f"a batch of samples of {len(self.dims)} axes",
                received=f"shape {tuple(shape)}",
            )

    def call(self, inputs: Variable) -> Variable:
        return functions.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *(input_shape[d] for d in self.dims))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": list(self.dims)}


class Rescaling(Layer):
    """x · scale + offset: ``Rescaling(1 / 255)`` brings the bytes of an image into [0, 1].

    Args:
        scale: the factor.
        offset: what is added.
    """

    casts_integers = True
    supports_masking = True

    def __init__(self, scale: float, offset: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.scale, self.offset = float(scale), float(offset)

    def call(self, inputs: Variable) -> Variable:
        scaled = inputs * self.scale
        return scaled + self.offset if self.offset else scaled

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}


class _Dropping(Layer):
    """What layers share that drop values in training at a rate."""

    casts_integers = True
    supports_masking = True

    def __init__(self, rate: float, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed=seed, **options)
        if not 0 <= rate < 1:
            raise ConfigurationError(
                "the rate is the probability of being dropped.",
                where=self.where,
                expected="0 ≤ rate < 1",
                received=f"rate={rate!r}",
            )
        self.rate = float(rate)

    def call(self, inputs: Variable, training: bool = False) -> Variable:
        return self.dropped(inputs) if training and self.rate > 0 else inputs

    def dropped(self, inputs: Variable) -> Variable:
        """The values as training sees them."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}


class Dropout(_Dropping):
    """In training, each value is dropped with probability ``rate`` and the rest scaled by 1/(1 − rate).

    Otherwise it passes its input on. Source: Srivastava et al. 2014; the scaling in training ("inverted") keeps the
    expected value, so that nothing has to be scaled afterwards.

    Args:
        rate: the probability of being dropped, 0 ≤ rate < 1.
        noise_shape: the shape of the mask: ``None`` for a size of the input, 1 where one draw serves a whole axis.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **options: Any) -> None:
        super().__init__(rate, seed, **options)
        self.noise_shape = None if noise_shape is None else tuple(None if d is None else int(d) for d in noise_shape)

    def check_input(self, shape: Shape) -> None:
        noise = self.noise_shape
        if noise is not None and (
            len(noise) != len(shape)
            or any(d not in (None, 1, s) and s is not None for d, s in zip(noise, shape, strict=False))
        ):
            raise ShapeError(
                "the mask does not fit the input.",
                where=self.where,
                expected=f"sizes of {tuple(shape)}, 1 or None",
                received=f"noise_shape={noise}",
            )

    def mask_shape(self, inputs: Variable) -> tuple[int, ...] | None:
        """The shape of the mask; ``None`` if it is that of the input."""
        if self.noise_shape is None:
            return None
        return tuple(s if d is None else d for d, s in zip(self.noise_shape, inputs.shape, strict=True))

    def dropped(self, inputs: Variable) -> Variable:
        shape = self.mask_shape(inputs)
        if shape is None:
            return functions.dropout(inputs, self.rate)
        return inputs * functions.dropout(np.ones(shape, inputs.dtype), self.rate)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return config if self.noise_shape is None else {**config, "noise_shape": list(self.noise_shape)}


def positive(value: Any, what: str, where: str) -> int:
    """A positive whole number, or an error that names what it should be."""
    number = value if isinstance(value, int) else getattr(value, "item", lambda: value)()
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ConfigurationError(f"{what} is a positive whole number.", where=where, received=f"{what}={value!r}")
    return number
