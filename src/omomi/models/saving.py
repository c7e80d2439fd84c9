"""A model in one safetensors file: arrays, and a header that says what they belong to. No code."""

from __future__ import annotations

import logging
import os
from typing import Any

import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, NotBuiltError
from omomi.files.tensors import save_arrays
from omomi.graph.structure import mapped
from omomi.training import losses, metric_names

logger = logging.getLogger("omomi")

KIND = "model"
LAYOUT = 1  # of this header; the file's own format has a version of its own


def save_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model: configuration, state tree, and how it was compiled.

    Raises:
        NotBuiltError: it has no parameters yet.
        ConfigurationError: something in it is a function, which a file cannot hold.
        FileAccessError: the file cannot be written.
    """
    if not model.built:
        raise NotBuiltError(
            "there is nothing to save yet.",
            where=model.where,
            fix="build the model first: call it on data, or fit it",
        )
    if os.fspath(path).endswith((".h5", ".hdf5", ".keras")):
        logger.warning("%s is written in Omomi's own format; Keras reads save_weights('x.weights.h5')", os.fspath(path))
    entries = dict(model.state(carried=False))
    if model.optimizer is not None:
        entries.update(model.optimizer.entries())
    to_host = current().to_host
    arrays = {name: np.asarray(to_host(entry.array)) for name, entry in entries.items()}
    save_arrays(path, arrays, header_of(model))


def header_of(model: Any) -> dict[str, Any]:
    """What the header says: the class, its configuration, the input it was built for, and how it was compiled."""
    training = None
    if model.loss is not None and model.optimizer is not None:
        training = {
            "optimizer": {"class_name": type(model.optimizer).__name__, "config": model.optimizer.get_config()},
            "loss": mapped(lambda loss: None if loss is None else described(loss, model.where), model.loss),
            "loss_weights": model.loss_weights,
            "metrics": metric_names.serialize(model.metric_names[0]),
            "weighted_metrics": metric_names.serialize(model.metric_names[1]),
            "moved": list(model.optimizer.parameters),  # what the optimiser keeps slots for
        }
    return {
        "kind": KIND,
        "layout": LAYOUT,
        "model": {"class_name": type(model).__name__, "config": model.get_config()},
        "input_shape": plain_shape(model.built_for),
        "seed": model.seed,
        "shared": shared_layers(model),
        "training": training,
    }


def shared_layers(model: Any) -> dict[str, str]:
    """Layers that stand in several places of a model, as in it and in a model inside: each further path, and the first.

    Raises:
        ConfigurationError: one is shared by a layer that is no model of symbolic tensors.
    """
    first: dict[int, str] = {}
    shared: dict[str, str] = {}
    holders = dict(model.walk())
    for path, layer in model.walk():
        known = first.setdefault(id(layer), path)
        outer = path.rpartition("/")[0]
        if known == path or outer in shared:
            if outer in shared:
                shared[path] = known  # inside a shared layer; left out below
            continue
        if not hasattr(holders[outer], "replace_layer"):
            raise ConfigurationError(
                "a layer that stands in several places cannot be written from here.",
                where=model.where,
                expected="shared layers directly inside models of symbolic tensors",
                received=f"{path} is {known}",
            )
        shared[path] = known
    return {path: known for path, known in shared.items() if path.rpartition("/")[0] not in shared}


def described(loss: losses.Loss, where: str) -> dict[str, Any]:
    """A loss as plain values.

    Raises:
        ConfigurationError: it is a function, which a file cannot hold.
    """
    if type(loss) not in losses.BY_NAME.values():
        raise ConfigurationError(
            "a loss that is no named one of Omomi's cannot be written to a file.",
            where=where,
            received=loss.name,
            fix="compile with a named loss before saving, or save the weights alone (get_weights)",
        )
    return {"class_name": type(loss).__name__, "config": loss.get_config()}


def plain_shape(shape: Any) -> Any:
    """A shape as a list; several shapes as a list or dictionary of lists."""
    if isinstance(shape, dict):
        return {name: plain_shape(one) for name, one in shape.items()}
    return [plain_shape(one) if isinstance(one, (list, tuple)) else one for one in shape]
