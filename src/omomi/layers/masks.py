"""How masks travel: a layer's output carries the mask of its input, or one that the layer computes.

A mask is a Variable (N, T) of booleans, true where a step of a sequence exists. It is computed inside the step, by
rules, as everything else is: so it is recorded, replayed and traced.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import reduce
from typing import Any
from weakref import WeakSet

from omomi.graph import functions
from omomi.graph.variable import Variable, as_variable

log = logging.getLogger("omomi")
_warned: WeakSet[Any] = WeakSet()  # layers that have said so once


def mask_of(inputs: Any) -> Any:
    """The mask that an input carries; of several inputs the list of theirs. ``None`` where there is none."""
    if isinstance(inputs, Variable):
        return inputs.mask
    parts = list(inputs.values()) if isinstance(inputs, dict) else inputs
    if isinstance(parts, (list, tuple)) and any(isinstance(x, Variable) for x in parts):
        masks = [mask_of(x) for x in parts]
        return masks if any(m is not None for m in masks) else None
    return None


def mask_position(call: Callable[..., Any]) -> int | None:
    """Which positional argument of a ``call`` after its inputs the mask is; ``None`` if it takes none."""
    names = list(inspect.signature(call).parameters)
    return names.index("mask") - 2 if "mask" in names else None


def hand_on(layer: Any, inputs: Any, outputs: Any, mask: Any) -> None:
    """After a layer's call: give its outputs their masks, or say that a mask ends here."""
    if layer.supports_masking:
        put_on(outputs, layer.compute_mask(inputs, mask))
    elif mask is not None and not layer._children and layer._mask_position is None and layer not in _warned:
        _warned.add(layer)
        log.warning(
            "%s: the input carries a mask, and this layer knows nothing of masks: from here on padding counts like "
            "steps that exist. A layer of your own that handles each step alone says supports_masking = True.",
            layer.where,
        )


def put_on(outputs: Any, mask: Any) -> None:
    """Give outputs their masks; those that have one keep it."""
    if isinstance(outputs, Variable):
        if outputs.mask is None and mask is not None:
            outputs.mask = as_variable(mask)
    elif isinstance(outputs, (list, tuple)) and isinstance(mask, (list, tuple)):
        for y, m in zip(outputs, mask, strict=False):
            put_on(y, m)


def in_any(masks: list[Variable | None]) -> Variable | None:
    """Steps that exist in one of the masks; all, if one of several inputs has no padding."""
    found = [m for m in masks if m is not None]
    return reduce(functions.maximum, found) if len(found) == len(masks) else None
