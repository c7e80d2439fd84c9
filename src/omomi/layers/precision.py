"""Precision: a model may compute in half precision while its parameters stay float32.

Parameters, slots, statistics and losses are float32 (the master weights); what lies between is bfloat16 or float16.
The casts are rules that the model's layers insert: of their inputs, and of their parameters while they compute; on
the way back the cast's own backward makes a parameter's gradient float32 again.

Source: Micikevicius et al. 2018, "Mixed precision training", arXiv:1710.03740.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from omomi.engines.selection import current
from omomi.errors import EngineError, UnknownNameError
from omomi.graph import functions
from omomi.layers.state import Parameter

# What layers compute in, for each precision; None: in their own dtype.
COMPUTED_IN: dict[str, str | None] = {"float32": None, "mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}


class _Default:
    """The precision of models that are made from here on."""

    name = "float32"


def set_precision(name: str) -> None:
    """Choose the precision of the models that are made from here on; ``model.precision`` changes that of one.

    Args:
        name: "float32"; "mixed_bfloat16" (float32's range, two to three digits; newer GPUs and TPUs); or
            "mixed_float16" (three to four digits, a small range, so the loss is scaled: :mod:`omomi.ops.precision`).

    Raises:
        UnknownNameError: no such precision.
    """
    _Default.name = checked(name)


def default_precision() -> str:
    """What :func:`set_precision` chose last; "float32" unless it was called."""
    return _Default.name


def checked(name: str) -> str:
    """The name of a precision, or an error."""
    if name not in COMPUTED_IN:
        raise UnknownNameError("precision", name, COMPUTED_IN)
    return name


def computed_in(precision: str, where: str) -> str | None:
    """The dtype that layers compute in; ``None``: their own.

    Raises:
        EngineError: the engine that runs has no half precision.
    """
    dtype = COMPUTED_IN[checked(precision)]
    if dtype is not None and not current().half_precision:
        raise EngineError(
            "this engine computes in float32 (and float64) only.",
            where=where,
            expected='the engine jax for mixed precision: omomi.use("jax")',
            received=f"precision {precision!r}",
            fix='model.precision = "float32": the parameters are float32 anyway',
        )
    return dtype


@contextmanager
def parameters_in(layer: Any, dtype: str) -> Iterator[None]:
    """Inside, a layer's float32 parameters are cast: its attributes hold the results of the rule ``cast``."""
    attributes = vars(layer)
    own = {name: p for name, p in attributes.items() if isinstance(p, Parameter) and p.dtype == "float32"}
    attributes.update({name: functions.cast(p, dtype) for name, p in own.items()})
    try:
        yield
    finally:
        attributes.update(own)
