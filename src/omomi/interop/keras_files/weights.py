"""Weights in Keras's files: the tree of Keras 3, and the lists by layer that Keras 1, 2 and 3's ``.h5`` hold."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import h5py
import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, FileFormatError, ShapeError
from omomi.interop.keras_files.container import array_of, names_of
from omomi.interop.keras_files.older import from_keras1
from omomi.layers.attention import MultiHeadAttention
from omomi.layers.input_layer import InputLayer
from omomi.layers.layer import Layer
from omomi.layers.naming import snake_case
from omomi.layers.recurrence import Recurrent
from omomi.layers.state import Parameter, StateEntry
from omomi.models.model import Model
from omomi.models.sequential import Sequential

logger = logging.getLogger("omomi")

LAYERS = ("layers", "_layer_checkpoint_dependencies")  # of Keras 3, and of tf.keras 2.12 to 2.15
BESIDES = ("optimizer", "seed_generator", "metrics", "loss")


class Shelf(NamedTuple):
    """A place in Keras 3's tree.

    Attributes:
        path: of the group, without "vars".
        name: of the layer.
        entries: what lies there, in order.
    """

    path: str
    name: str
    entries: list[StateEntry]


# ---- Keras 3 --------------------------------------------------------------------------------------------------------


def shelves(layer: Layer, path: str = "", file: Any = None) -> Iterator[Shelf]:
    """Where Keras 3 keeps the weights of a layer and of those inside; ``file`` may call layers in another order."""
    own = list(layer._entries.values())
    children = layer.children
    if isinstance(layer, Model) and (isinstance(layer, Sequential) or layer.ports):
        yield Shelf(path, layer.name, own)
        kept = [
            child for child in layer.layers if not (isinstance(layer, Sequential) and isinstance(child, InputLayer))
        ]
        folder = next((name for name in LAYERS if file is not None and f"{path}/{name}".lstrip("/") in file), LAYERS[0])
        inside = f"{path}/{folder}".lstrip("/")
        for child, key in zip(kept, keys_of(kept, None if file is None else file.get(inside)), strict=True):
            yield from shelves(child, f"{inside}/{key}", file)
    elif isinstance(layer, MultiHeadAttention):
        yield Shelf(path, layer.name, [])
        for part in ("query", "key", "value", "output"):
            named = [layer._entries[n] for n in (f"{part}_kernel", f"{part}_bias") if n in layer._entries]
            place = f"{path}/{part}_dense"
            if file is not None and place not in file:
                place = f"{path}/_{part}_dense"
            yield Shelf(place, "attention_output" if part == "output" else part, named)
    elif isinstance(layer, Recurrent) and not children:
        yield Shelf(path, layer.name, [])
        yield Shelf(f"{path}/cell", f"{snake_case(type(layer).__name__)}_cell", own)
    else:
        yield Shelf(path, layer.name, own)
        for key, child in children.items():
            yield from shelves(child, f"{path}/{key}".lstrip("/"), file)


def keys_of(layers: Sequence[Layer], group: Any) -> list[str]:
    """The names of layers' groups: their kind, numbered; or, where a file tells their names, what it calls those."""
    kinds = [layer_kind(layer) for layer in layers]
    numbered = []
    for i, kind in enumerate(kinds):
        before = kinds[:i].count(kind)
        numbered.append(f"{kind}_{before}" if before else kind)
    if group is None:
        return numbered
    called = {}
    for key in group:
        known = group[key].get("vars") if isinstance(group[key], h5py.Group) else None
        if known is not None and "name" in known.attrs:
            called[str(known.attrs["name"])] = key
    if all(layer.name in called for layer in layers if layer.entries()):
        return [called.get(layer.name, key) for layer, key in zip(layers, numbered, strict=True)]
    return numbered


def layer_kind(layer: Layer) -> str:
    if isinstance(layer, Model) and not isinstance(layer, Sequential):
        return "functional" if layer.ports else snake_case(type(layer).__name__)
    return snake_case(type(layer).__name__)


def read_tree(model: Model, file: Any, where: str, skip: bool) -> None:
    """Put Keras 3's weights into a model; with ``skip``, those that fit."""
    pairs: list[tuple[StateEntry, np.ndarray, str]] = []
    used: set[str] = set()
    missing: list[str] = []
    for shelf in shelves(model, "", file):
        place = f"{shelf.path}/vars".lstrip("/")
        found = file.get(place)
        count = len(found) if isinstance(found, h5py.Group) else 0
        used.add(place)
        if count != len(shelf.entries):
            missing.append(f"{place} of layer {shelf.name!r}: {len(shelf.entries)} arrays expected, {count} there")
            continue
        for number, entry in enumerate(shelf.entries):
            here = f"{where}, {place}/{number}"
            pairs.append((entry, array_of(found.get(str(number)), here), here))
    left = [path for path in filled_places(file) if path not in used]
    put(pairs, missing, left, where, skip)


def filled_places(group: Any, path: str = "") -> Iterator[str]:
    """The groups ``vars`` that hold something, but those of optimiser and generators of random numbers."""
    for key in group:
        here = f"{path}/{key}".lstrip("/")
        if key in BESIDES or not isinstance(group[key], h5py.Group):
            continue
        if key == "vars":
            if len(group[key]):
                yield here
        else:
            yield from filled_places(group[key], here)


