"""Symbolic tensors: the arrows of a network that is drawn up before it sees numbers.

Calling a layer on one builds the layer, works out the shape of what would come out, and gives a symbolic tensor that
remembers the call. :class:`omomi.Model` makes a network of what lies between its inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, ClassVar, NoReturn

import numpy as np

from omomi.engines import selection
from omomi.engines.engine import floating
from omomi.errors import ConfigurationError
from omomi.graph.context import context, no_grad, placed, training_mode
from omomi.graph.randomness import Draws
from omomi.graph.variable import Variable
from omomi.layers.inputs import shape_of, single
from omomi.layers.layer import Layer, Shape
from omomi.layers.operation import Operation
from omomi.layers.state import arrays, holding
from omomi.ops.rule import Rule

# A size that is not known is tried with two others: what differs in the output is not known there either.
BATCHES, SIZES = (2, 3), (32, 48)


class Call:
    """A call of a layer on symbolic tensors.

    Attributes:
        layer: what is called; an InputLayer is called with nothing.
        inputs, args, kwargs: with what: symbolic tensors, alone or in lists and dictionaries, and plain values.
        outputs: what comes out, in the structure in which the layer returns it.
    """

    __slots__ = ("args", "inputs", "kwargs", "layer", "outputs")

    def __init__(self, layer: Layer, inputs: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> None:
        self.layer, self.inputs, self.args, self.kwargs = layer, inputs, args, dict(kwargs or {})
        self.outputs: Any = None

    def tensors(self) -> list[Symbolic]:
        """The symbolic tensors that it reads."""
        return list(symbols((self.inputs, self.args, self.kwargs)))

    def __repr__(self) -> str:
        return f"<call of {self.layer.name}>"


class Symbolic(Variable):
    """A tensor without numbers: its shape, its dtype, and the call that makes it.

    Args:
        shape: the batch first; ``None`` for sizes that are known only when there are numbers.
        dtype: of its numbers.
        call: what makes it.
    """

    __slots__ = ("_dtype", "_shape", "call")
    symbolic: ClassVar[bool] = True

    def __init__(self, shape: Shape, dtype: Any, call: Call | None = None) -> None:
        self._shape, self._dtype, self.call = tuple(shape), np.dtype(dtype), call
        self.requires_grad, self.name, self.grad, self.mask = False, None, None, None
        self.creator, self.index, self.generation = None, 0, 0

    @property
    def _array(self) -> NoReturn:
        raise ConfigurationError(
            "a symbolic tensor has a shape and no numbers.",
            where=repr(self),
            expected="layers, operators and functions of omomi",
            fix="numbers come with model.predict(x) or model(x)",
        )

    @property
    def array(self) -> Any:
        return self._array

    @property
    def shape(self) -> Any:
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return len(self._shape)

    def reshape(self, *new: Any) -> Variable:
        sizes = new[0] if len(new) == 1 and isinstance(new[0], (tuple, list)) else new
        if (
            None in sizes and -1 in sizes and None not in self._shape[1:]
        ):  # both open sizes: that of the sample is known
            rest = prod(n for n in sizes if n is not None and n != -1)
            sizes = [prod(self._shape[1:]) // rest if n == -1 else n for n in sizes]  # type: ignore[arg-type]
        return super().reshape(*(-1 if n is None else n for n in sizes))

    def __repr__(self) -> str:
        made = f" of {self.call.layer.name}" if self.call is not None else ""
        return f"<symbolic tensor{made}, {self._shape}, {self._dtype}>"

    def __len__(self) -> int:
        if self._shape and self._shape[0] is not None:
            return self._shape[0]
        return len(self._array)  # says why there is none

    def drawn(self, rule: Rule, inputs: tuple[Variable, ...], attributes: dict[str, Any]) -> Any:
        tensors = [x for x in inputs if x.symbolic]
        return Operation.of(rule, inputs, attributes)(tensors)

    def through(self, layer: Layer, inputs: Any, args: tuple[Any, ...], kwargs: Any, training: bool | None) -> Any:
        """The outputs of a layer that is called on this tensor, alone or among others."""
        if training is not None:
            kwargs = {**kwargs, "training": training}
        call = Call(layer, inputs, args, kwargs)
        call.outputs = mapped_within(lambda found: Symbolic(found.shape, found.dtype, call), inferred(call), Spec)
        layer._calls.append(call)
        return call.outputs


@dataclass(frozen=True)
class Spec:
    """The shape and the dtype of a tensor."""

    shape: Shape
    dtype: Any


def symbols(value: Any) -> Iterator[Symbolic]:
    """The symbolic tensors in a structure of lists, tuples and dictionaries."""
    if isinstance(value, Symbolic):
        yield value
    elif isinstance(value, (list, tuple, Mapping)):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from symbols(part)


def mapped_within(function: Callable[[Any], Any], value: Any, kind: type | tuple[type, ...]) -> Any:
    """The same structure of lists, tuples and dictionaries, whatever is of this kind put through a function."""
    if isinstance(value, kind):
        return function(value)
    if isinstance(value, Mapping):
        return {name: mapped_within(function, part, kind) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(mapped_within(function, part, kind) for part in value)
    return value


def inferred(call: Call) -> Any:
    """What a call makes, each output as a :class:`Spec`; the layer is built on the way.

    Raises:
        ShapeError: the inputs do not fit the layer.
    """
    layer, tensors = call.layer, call.tensors()
    given = shape_of(call.inputs)
    with sketching(next((t.dtype.name for t in tensors if floating(t.dtype)), "float32")):
        if layer.built:
            layer._check(given)
        else:
            layer.build_at("", given, 0)
        try:
            if says_its_shape(call, tensors):
                return specs_of(layer.compute_output_shape(given), layer.dtype or context.dtype)
            return tried(call)
        finally:
            for _, inner in layer.walk():
                inner._provisional = any(entry.provisional for entry in inner.entries().values())


def says_its_shape(call: Call, tensors: list[Symbolic]) -> bool:
    """Whether the layer itself knows shape and dtype of the outputs without being tried."""
    layer = call.layer
    computes = layer.casts_integers or bool(layer.entries()) or any(floating(t.dtype) for t in tensors)
    extra = call.args or set(call.kwargs) - {"training"}
    return type(layer).compute_output_shape is not Layer.compute_output_shape and computes and not extra


def specs_of(shape: Any, dtype: str) -> Any:
    """A shape, or a list or dictionary of shapes, with a dtype."""
    if single(shape):
        return Spec(tuple(shape), dtype)
    if isinstance(shape, Mapping):
        return {name: specs_of(part, dtype) for name, part in shape.items()}
    return [specs_of(tuple(part) if part and not single(part) else part, dtype) for part in shape]


def tried(call: Call) -> Any:
    """Shapes and dtypes that the layer gives for zeros of two different sizes."""
    entries = call.layer.entries()
    waiting = {path: entry.provisional for path, entry in entries.items()}
    draws = Draws(np.zeros(2, np.uint32), np.zeros((), np.uint32))
    found: list[Any] = []
    with (
        selection.instead(selection.get("numpy")),
        placed("", call.layer.dtype or context.dtype, draws),
        holding(entries, arrays(entries)),
        no_grad(),
        training_mode(False),
        np.errstate(all="ignore"),  # only the shape counts
    ):
        for batch, size in zip(BATCHES, SIZES, strict=True):
            inputs, args, kwargs = mapped_within(
                partial(zeros, batch=batch, size=size), (call.inputs, call.args, call.kwargs), Symbolic
            )
            found.append(call.layer(inputs, *args, **kwargs))
    for path, entry in entries.items():
        entry.provisional = waiting[path]
    return common(found[0], found[1], call.layer)


def zeros(tensor: Symbolic, batch: int, size: int) -> Variable:
    """Numbers of the tensor's shape."""
    sizes = tuple((size if axis else batch) if d is None else d for axis, d in enumerate(tensor.shape))
    return Variable(np.zeros(sizes, tensor.dtype), requires_grad=False)


def common(one: Any, other: Any, layer: Layer) -> Any:
    """The shapes of two trials as one; ``None`` where they differ."""
    if isinstance(one, Variable):
        return Spec(tuple(a if a == b else None for a, b in zip(one.shape, other.shape, strict=True)), one.dtype)
    if isinstance(one, Mapping):
        return {name: common(part, other[name], layer) for name, part in one.items()}
    if isinstance(one, (list, tuple)):
        return [common(a, b, layer) for a, b in zip(one, other, strict=True)]
    raise ConfigurationError(
        "call() returns Variables.",
        where=layer.where,
        expected="a Variable, or a list or dictionary of Variables",
        received=type(one).__name__,
    )


@contextmanager
def sketching(dtype: str) -> Iterator[None]:
    """Inside, layers that are built give their parameters a place and no numbers."""
    before = context.sketching, context.dtype
    context.sketching, context.dtype = True, dtype
    try:
        yield
    finally:
        context.sketching, context.dtype = before
