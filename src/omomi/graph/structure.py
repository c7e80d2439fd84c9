"""One thing or several: by position (a list or tuple) or by name (a dictionary). One level, as models take and give.

Each of them has a *place*: "" for the only one, "[0]", "[1]", … by position, "/left" by name. A flat mapping, such as
the batch of a step, holds "x" or "x[0]", "x[1]" or "x/left", "x/right".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def places(value: Any) -> dict[str, Any]:
    """What a structure holds, by place."""
    if isinstance(value, Mapping):
        return {f"/{name}": part for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return {f"[{position}]": part for position, part in enumerate(value)}
    return {"": value}


def flat(root: str, value: Any) -> dict[str, Any]:
    """The same under names that begin with ``root``."""
    return {root + place: part for place, part in places(value).items()}


def structured(root: str, values: Mapping[str, Any]) -> Any:
    """What stands under ``root`` in a flat mapping: one thing, a list, or a dictionary."""
    if root in values:
        return values[root]
    within = len(root) + 1
    by_name = {key[within:]: value for key, value in values.items() if key.startswith(f"{root}/")}
    if by_name:
        return by_name
    by_position = {int(key[within:-1]): value for key, value in values.items() if key.startswith(f"{root}[")}
    return [by_position[position] for position in sorted(by_position)]


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """The same structure, each part put through a function."""
    if isinstance(value, Mapping):
        return {name: function(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [function(part) for part in value]
    return function(value)


def first(value: Any) -> Any:
    """The first part of a structure."""
    return next(iter(places(value).values()))
