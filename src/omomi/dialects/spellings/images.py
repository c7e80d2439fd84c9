"""``ImageDataGenerator`` of Keras 1 and 2: batches of images, changed at random while the network trains."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from omomi.dialects.hook import UnsupportedError
from omomi.errors import DataError, FileAccessError

MODES = {"nearest": "nearest", "constant": "constant", "reflect": "mirror", "wrap": "grid-wrap"}
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".gif", ".tif", ".tiff")
LARGEST = 64 << 20  # bytes of an image's file


class Batches:
    """An endless iterator over batches, as ``fit_generator`` takes it; ``len`` is the number of batches in an epoch.

    Attributes:
        n, samples, nb_sample: how many samples there are.
        batch_size: of each batch but an epoch's last.
    """

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None) -> None:
        self.n = self.samples = self.nb_sample = n
        self.batch_size, self.shuffle = batch_size, shuffle
        # One generator for order and changes: numpy.random.seed at a script's head fixes it, as it does the weights.
        self.random = np.random.RandomState(np.random.randint(2**31) if seed is None else seed)
        self.order = np.zeros(0, int)

    def made(self, chosen: np.ndarray) -> Any:
        """The batch of these samples."""
        raise NotImplementedError

    def reset(self) -> None:
        """Begin a new epoch."""
        self.order = np.zeros(0, int)

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if not len(self.order):
            self.order = self.random.permutation(self.n) if self.shuffle else np.arange(self.n)
        chosen, self.order = self.order[: self.batch_size], self.order[self.batch_size :]
        return self.made(chosen)

    next = __next__


class ArrayBatches(Batches):
    """Batches of an array of images."""

    def __init__(
        self, x: Any, y: Any, changes: ImageDataGenerator, batch_size: int, shuffle: bool, seed: int | None
    ) -> None:
        self.x, self.y, self.changes = np.asarray(x), None if y is None else np.asarray(y), changes
        if self.x.ndim != 4:
            raise DataError("images are (N, rows, columns, channels).", where="flow", received=f"shape {self.x.shape}")
        if self.y is not None and len(self.y) != len(self.x):
            raise DataError("x and y have different lengths.", where="flow", received=f"{len(self.x)}, {len(self.y)}")
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def made(self, chosen: np.ndarray) -> Any:
        images = np.stack([self.changes.changed(self.x[i].astype(np.float32), self.random) for i in chosen])
        return images if self.y is None else (images, self.y[chosen])


class FolderBatches(Batches):
    """Batches of images in folders, one for each class, read while the network trains."""

    def __init__(
        self,
        directory: str | os.PathLike[str],
        changes: ImageDataGenerator,
        target_size: tuple[int, int],
        color_mode: str,
        classes: Any,
        class_mode: str | None,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        subset: str | None,
    ) -> None:
        root = Path(directory)
        if not root.is_dir():
            raise FileAccessError("there is no such folder.", where=os.fspath(directory))
        if color_mode not in ("rgb", "grayscale"):
            raise UnsupportedError("images are in colour or grey.", received=f"color_mode={color_mode!r}")
        if class_mode not in ("categorical", "binary", "sparse", "input", None):
            raise UnsupportedError("no such class_mode.", received=f"class_mode={class_mode!r}")
        names = list(classes or sorted(p.name for p in root.iterdir() if p.is_dir()))
        self.class_indices = {name: i for i, name in enumerate(names)}
        self.filenames: list[str] = []
        labels: list[int] = []
        for name, label in self.class_indices.items():
            inside = sorted(p for p in (root / name).rglob("*") if p.suffix.lower() in ENDINGS)
            cut = int(len(inside) * changes.validation_split)
            inside = inside[:cut] if subset == "validation" else inside[cut:] if subset == "training" else inside
            self.filenames += [os.fspath(p.relative_to(root)) for p in inside]
            labels += [label] * len(inside)
        if not labels:
            raise DataError("there are no images.", where=os.fspath(directory), expected="a folder for each class")
        self.root, self.changes, self.class_mode = root, changes, class_mode
        self.target_size, self.color_mode = (int(target_size[0]), int(target_size[1])), color_mode
        self.classes = np.array(labels)
        self.num_classes = self.nb_class = len(names)
        channels = 3 if color_mode == "rgb" else 1
        self.image_shape = (*self.target_size, channels)
        print(f"Found {len(labels)} images belonging to {len(names)} classes.")
        super().__init__(len(labels), batch_size, shuffle, seed)

    def made(self, chosen: np.ndarray) -> Any:
        images = np.stack([self.changes.changed(self.read(self.root / self.filenames[i]), self.random) for i in chosen])
        labels = self.classes[chosen]
        if self.class_mode is None:
            return images
        if self.class_mode == "input":
            return images, images
        if self.class_mode == "categorical":
            return images, np.eye(self.num_classes, dtype=np.float32)[labels]
        return images, labels.astype(np.float32 if self.class_mode == "binary" else np.int64)

    def read(self, path: Path) -> np.ndarray:
        """One image, in the size of all."""
        return img_to_array(load_img(path, self.color_mode == "grayscale", self.target_size))


class ImageDataGenerator:
    """Changes images at random: rotation, shifts, shear, zoom, flips, brightness; and standardises them.

    The arguments are Keras's. ``featurewise_*`` needs :meth:`fit` first.
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0.0,
        width_shift_range: float = 0.0,
        height_shift_range: float = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Any = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        dim_ordering: str = "tf",
        dtype: Any = "float32",
    ) -> None:
        if zca_whitening:
            raise UnsupportedError(
                "images are not whitened.", received="zca_whitening=True", fix="sklearn.decomposition.PCA(whiten=True)"
            )
        if data_format not in (None, "channels_last") or dim_ordering not in ("tf", "default"):
            raise UnsupportedError("the channels come last.", received=f"{data_format or dim_ordering!r}")
        if fill_mode not in MODES:
            raise UnsupportedError("no such fill_mode.", expected=", ".join(MODES), received=repr(fill_mode))
        self.featurewise_center, self.featurewise_std_normalization = featurewise_center, featurewise_std_normalization
        self.samplewise_center, self.samplewise_std_normalization = samplewise_center, samplewise_std_normalization
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        low_high = (1 - zoom_range, 1 + zoom_range) if isinstance(zoom_range, (int, float)) else tuple(zoom_range)
        self.zoom_range, self.brightness_range = low_high, brightness_range
        self.channel_shift_range, self.fill_mode, self.cval = channel_shift_range, fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.validation_split = validation_split
        self.mean: Any = None
        self.std: Any = None

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Mean and standard deviation of each channel, for ``featurewise_*``."""
        images = np.asarray(x, np.float32) * (self.rescale or 1.0)
        self.mean, self.std = images.mean(axis=(0, 1, 2)), images.std(axis=(0, 1, 2))

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        **options: Any,
    ) -> Batches:
        """Batches of an array (N, rows, columns, channels), for ever."""
        if sample_weight is not None or options.get("save_to_dir"):
            raise UnsupportedError("flow takes neither sample_weight nor save_to_dir.", where="ImageDataGenerator")
        x, y = self.part(x, options.get("subset")), None if y is None else self.part(y, options.get("subset"))
        return ArrayBatches(x, y, self, batch_size, shuffle, seed)

    def part(self, array: Any, subset: str | None) -> Any:
        """The share for training or for validation."""
        cut = int(len(array) * self.validation_split)
        return array[:cut] if subset == "validation" else array[cut:] if subset == "training" else array

    def flow_from_directory(
        self,
        directory: str | os.PathLike[str],
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        subset: str | None = None,
        **_: Any,
    ) -> FolderBatches:
        """Batches of the images in a folder with one folder for each class, for ever."""
        where = (directory, self, target_size, color_mode, classes, class_mode, batch_size)
        return FolderBatches(*where, shuffle, seed, subset)

    # ---- one image ------------------------------------------------------------------------------------------------

    def changed(self, image: np.ndarray, random: np.random.RandomState) -> np.ndarray:
        """One image (rows, columns, channels), changed at random and standardised."""
        return self.standardize(self.random_transform(image, random))

    def standardize(self, image: np.ndarray) -> np.ndarray:
        """Function of the script's own, scale, mean and standard deviation."""
        if self.preprocessing_function is not None:
            image = np.asarray(self.preprocessing_function(image), np.float32)
        image = image * (self.rescale or 1.0)
        if self.samplewise_center:
            image = image - image.mean()
        if self.samplewise_std_normalization:
            image = image / (image.std() + 1e-6)
        if self.featurewise_center or self.featurewise_std_normalization:
            if self.mean is None:
                raise DataError(
                    "mean and deviation are not known.", where="ImageDataGenerator", fix="datagen.fit(x_train) first"
                )
            image = image - self.mean if self.featurewise_center else image
            image = image / (self.std + 1e-6) if self.featurewise_std_normalization else image
        return image.astype(np.float32)

    def random_transform(self, image: np.ndarray, random: Any = None) -> np.ndarray:
        """Rotation, shifts, shear and zoom as one affine map about the centre; then colours and flips."""
        random = np.random if random is None else random
        rows, columns = image.shape[:2]
        angle = np.deg2rad(random.uniform(-self.rotation_range, self.rotation_range)) if self.rotation_range else 0.0
        shear = np.deg2rad(random.uniform(-self.shear_range, self.shear_range)) if self.shear_range else 0.0
        down, right = (
            self.shift(r, n, random) for r, n in ((self.height_shift_range, rows), (self.width_shift_range, columns))
        )
        zoom = random.uniform(*self.zoom_range, 2) if self.zoom_range != (1, 1) else np.ones(2)
        rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = rotate @ np.array([[1.0, -np.sin(shear)], [0.0, np.cos(shear)]]) @ np.diag(zoom)
        if not np.array_equal(matrix, np.eye(2)) or down or right:
            image = self.mapped(image, matrix, rotate @ np.array([down, right]))
        if self.channel_shift_range:
            by = random.uniform(-self.channel_shift_range, self.channel_shift_range, image.shape[-1])
            image = np.clip(image + by, image.min(), image.max()).astype(np.float32)
        if self.brightness_range is not None:
            image = np.clip(image * random.uniform(*self.brightness_range), 0, 255).astype(np.float32)
        if self.horizontal_flip and random.uniform() < 0.5:
            image = image[:, ::-1]
        if self.vertical_flip and random.uniform() < 0.5:
            image = image[::-1]
        return image

    def shift(self, given: float, size: int, random: Any) -> float:
        """So many pixels: a share of the size below 1, else pixels."""
        if not given:
            return 0.0
        return float(random.uniform(-given, given) * (size if given < 1 else 1))

    def mapped(self, image: np.ndarray, matrix: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """The image read at ``matrix`` (pixel − centre) + centre + shift."""
        from scipy.ndimage import affine_transform  # comes with scikit-learn, and takes a while to import

        centre = (np.array(image.shape[:2]) - 1) / 2
        offset = centre - matrix @ centre + shift
        mode = MODES[self.fill_mode]
        channels = [
            affine_transform(image[..., c], matrix, offset, order=1, mode=mode, cval=self.cval)
            for c in range(image.shape[-1])
        ]
        return np.stack(channels, axis=-1)


def load_img(
    path: str | os.PathLike[str],
    grayscale: bool = False,
    target_size: tuple[int, int] | None = None,
    color_mode: str | None = None,
    interpolation: str = "nearest",
) -> Any:
    """An image from a file, in colour or grey, in the size (rows, columns) that is asked for.

    Raises:
        FileAccessError: there is no such file, or it is too large to be an image.
    """
    from PIL import Image  # a picture library is loaded with the first picture

    try:
        if os.path.getsize(path) > LARGEST:
            raise FileAccessError("the file is too large for an image.", where=os.fspath(path))
        with Image.open(path) as opened:
            image = opened.convert("L" if grayscale or color_mode == "grayscale" else "RGB")
    except OSError as error:
        if isinstance(error, FileAccessError):
            raise
        raise FileAccessError(f"this image cannot be read: {error}", where=os.fspath(path)) from error
    if target_size is not None:
        ways = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR}
        image = image.resize((target_size[1], target_size[0]), ways.get(interpolation, Image.Resampling.BICUBIC))
    return image


def img_to_array(image: Any, *_: Any, **__: Any) -> np.ndarray:
    """An image as float32 (rows, columns, channels)."""
    array = np.asarray(image, np.float32)
    return array[..., None] if array.ndim == 2 else array


def array_to_img(array: Any, *_: Any, scale: bool = True, **__: Any) -> Any:
    """An array as an image; ``scale`` brings its numbers to 0 … 255."""
    from PIL import Image

    numbers = np.asarray(array, np.float32)
    if scale:
        numbers = numbers - numbers.min()
        numbers = numbers / max(float(numbers.max()), 1e-12) * 255
    return Image.fromarray(numbers.astype(np.uint8).squeeze())
