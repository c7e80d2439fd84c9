"""What a training run is, as plain values, and how two runs differ: a checkpoint is only for the run that wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, OmomiError
from omomi.files import sha256_of, to_json
from omomi.layers.state import StateEntry
from omomi.training.batches import Batches
from omomi.training.sources.stream import Stream

CONTENT = "content"
LOOKED_AT = 256  # samples by which data is known again; a look at all of them would cost seconds and more
MOST = 16 << 20  # bytes of them; two samples at least


def describe(
    model: Any,
    entries: Mapping[str, StateEntry],
    data: Batches | Stream,
    validation: Batches | Stream | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """What must be the same for training to go on exactly, as values that JSON can hold.

    Args:
        model: compiled and built.
        entries: the state tree of its training.
        options: of ``fit``, such as ``shuffle``.
    """
    compiled = configured(model.optimizer)
    compiled.get("config", {}).pop("learning_rate", None)
    return {
        "layers": layers_of(model),
        "network": connections_of(model),
        "state": {path: [entry.dtype.name, *entry.shape] for path, entry in entries.items()},
        "optimizer": compiled,
        "learning rate": rate_of(model.optimizer),
        "loss": configured(model.loss),
        "metrics": configured(model.metric_names),
        "data": described(data),
        "validation": None if validation is None else described(validation),
        "fit": dict(options),
    }


def rate_of(optimizer: Any) -> Any:
    """The learning rate that it has now, or the schedule of it."""
    return configured(optimizer).get("config", {}).get("learning_rate")


def layers_of(model: Any) -> dict[str, Any]:
    """Each layer that has none inside: its class and its configuration, by path."""
    return {path or layer.name: configured(layer) for path, layer in model.walk() if not layer.children}


def connections_of(model: Any) -> str | None:
    """A hash of the whole model's configuration, which knows how its layers are connected; ``None`` if it has none."""
    try:
        return sha256_of(to_json({**model.get_config(), "name": None}, name_non_finite=True).encode())
    except (OmomiError, NotImplementedError):
        return None


def configured(thing: Any) -> Any:
    """An object by its class and its configuration; several, as they are arranged."""
    match thing:
        case None | bool() | int() | float() | str():
            return thing
        case Mapping():
            return {str(key): configured(value) for key, value in thing.items()}
        case list() | tuple():
            return [configured(value) for value in thing]
    found: dict[str, Any] = {"class_name": type(thing).__name__}
    if hasattr(thing, "get_config"):
        try:
            found["config"] = plain(thing.get_config())
        except ConfigurationError:  # it holds a function of the user's own, of which nothing can be said
            return found
    return found


def plain(value: Any) -> Any:
    """A configuration as JSON gives it back: lists for tuples and arrays; text for numbers that JSON does not have."""
    match value:
        case np.ndarray() | np.generic():
            return plain(value.tolist())
        case float() if not np.isfinite(value):
            return str(value)
        case Mapping():
            return {str(key): plain(v) for key, v in value.items()}
        case list() | tuple():
            return [plain(v) for v in value]
        case None | bool() | int() | float() | str():
            return value
    return type(value).__name__


def described(data: Batches | Stream) -> dict[str, Any]:
    """Samples by their number, shape and dtype, and by the bytes of some of them. Of a stream, what is known of it."""
    if isinstance(data, Stream):
        return {"source": type(data.source).__name__, "samples": data.samples, "batches": data.given_steps}
    arrays = {NAMES.get(name[0], "") + name[1:]: array for name, (array, _) in data.arrays.items()}
    return {
        "samples": data.samples,
        "batch size": data.size,
        "batches": data.limit,
        "arrays": {name: [a.dtype.name, *a.shape[1:]] for name, a in arrays.items()},
        CONTENT: {name: fingerprint(a) for name, a in arrays.items()},
    }


NAMES = {"x": "x", "y": "y", "w": "sample weights"}


def fingerprint(array: Any) -> str:
    """A hash of samples that lie evenly in an array, the first and the last among them."""
    count = max(2, min(LOOKED_AT, MOST // max(array[:1].nbytes, 1)))
    rows = np.unique(np.linspace(0, len(array) - 1, count).astype(np.int64))
    return sha256_of(np.ascontiguousarray(array[rows]).reshape(-1).view(np.uint8).data)[:16]


MISSING = "nothing"
FOLLOWS = {
    "layers": ("network", "state"),
    "optimizer": ("state",),
    "metrics": ("state",),
}  # if one differs, others must


def compare(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Where two descriptions differ: the place, what it was before, and what it is now. What follows from another
    difference is left out."""
    differing = [name for name in {**before, **now} if before.get(name, MISSING) != now.get(name, MISSING)]
    following = {name for reason in differing for name in FOLLOWS.get(reason, ())}
    found = []
    for name in differing:
        if name not in following:
            places = differences(before.get(name, MISSING), now.get(name, MISSING), (name,))
            # Of data whose number or shape is another, the content is no news.
            found += [place for place in places if CONTENT not in place[0]] or places
    return found


def differences(before: Any, now: Any, path: Sequence[str]) -> list[tuple[str, str, str]]:
    """The same for two values at a place."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = [*before, *(key for key in now if key not in before)]
        found = []
        for key in keys:
            found += differences(before.get(key, MISSING), now.get(key, MISSING), (*path, key))
        return found
    return [] if before == now else [(" / ".join(path), shown(before), shown(now))]


def shown(value: Any) -> str:
    """A value in a message."""
    if isinstance(value, dict) and "class_name" in value:
        return str(value["class_name"])
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
