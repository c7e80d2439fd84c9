"""Whole models and weights, from and to Keras's files."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from omomi.errors import FileFormatError, OmomiError
from omomi.files import write_bytes
from omomi.interop.keras_files import weights
from omomi.interop.keras_files.architecture import model_of
from omomi.interop.keras_files.configuration import Source
from omomi.interop.keras_files.container import json_of, opened, text_of, unpacked
from omomi.models.model import Model
from omomi.training import optimizers

logger = logging.getLogger("omomi")


def load_model(path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None) -> Model:
    """The model in a ``.keras`` file, or in an ``.h5`` of Keras 1, 2 or 3.

    The state of the optimiser is not taken over.

    Raises:
        FileAccessError, FileFormatError: the file cannot be read, is damaged, or holds what Omomi does not have; the
            message names the layer and its place.
    """
    where = os.fspath(path)
    with open(where, "rb") as file:
        zipped = file.read(2) == b"PK"
    if zipped:
        config, content = unpacked(where)
        source = Source(where, 3, custom_objects or {})
        model = model_of(config, source)
        with opened(content, where) as stored:
            weights.read_tree(model, stored, where, skip=False)
        compiled(model, config.get("compile_config"), where)
        return model
    with opened(where, where) as stored:
        if "model_config" not in stored.attrs:
            raise FileFormatError(
                "this file holds weights alone, and no architecture.",
                where=where,
                fix="build the model in Python, then model.load_weights(path)",
            )
        version = version_of(stored)
        source = Source(where, version, custom_objects or {})
        model = model_of(json_of(text_of(stored.attrs["model_config"], where), where), source)
        if "model_weights" in stored:
            weights.read_lists(model, stored["model_weights"], where, version, skip=False)
        if "training_config" in stored.attrs:
            compiled(model, json_of(text_of(stored.attrs["training_config"], where), where), where)
    return model


def version_of(stored: Any) -> int:
    """The major version of Keras that wrote an ``.h5``; Keras 1 did not say."""
    told = stored.attrs.get("keras_version")
    if told is None and "model_weights" in stored:
        told = stored["model_weights"].attrs.get("keras_version")
    text = text_of(told, "keras_version") if told is not None else "1"
    return int(text[0]) if text[:1] in ("1", "2", "3") else 3


def compiled(model: Model, config: Any, where: str) -> None:
    """Compile a model as Keras had it, if Omomi has the same; otherwise say so."""
    if not isinstance(config, dict) or not config.get("loss"):
        return
    optimizer = config.get("optimizer") or config.get("optimizer_config")
    try:
        if isinstance(optimizer, dict):
            optimizer = optimizer_of(optimizer)
        found = [m for m in config.get("metrics") or [] if isinstance(m, str)]
        model.compile(optimizer or "sgd", config.get("loss"), loss_weights=config.get("loss_weights"), metrics=found)
    except (OmomiError, TypeError, ValueError, AttributeError, KeyError) as error:
        reason = error.problem if isinstance(error, OmomiError) else str(error)
        logger.warning("%s: the model is not compiled as it was: %s", where, reason)


def optimizer_of(described: Mapping[str, Any]) -> optimizers.Optimizer:
    """An optimiser from its configuration, with the names of Keras 1 and 2 understood."""
    config = {"learning_rate" if k == "lr" else k: v for k, v in described["config"].items() if v is not None}
    for name in ("name", "decay", "loss_scale_factor", "jit_compile", "is_legacy_optimizer", "schedule_decay"):
        config.pop(name, None)
    if isinstance(config.get("learning_rate"), dict):
        config["learning_rate"] = 0.001
    return optimizers.get({"class_name": described["class_name"], "config": config})


def load_weights(model: Model, path: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
    """Put the weights of a Keras file into a model.

    Raises:
        FileAccessError, FileFormatError: the file cannot be read, or is damaged.
        ConfigurationError, ShapeError: they are those of another architecture. Nothing is changed then.
    """
    where = os.fspath(path)
    with open(where, "rb") as file:
        zipped = file.read(2) == b"PK"
    content: str | bytes = unpacked(where)[1] if zipped else where
    with opened(content, where) as stored:
        if "layer_names" in stored.attrs:
            weights.read_lists(model, stored, where, version_of(stored), skip_mismatch)
        elif "model_weights" in stored:
            weights.read_lists(model, stored["model_weights"], where, version_of(stored), skip_mismatch)
        else:
            weights.read_tree(model, stored, where, skip_mismatch)


def save_weights(model: Model, path: str | os.PathLike[str]) -> None:
    """Write weights: ``.weights.h5`` in the layout of Keras 3, another ``.h5`` in that of Keras 2."""
    name = os.fspath(path)
    tree = name.lower().endswith(".weights.h5")
    write_bytes(name, weights.written_tree(model) if tree else weights.written_lists(model))
