"""Weights alone in a safetensors file: parameters and buffers by path, without configuration, slots or counts."""

from __future__ import annotations

import logging
import os
from typing import Any

import numpy as np

from omomi.engines.selection import current
from omomi.errors import ConfigurationError, FileAccessError, FileFormatError, NotBuiltError, ShapeError
from omomi.files import load_arrays, save_arrays
from omomi.models.formats import reader_of, writer_of
from omomi.models.saving import KIND as MODEL
from omomi.training.checkpoints import KIND as CHECKPOINT
from omomi.training.resuming import STATE

logger = logging.getLogger("omomi")

KIND, LAYOUT = "weights", 1
# Before the paths, in the names of each kind of file; and what else of the state tree is in it.
PREFIXES = {KIND: "", MODEL: "", CHECKPOINT: STATE}
BESIDES = ("seed", "step", "optimizer/", "metrics/")


def save_weights(model: Any, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write parameters and buffers by path, atomically; in Keras's layout where the name ends in ``.h5``.

    Raises:
        NotBuiltError: the model has none yet.
        FileAccessError: the file cannot be written, or is there and must not be overwritten.
    """
    check_built(model, "there is nothing to save yet.")
    if not overwrite and os.path.exists(path):
        raise FileAccessError("the file exists.", where=os.fspath(path), fix="overwrite=True, or another name")
    other = writer_of(path)
    if other is not None:
        other.save_weights(model, os.fspath(path))
        return
    to_host = current().to_host
    arrays = {name: np.asarray(to_host(entry.array)) for name, entry in model.entries().items()}
    save_arrays(path, arrays, {"kind": KIND, "layout": LAYOUT})


def load_weights(model: Any, path: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
    """Put in the parameters and buffers of a file: of weights, of a whole model, a checkpoint, or one of Keras's.

    Args:
        skip_mismatch: what is not in the file, or has another shape there, stays as it is, and one line says so.

    Raises:
        NotBuiltError: the model has no parameters yet.
        FileAccessError, FileFormatError: the file cannot be read, is damaged, or holds no weights.
        ConfigurationError, ShapeError: they are those of another architecture. Nothing is changed then.
    """
    check_built(model, "there are no parameters yet that weights could be put into.")
    where = os.fspath(path)
    other = reader_of(path)
    if other is not None:
        other.load_weights(model, where, skip_mismatch)
        return
    arrays, header = load_arrays(path)
    kind = header.get("kind")
    if kind not in PREFIXES:
        raise FileFormatError(
            "this file holds no weights.", where=where, expected=f"one of {', '.join(PREFIXES)}", received=kind
        )
    prefix, entries = PREFIXES[kind], model.entries()
    found = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    found = {name: array for name, array in found.items() if kind == KIND or not name.startswith(BESIDES)}
    fitting = {name: found[name] for name in entries if name in found and found[name].shape == entries[name].shape}
    if skip_mismatch:
        if skipped := [name for name in entries if name not in fitting]:
            logger.warning("%s has no weights that fit %s; they stay as they are", where, ", ".join(skipped))
    elif set(found) != set(entries):
        raise ConfigurationError(
            "the weights are those of another architecture.",
            where=where,
            expected=differing("not in the file", [name for name in entries if name not in found]),
            received=differing("not in the model", [name for name in found if name not in entries]),
            fix="build the model as it was when they were saved; skip_mismatch=True takes what fits",
        )
    else:
        for name, entry in entries.items():
            if name not in fitting:
                raise ShapeError(
                    "weights have another shape.",
                    where=f"{where}, {name}",
                    expected=f"shape {entry.shape}",
                    received=f"shape {found[name].shape}",
                    fix="build the model as it was when they were saved; skip_mismatch=True takes what fits",
                )
    for name, array in fitting.items():
        entries[name].assign(array)


def check_built(model: Any, problem: str) -> None:
    """Raise if the model has no parameters yet."""
    if not model.built:
        raise NotBuiltError(problem, where=model.where, fix="build the model first: call it on data, or fit it")


def differing(what: str, names: list[str]) -> str | None:
    """Some paths in an error."""
    if not names:
        return None
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return f"{what}: {', '.join(names[:4])}{more}"
