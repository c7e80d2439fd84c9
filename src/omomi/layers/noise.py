"""Noise in training; in prediction these layers pass their input on. The mathematics: omomi.ops.noise."""

from __future__ import annotations

from typing import Any

from omomi.errors import ConfigurationError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers.core import Dropout, _Dropping
from omomi.layers.layer import Layer, Shape


class GaussianNoise(Layer):
    """In training, adds normal noise of mean 0.

    Args:
        stddev: the standard deviation σ of the noise.
    """

    casts_integers = True
    supports_masking = True

    def __init__(self, stddev: float, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed=seed, **options)
        if not stddev >= 0:
            raise ConfigurationError(
                "a standard deviation is not negative.", where=self.where, received=f"stddev={stddev!r}"
            )
        self.stddev = float(stddev)

    def call(self, inputs: Variable, training: bool = False) -> Variable:
        return functions.gaussian_noise(inputs, self.stddev) if training and self.stddev > 0 else inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev}


class GaussianDropout(_Dropping):
    """In training, multiplies with normal numbers of mean 1 and variance rate/(1 − rate), those of dropout.

    Source: Srivastava et al. 2014.

    Args:
        rate: the probability of being dropped in the dropout that this stands for, 0 ≤ rate < 1.
    """

    def dropped(self, inputs: Variable) -> Variable:
        return functions.gaussian_dropout(inputs, self.rate)


class AlphaDropout(Dropout):
    """Dropout for networks of SELU: keeps mean 0 and variance 1. Source: Klambauer et al. 2017, arXiv:1706.02515.

    Args:
        rate: the probability of being dropped, 0 ≤ rate < 1. What is dropped takes SELU's lowest value.
        noise_shape: the shape of the mask; ``None`` for the input's size, 1 where one draw serves a whole axis.
    """

    def dropped(self, inputs: Variable) -> Variable:
        return functions.alpha_dropout(inputs, self.rate, noise_shape=self.mask_shape(inputs))
