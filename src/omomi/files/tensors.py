"""Arrays in one file: safetensors, with a JSON header and with hashes. Such a file carries no code.

A safetensors file is eight bytes with the length of a JSON text, that text (for each array its dtype, shape and
place), and the arrays' bytes. Under its key ``__metadata__`` Omomi adds one entry, ``omomi``: the SHA-256 of a
document, a space, and the document itself, again JSON:

    {"format": "omomi", "version": 1, "header": …,
     "arrays": {name: {"dtype": "float32", "shape": [784, 10], "sha256": "…"}, …}}

``header`` is whatever the caller wants to keep beside the arrays. Loading checks, in this order, the lengths, the
JSON texts, the document's hash, the arrays' names, dtypes and shapes against the document, and every array's
hash; only then does anybody see a value.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from omomi.errors import DtypeError, FileFormatError, OmomiError
from omomi.files.jsonfile import parse_json, to_json
from omomi.files.reading import sha256_of
from omomi.files.writing import access_error, write_bytes

FORMAT, VERSION = "omomi", 1
LIMIT = 16 << 30  # bytes of a file
HEADER_LIMIT = 100 << 20  # bytes of the JSON text; the safetensors library has the same limit
DTYPES = frozenset(
    {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}
    | {"float16", "float32", "float64", "complex64"}
)
# how other programs' files begin
_FOREIGN = {
    b"\x89HDF": "an HDF5 file (Keras's .h5)",
    b"PK\x03\x04": "a ZIP archive (Keras's .keras, NumPy's .npz or PyTorch's .pt)",
    b"\x93NUM": "a NumPy array (.npy)",
    b"\x80": "a Python pickle",
    b"\x1f\x8b": "a gzip file",
    b"\x89PNG": "a PNG picture",
    b"{": "a JSON text",
    b"[": "a JSON text",
}


def save_arrays(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> None:
    """Write arrays and a JSON header into one file, atomically.

    Args:
        path: the file, by custom ``*.safetensors``.
        arrays: by name; bool, integers, floats of 16 to 64 bits and complex64.
        header: plain values (see :func:`omomi.files.to_json`); NaN and infinities are refused.
    """
    arrays = {name: _storable(name, array) for name, array in arrays.items()}
    index = {name: _description(array) for name, array in arrays.items()}
    document = to_json({"format": FORMAT, "version": VERSION, "header": dict(header), "arrays": index})
    metadata = {FORMAT: f"{sha256_of(document.encode())} {document}"}
    write_bytes(path, safetensors.save(arrays, metadata))


def load_arrays(path: str | os.PathLike[str], *, limit: int = LIMIT) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what :func:`save_arrays` wrote: the arrays (writable, in the order in which they were saved), the header.

    Raises:
        FileAccessError: the file does not exist or cannot be read.
        FileFormatError: it is not such a file, or one byte of it is not as it was written.
    """
    where = os.fspath(path)
    try:
        with open(path, "rb") as file:
            data, entries = _read(file, where, limit)
    except OSError as error:
        if isinstance(error, OmomiError):
            raise
        raise access_error(error, path, "read") from error
    document = _document(entries.get("__metadata__"), where)
    try:
        found = safetensors.load(data)
    except (SafetensorError, KeyError, ValueError) as error:
        raise _corrupt(f"the safetensors library refuses it ({error})", where) from error
    index = document["arrays"]
    if found.keys() != index.keys():
        raise _corrupt("the arrays are not those that its document lists", where)
    arrays = {}
    for name, expected in index.items():
        array = found[name]
        for key, value in _description(array).items():
            if expected.get(key) != value:
                raise _corrupt(f"the array {name!r} does not have the {key} that was saved", where)
        arrays[name] = array if array.flags.writeable else array.copy()
    return arrays, document["header"]


def _description(array: np.ndarray) -> dict[str, Any]:
    """What the document says of an array."""
    content = array.reshape(-1).view(np.uint8).data
    return {"dtype": array.dtype.name, "shape": list(array.shape), "sha256": sha256_of(content)}


def _storable(name: object, array: np.ndarray) -> np.ndarray:
    """The array in C order and with little-endian numbers, as the format wants it."""
    if not isinstance(name, str) or name == "__metadata__":
        raise DtypeError("this cannot be the name of an array in a file.", where=repr(name))
    array = np.asarray(array, order="C")
    if array.dtype.name not in DTYPES:
        raise DtypeError(
            "an array of this dtype cannot be saved.",
            where=name,
            expected=", ".join(sorted(DTYPES)),
            received=array.dtype,
        )
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _read(file: BinaryIO, where: str, limit: int) -> tuple[bytes, dict[str, Any]]:
    """The bytes of the file and its JSON text, after the two lengths have been checked."""
    size = os.fstat(file.fileno()).st_size
    start = file.read(8)
    foreign = next((kind for magic, kind in _FOREIGN.items() if start.startswith(magic)), None)
    length = int.from_bytes(start, "little")
    if foreign and length > min(size - 8, HEADER_LIMIT):
        raise FileFormatError(
            "this is no file of Omomi's.",
            where=where,
            expected="a safetensors file that Omomi wrote",
            received=foreign,
        )
    if size < 8 or length > size - 8:
        raise _corrupt(f"it is cut short or no safetensors file ({size} bytes)", where)
    if length > HEADER_LIMIT:
        raise FileFormatError(
            "the header is too long.", where=where, expected=f"at most {HEADER_LIMIT} bytes", received=length
        )
    if size > limit:
        raise FileFormatError("the file is too large.", where=where, expected=f"at most {limit} bytes", received=size)
    text = file.read(length)
    entries = parse_json(text, where)
    if not isinstance(entries, dict):
        raise _corrupt("its header is no JSON object", where)
    return start + text + file.read(limit - 8 - length), entries


def _document(metadata: Any, where: str) -> dict[str, Any]:
    """The document under ``__metadata__``, after its hash and its form have been checked."""
    if not isinstance(metadata, dict) or not isinstance(metadata.get(FORMAT), str):
        raise FileFormatError(
            "these safetensors were not written by Omomi.",
            where=where,
            expected=f"an entry {FORMAT!r} in the metadata",
            received=sorted(metadata) if isinstance(metadata, dict) else "no metadata",
        )
    digest, _, text = metadata[FORMAT].partition(" ")
    if len(metadata) != 1 or sha256_of(text.encode(errors="replace")) != digest:
        raise _corrupt("its document does not have the hash that was saved", where)
    match parse_json(text, where):
        case {"format": "omomi", "version": 1, "header": dict(), "arrays": dict() as arrays} as document if all(
            isinstance(entry, dict) for entry in arrays.values()
        ):
            return dict(document)
        case {"format": "omomi", "version": int(version)} if version != VERSION:
            raise FileFormatError(
                "the file has another version of the format.",
                where=where,
                expected=f"version {VERSION}",
                received=f"version {version}",
                fix="load it with the version of Omomi that wrote it, or with a newer one",
            )
    raise _corrupt("its document does not have the form of one", where)


def _corrupt(problem: str, where: str) -> FileFormatError:
    return FileFormatError(
        f"the file is damaged: {problem}.", where=where, fix="make or copy it anew; nothing was loaded from it"
    )
