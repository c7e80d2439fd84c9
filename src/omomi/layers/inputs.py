"""What a layer is called with: one array, or several as a list, a tuple or a dictionary; and their shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from omomi.engines.engine import floating
from omomi.errors import ShapeError
from omomi.graph import functions
from omomi.graph.variable import Variable, as_array


def several(inputs: Any, always: bool = False) -> bool:
    """Whether these are several inputs. A list of arrays is one, unless the layer ``always`` takes several."""
    if isinstance(inputs, dict):
        return True
    return isinstance(inputs, (list, tuple)) and (always or any(isinstance(x, Variable) for x in inputs))


def each(function: Callable[[Any], Any], inputs: Any) -> Any:
    """The function of every input, in the same list, tuple or dictionary."""
    if isinstance(inputs, dict):
        return {name: function(x) for name, x in inputs.items()}
    return type(inputs)(function(x) for x in inputs)


def cast(inputs: Any, dtype: Any, integers: bool, always: bool = False) -> Any:
    """Inputs as Variables of a dtype; integers only if asked."""
    if several(inputs, always):
        return each(lambda x: cast(x, dtype, integers), inputs)
    x = inputs if isinstance(inputs, Variable) else Variable(as_array(inputs), requires_grad=False)
    given = x._array.dtype
    if given == dtype or (not floating(given) and not integers):
        return x
    y = functions.cast(x, dtype)
    y.mask = x.mask
    return y


def shape_of(inputs: Any) -> Any:
    """The shape of an input, a tuple; of several, a list or dictionary of their shapes."""
    if isinstance(inputs, dict):
        return {name: shape_of(x) for name, x in inputs.items()}
    if isinstance(inputs, (list, tuple)):
        return [shape_of(x) for x in inputs]
    return inputs.shape


def single(shape: Any) -> bool:
    """Whether this is the shape of one input."""
    return isinstance(shape, tuple) and not any(isinstance(d, (tuple, list)) for d in shape)


def trial(shape: Any, dtype: str) -> Any:
    """Inputs of these shapes, one sample of zeros each, for a layer to be tried on."""
    if single(shape):
        return Variable(np.zeros((1, *(d or 1 for d in shape[1:])), dtype), requires_grad=False)
    return each(lambda part: trial(tuple(part), dtype), shape)


def check_one(shape: Any, where: str) -> None:
    """Raise if a layer that reads one input is given several."""
    if not single(shape):
        raise ShapeError(
            "this layer reads one input.",
            where=where,
            expected="one Variable or array",
            received=f"{len(shape)} inputs of shapes {', '.join(map(str, shape))}",
            fix="make one of them first: Concatenate()([a, b]), Add()([a, b])",
        )