def written_tree(model: Model) -> bytes:
    """The weights of a model as Keras 3's ``.weights.h5``."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for shelf in shelves(model):
            group = file.require_group(f"{shelf.path}/vars".lstrip("/"))
            group.attrs["name"] = shelf.name
            for number, entry in enumerate(shelf.entries):
                group.create_dataset(str(number), data=np.asarray(current().to_host(entry.array)))
    return buffer.getvalue()


# ---- lists by layer -------------------------------------------------------------------------------------------------


def listed(layer: Layer) -> list[StateEntry]:
    """The weights of a layer in the order of its list: parameters first, then statistics."""
    entries = list(layer.entries().values())
    return [e for e in entries if isinstance(e, Parameter)] + [e for e in entries if not isinstance(e, Parameter)]


def read_lists(model: Model, group: Any, where: str, version: int, skip: bool) -> None:
    """Put the weights of an ``.h5`` of Keras 1, 2 or 3 into a model; with ``skip``, those that fit."""
    names = names_of(group, "layer_names", where)
    stored = []
    for name in names:
        if name not in group:
            raise FileFormatError("a layer is named that is not there.", where=f"{where}, {name}")
        weights = names_of(group[name], "weight_names", f"{where}, {name}")
        if weights:
            stored.append((name, [array_of(group[name].get(one), f"{where}, {name}, {one}") for one in weights]))
    layers = [layer for layer in model.layers if layer.entries()]
    by_name = dict(stored)
    same = all(layer.name in by_name for layer in layers) and len(by_name) == len(layers)
    if not same and len(stored) != len(layers) and not skip:
        raise ConfigurationError(
            "the weights are those of another architecture.",
            where=where,
            expected=f"weights of {len(layers)} layers: {', '.join(layer.name for layer in layers[:6])}",
            received=f"of {len(stored)}: {', '.join(name for name, _ in stored[:6])}",
            fix="build the model as it was when they were saved",
        )
    pairs: list[tuple[StateEntry, np.ndarray, str]] = []
    missing: list[str] = []
    matched: list[tuple[Layer, str, list[np.ndarray] | None]]
    matched = [(layer, layer.name, by_name.get(layer.name)) for layer in layers]
    if not same:
        matched = [(layer, name, arrays) for layer, (name, arrays) in zip(layers, stored, strict=False)]
    for layer, name, arrays in matched:
        if arrays is not None and version == 1:
            arrays = from_keras1(layer, arrays, f"{where}, {name}")
        entries = listed(layer)
        if arrays is None or len(arrays) != len(entries):
            count = 0 if arrays is None else len(arrays)
            missing.append(f"layer {layer.name!r}: {len(entries)} arrays expected, {count} there")
            continue
        pairs += [(e, a, f"{where}, {name}, {i}") for i, (e, a) in enumerate(zip(entries, arrays, strict=True))]
    put(pairs, missing, [], where, skip)


def written_lists(model: Model) -> bytes:
    """The weights of a model as an ``.h5`` of Keras 2."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        kept = [
            layer for layer in model.layers if not (isinstance(model, Sequential) and isinstance(layer, InputLayer))
        ]
        file.attrs["layer_names"] = np.array([layer.name.encode() for layer in kept] or [], "S")
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.4.0"
        for layer in kept:
            group = file.create_group(layer.name)
            paths = {id(entry): path for path, entry in layer.entries().items()}
            names = [f"{layer.name}/{paths[id(entry)]}:0" for entry in listed(layer)]
            group.attrs["weight_names"] = np.array([name.encode() for name in names], "S")
            for name, entry in zip(names, listed(layer), strict=True):
                group.create_dataset(name, data=np.asarray(current().to_host(entry.array)))
    return buffer.getvalue()


# ---- both -----------------------------------------------------------------------------------------------------------


def put(
    pairs: Sequence[tuple[StateEntry, np.ndarray, str]],
    missing: Sequence[str],
    left: Sequence[str],
    where: str,
    skip: bool,
) -> None:
    """Put arrays into entries, after everything was checked.

    Raises:
        ConfigurationError: arrays that belong nowhere, or layers without arrays.
        ShapeError: an array of another shape. Nothing is changed then.
    """
    if (missing or left) and not skip:
        more = f" and {len(missing) + len(left) - 4} more" if len(missing) + len(left) > 4 else ""
        raise ConfigurationError(
            "the weights are those of another architecture.",
            where=where,
            received="; ".join([*missing, *(f"{path} belongs to no layer" for path in left)][:4]) + more,
            fix="build the model as it was when they were saved; skip_mismatch=True takes what fits",
        )
    fitting = []
    for entry, array, here in pairs:
        if tuple(array.shape) == entry.shape:
            fitting.append((entry, array))
        elif not skip:
            raise ShapeError(
                "weights have another shape.", where=here, expected=f"shape {entry.shape}", received=f"{array.shape}"
            )
    skipped = len(pairs) - len(fitting) + len(missing)
    if skipped:
        logger.warning("%s: %d arrays or layers do not fit; they stay as they are", where, skipped)
    for entry, array in fitting:
        entry.assign(array)
