"""Input: where a network begins."""

from __future__ import annotations

from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, DtypeError
from omomi.graph.variable import Variable
from omomi.layers.layer import DTYPES, Layer, Shape
from omomi.layers.naming import sample_shape
from omomi.layers.symbolic import Call, Symbolic

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "bool")


class InputLayer(Layer):
    """Says the shape of one sample. It computes nothing.

    Args:
        shape: the shape of one sample, without the batch.
        batch_size: the number of samples, if it is always the same.
        dtype: of the data: a float type, which the layers that read it take too, or that of whole numbers; float32
            unless given.
        batch_shape: instead of shape and batch_size, both in one.
        name: of the input; data may be given by it.
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        sparse: bool | None = None,
        batch_shape: Any = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        if sparse:
            raise ConfigurationError("there are no sparse tensors here.", where="Input", received="sparse=True")
        if (shape is None) == (batch_shape is None):
            raise ConfigurationError(
                "an Input says the shape of a sample.",
                where="Input",
                expected="shape=(…) without the batch, or batch_shape=(batch, …)",
                received="both" if shape is not None else "neither",
            )
        if batch_shape is not None:
            batch_size, *sizes = batch_shape
            shape = tuple(sizes)
        wanted = None if dtype is None else np.dtype(dtype).name if dtype != "bool" else "uint8"
        if wanted is not None and wanted not in DTYPES and wanted not in INTEGERS:
            raise DtypeError("an input holds numbers.", where="Input", received=f"dtype {dtype!r}")
        self.data_dtype = wanted or "float32"
        floats = wanted if wanted in DTYPES else None
        super().__init__(name=name, dtype=floats, **options)
        self.given_input_shape = sample_shape(shape, "Input", may_begin_open=True)
        self._given_dtype = wanted
        self.batch_size = None if batch_size is None else int(batch_size)

    @property
    def batch_shape(self) -> Shape:
        """The shape of a batch."""
        assert self.given_input_shape is not None
        return (self.batch_size, *self.given_input_shape)

    def begin(self) -> Symbolic:
        """The symbolic tensor that it stands for."""
        if not self._calls:
            self.built, self.built_for = True, self.batch_shape
            call = Call(self, None)
            call.outputs = Symbolic(self.batch_shape, self.data_dtype, call)
            self._calls.append(call)
        return self._calls[0].outputs  # type: ignore[no-any-return]

    @property
    def output(self) -> Any:
        return self.begin()

    def call(self, inputs: Variable) -> Variable:
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        assert self.given_input_shape is not None
        config: dict[str, Any] = {"name": self.name, "shape": list(self.given_input_shape)}
        if self.batch_size is not None:
            config["batch_size"] = self.batch_size
        if self._given_dtype is not None:
            config["dtype"] = self._given_dtype
        return config


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    sparse: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
) -> Symbolic:
    """A symbolic tensor for samples of this shape, to call layers on; or the first entry of a Sequential.

    The arguments are those of :class:`InputLayer`.

    Example:
        >>> import omomi
        >>> x = omomi.Input((4,))
        >>> y = omomi.layers.Dense(3)(x)
        >>> omomi.Model(x, y).output_shape
        (None, 3)
    """
    return InputLayer(shape, batch_size, dtype, sparse, batch_shape, name).begin()
