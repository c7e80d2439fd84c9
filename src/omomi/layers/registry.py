"""The closed registry of layers: what a saved model may consist of.

A file names layers; it never names modules, functions or code. A layer of your own is found only if you hand it over
in ``custom_objects``.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

from omomi.errors import FileFormatError, UnknownNameError
from omomi.layers.layer import Layer

# By class name. The package fills it with every layer that it exports, so that a layer which holds others
# (TimeDistributed, Bidirectional) can read and write them without importing their modules.
LAYERS: dict[str, type[Layer]] = {}
MODELS: dict[str, type[Layer]] = {}  # which are layers too; models enrol themselves


def enrol(exported: Mapping[str, Any]) -> None:
    """Take the layers among these names into the registry."""
    for found in exported.values():
        if isinstance(found, type) and issubclass(found, Layer) and found is not Layer:
            LAYERS[found.__name__] = found


def serialize(layer: Layer) -> dict[str, Any]:
    """A layer's kind and configuration, as plain values."""
    return {"class_name": type(layer).__name__, "config": layer.get_config()}


def deserialize(entry: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The layer that :func:`serialize` described.

    Raises:
        UnknownNameError: neither a layer of Omomi's nor one of ``custom_objects``.
        FileFormatError: the entry does not describe a layer.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
        raise FileFormatError("this does not describe a layer.", received=repr(entry)[:80])
    known = {**LAYERS, **MODELS, **(custom_objects or {})}
    name = entry.get("class_name")
    if name not in known:
        raise UnknownNameError("layer", name, known, where="the model's configuration")
    config = {
        key: tuple(v) if key.endswith("shape") and isinstance(v, list) else v for key, v in entry["config"].items()
    }
    make = known[name].from_config
    inside = {"custom_objects": custom_objects} if "custom_objects" in signature(make).parameters else {}
    try:
        return make(config, **inside)
    except TypeError as error:
        raise FileFormatError(
            f"this configuration does not fit a {name}.", where="the model's configuration", received=str(error)
        ) from None
