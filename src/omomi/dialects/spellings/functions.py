"""Functions that only old versions of Keras have, and layers around a function of the script's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from omomi import layers
from omomi.dialects.hook import UnsupportedError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers.layer import Layer


def hard_sigmoid_fifth(x: Any) -> Variable:
    """clip(x / 5 + ½, 0, 1): the hard sigmoid of Keras 1 and 2. That of Keras 3 has the slope 1/6."""
    return functions.clip(x * 0.2 + 0.5, 0.0, 1.0)


class Lambda(Layer):
    """A layer around a function of the script's own. It lives in the script's process; no file can hold it."""

    supports_masking = True
    several_inputs = False

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Any = None,
        **options: Any,
    ) -> None:
        options.pop("batch_input_shape", None)
        super().__init__(**options)
        self.function, self.arguments = function, dict(arguments or {})

    def call(self, inputs: Any) -> Any:
        return self.function(inputs, **self.arguments)

    def get_config(self) -> dict[str, Any]:
        raise UnsupportedError(
            "a Lambda holds a function, which no file can hold.",
            where=self.where,
            fix="a layer of your own with call(), and save_weights",
        )


class Dot(Layer):
    """The product of two inputs, summed over an axis of each; of their directions with ``normalize``."""

    several_inputs = True

    def __init__(self, axes: Any, normalize: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.axes, self.normalize = axes, normalize

    def call(self, inputs: Sequence[Variable]) -> Variable:
        a, b = inputs
        first, second = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        if a.ndim != 2 or b.ndim != 2 or {first, second} - {1, -1}:
            raise UnsupportedError(
                "Dot multiplies vectors: (N, n) with (N, n), along axis 1.",
                where=self.where,
                received=f"shapes {a.shape} and {b.shape}, axes={self.axes}",
                fix="omomi.functions.matmul in a layer of your own",
            )
        if self.normalize:
            a, b = (x / functions.sqrt(functions.maximum((x * x).sum(axis=-1, keepdims=True), 1e-12)) for x in (a, b))
        return (a * b).sum(axis=-1, keepdims=True)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0][0], 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


MODES: dict[str, Callable[..., Layer]] = {
    "sum": layers.Add,
    "mul": layers.Multiply,
    "ave": layers.Average,
    "max": layers.Maximum,
    "concat": layers.Concatenate,
    "dot": Dot,
    "cos": Dot,
}


def merging(mode: Any, concat_axis: int = -1, dot_axes: Any = -1, name: str | None = None) -> Layer:
    """The layer that a mode of Keras 1's ``merge`` means.

    Raises:
        UnsupportedError: no such mode.
    """
    if callable(mode):
        merged = Lambda(mode, name=name)
        merged.several_inputs = True  # type: ignore[misc]
        return merged
    if mode not in MODES:
        raise UnsupportedError("merge has no such mode.", expected=" or ".join(MODES), received=f"mode={mode!r}")
    if mode == "concat":
        return layers.Concatenate(axis=concat_axis, name=name)
    if mode in ("dot", "cos"):
        return Dot(dot_axes, normalize=mode == "cos", name=name)
    return MODES[mode](name=name)


def merge(inputs: Any, mode: Any = "sum", concat_axis: int = -1, dot_axes: Any = -1, name: Any = None, **_: Any) -> Any:
    """``merge([a, b], mode="concat")`` of Keras 1."""
    return merging(mode, concat_axis, dot_axes, name)(inputs)
