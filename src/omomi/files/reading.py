"""Bounded reading and hashes: nothing is read that is larger than the reader is prepared for."""

from __future__ import annotations

import os
from hashlib import sha256

from omomi.errors import FileFormatError
from omomi.files.writing import access_error

Bytes = bytes | bytearray | memoryview


def sha256_of(data: Bytes) -> str:
    """The SHA-256 of bytes, as 64 hexadecimal digits."""
    return sha256(data).hexdigest()


def read_bytes(path: str | os.PathLike[str], limit: int) -> bytes:
    """The content of a file of at most ``limit`` bytes.

    Raises:
        FileAccessError: the file does not exist or cannot be read.
        FileFormatError: it is larger.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise access_error(error, path, "read") from error
    if len(data) > limit:
        raise FileFormatError("the file is too large.", where=os.fspath(path), expected=f"at most {limit} bytes")
    return data
