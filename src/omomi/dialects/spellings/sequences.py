"""``Merge`` of Keras 1: a Sequential that begins with several others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from omomi.dialects.hook import UnsupportedError
from omomi.dialects.spellings.functions import merging
from omomi.layers.layer import Layer


class Merge(Layer):
    """``Merge([left, right], mode="concat")``: the first entry of a Sequential that joins other models."""

    several_inputs = True

    def __init__(
        self, layers: Iterable[Any] = (), mode: Any = "sum", concat_axis: int = -1, dot_axes: Any = -1, **options: Any
    ) -> None:
        options.pop("output_shape", None)
        super().__init__(**options)
        self.branches = list(layers)
        self.joined = merging(mode, concat_axis, dot_axes)

    def call(self, inputs: Any) -> Any:
        return self.joined(inputs)


def branched(sequential: type[Any], model: type[Any]) -> None:
    """Teach a Sequential that begins with a Merge to become a network of several inputs when it is compiled."""
    add, compile_ = sequential.add, sequential.compile

    def adds(self: Any, layer: Any) -> None:
        if isinstance(layer, Merge):
            if self._children:
                raise UnsupportedError(
                    "Merge stands at the beginning of a Sequential.", where=self.where, fix="Model(input=…, output=…)"
                )
            object.__setattr__(self, "merged", layer)
            object.__setattr__(self, "after", [])
        elif getattr(self, "merged", None) is not None:
            self.after.append(layer)
        else:
            add(self, layer)

    def compiles(self: Any, *args: Any, **kwargs: Any) -> None:
        merged = getattr(self, "merged", None)
        if merged is not None:
            inputs, output = network_of(self)
            after = dict(vars(self))
            self.__class__ = model
            model.__init__(self, inputs=inputs, outputs=output, name=after.get("_explicit_name"))
            model.compile(self, *args, **kwargs)
            return
        compile_(self, *args, **kwargs)

    sequential.add, sequential.compile = adds, compiles


def network_of(branch: Any) -> tuple[list[Any], Any]:
    """The symbolic inputs and the output of a Sequential, whether it begins with a Merge or not."""
    merged = getattr(branch, "merged", None)
    if merged is None:
        return list(branch.inputs), branch.output
    inputs, outputs = [], []
    for part in merged.branches:
        begun, ended = network_of(part)
        inputs += begun
        outputs.append(ended)
    y = merged.joined(outputs)
    for layer in branch.after:
        y = layer(y)
    return inputs, y
