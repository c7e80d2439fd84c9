"""Keras's description of a model, built: Sequential, and networks of layers that are called on one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omomi.errors import FileFormatError, OmomiError
from omomi.interop.keras_files.configuration import Source, layer_of
from omomi.layers.input_layer import Input, InputLayer
from omomi.layers.layer import Layer
from omomi.models.model import Model
from omomi.models.sequential import Sequential

MODELS = ("Sequential", "Functional", "Model")
DEEPEST = 20  # models inside models


def model_of(described: Any, source: Source, position: str = "the model", depth: int = 0) -> Model:
    """The model that Keras's ``{"class_name": …, "config": …}`` describes.

    Raises:
        FileFormatError: a kind of model or layer that Omomi does not have.
    """
    if not isinstance(described, dict) or depth > DEEPEST:
        raise FileFormatError("this does not describe a model.", where=f"{source.where}, {position}")
    kind, config = described.get("class_name"), described.get("config")
    if kind == "Sequential" and isinstance(config, list):  # before Keras 2.2.3
        config = {"layers": config}
    if kind not in MODELS or not isinstance(config, dict) or not isinstance(config.get("layers"), list):
        raise FileFormatError(
            f"Omomi cannot build a model of the class {kind}.",
            where=f"{source.where}, {position}",
            expected="Sequential or Functional",
            fix="a subclassed model is code: build it in Python, and load_weights",
        )
    build = sequential if kind == "Sequential" else functional
    return build(config, source, position, depth)


def part_of(entry: Any, source: Source, position: str, depth: int) -> Layer:
    """A layer, or a model inside the model."""
    if isinstance(entry, dict) and entry.get("class_name") in MODELS:
        return model_of(entry, source, position, depth + 1)
    return layer_of(entry, source, position)


def begun(config: Mapping[str, Any], source: Source, position: str) -> dict[str, Any] | None:
    """What an InputLayer takes, if this configuration knows the shape of a batch."""
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if shape is None and isinstance(config.get("input_shape"), (list, tuple)):
        shape = [None, *config["input_shape"]]
    if shape is None:
        return None
    if not isinstance(shape, (list, tuple)) or not all(n is None or isinstance(n, int) for n in shape):
        raise FileFormatError("this is no shape.", where=f"{source.where}, {position}", received=repr(shape)[:80])
    dtype = config.get("dtype") if isinstance(config.get("dtype"), str) else None
    return {"shape": tuple(shape[1:]), "dtype": None if dtype == "float32" else dtype}


def sequential(config: Mapping[str, Any], source: Source, position: str, depth: int) -> Model:
    layers: list[Any] = []
    for number, entry in enumerate(config["layers"]):
        inside = entry.get("config") if isinstance(entry, dict) else None
        here = f"{position}, layer {number}"
        begins = begun(inside, source, here) if isinstance(inside, dict) else None
        if isinstance(entry, dict) and entry.get("class_name") == "InputLayer":
            if begins is None:
                raise FileFormatError("an input without a shape.", where=f"{source.where}, {here}")
            layers.append(InputLayer(**begins, name=inside.get("name") if isinstance(inside, dict) else None))
            continue
        part = part_of(entry, source, here, depth)
        if number == 0 and begins is not None and not isinstance(part, Model):
            part.given_input_shape = begins["shape"]
        layers.append(part)
    name = config.get("name")
    model = Sequential(layers, name=name if isinstance(name, str) else None)
    shape = config.get("build_input_shape")
    if not model.built and isinstance(shape, (list, tuple)) and None not in shape[1:]:
        model.build_from(tuple(shape))
    return model


def functional(config: Mapping[str, Any], source: Source, position: str, depth: int) -> Model:
    layers: dict[str, Any] = {}
    waiting: list[tuple[str, int, Any]] = []
    tensors: dict[tuple[str, int], Any] = {}
    for number, entry in enumerate(config["layers"]):
        here = f"{position}, layer {number}"
        inside = entry.get("config") if isinstance(entry, dict) else None
        if not isinstance(inside, dict):
            raise FileFormatError("this does not describe a layer.", where=f"{source.where}, {here}")
        name = str(entry.get("name") or inside.get("name"))
        if entry.get("class_name") == "InputLayer":
            begins = begun(inside, source, here)
            if begins is None:
                raise FileFormatError("an input without a shape.", where=f"{source.where}, {here}")
            tensors[name, 0] = Input(**begins, name=name)
            continue
        layers[name] = part_of(entry, source, here, depth)
        waiting += [(name, i, node) for i, node in enumerate(entry.get("inbound_nodes") or [])]
    while waiting:
        left = []
        for name, number, node in waiting:
            args, kwargs, needed = call_of(node, source, f"{position}, {name}")
            if not all(key in tensors for key in needed):
                left.append((name, number, node))
                continue
            try:
                tensors[name, number] = layers[name](*filled(args, tensors), **filled(kwargs, tensors))
            except (OmomiError, TypeError, IndexError) as error:
                reason = error.problem if isinstance(error, OmomiError) else str(error)
                kind = type(layers[name]).__name__
                raise FileFormatError(
                    f"this layer cannot be called as the file says: {reason}",
                    where=f"{source.where}, {position}, {kind} {name}",
                ) from error
        if len(left) == len(waiting):
            raise FileFormatError(
                "these layers read what nothing gives.",
                where=f"{source.where}, {position}",
                received=", ".join(sorted({name for name, _, _ in left})[:5]),
            )
        waiting = left
    ends = [gathered(config.get(side), tensors, source, position) for side in ("input_layers", "output_layers")]
    return Model(ends[0], ends[1], name=str(config.get("name") or "model"))


class Place:
    """Where a tensor stands in the arguments of a call."""

    def __init__(self, key: tuple[str, int], index: int) -> None:
        self.key, self.index = key, index


def call_of(node: Any, source: Source, where: str) -> tuple[Any, Any, list[tuple[str, int]]]:
    """Arguments of a call, with places for tensors; and which tensors those are."""
    needed: list[tuple[str, int]] = []

    def place(history: Any) -> Place:
        if (
            not isinstance(history, (list, tuple))
            or len(history) < 3
            or not all(isinstance(n, int) for n in history[1:3])
        ):
            raise FileFormatError("a call reads something unknown.", where=f"{source.where}, {where}")
        needed.append((str(history[0]), int(history[1])))
        return Place(needed[-1], int(history[2]))

    def read(value: Any, depth: int = 0) -> Any:
        if depth > DEEPEST:
            raise FileFormatError("a call is nested too deep.", where=f"{source.where}, {where}")
        if isinstance(value, dict):
            if value.get("class_name") == "__keras_tensor__":
                return place(value.get("config", {}).get("keras_history"))
            return {key: read(one, depth + 1) for key, one in value.items()}
        return [read(one, depth + 1) for one in value] if isinstance(value, list) else value

    if isinstance(node, dict):  # Keras 3
        kwargs = {k: read(v) for k, v in (node.get("kwargs") or {}).items() if v is not None}
        kwargs.pop("training", None)
        kwargs.pop("mask", None)  # travels with the tensors
        return [read(one) for one in node.get("args") or []], kwargs, needed
    if not isinstance(node, list) or not node:  # Keras 1 and 2: [[name, node, tensor, {kwargs}], …]
        raise FileFormatError("a call is not understood.", where=f"{source.where}, {where}")
    node = [node] if isinstance(node[0], str) else node
    places = [place(one) for one in node]
    kwargs = {}
    for one in node:
        for key, value in (one[3] if len(one) > 3 and isinstance(one[3], dict) else {}).items():
            if key in ("training", "mask") or value is None:
                continue
            history = isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str)
            kwargs[key] = place(value) if history else value
    return [places[0] if len(places) == 1 else places], kwargs, needed


def filled(value: Any, tensors: Mapping[tuple[str, int], Any]) -> Any:
    """Arguments with the tensors in their places."""
    if isinstance(value, Place):
        found = tensors[value.key]
        return found[value.index] if isinstance(found, (list, tuple)) else found
    if isinstance(value, dict):
        return {key: filled(one, tensors) for key, one in value.items()}
    return [filled(one, tensors) for one in value] if isinstance(value, list) else value


def gathered(given: Any, tensors: Mapping[tuple[str, int], Any], source: Source, position: str) -> Any:
    """The inputs or outputs of a model."""
    if isinstance(given, dict):
        return {key: gathered(one, tensors, source, position) for key, one in given.items()}
    if not isinstance(given, list) or not given:
        raise FileFormatError("inputs or outputs are missing.", where=f"{source.where}, {position}")
    if isinstance(given[0], str):
        key = (given[0], int(given[1]))
        if key not in tensors:
            raise FileFormatError(f"there is no layer {given[0]!r}.", where=f"{source.where}, {position}")
        found = tensors[key]
        return found[int(given[2])] if isinstance(found, (list, tuple)) else found
    each = [gathered(one, tensors, source, position) for one in given]
    return each[0] if len(each) == 1 else each
