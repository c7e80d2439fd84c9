"""Normalisations as layers: their parameters and running statistics. The mathematics: omomi.ops.normalization."""

from __future__ import annotations

from typing import Any

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, ShapeError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers import constraints, initializers, regularizers
from omomi.layers.layer import Layer, Shape
from omomi.layers.state import Buffer, Parameter


class _Normalization(Layer):
    """What normalisations share: the axes that have a γ and a β of their own, and these two."""

    casts_integers = True
    full_precision = True
    supports_masking = True

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        axes: list[Any] = [axis] if isinstance(axis, int) else list(axis) if isinstance(axis, (list, tuple)) else [None]
        if not axes or any(not isinstance(a, int) or isinstance(a, bool) for a in axes):
            raise ConfigurationError(
                "axis is the number of an axis, or several.",
                where=self.where,
                expected="whole numbers; the batch is axis 0, the last axis −1",
                received=f"axis={axis!r}",
            )
        if not epsilon >= 0:
            raise ConfigurationError("epsilon is a small number, not negative.", where=self.where, received=epsilon)
        self.axis: int | list[int] = axis if isinstance(axis, int) else axes
        self.epsilon = float(epsilon)
        self.center, self.scale = bool(center), bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma: Parameter | None = None
        self.beta: Parameter | None = None

    def axes(self, rank: int) -> tuple[int, ...]:
        """The axes of γ and β, counted from the front, in order."""
        return tuple(
            sorted({a + rank if a < 0 else a for a in ([self.axis] if isinstance(self.axis, int) else self.axis)})
        )

    def check_input(self, shape: Shape) -> None:
        axes = self.axes(len(shape))
        if len(shape) < 2 or any(not 0 < a < len(shape) for a in axes):
            raise ShapeError(
                "there is no such axis to normalise.",
                where=self.where,
                expected=f"an input with the batch first and an axis {self.axis} after it",
                received=f"shape {tuple(shape)}",
                fix="channels are the last axis here: axis=-1, or leave axis out" if len(axes) == 1 else None,
            )
        size = tuple(shape[a] for a in axes)
        built = self.built_for and tuple(self.built_for[a] for a in self.axes(len(self.built_for)))
        if None in size or (built and size != built):
            raise ShapeError(
                "the number of channels is unknown or wrong.",
                where=self.where,
                expected=f"size {shown(built)} on axis {self.axis}, as when it was built" if built else "known sizes",
                received=f"shape {tuple(shape)}",
            )

    def build(self, input_shape: Shape) -> None:
        size = tuple(input_shape[a] for a in self.axes(len(input_shape)))
        if self.scale:
            self.gamma = self.add_weight(
                size, self.gamma_initializer, regularizer=self.gamma_regularizer, constraint=self.gamma_constraint
            )
        if self.center:
            self.beta = self.add_weight(
                size, self.beta_initializer, regularizer=self.beta_regularizer, constraint=self.beta_constraint
            )

    def call(self, inputs: Variable, training: bool = False) -> Variable:
        """The axes of γ and β last; the computation; the axes back."""
        axes, rank = self.axes(inputs.ndim), inputs.ndim
        order = (*(a for a in range(rank) if a not in axes), *axes)
        if order == tuple(range(rank)):
            return self.normalized(inputs, training)
        y = self.normalized(inputs.transpose(*order), training)
        return y.transpose(*(order.index(a) for a in range(rank)))

    def normalized(self, x: Variable, training: bool) -> Variable:
        """The output for an input whose last axes are those of γ and β."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }


class BatchNormalization(_Normalization):
    """Centres and scales each channel by the statistics of the batch, then by learned γ and β.

    In training μ and σ² are those of the batch, and running averages of them are kept; otherwise the running ones are
    used. Works on (N, D) and on (N, H, W, C), per last axis. Source: Ioffe and Szegedy 2015, arXiv:1502.03167.

    Args:
        axis: of the channels; the last unless given.
        momentum: of the running averages: running ← momentum · running + (1 − momentum) · batch.
        epsilon: added to σ², so that a constant channel does not divide by zero.
        center, scale: whether β and γ are learned; 0 and 1 otherwise.
        beta_regularizer, gamma_regularizer: what their size adds to the loss.
        beta_constraint, gamma_constraint: what they may be after each step.
        synchronized: accepted; the statistics are always those of the whole batch, on several devices too.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        synchronized: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **options,
        )
        if not isinstance(self.axis, int):
            raise ConfigurationError("a batch has one axis of channels.", where=self.where, received=f"axis={axis!r}")
        if renorm:
            raise ConfigurationError(
                "batch renormalisation is not offered.",
                where=self.where,
                expected="renorm=False",
                fix="GroupNormalization or LayerNormalization do not depend on the size of the batch",
            )
        if not 0 <= momentum <= 1:
            raise ConfigurationError("momentum lies between 0 and 1.", where=self.where, received=momentum)
        self.momentum = float(momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.moving_mean: Buffer
        self.moving_variance: Buffer

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        size = tuple(input_shape[a] for a in self.axes(len(input_shape)))
        self.moving_mean = self.add_buffer(size, self.moving_mean_initializer)
        self.moving_variance = self.add_buffer(size, self.moving_variance_initializer)

    def normalized(self, x: Variable, training: bool) -> Variable:
        xp = current().xp
        gamma = xp.ones(x.shape[-1:], dtype=x.dtype) if self.gamma is None else self.gamma
        beta = xp.zeros(x.shape[-1:], dtype=x.dtype) if self.beta is None else self.beta
        # A frozen layer keeps its statistics too: training it on new data must not change what it computes.
        if not (training and self.trainable):
            return functions.batch_normalization_inference(
                x, gamma, beta, self.moving_mean, self.moving_variance, epsilon=self.epsilon
            )
        y, mean, variance = functions.batch_normalization(
            x,
            gamma,
            beta,
            self.moving_mean,
            self.moving_variance,
            momentum=self.momentum,
            epsilon=self.epsilon,
        )
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        return y

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
        }


