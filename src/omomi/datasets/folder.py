"""A user's own folder as a data set: the four IDX files of the MNIST format, or one sub-folder of images per class.

shapes/                                digits/
  circle/  a.png  b.png  …               train-images-idx3-ubyte[.gz]    t10k-images-idx3-ubyte[.gz]
  square/  c.jpg  d.jpg  …               train-labels-idx1-ubyte[.gz]    t10k-labels-idx1-ubyte[.gz]
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np

from omomi.datasets.dataset import Dataset, stratified_split
from omomi.datasets.idx import Pair, check_pair, read_idx
from omomi.errors import DataError, FileAccessError

IDX_STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
SUFFIXES = (".png", ".jpg", ".jpeg")
MAX_SIDE = 64  # pixels, of images whose size nobody chose
MAX_BYTES = 4 << 30  # of all images together

Size = tuple[int, int]


def load_folder(
    folder: str | os.PathLike[str], *, size: Size | None = None, seed: int = 0, test_fraction: float = 0.2
) -> Dataset:
    """Read a folder of IDX files or of images.

    Images (PNG, JPEG) are brought to one size: ``size`` = (height, width), or the size that most of them have,
    reduced to 64 pixels on the longer side. They become uint8 (n, H, W) if all are gray and (n, H, W, 3) otherwise;
    what is transparent becomes white. The classes are the sub-folders' names in alphabetical order, and a share
    ``test_fraction`` of each becomes the test set.

    Raises:
        FileAccessError: the folder or a file in it cannot be read.
        FileFormatError: a file is damaged or not what its name says.
        DataError: there is nothing to learn from in it.
    """
    path = Path(folder)
    if not path.is_dir():
        raise FileAccessError(
            "there is no such folder.",
            where=os.fspath(folder),
            fix="name a folder that holds four IDX files or one sub-folder of images per class",
        )
    found = {stem: _idx_file(path, stem) for stem in IDX_STEMS}
    if any(found.values()):
        return _load_idx(path, found)
    return _load_images(path, size, seed, test_fraction)


# ---- IDX files -----------------------------------------------------------------------------------------------------


def _idx_file(folder: Path, stem: str) -> Path | None:
    return next((p for p in (folder / f"{stem}.gz", folder / stem) if p.is_file()), None)


def _load_idx(folder: Path, found: dict[str, Path | None]) -> Dataset:
    missing = [stem for stem, path in found.items() if path is None]
    if missing:
        raise DataError(
            "some of the four IDX files are missing.",
            where=os.fspath(folder),
            expected=", ".join(IDX_STEMS) + " (each may end in .gz)",
            received="no " + ", no ".join(missing),
        )

    def pair(images: str, labels: str) -> Pair:
        x, y = (read_idx(path) for stem in (images, labels) if (path := found[stem]) is not None)
        return check_pair(x, y, f"{folder}, {images} and {labels}")

    train, test = pair(*IDX_STEMS[:2]), pair(*IDX_STEMS[2:])
    if train[0].shape[1:] != test[0].shape[1:]:
        raise DataError(
            "the images of training and test differ in size.",
            where=os.fspath(folder),
            received=f"{train[0].shape[1:]} and {test[0].shape[1:]}",
        )
    classes = tuple(str(k) for k in range(1 + max(int(train[1].max()), int(test[1].max()))))
    return Dataset(folder.resolve().name, train, test, classes, scale=255)


# ---- images --------------------------------------------------------------------------------------------------------


def _load_images(folder: Path, size: Size | None, seed: int, test_fraction: float) -> Dataset:
    from omomi.datasets import images  # loads Pillow

    files = image_files(folder)
    sizes, gray = Counter[Size](), True
    for path in (path for paths in files.values() for path in paths):
        with images.open_image(path) as image:
            sizes[image.height, image.width] += 1
            gray = gray and images.is_gray(image)
    height, width = size or _common_size(sizes)
    shape = (sizes.total(), height, width) if gray else (sizes.total(), height, width, 3)
    if np.prod(shape, dtype=float) > MAX_BYTES:
        raise DataError(
            "these images do not fit into memory.",
            where=os.fspath(folder),
            expected=f"at most {MAX_BYTES >> 30} GiB",
            received=f"an array of shape {shape}",
            fix="ask for a smaller size",
        )
    x, y = np.empty(shape, np.uint8), np.empty(shape[0], np.int64)
    n = 0
    for label, paths in enumerate(files.values()):
        for path in paths:
            x[n], y[n] = images.read_image(path, gray=gray, size=(height, width)), label
            n += 1
    name = folder.resolve().name
    train, test = stratified_split(x, y, name=name, seed=seed, test_fraction=test_fraction)
    return Dataset(name, train, test, tuple(files), scale=255)


def image_files(folder: Path, fewest: int = 2) -> dict[str, list[Path]]:
    """The image files of each class, both in alphabetical order.

    Raises:
        DataError: there are no classes, only one, or one that has fewer images than ``fewest``.
    """

    def visible(path: Path) -> bool:
        return not path.name.startswith((".", "__"))

    files = {
        sub.name: sorted(p for p in sub.iterdir() if visible(p) and p.suffix.lower() in SUFFIXES and p.is_file())
        for sub in sorted(folder.iterdir())
        if visible(sub) and sub.is_dir()
    }
    wanted = "one sub-folder per class, each with PNG or JPEG images"
    if not files:
        loose = any(p.suffix.lower() in SUFFIXES for p in folder.iterdir())
        raise DataError(
            "the folder has no classes." if loose or any(folder.iterdir()) else "the folder is empty.",
            where=os.fspath(folder),
            expected=f"{wanted}, or four IDX files",
            received="images beside each other" if loose else None,
            fix="move the images of each class into a sub-folder that is named after the class" if loose else None,
        )
    if len(files) < 2:
        raise DataError(
            "one class is nothing to tell apart.", where=os.fspath(folder), expected=wanted, received=[*files]
        )
    for name, paths in files.items():
        if len(paths) < fewest:
            raise DataError(
                "a class has too few images.",
                where=os.fspath(folder / name),
                expected=f"at least {fewest} files that end in {', '.join(SUFFIXES)}"
                + (": one to learn from, one for the test" if fewest == 2 else ""),
                received=len(paths),
            )
    return files


def _common_size(sizes: Counter[Size]) -> Size:
    """The most frequent size (of several, the smallest), reduced so that no side exceeds MAX_SIDE."""
    height, width = min(sizes, key=lambda s: (-sizes[s], s))
    factor = min(MAX_SIDE / max(height, width), 1)
    return max(round(height * factor), 1), max(round(width * factor), 1)
