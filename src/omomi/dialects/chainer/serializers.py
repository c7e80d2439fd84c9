"""``chainer.serializers``: .npz files as Chainer lays them out, one array for each path ("l1/W"). No pickle."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from omomi.dialects.hook import missing
from omomi.errors import FileAccessError, FileFormatError
from omomi.files import writing


class DictionarySerializer:
    """Collects what objects give it."""

    def __init__(self, target: dict[str, Any] | None = None, path: str = "") -> None:
        self.target = {} if target is None else target
        self.path = path

    def __getitem__(self, key: str) -> DictionarySerializer:
        return DictionarySerializer(self.target, f"{self.path}{key}/")

    def __call__(self, key: str, value: Any) -> Any:
        if value is not None:
            self.target[self.path + key.lstrip("/")] = np.asarray(value)
        return value


class NpzDeserializer:
    """Gives back what a file holds."""

    def __init__(self, arrays: dict[str, Any], path: str = "", strict: bool = True, where: str = "") -> None:
        self.arrays, self.path, self.strict, self.where = arrays, path, strict, where

    def __getitem__(self, key: str) -> NpzDeserializer:
        return NpzDeserializer(self.arrays, f"{self.path}{key}/", self.strict, self.where)

    def __call__(self, key: str, value: Any) -> Any:
        name = self.path + key.lstrip("/")
        if name not in self.arrays:
            if self.strict and value is not None:
                raise FileFormatError(f"the file has no array {name!r}.", where=self.where)
            return value
        found = self.arrays[name]
        if isinstance(value, np.ndarray):
            if value.shape != found.shape:
                raise FileFormatError(
                    f"the array {name!r} has another shape.",
                    where=self.where,
                    expected=f"shape {value.shape}",
                    received=f"shape {found.shape}",
                )
            np.copyto(value, found, casting="unsafe") if value.flags.writeable else None
            return value if value.flags.writeable else found.astype(value.dtype)
        return found if np.ndim(found) else found.item()


def save_npz(file: str | os.PathLike[str], obj: Any, compression: bool = True) -> None:
    """Write an object's arrays; the file is there whole or not at all."""
    serializer = DictionarySerializer()
    obj.serialize(serializer)
    with writing(file) as opened:
        (np.savez_compressed if compression else np.savez)(opened, **serializer.target)


def load_npz(file: str | os.PathLike[str], obj: Any, path: str = "", strict: bool = True) -> None:
    """Read an object's arrays.

    Raises:
        FileAccessError: the file cannot be read.
        FileFormatError: it is no such file, or lacks an array.
    """
    where = os.fspath(file)
    try:
        with np.load(file, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
    except OSError as error:
        raise FileAccessError("the file cannot be read.", where=where, received=error) from None
    except Exception as error:
        raise FileFormatError("the file is no .npz file of arrays.", where=where, received=error) from None
    obj.serialize(NpzDeserializer(arrays, path, strict, where))


__getattr__ = missing(
    "chainer.serializers",
    {"save_hdf5": "save_npz", "load_hdf5": "load_npz, on a file that save_npz has written"},
)
