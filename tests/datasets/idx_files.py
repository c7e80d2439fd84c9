"""IDX files for tests, written independently of the parser."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def idx(array: np.ndarray) -> bytes:
    codes = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, codes[array.dtype.name], array.ndim, *array.shape)
    return head + np.asarray(array, array.dtype.newbyteorder(">")).tobytes()


def digits(seed: int = 0, train: int = 30, test: int = 10, side: int = 4) -> dict[str, np.ndarray]:
    """A small data set of the form of MNIST: an array for each of its four files."""
    rng = np.random.default_rng(seed)
    return {
        NAMES[0]: rng.integers(0, 256, (train, side, side), np.uint8),
        NAMES[1]: np.arange(train, dtype=np.uint8) % 10,
        NAMES[2]: rng.integers(0, 256, (test, side, side), np.uint8),
        NAMES[3]: np.arange(test, dtype=np.uint8) % 10,
    }


def packed(arrays: dict[str, np.ndarray]) -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(idx(array), mtime=0) for name, array in arrays.items()}


def put(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