class LayerNormalization(_Normalization):
    """Centres and scales each sample by its own mean and variance, then by learned γ and β.

    The statistics are those of ``axis``: of the features at each place unless told. Training and inference are the
    same. Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450.

    Args:
        axis: one axis or several, which are normalised together and have a γ and β of their own.
        epsilon: added to σ².
        center, scale: whether β and γ are learned; 0 and 1 otherwise.
        beta_regularizer, gamma_regularizer: what their size adds to the loss.
        beta_constraint, gamma_constraint: what they may be after each step.
    """

    def normalized(self, x: Variable, training: bool) -> Variable:
        gamma: Any = self.gamma
        if gamma is None:
            gamma = current().xp.ones(x.shape[-len(self.axes(x.ndim)) :], dtype=x.dtype)
        return functions.layer_normalization(x, gamma, self.beta, epsilon=self.epsilon)


class GroupNormalization(_Normalization):
    """Centres and scales each group of channels of a sample by its own mean and variance, then by learned γ and β.

    Works on (N, …, C) and does not depend on the other samples, so that small batches serve. Source: Wu and He 2018,
    arXiv:1803.08494.

    Args:
        groups: how many groups of neighbouring channels there are; −1 is one for each channel (instance normalisation).
        axis: of the channels; the last unless given.
        epsilon: added to σ².
        center, scale: whether β and γ are learned; 0 and 1 otherwise.
        beta_regularizer, gamma_regularizer: what their size adds to the loss.
        beta_constraint, gamma_constraint: what they may be after each step.
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **options,
        )
        if not isinstance(self.axis, int):
            raise ConfigurationError("there is one axis of channels.", where=self.where, received=f"axis={axis!r}")
        if groups != -1 and (not isinstance(groups, int) or groups < 1):
            raise ConfigurationError(
                "groups is a number of groups.",
                where=self.where,
                expected="a positive whole number, or −1 for one of each channel",
                received=f"groups={groups!r}",
            )
        self.groups = int(groups)

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        (axis,) = self.axes(len(shape))
        channels = shape[axis]
        assert channels is not None
        if self.groups > channels or channels % self.groups:
            raise ShapeError(
                "the channels cannot be cut into so many groups.",
                where=self.where,
                expected=f"a multiple of {self.groups} channels",
                received=f"{channels} channels",
                fix=f"groups={max(g for g in range(1, min(self.groups, channels) + 1) if channels % g == 0)}",
            )

    def normalized(self, x: Variable, training: bool) -> Variable:
        groups = x.shape[-1] if self.groups == -1 else self.groups
        return functions.group_normalization(x, self.gamma, self.beta, groups=groups, epsilon=self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}


class RMSNormalization(_Normalization):
    """Divides each sample by the root of its mean square, then scales by a learned γ.

    Source: Zhang and Sennrich 2019, arXiv:1910.07467.

    Args:
        axis: one axis or several, which are normalised together and have a γ of their own.
        epsilon: added to the mean square.
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **options: Any) -> None:
        super().__init__(axis, epsilon, center=False, scale=True, **options)

    def normalized(self, x: Variable, training: bool) -> Variable:
        return functions.rms_normalization(x, self.gamma, epsilon=self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {**Layer.get_config(self), "axis": self.axis, "epsilon": self.epsilon}


class UnitNormalization(Layer):
    """Scales every vector of a sample to length 1; one of zeros stays as it is.

    Args:
        axis: along which the vectors lie; the last unless given.
    """

    casts_integers = True
    full_precision = True
    supports_masking = True

    def __init__(self, axis: Any = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis: int | list[int] = axis if isinstance(axis, int) else [int(a) for a in axis]

    def call(self, inputs: Variable) -> Variable:
        return functions.unit_normalization(inputs, self.axis if isinstance(self.axis, int) else tuple(self.axis))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def shown(size: tuple[int | None, ...]) -> str:
    """A size in a message: one number, or several."""
    return str(size[0]) if len(size) == 1 else str(size)
