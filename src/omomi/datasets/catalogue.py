"""Which data sets there are, what is on this machine, and one way to load any of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from omomi.datasets import breast_cancer, digits, fashion_mnist, iris, mnist, wine
from omomi.datasets.dataset import Dataset, Split
from omomi.datasets.fetch import Source
from omomi.datasets.folder import load_folder
from omomi.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Entry:
    """What ``omomi data`` says of one data set.

    Args:
        name: what to ask for.
        description: one line.
        samples: how many, to learn from and for the test.
        shape: of one input.
        source: who provides it.
        cached: whether it can be used without a network.
        where: its folder on this machine, if it consists of files of its own.
        size: bytes of these files; 0 if there are none.
    """

    name: str
    description: str
    samples: tuple[int, int]
    shape: tuple[int, ...]
    source: str
    cached: bool
    where: Path | None
    size: int


@dataclass(frozen=True, slots=True)
class _Known:
    description: str
    samples: tuple[int, int]
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    scale: float
    provider: Source | str
    load: Callable[[int], Split]


_KNOWN = {
    "digits": _Known(
        "handwritten digits, small",
        (1438, 359),
        (8, 8),
        digits.CLASSES,
        digits.SCALE,
        "scikit-learn (installed with it)",
        digits.load_data,
    ),
    "iris": _Known(
        "three species of flowers, four lengths each",
        (120, 30),
        (4,),
        iris.CLASSES,
        1,
        "scikit-learn (installed with it)",
        iris.load_data,
    ),
    "wine": _Known(
        "wines of three cultivars, 13 measurements each",
        (142, 36),
        (13,),
        wine.CLASSES,
        1,
        "scikit-learn (installed with it)",
        wine.load_data,
    ),
    "breast-cancer": _Known(
        "tumours, benign or malignant, 30 measurements each",
        (456, 113),
        (30,),
        breast_cancer.CLASSES,
        1,
        "scikit-learn (installed with it)",
        breast_cancer.load_data,
    ),
    "mnist": _Known(
        "handwritten digits",
        (60_000, 10_000),
        (28, 28),
        mnist.CLASSES,
        mnist.SCALE,
        mnist.SOURCE,
        lambda _: mnist.load_data(),
    ),
    "fashion-mnist": _Known(
        "pictures of clothes, in the format of MNIST",
        (60_000, 10_000),
        (28, 28),
        fashion_mnist.CLASSES,
        fashion_mnist.SCALE,
        fashion_mnist.SOURCE,
        lambda _: fashion_mnist.load_data(),
    ),
}


def catalogue() -> list[Entry]:
    """Every data set that can be loaded by name. Looks at the disk, not at the network."""
    return [_entry(name, known) for name, known in _KNOWN.items()]


def _entry(name: str, known: _Known) -> Entry:
    source, where, size, cached = known.provider, None, 0, True
    if isinstance(source, Source):
        where = source.where()
        cached = where is not None
        if where is not None:
            paths = [file.find(where) for file in source.files]
            size = sum(path.stat().st_size for path in paths if path is not None)
        source = source.mirrors[0]
    return Entry(name, known.description, known.samples, known.shape, source, cached, where, size)


def load(name: str | os.PathLike[str], *, seed: int = 0) -> Dataset:
    """Load a data set by its name, or a folder of one's own by its path (see :func:`load_folder`).

    The seed decides how a data set that comes in one piece is divided into training and test.

    Raises:
        UnknownNameError: there is neither a data set nor a folder of that name.
    """
    known = _KNOWN.get(os.fspath(name).replace("_", "-"))
    if known is not None:
        train, test = known.load(seed)
        return Dataset(os.fspath(name).replace("_", "-"), train, test, known.classes, known.scale)
    if isinstance(name, os.PathLike) or os.sep in name or Path(name).is_dir():
        return load_folder(name, seed=seed)
    raise UnknownNameError("data set or folder", name, _KNOWN)
