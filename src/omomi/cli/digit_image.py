"""Any picture of a digit, brought into the form of the images that a network was trained on.

Data sets of handwritten digits come in a fixed frame: ink is high and paper zero, the digit is cut out, scaled with
its proportions kept to fill a box, and the box is set into the field. MNIST uses a box of 20×20 pixels, set into
28×28 so that the centre of mass of the ink lies in the middle (source: LeCun, Cortes, Burges, "The MNIST database").
A network knows digits in this frame only, so a photograph or a drawing takes the same way:

    gray values → which side is the ink? → cut out → scale into the box → set into the field → the data's range
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from omomi.datasets import Dataset
from omomi.datasets.folder import IDX_STEMS
from omomi.datasets.images import read_image
from omomi.errors import DataError

LARGEST = 1024  # pixels; a larger picture is reduced first
FAINTEST = 0.1  # of the range from black to white: a picture with less contrast is blank
EDGE = 0.1  # of the darkest ink: what is darker belongs to the digit when it is cut out


@dataclass(frozen=True, slots=True)
class Frame:
    """How a digit lies in an image.

    Args:
        height, width: of the image.
        box: the height and width that the digit is scaled into.
        by_mass: the centre of mass of the ink lies in the middle; otherwise the middle of its box.
        maximum: the value of full ink.
    """

    height: int
    width: int
    box: tuple[int, int]
    by_mass: bool
    maximum: float

    def to_plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Frame:
        return cls(**{**plain, "box": tuple(plain["box"])})


FRAMES = {
    "mnist": Frame(28, 28, (20, 20), by_mass=True, maximum=255),
    "fashion-mnist": Frame(28, 28, (28, 28), by_mass=False, maximum=255),
    "digits": Frame(8, 8, (8, 8), by_mass=False, maximum=16),
}


def frame_of(data: Dataset, folder: Path | None) -> Frame | None:
    """The frame of a data set. A folder of pictures has none (they are stretched to one size), nor have flowers."""
    if folder is None:
        return FRAMES.get(data.name)
    of_idx_files = any((folder / name).is_file() for stem in IDX_STEMS for name in (stem, f"{stem}.gz"))
    if not of_idx_files:
        return None
    if data.shape == (28, 28):
        return FRAMES["mnist"]
    height, width = data.shape
    return Frame(height, width, (height, width), by_mass=False, maximum=data.scale)


def prepare(path: str | os.PathLike[str], shape: tuple[int, ...], frame: Frame | None) -> np.ndarray:
    """A picture file as one sample of the given shape, in the range of the training data.

    Raises:
        FileAccessError, FileFormatError: the file cannot be read, or is no PNG or JPEG.
        DataError: there is nothing on the picture.
    """
    if frame is None:
        if len(shape) not in (2, 3):
            raise DataError("this network does not read images.", where=os.fspath(path), expected=f"samples {shape}")
        return read_image(path, gray=len(shape) == 2, size=(shape[0], shape[1]))
    ink = ink_of(read_image(path, gray=True))
    if ink is None:  # white strokes on a transparent ground vanish on white paper, but not on black
        ink = ink_of(read_image(path, gray=True, background="black"))
    if ink is None:
        raise DataError(
            "the picture is blank.",
            where=os.fspath(path),
            expected="a digit that stands out from its background",
            fix="more contrast between ink and paper",
        )
    return framed(ink, frame)


def ink_of(gray: np.ndarray) -> np.ndarray | None:
    """How much ink lies on each pixel, from 0 for paper to 1 for the strongest; ``None`` if there is none.

    The paper's brightness is the median of the picture's border. Ink may be darker or lighter: it is the side on
    which values go farther from the paper. What differs from the paper no more than the border itself varies
    (noise, the blocks of JPEG) is paper.
    """
    values: np.ndarray = reduced(gray).astype(np.float32) / 255
    border = np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])
    paper = np.median(border)
    noise = 3 * np.median(np.abs(border - paper))
    darker = paper - values.min() >= values.max() - paper
    ink: np.ndarray = (paper - values) if darker else (values - paper)
    strongest = ink.max()
    if strongest < max(FAINTEST, 2 * noise):
        return None
    ink[ink <= noise] = 0
    ink /= strongest
    return ink


def reduced(gray: np.ndarray) -> np.ndarray:
    """The picture with at most LARGEST pixels on its longer side; each new pixel is the mean of those it covers."""
    factor = -(-max(gray.shape) // LARGEST)
    return gray if factor == 1 else np.asarray(Image.fromarray(gray).reduce(factor))


def framed(ink: np.ndarray, frame: Frame) -> np.ndarray:
    """Ink, cut out, scaled and set into a field of the frame's size: uint8 (height, width)."""
    digit = scaled(cut_out(ink), frame.box)
    (height, width), field = digit.shape, np.zeros((frame.height, frame.width), np.float32)
    top, left = (field.shape[0] - height) / 2, (field.shape[1] - width) / 2
    if frame.by_mass:  # in MNIST the centre of mass lies on pixel (14, 14), counted from 0
        mass = digit.sum()
        top = field.shape[0] // 2 - np.arange(height) @ digit.sum(axis=1) / mass
        left = field.shape[1] // 2 - np.arange(width) @ digit.sum(axis=0) / mass
    row = min(max(int(top + 0.5), 0), field.shape[0] - height)
    column = min(max(int(left + 0.5), 0), field.shape[1] - width)
    field[row : row + height, column : column + width] = digit
    field *= frame.maximum / field.max()
    return field.round().astype(np.uint8)


def cut_out(ink: np.ndarray) -> np.ndarray:
    """The smallest rectangle with all strong ink."""
    strong = ink >= EDGE
    rows, columns = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def scaled(ink: np.ndarray, box: tuple[int, int]) -> np.ndarray:
    """Ink as large as fits into the box with its proportions kept; each new pixel is the mean of what it covers."""
    factor = min(box[0] / ink.shape[0], box[1] / ink.shape[1])
    height, width = (max(round(length * factor), 1) for length in ink.shape)
    resampling = Image.Resampling.BOX if factor < 1 else Image.Resampling.BILINEAR
    image = Image.fromarray(ink).resize((width, height), resampling)
    result: np.ndarray = np.asarray(image).clip(0, 1)
    return result
