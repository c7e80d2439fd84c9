"""The IDX format of the MNIST files, read strictly.

Two zero bytes, a byte that names the dtype, a byte with the number of dimensions d, d big-endian 32-bit lengths,
then the numbers, big-endian, the last index running fastest. Nothing may follow.
Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import gzip
import os
import zlib
from io import BytesIO
from math import prod

import numpy as np

from omomi.errors import DataError, FileFormatError
from omomi.files import read_bytes

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
LIMIT = 2 << 30  # bytes of a file, packed or not
REMEDY = "get the file anew from where it came"

Pair = tuple[np.ndarray, np.ndarray]


def parse_idx(data: bytes, where: str) -> np.ndarray:
    """The array in the bytes of an IDX file; ``where`` names the file in errors."""
    if len(data) < 4 or data[:2] != b"\0\0":
        raise FileFormatError(
            "this is no IDX file.",
            where=where,
            expected="two zero bytes, then the codes of dtype and rank",
            received=data[:4].hex(" ") or "no bytes",
            fix=REMEDY,
        )
    code, rank = data[2], data[3]
    if code not in DTYPES:
        codes = ", ".join(f"0x{c:02x}" for c in DTYPES)
        raise FileFormatError(
            "this IDX file has a dtype that does not exist.",
            where=where,
            expected=f"one of {codes}",
            received=f"0x{code:02x}",
            fix=REMEDY,
        )
    start = 4 + 4 * rank
    shape = tuple(int.from_bytes(data[i : i + 4], "big") for i in range(4, start, 4))
    dtype = np.dtype(DTYPES[code])
    promised = start + prod(shape) * dtype.itemsize
    if len(data) < start or len(data) != promised:
        shorter = len(data) < max(start, promised)
        raise FileFormatError(
            f"the IDX file is {'cut short' if shorter else 'longer than its header says'}.",
            where=where,
            expected=f"{promised} bytes for the shape {shape}" if len(data) >= start else f"{start} bytes of header",
            received=f"{len(data)} bytes",
            fix=REMEDY,
        )
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def unpack(data: bytes, limit: int, where: str) -> bytes:
    """The content of gzipped bytes, of which at most ``limit`` bytes are ever unpacked."""
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as stream:
            content = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FileFormatError(f"the gzip file is damaged ({error}).", where=where, fix=REMEDY) from error
    if len(content) > limit:
        raise FileFormatError(
            "the gzip file unpacks to more than it should.",
            where=where,
            expected=f"at most {limit} bytes",
            fix=REMEDY,
        )
    return content


def is_gzip(data: bytes) -> bool:
    return data[:2] == b"\x1f\x8b"


def read_idx(path: str | os.PathLike[str], limit: int = LIMIT) -> np.ndarray:
    """The array in an IDX file, gzipped or not.

    Raises:
        FileAccessError: the file cannot be read.
        FileFormatError: it is no IDX file, damaged, or larger than ``limit`` bytes.
    """
    where = os.fspath(path)
    data = read_bytes(path, limit)
    return parse_idx(unpack(data, limit, where) if is_gzip(data) else data, where)


def check_pair(images: np.ndarray, labels: np.ndarray, where: str) -> Pair:
    """Images and their labels, if they are such and belong together."""
    for name, array, rank in (("images", images, 3), ("labels", labels, 1)):
        if array.ndim != rank or array.dtype != np.uint8:
            raise DataError(
                f"the file of {name} holds something else.",
                where=where,
                expected=f"uint8 numbers with {rank} dimension{'s' if rank > 1 else ''}",
                received=f"{array.dtype} numbers of shape {array.shape}",
                fix="check that the files of images and of labels were not exchanged",
            )
    if len(images) != len(labels) or len(images) == 0:
        raise DataError(
            "images and labels do not belong together.",
            where=where,
            expected="as many labels as images, and at least one",
            received=f"{len(images)} images and {len(labels)} labels",
        )
    return images, labels
