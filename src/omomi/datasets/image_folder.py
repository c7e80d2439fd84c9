"""A folder of images as batches that are read while they are needed, one sub-folder for each class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from omomi.datasets.folder import image_files
from omomi.engines.random import address, permutation
from omomi.errors import ConfigurationError, DataError, FileAccessError, UnknownNameError

COLOR_MODES = {"grayscale": 1, "rgb": 3}
LABEL_MODES = ("int", "categorical", "binary")
SUBSETS = ("training", "validation")


class ImageFolder:
    """The images of a folder, PNG or JPEG, of which a batch at a time is in memory.

    ``fit`` takes it in place of x and y, shuffles single images with ``shuffle=True``, and reads the next batches in
    the background. It has the methods of :class:`omomi.utils.PyDataset` too.

    Args:
        directory: one sub-folder for each class.
        image_size: (height, width) that every image is stretched to.
        batch_size: images in a batch; the last one of an epoch may be smaller.
        color_mode: "rgb" or "grayscale".
        label_mode: "int" (N,), "categorical" (N, classes), "binary" (N, 1), or ``None``: no labels.
        class_names: the sub-folders in the order of their labels; else all of them, in alphabetical order.
        validation_split: a share of each class that is set aside.
        subset: "training" or "validation", which part this is.
        seed: of what is set aside, and of the order in which it is read without ``fit``; the same for both parts.
        shuffle: whether that order is by chance.

    Attributes:
        classes: the name of each label.
        samples: how many images.
        files: their paths.
        labels: their labels, (samples,).

    Raises:
        FileAccessError: there is no such folder.
        DataError: there is no image in it, or none in a class.
        ConfigurationError, UnknownNameError: an option lies outside its range.

    A file that is no image is named when it is read.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        image_size: tuple[int, int] = (256, 256),
        batch_size: int = 32,
        color_mode: str = "rgb",
        label_mode: str | None = "int",
        class_names: Sequence[str] | None = None,
        validation_split: float | None = None,
        subset: str | None = None,
        seed: int = 0,
        shuffle: bool = True,
    ) -> None:
        if color_mode not in COLOR_MODES:
            raise UnknownNameError("color_mode", color_mode, COLOR_MODES, where="ImageFolder")
        if label_mode is not None and label_mode not in LABEL_MODES:
            raise UnknownNameError("label_mode", label_mode, LABEL_MODES, where="ImageFolder")
        if (validation_split is None) != (subset is None) or (subset is not None and subset not in SUBSETS):
            raise ConfigurationError(
                "validation_split and subset belong together.",
                where="ImageFolder",
                expected='validation_split=0.2 and subset="training", and another with subset="validation"',
                received=f"validation_split={validation_split!r}, subset={subset!r}",
            )
        sizes = (*image_size, batch_size)
        if len(sizes) != 3 or any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1 for n in sizes):
            raise ConfigurationError(
                "sizes are positive whole numbers.",
                where="ImageFolder",
                expected="image_size=(height, width), batch_size=32",
                received=f"image_size={image_size!r}, batch_size={batch_size!r}",
            )
        path = Path(directory)
        if not path.is_dir():
            raise FileAccessError("there is no such folder.", where=os.fspath(directory))
        by_class = chosen(path, image_files(path, fewest=1), class_names)
        self.directory, self.image_size, self.batch_size = (
            path,
            (int(image_size[0]), int(image_size[1])),
            int(batch_size),
        )
        self.color_mode, self.label_mode, self.seed, self.shuffle = color_mode, label_mode, int(seed), bool(shuffle)
        self.classes = tuple(by_class)
        if label_mode == "binary" and len(self.classes) != 2:
            raise ConfigurationError("binary labels need two classes.", where=str(path), received=list(self.classes))
        self.files: list[Path] = []
        labels: list[int] = []
        for label, files in enumerate(by_class.values()):
            part = files if validation_split is None else self._part(files, label, validation_split, subset or "")
            self.files += part
            labels += [label] * len(part)
        self.labels = np.array(labels, np.int64)
        self.samples = len(self.files)
        if self.samples == 0:
            raise DataError(
                f"nothing is left for {subset}.", where=str(path), received=f"validation_split={validation_split}"
            )
        self.epoch = 0

    def _part(self, files: list[Path], label: int, share: float, subset: str) -> list[Path]:
        if not 0 < share < 1:
            raise ConfigurationError("a share lies between 0 and 1.", where="validation_split", received=share)
        order = permutation(address(self.seed, "image folder/split", draw=label), len(files))
        aside = set(order[: round(share * len(files))].tolist())
        return [file for number, file in enumerate(files) if (number in aside) == (subset == "validation")]

    # ---- batches --------------------------------------------------------------------------------------------------

    def take(self, rows: np.ndarray) -> Any:
        """The images of these numbers, uint8 (N, height, width, channels), and their labels.

        Raises:
            FileAccessError, FileFormatError: an image cannot be read; the message names the file.
        """
        from omomi.datasets import images  # loads Pillow

        gray = self.color_mode == "grayscale"
        x = np.empty((len(rows), *self.image_size, COLOR_MODES[self.color_mode]), np.uint8)
        for n, row in enumerate(rows.tolist()):
            pixels = images.read_image(self.files[row], gray=gray, size=self.image_size)
            x[n] = pixels[..., None] if gray else pixels
        if self.label_mode is None:
            return x
        labels = self.labels[rows]
        if self.label_mode == "int":
            return x, labels
        if self.label_mode == "binary":
            return x, labels[:, None].astype(np.float32)
        return x, np.eye(len(self.classes), dtype=np.float32)[labels]

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-self.samples // self.batch_size)

    def __getitem__(self, number: int) -> Any:
        """A batch of the epoch that is under way."""
        if not 0 <= number < len(self):
            raise IndexError(f"there are {len(self)} batches")
        rows = np.arange(self.samples)
        if self.shuffle:
            rows = permutation(address(self.seed, "image folder/order", step=self.epoch), self.samples)
        return self.take(rows[number * self.batch_size : (number + 1) * self.batch_size])

    def on_epoch_end(self) -> None:
        """Another order from here on."""
        self.epoch += 1

    def __repr__(self) -> str:
        return f"<ImageFolder {self.directory}: {self.samples} images of {len(self.classes)} classes>"


def chosen(folder: Path, found: dict[str, list[Path]], names: Sequence[str] | None) -> dict[str, list[Path]]:
    """The classes that are wanted, in their order.

    Raises:
        UnknownNameError: there is no such sub-folder.
    """
    if names is None:
        return found
    for name in names:
        if name not in found:
            raise UnknownNameError("class", name, found, where=str(folder))
    return {name: found[name] for name in names}
