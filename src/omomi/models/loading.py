"""Reading a saved model. Everything is checked before anything is built; nothing in the file is run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from omomi.errors import FileFormatError, OmomiError, UnknownNameError
from omomi.files.tensors import load_arrays
from omomi.graph.structure import mapped
from omomi.layers.registry import LAYERS
from omomi.layers.state import Parameter
from omomi.models.formats import reader_of
from omomi.models.model import Model
from omomi.models.saving import KIND, LAYOUT
from omomi.models.sequential import Sequential


def load_model(path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None) -> Model:
    """The model that :meth:`Model.save` wrote: ready to predict, evaluate and train on.

    Args:
        path: the file; or one of Keras's, ``.keras`` or ``.h5`` (:mod:`omomi.interop.keras_files`).
        custom_objects: layers and models of your own by class name; a file alone never names code.

    Raises:
        FileAccessError: the file cannot be read.
        FileFormatError: it is truncated, corrupt or no model of Omomi's.
        UnknownNameError: it has a layer that is neither Omomi's nor in ``custom_objects``.
    """
    where = os.fspath(path)
    other = reader_of(path)
    if other is not None:
        return other.load_model(where, custom_objects or {})  # type: ignore[no-any-return]
    arrays, header = load_arrays(path)
    if header.get("kind") != KIND or header.get("layout") != LAYOUT:
        raise FileFormatError(
            "this file holds no model that this version of Omomi knows.",
            where=where,
            expected=f"kind {KIND!r}, layout {LAYOUT}",
            received=f"kind {header.get('kind')!r}, layout {header.get('layout')!r}",
        )
    try:
        model = _build(header, dict(custom_objects or {}))
    except UnknownNameError as error:
        raise UnknownNameError(
            "layer",
            error.name,
            {**LAYERS, **(custom_objects or {}), "Sequential": Sequential},
            where=where,
            fix="a layer or model of your own: load_model(path, custom_objects={name: its class})",
        ) from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, FileFormatError):
            raise
        reason = error.problem if isinstance(error, OmomiError) else str(error)
        raise FileFormatError(f"its header does not describe a model: {reason}", where=where) from error

    entries: dict[str, Any] = dict(model.state(carried=False))
    if model.optimizer is not None:
        moved = header["training"].get("moved", list(model.parameters()))
        unknown = [path for path in moved if not isinstance(entries.get(path), Parameter)]
        if unknown:
            raise FileFormatError("it trains what the model does not have.", where=where, received=f"{unknown[:5]}")
        model.optimizer.build({path: entries[path] for path in moved})
        entries.update(model.optimizer.entries())
    if set(entries) != set(arrays):
        differing = sorted(set(entries) ^ set(arrays))
        raise FileFormatError(
            "arrays and configuration do not belong together.", where=where, received=f"differing: {differing[:5]}"
        )
    for name, entry in entries.items():
        if arrays[name].shape != entry.shape or arrays[name].dtype != entry.dtype:
            raise FileFormatError(
                f"the array {name!r} does not fit its layer.",
                where=where,
                expected=f"{entry.dtype} of shape {entry.shape}",
                received=f"{arrays[name].dtype} of shape {arrays[name].shape}",
            )
    for name, entry in entries.items():
        entry.assign(arrays[name])
    return model


def _build(header: dict[str, Any], custom_objects: dict[str, Any]) -> Model:
    """A model of the header's configuration, with initial weights, compiled as it was."""
    described = header["model"]
    name, config = described["class_name"], {**described["config"], "seed": header["seed"]}
    model: Model
    if name == "Sequential":
        model = Sequential.from_config(config, custom_objects)
        if not model.built:
            model.build_from(tuple(header["input_shape"]))
    elif "calls" in config:
        model = {"Model": Model, **custom_objects}[name].from_config(config, custom_objects)
    elif name in custom_objects:
        model = custom_objects[name].from_config(config)
        shape = header["input_shape"]
        model.try_on(sample_of(shape, model.float_dtype))
    else:
        raise UnknownNameError("model", name, [*custom_objects, "Model", "Sequential"])
    share(model, header.get("shared", {}))
    training = header["training"]
    if training is not None:
        model.compile(
            training["optimizer"],
            training["loss"],
            training.get("loss_weights"),
            training["metrics"],
            training["weighted_metrics"],
        )
    return model


def share(model: Model, shared: Mapping[str, str]) -> None:
    """Put the first of them wherever a shared layer stands."""
    for path, first in shared.items():
        layers = dict(model.walk())
        outer, _, key = path.rpartition("/")
        layers[outer].replace_layer(key, layers[first])  # type: ignore[attr-defined]


def sample_of(shape: Any, dtype: str) -> Any:
    """Zeros of this shape, one sample; of several shapes a list or dictionary of zeros."""
    if isinstance(shape, dict) or (shape and isinstance(shape[0], (list, tuple))):
        return mapped(lambda one: sample_of(one, dtype), shape)
    return np.zeros((1, *shape[1:]), dtype)
