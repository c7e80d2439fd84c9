"""What lowerings ask of a call."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from omomi.engines.cpu.plan import Place, Planner
from omomi.engines.cpu.recording import Call, Value

FLOATS = ("float32", "float64")


def dtype_of(p: Planner, value: Value | None) -> str:
    """The dtype of a value."""
    assert value is not None
    return p.notes.arrays[value].dtype.name


def shape_of(p: Planner, value: Value | None) -> tuple[int, ...]:
    """The shape of a value."""
    assert value is not None
    return tuple(p.notes.arrays[value].shape)


def floats(p: Planner, call: Call) -> bool:
    """Whether all inputs are floats of one dtype that kernels exist for, and none is empty."""
    dtypes = {dtype_of(p, value) for value in call.inputs}
    return len(dtypes) == 1 and dtypes <= set(FLOATS) and all(prod(shape_of(p, value)) for value in call.inputs)


def only(values: Sequence[Value | None]) -> Value:
    """The value of a call that has one."""
    (value,) = values
    assert value is not None
    return value


def rows(place: Place) -> Place:
    """An array as a matrix: all axes but the last are rows."""
    return place.reshape(prod(place.shape[:-1]), place.shape[-1])
