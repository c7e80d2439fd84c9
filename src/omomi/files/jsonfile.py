"""JSON, strictly: what is written can be read by every JSON reader, and what is read means one thing only."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, FileFormatError
from omomi.files.reading import read_bytes
from omomi.files.writing import write_text

LIMIT = 64 << 20  # bytes of a JSON file


def to_json(value: Any, *, indent: int | None = None, name_non_finite: bool = False) -> str:
    """The JSON text of plain values: None, bool, numbers, text, lists, tuples and mappings with text as keys.

    NumPy's numbers and arrays become numbers and lists, paths become text. JSON has no NaN and no infinity: they
    are refused, or written as the texts "NaN", "Infinity" and "-Infinity" (which ``float`` reads) if
    ``name_non_finite`` is set.
    """
    separators = (",", ":") if indent is None else None
    plain = _plain(value, "the value", name_non_finite)
    return json.dumps(plain, indent=indent, separators=separators, ensure_ascii=False, allow_nan=False)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write a JSON file atomically; numbers that are not finite are written as text (see :func:`to_json`)."""
    write_text(path, to_json(value, indent=2, name_non_finite=True) + "\n")


def read_json(path: str | os.PathLike[str], limit: int = LIMIT) -> Any:
    """Read a JSON file of at most ``limit`` bytes.

    Raises:
        FileAccessError: the file cannot be read.
        FileFormatError: it is too large or no strict JSON (a key that occurs twice, NaN, bytes that are no UTF-8).
    """
    return parse_json(read_bytes(path, limit), os.fspath(path))


def parse_json(data: bytes | str, where: str) -> Any:
    """The value of a JSON text; ``where`` names its file in errors."""
    try:
        return json.loads(data, object_pairs_hook=_mapping, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise FileFormatError(f"this is not valid JSON: {error}.", where=where) from error


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} occurs twice")
    return mapping


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


def _plain(value: Any, where: str, name_non_finite: bool) -> Any:
    """``value`` with nothing but JSON's own types in it; ``where`` is the path that led to it."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            if math.isfinite(value):
                return value
            if name_non_finite:
                return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
            raise ConfigurationError("JSON has no such number.", where=where, received=value)
        case Mapping():
            return {_key(k, where): _plain(v, f"{where}/{k}", name_non_finite) for k, v in value.items()}
        case list() | tuple():
            return _list(value, where, name_non_finite)
    raise ConfigurationError(
        "this cannot be written as JSON.",
        where=where,
        expected="None, bool, a number, text, a list or a mapping",
        received=f"{type(value).__name__} {value!r}"[:200],
    )


def _list(values: Iterable[Any], where: str, name_non_finite: bool) -> list[Any]:
    return [_plain(v, f"{where}/{i}", name_non_finite) for i, v in enumerate(values)]


def _key(key: Any, where: str) -> str:
    if isinstance(key, str):
        return key
    raise ConfigurationError("a key of a JSON mapping is text.", where=where, received=f"{key!r}")
