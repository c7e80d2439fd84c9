"""Keras's files: ``.keras`` and ``.weights.h5`` of Keras 3, ``.h5`` of Keras 1, 2 and 3. h5py comes with the first one.

``omomi.load_model("x.keras")``, ``model.load_weights("x.weights.h5")`` and ``model.save_weights("x.weights.h5")`` find
their way here by what a file begins with, or by its name. Nothing in a file is run, imported, unpickled or followed:
architectures are built from the registry of layers alone, Lambda layers are refused, links and files outside are
refused, and so is what is larger than a limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from omomi.errors import ConfigurationError
from omomi.models.formats import FORMATS

__all__ = ["KerasFiles", "register"]

HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"


class KerasFiles:
    """Reads what begins like HDF5 or ZIP, and writes weights to ``.h5`` and ``.hdf5``."""

    def reads(self, beginning: bytes) -> bool:
        return beginning.startswith((HDF5, ZIP))

    def writes(self, path: str) -> bool:
        return path.lower().endswith((".h5", ".hdf5"))

    def load_model(self, path: str, custom_objects: Mapping[str, Any]) -> Any:
        return machinery(path).load_model(path, custom_objects)

    def load_weights(self, model: Any, path: str, skip_mismatch: bool) -> None:
        machinery(path).load_weights(model, path, skip_mismatch)

    def save_weights(self, model: Any, path: str) -> None:
        machinery(path).save_weights(model, path)


def machinery(path: str) -> Any:
    """The module that does it, with h5py.

    Raises:
        ConfigurationError: h5py is not installed.
    """
    if find_spec("h5py") is None:
        raise ConfigurationError(
            "Keras's files are read and written with h5py, which is not installed.",
            where=path,
            fix="pip install 'omomi[keras-files]'",
        )
    return import_module("omomi.interop.keras_files.whole")


def register() -> None:
    """Let models know about these files."""
    if not any(isinstance(one, KerasFiles) for one in FORMATS):
        FORMATS.append(KerasFiles())
