"""Masking: where padding starts to be known as padding."""

from __future__ import annotations

from typing import Any

from omomi.errors import ShapeError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers.layer import Layer, Shape


class Masking(Layer):
    """Steps whose every entry is ``mask_value`` are padding: the layers after it leave them out.

    Shapes: (N, T, C) → (N, T, C), the steps that are padding as zeros, with a mask (N, T). Recurrent layers keep their
    state over padding, attention does not look at it, losses and metrics do not count it.

    Args:
        mask_value: what padding is filled with.

    Example:
        >>> import numpy as np, omomi
        >>> y = omomi.layers.Masking()(np.array([[[1.0, 2.0], [0.0, 3.0], [0.0, 0.0]]], np.float32))
        >>> y.mask
        Variable([[ True,  True, False]])
    """

    casts_integers = True
    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.mask_value = float(mask_value)

    def check_input(self, shape: Shape) -> None:
        if len(shape) < 3:
            raise ShapeError(
                "the input is not a batch of sequences of vectors.",
                where=self.where,
                expected="shape (batch, steps, features)",
                received=f"shape {tuple(shape)}",
                fix="whole numbers become vectors, and 0 padding, by Embedding(…, mask_zero=True); one feature in each "
                "step: x[..., None]",
            )

    def call(self, inputs: Variable) -> Variable:
        exist = functions.existing(inputs, self.mask_value, vectors=True)
        y = inputs * functions.cast(exist, inputs._array.dtype).reshape((*exist.shape, 1))
        y.mask = exist
        return y

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}
