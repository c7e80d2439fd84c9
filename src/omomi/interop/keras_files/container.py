"""HDF5 and ZIP, opened with care: sizes are checked before anything is read, links and files outside are refused."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

from omomi.errors import FileFormatError
from omomi.files import read_bytes
from omomi.files.jsonfile import parse_json

LIMIT = 4 << 30  # bytes of a file, and of all arrays in it
TEXT_LIMIT = 64 << 20  # bytes of a configuration
ENTRIES = 100_000  # groups and arrays in a file
EXPANSION = 200  # how many times a member of an archive may be larger than what is stored of it

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"


@contextmanager
def opened(content: str | bytes, where: str) -> Iterator[h5py.File]:
    """An HDF5 file, by its path or its bytes, checked throughout.

    Raises:
        FileFormatError: damaged, too large, or it points outside of itself.
    """
    if isinstance(content, str) and os.path.getsize(content) > LIMIT:
        raise FileFormatError("the file is too large.", where=where, expected=f"at most {LIMIT} bytes")
    try:
        with h5py.File(io.BytesIO(content) if isinstance(content, bytes) else content, "r") as file:
            check(file, where)
            yield file
    except (OSError, RuntimeError, KeyError, UnicodeDecodeError) as error:  # what h5py raises for a damaged file
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"the file is damaged, or no HDF5: {error}", where=where) from error


def check(file: h5py.File, where: str) -> None:
    """Raise for links, arrays in other files, arrays that are no numbers, and too much of anything."""
    total, seen, waiting = 0, 0, [(file, "")]
    while waiting:
        group, path = waiting.pop()
        for name in group:
            seen += 1
            here = f"{path}/{name}".lstrip("/")
            if seen > ENTRIES:
                raise FileFormatError("the file has too many entries.", where=where, expected=f"at most {ENTRIES}")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise FileFormatError("the file holds a link, which is not followed.", where=f"{where}, {here}")
            entry = group[name]
            if isinstance(entry, h5py.Group):
                if here.count("/") > 60:
                    raise FileFormatError("groups lie too deep inside one another.", where=f"{where}, {here}")
                waiting.append((entry, here))
                continue
            if not isinstance(entry, h5py.Dataset) or entry.external or entry.is_virtual:
                raise FileFormatError("the file points to another one, which is not read.", where=f"{where}, {here}")
            total += entry.size * entry.dtype.itemsize if entry.size else 0
            if total > LIMIT:
                raise FileFormatError("the arrays are too large.", where=where, expected=f"at most {LIMIT} bytes")


def array_of(entry: Any, where: str) -> np.ndarray:
    """The numbers of an array in the file."""
    if not isinstance(entry, h5py.Dataset) or entry.dtype.kind not in "biuf":
        raise FileFormatError("an array of numbers was expected here.", where=where)
    return np.asarray(entry[()])


def text_of(value: Any, where: str) -> str:
    """An attribute that holds text."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if not isinstance(value, str) or len(value) > TEXT_LIMIT:
        raise FileFormatError("a text was expected here.", where=where)
    return value


def names_of(group: Any, attribute: str, where: str) -> list[str]:
    """A list of names; Keras cuts long ones into ``name0``, ``name1``, …"""
    found = list(group.attrs.get(attribute, ()))
    number = 0
    while f"{attribute}{number}" in group.attrs:
        found += list(group.attrs[f"{attribute}{number}"])
        number += 1
    return [text_of(value, f"{where}, {attribute}") for value in found]


def json_of(text: str | bytes, where: str) -> Any:
    """Plain values from a JSON text."""
    return parse_json(text.encode() if isinstance(text, str) else text, where)


def unpacked(path: str) -> tuple[Any, bytes]:
    """Configuration and weights of a ``.keras`` archive.

    Raises:
        FileFormatError: damaged, too large, with members that do not belong there, or none that do.
    """
    data = read_bytes(path, LIMIT)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: info for info in archive.infolist()}
            for name in (CONFIG, WEIGHTS):
                if name not in members:
                    raise FileFormatError(
                        f"there is no {name} in this archive.", where=path, received=f"{list(members)[:5]}"
                    )
            config = read_member(archive, members[CONFIG], TEXT_LIMIT, path)
            return json_of(config, f"{path}, {CONFIG}"), read_member(archive, members[WEIGHTS], LIMIT, path)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise FileFormatError(f"the archive is damaged: {error}", where=path) from error


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int, path: str) -> bytes:
    """One member, of at most so many bytes."""
    where = f"{path}, {info.filename}"
    if info.flag_bits & 1:
        raise FileFormatError("the archive is encrypted.", where=where)
    if info.file_size > limit or info.file_size > EXPANSION * max(info.compress_size, 1 << 16):
        raise FileFormatError(
            "this member of the archive is too large.", where=where, received=f"{info.file_size} bytes"
        )
    with archive.open(info) as member:
        content = member.read(limit + 1)
    if len(content) != info.file_size:
        raise FileFormatError("the member has another length than the archive says.", where=where)
    return content
