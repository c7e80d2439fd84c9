"""MNIST for all contenders, read without any of them: from the folder that OMOMI_DATA names."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np

from benchmarks.networks import Array

VARIABLE = "OMOMI_DATA"


def folder() -> Path | None:
    """Where the four files lie; ``None`` if they are not there."""
    root = Path(os.environ.get(VARIABLE, ""))
    for place in (root / "mnist", root):
        if os.environ.get(VARIABLE) and (place / "train-images-idx3-ubyte.gz").exists():
            return place
    return None


def train() -> tuple[Array, Array]:
    """The 60,000 images to learn from, uint8 (n, 28, 28, 1), and one-hot targets."""
    return _read("train")


def test() -> tuple[Array, Array]:
    """The 10,000 images to be judged by."""
    return _read("t10k")


def _read(part: str) -> tuple[Array, Array]:
    where = folder()
    if where is None:
        raise FileNotFoundError(f"{VARIABLE} names no folder with the MNIST files")
    images = gzip.decompress((where / f"{part}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((where / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    x = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28, 1)
    return x, np.eye(10, dtype=np.float32)[np.frombuffer(labels, np.uint8, offset=8)]
