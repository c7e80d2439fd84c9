"""Layers that tell the steps of a sequence apart: attention alone does not know their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, ShapeError
from omomi.graph.variable import Variable, as_variable
from omomi.layers import initializers
from omomi.layers.core import positive
from omomi.layers.layer import Layer, Shape
from omomi.layers.state import Parameter


class _Positions(Layer):
    """What the position layers share: (N, T, C) → (N, T, C), something of the step's place added."""

    supports_masking = True
    casts_integers = True

    def check_input(self, shape: Shape) -> None:
        if len(shape) != 3 or shape[-1] is None:
            raise ShapeError(
                "the input is not a batch of sequences of vectors.",
                where=self.where,
                expected="shape (batch, steps, features)",
                received=f"shape {tuple(shape)}",
                fix="an Embedding makes vectors of whole numbers" if len(shape) == 2 else None,
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class PositionEmbedding(_Positions):
    """A learned vector for each place in a sequence is added: y_t = x_t + P_t.

    Source: Gehring et al. 2017, arXiv:1705.03122. Keras Hub's layer of this name gives P alone.

    Args:
        sequence_length: the number of places; sequences may be shorter.
        initializer: where P, (sequence_length, C), starts from.
    """

    def __init__(self, sequence_length: int, initializer: Any = "glorot_uniform", **options: Any) -> None:
        super().__init__(**options)
        self.sequence_length = positive(sequence_length, "sequence_length", self.where)
        self.initializer = initializers.get(initializer)
        self.position_embeddings: Parameter

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        if shape[1] is not None and shape[1] > self.sequence_length:
            raise ShapeError(
                "the sequences are longer than there are places.",
                where=self.where,
                expected=f"{self.sequence_length} steps at most",
                received=f"shape {tuple(shape)}",
                fix=f"sequence_length={shape[1]}",
            )

    def build(self, input_shape: Shape) -> None:
        self.position_embeddings = self.add_weight((self.sequence_length, input_shape[-1]), self.initializer)

    def call(self, inputs: Variable) -> Variable:
        return inputs + self.position_embeddings[: inputs.shape[1]]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "sequence_length": self.sequence_length,
            "initializer": initializers.serialize(self.initializer),
        }


class SinusoidalPositionEncoding(_Positions):
    """Sines and cosines of a step's place t are added, of wavelengths from 2π to ``max_wavelength`` · 2π.

    y_{t,2i} = x_{t,2i} + sin(t / max_wavelength^{2i/C}), y_{t,2i+1} = x_{t,2i+1} + cos(t / max_wavelength^{2i/C}).
    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5.

    Args:
        max_wavelength: over 2π.
    """

    def __init__(self, max_wavelength: float = 10000.0, **options: Any) -> None:
        super().__init__(**options)
        if max_wavelength <= 0:
            raise ConfigurationError("a wavelength is positive.", where=self.where, received=max_wavelength)
        self.max_wavelength = float(max_wavelength)

    def call(self, inputs: Variable) -> Variable:
        _, steps, features = inputs.shape
        pair = np.arange(features) // 2 * 2 / features
        angle = np.arange(steps)[:, None] / self.max_wavelength**pair
        table = np.where(np.arange(features) % 2 == 0, np.sin(angle), np.cos(angle))
        return inputs + as_variable(current().asarray(table, dtype=inputs._array.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "max_wavelength": self.max_wavelength}
