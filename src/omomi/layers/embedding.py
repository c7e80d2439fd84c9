"""Embedding: a vector for each of a number of things, learned."""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.engines.engine import floating
from omomi.engines.reference import check_indices
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers import constraints, initializers, regularizers
from omomi.layers.core import positive
from omomi.layers.layer import Layer, Shape
from omomi.layers.state import Parameter


class Embedding(Layer):
    """A table with one row for each whole number 0 … input_dim − 1; the output holds the rows that the input names.

    Shapes: indices (N, …), embeddings (input_dim, output_dim) → (N, …, output_dim). It is a Dense layer without bias on
    one-hot vectors, without the vectors (Bengio et al. 2003). Indices that come as floats are cut to whole numbers.
    An index outside the table, negative ones too, is an error: where data is handed to a model, and in each step.
    Inside a program of the engine jax, which cannot raise, its row is NaN.

    Args:
        input_dim: the number of rows.
        output_dim: the length of a row.
        embeddings_initializer, embeddings_regularizer: where the table starts from; what its size adds to the loss.
        embeddings_constraint: what the table may be after each step.
        mask_zero: whether index 0 is padding: the output carries a mask, and the layers after it leave such steps out.
    """

    # Indices are no quantities: half precision would round them.
    full_precision = True
    supports_masking = True

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.input_dim = positive(input_dim, "input_dim", self.where)
        self.output_dim = positive(output_dim, "output_dim", self.where)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = bool(mask_zero)
        self.embeddings: Parameter

    def build(self, input_shape: Shape) -> None:
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    def call(self, inputs: Variable) -> Variable:
        indices = functions.cast(inputs, "int32") if floating(inputs._array.dtype) else inputs
        return functions.embedding(self.embeddings, indices, self.where)

    def check_values(self, x: Any) -> None:
        """Raise a DataError if an index of this data (NumPy) lies outside the table."""
        check_indices(x if x.dtype.kind in "iu" else x.astype(np.int64), self.input_dim, self.where)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return functions.existing(inputs) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
        }
