"""Image files (PNG, JPEG) as arrays. Importing this module loads Pillow."""

from __future__ import annotations

import os

import numpy as np
from PIL import Image, ImageOps

from omomi.errors import FileFormatError
from omomi.files.writing import access_error

MAX_PIXELS = 50_000_000  # of one file
_GRAY = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L"}
_TRANSPARENT = {"LA", "La", "PA", "RGBA", "RGBa"}
_DAMAGE = (OSError, SyntaxError, ValueError)  # what Pillow raises for damaged files


def open_image(path: str | os.PathLike[str]) -> Image.Image:
    """An image file of which only the header has been read. Use it in a ``with`` statement.

    Raises:
        FileAccessError: the file cannot be read.
        FileFormatError: it is no PNG or JPEG file, or too large.
    """
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise access_error(error, path, "read") from error
    try:
        image = Image.open(path, formats=("PNG", "JPEG"))
    except (*_DAMAGE, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from error
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise FileFormatError(
            "the image is too large.",
            where=os.fspath(path),
            expected=f"at most {MAX_PIXELS} pixels",
            received=f"{image.width}×{image.height}",
            fix="reduce or remove it",
        )
    return image


def is_gray(image: Image.Image) -> bool:
    """Whether the image has no colours."""
    return image.mode in _GRAY


def read_image(
    path: str | os.PathLike[str], *, gray: bool, size: tuple[int, int] | None = None, background: str = "white"
) -> np.ndarray:
    """The pixels of an image file, uint8 (H, W) if ``gray`` and (H, W, 3) otherwise.

    A photograph is turned as its camera was held, what is transparent shows the ``background``, and the image is
    stretched to ``size`` = (height, width) if that is given.

    Raises:
        FileAccessError, FileFormatError: see :func:`open_image`.
    """
    with open_image(path) as file:
        try:
            image = ImageOps.exif_transpose(file)
            if image.mode.startswith("I"):  # 16 bits: the upper byte is kept
                image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
            if image.mode in _TRANSPARENT or "transparency" in image.info:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, background), image)
            image = image.convert("L" if gray else "RGB")
            if size is not None and image.size != size[::-1]:
                image = image.resize(size[::-1], Image.Resampling.BILINEAR)
            return np.asarray(image)
        except _DAMAGE as error:
            raise _unreadable(path, error) from error


def _unreadable(path: str | os.PathLike[str], error: Exception) -> FileFormatError:
    return FileFormatError(
        f"this is no readable PNG or JPEG image ({error}).",
        where=os.fspath(path),
        fix="replace it with a valid image or remove it",
    )
