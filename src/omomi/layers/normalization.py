"""Batch normalisation as a layer: its parameters and running statistics. The mathematics: omomi.ops.normalization."""

from __future__ import annotations

from typing import Any

from omomi.errors import ConfigurationError, ShapeError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers import initializers, regularizers
from omomi.layers.layer import Layer, Shape
from omomi.layers.state import Buffer, Parameter


class BatchNormalization(Layer):
    """Centres and scales each channel by the statistics of the batch, then by learned γ and β.

    In training μ and σ² are those of the batch, and running averages of them are kept; otherwise the running ones are
    used. Works on (N, D) and on (N, H, W, C), per last axis. Source: Ioffe and Szegedy 2015, arXiv:1502.03167.

    Args:
        momentum: of the running averages: running ← momentum · running + (1 − momentum) · batch.
        epsilon: added to σ², so that a constant channel does not divide by zero.
        center, scale: whether β and γ are learned; 0 and 1 otherwise.
        beta_regularizer, gamma_regularizer: what their size adds to the loss.
    """

    casts_integers = True
    full_precision = True

    def __init__(
        self,
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
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not 0 <= momentum <= 1:
            raise ConfigurationError("momentum lies between 0 and 1.", where=self.where, received=momentum)
        self.momentum, self.epsilon = float(momentum), float(epsilon)
        self.center, self.scale = center, scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.gamma: Parameter
        self.beta: Parameter
        self.moving_mean: Buffer
        self.moving_variance: Buffer

    def check_input(self, shape: Shape) -> None:
        if len(shape) < 2 or shape[-1] is None or (self.built and shape[-1] != self.gamma.shape[0]):
            raise ShapeError(
                "the number of channels is unknown or wrong.",
                where=self.where,
                expected=f"(batch, …, {self.gamma.shape[0]})" if self.built else "(batch, …, channels)",
                received=f"shape {tuple(shape)}",
            )

    def build(self, input_shape: Shape) -> None:
        size = (input_shape[-1],)
        self.gamma = self.add_weight(
            size, self.gamma_initializer, trainable=self.scale, regularizer=self.gamma_regularizer
        )
        self.beta = self.add_weight(
            size, self.beta_initializer, trainable=self.center, regularizer=self.beta_regularizer
        )
        self.moving_mean = self.add_buffer(size, self.moving_mean_initializer)
        self.moving_variance = self.add_buffer(size, self.moving_variance_initializer)

    def call(self, inputs: Variable, training: bool = False) -> Variable:
        # A frozen layer keeps its statistics too: training it on new data must not change what it computes.
        if not (training and self.trainable):
            return functions.batch_normalization_inference(
                inputs, self.gamma, self.beta, self.moving_mean, self.moving_variance, epsilon=self.epsilon
            )
        y, mean, variance = functions.batch_normalization(
            inputs,
            self.gamma,
            self.beta,
            self.moving_mean,
            self.moving_variance,
            momentum=self.momentum,
            epsilon=self.epsilon,
        )
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        return y

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
        }
