"""Plain values with arrays in them, taken apart for a file: the arrays by name, and a rest that JSON can hold.

JSON has neither arrays nor NaN nor infinities. In the rest a mapping with one key stands for them: ``{"$array": name}``
and ``{"$float": "nan"}``; ``{"$floats": name}`` is a long list of floats, which as an array is short and quickly read.
Everything comes back as it was, bit for bit; only a tuple comes back as a list.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, FileFormatError

ARRAY, FLOAT, FLOATS = "$array", "$float", "$floats"
LONG = 32  # floats in a list that becomes an array


def take_apart(value: Any, arrays: dict[str, np.ndarray], name: str) -> Any:
    """The value without its arrays, which are put into ``arrays`` under names that begin with ``name``.

    Args:
        value: ``None``, bool, numbers, text, NumPy arrays and numbers, and lists, tuples and mappings (text as keys) of
            these.
        name: of this value; in messages, too.

    Raises:
        ConfigurationError: there is something else in it.
    """
    if isinstance(value, np.generic):
        value = value.item()
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else {FLOAT: str(value)}
        case np.ndarray():
            arrays[name] = value
            return {ARRAY: name}
        case list() if len(value) >= LONG and all(type(v) is float for v in value):
            arrays[name] = np.array(value, np.float64)
            return {FLOATS: name}
        case list() | tuple():
            return [take_apart(v, arrays, f"{name}/{i}") for i, v in enumerate(value)]
        case Mapping():
            wrong = next((k for k in value if not isinstance(k, str) or k.startswith("$")), None)
            if wrong is not None:
                raise ConfigurationError(
                    "this cannot be a key in a file.", where=name, expected="text without a leading $", received=wrong
                )
            return {k: take_apart(v, arrays, f"{name}/{k}") for k, v in value.items()}
    raise ConfigurationError(
        "this cannot be written to a file.",
        where=name,
        expected="None, bool, a number, text, a NumPy array, a list or a mapping",
        received=f"{type(value).__name__} {value!r}"[:200],
    )


def put_together(rest: Any, arrays: Mapping[str, np.ndarray], where: str) -> Any:
    """The value that :func:`take_apart` took apart; ``where`` names its file in errors.

    Raises:
        FileFormatError: an array is missing, or a mapping stands for nothing known.
    """
    match rest:
        case {"$array": str(name), **others} if not others and name in arrays:
            return arrays[name]
        case {"$floats": str(name), **others} if not others and name in arrays:
            return arrays[name].tolist()
        case {"$float": ("nan" | "inf" | "-inf") as text, **others} if not others:
            return float(text)
        case dict():
            if any(key.startswith("$") for key in rest):
                raise FileFormatError("the file holds a value that nobody knows.", where=where, received=rest)
            return {key: put_together(value, arrays, where) for key, value in rest.items()}
        case list():
            return [put_together(value, arrays, where) for value in rest]
    return rest
