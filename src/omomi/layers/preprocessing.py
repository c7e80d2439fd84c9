"""Inputs brought into shape inside the model: sizes of images, and features with mean 0 and variance 1."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from omomi.engines.engine import Array
from omomi.errors import ConfigurationError, DataError, ShapeError, UnknownNameError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers.core import positive
from omomi.layers.layer import Layer, Shape
from omomi.layers.naming import check_data_format
from omomi.layers.state import Buffer
from omomi.ops.resampling import INTERPOLATIONS

SMALLEST = 1e-7  # the least standard deviation that a feature is divided by, as in Keras


class _Images(Layer):
    """What layers of images share: they read (N, H, W, C), whole numbers too, and compute in float32 at least."""

    casts_integers = True
    full_precision = True

    def __init__(self, data_format: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        check_data_format(data_format, self.where)

    def check_input(self, shape: Shape) -> None:
        if len(shape) != 4 or None in shape[1:]:
            raise ShapeError(
                "the input is a batch of images.",
                where=self.where,
                expected="(batch, height, width, channels) with known sizes",
                received=f"shape {tuple(shape)}",
                fix="one image is a batch of one: x[None]; gray images have one channel: x[..., None]"
                if len(shape) == 3
                else None,
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class _Sized(_Images):
    """Images of a given size."""

    def __init__(self, height: int, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.height = positive(height, "height", self.where)
        self.width = positive(width, "width", self.where)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.height, self.width, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}


class Resizing(_Sized):
    """Images in another size.

    Args:
        height, width: the new size.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: keep proportions, and cut off what is too much on two sides.
        pad_to_aspect_ratio: keep proportions, and add a border of ``fill_value`` on two sides.
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(height, width, **options)
        if interpolation not in INTERPOLATIONS:
            raise UnknownNameError("interpolation", interpolation, INTERPOLATIONS, where=self.where)
        if (crop_to_aspect_ratio and pad_to_aspect_ratio) or fill_mode != "constant" or antialias:
            raise ConfigurationError(
                "this way of resizing is not offered.",
                where=self.where,
                expected='one of crop and pad; fill_mode="constant"; antialias=False',
                received=f"crop {crop_to_aspect_ratio}, pad {pad_to_aspect_ratio}, {fill_mode!r}, {antialias}",
            )
        self.interpolation = interpolation
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = bool(crop_to_aspect_ratio), bool(pad_to_aspect_ratio)
        self.fill_value = float(fill_value)

    def call(self, inputs: Variable) -> Variable:
        if self.crop_to_aspect_ratio:
            return fitted(inputs, self.height, self.width, self.interpolation)
        if self.pad_to_aspect_ratio:
            _, h, w, _ = inputs.shape
            tall = max(int(w * self.height / self.width), h) - h
            wide = max(int(h * self.width / self.height), w) - w
            widths = ((0, 0), (tall // 2, tall - tall // 2), (wide // 2, wide - wide // 2), (0, 0))
            inputs = functions.pad(inputs, widths, self.fill_value)
        return functions.resize(inputs, (self.height, self.width), interpolation=self.interpolation)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "interpolation": self.interpolation,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
            "pad_to_aspect_ratio": self.pad_to_aspect_ratio,
            "fill_value": self.fill_value,
        }


class CenterCrop(_Sized):
    """The middle of an image; of one that is too small, the largest window of that shape, resized.

    Args:
        height, width: of the window.
    """

    def call(self, inputs: Variable) -> Variable:
        top, left = inputs.shape[1] - self.height, inputs.shape[2] - self.width
        if top < 0 or left < 0:
            return fitted(inputs, self.height, self.width)
        top, left = top // 2, left // 2
        return inputs[:, top : top + self.height, left : left + self.width]


def fitted(x: Variable, height: int, width: int, interpolation: str = "bilinear") -> Variable:
    """The largest window of x with these proportions, from its middle, in this size."""
    _, h, w, _ = x.shape
    tall, wide = max(min(h, int(w * height / width)), 1), max(min(w, int(h * width / height)), 1)
    top, left = (h - tall) // 2, (w - wide) // 2
    if (tall, wide) != (h, w):
        x = x[:, top : top + tall, left : left + wide]
    return functions.resize(x, (height, width), interpolation=interpolation)


class Normalization(Layer):
    """(x − mean) / √variance, feature by feature; the statistics are given, or found in data by :meth:`adapt`.

    They are buffers, which training does not change and files keep. Before ``adapt`` they are 0 and 1.

    Args:
        axis: of the features that have statistics of their own (several: each combination of them); ``None`` is one
            mean and one variance for all numbers.
        mean, variance: the statistics, if they are known: numbers, or arrays of the sizes of ``axis``.
        invert: the way back: x · √variance + mean.

    Example:
        >>> import numpy as np, omomi
        >>> layer = omomi.layers.Normalization()
        >>> layer.adapt(np.array([[0.0, 10.0], [2.0, 30.0]]))
        >>> layer(np.array([[1.0, 40.0]]))
        Variable([[0., 2.]])
    """

    casts_integers = True
    full_precision = True

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        given = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        if any(not isinstance(a, int) or a == 0 for a in given):
            raise ConfigurationError(
                "axis names axes of a sample; the batch is axis 0.", where=self.where, received=f"axis={axis!r}"
            )
        if (mean is None) != (variance is None):
            raise ConfigurationError(
                "mean and variance go together.", where=self.where, expected="both, or none and adapt(data)"
            )
        self.axis = axis if axis is None or isinstance(axis, int) else list(axis)
        self.given = None if mean is None else tuple(np.asarray(v, np.float64) for v in (mean, variance))
        if self.given is not None and (self.given[1] < 0).any():
            raise ConfigurationError("a variance is not negative.", where=self.where, received=variance)
        self.invert = bool(invert)
        self.mean: Buffer
        self.variance: Buffer

    def kept(self, rank: int) -> tuple[int, ...]:
        """The axes that have statistics of their own, from the front."""
        given = [] if self.axis is None else [self.axis] if isinstance(self.axis, int) else self.axis
        return tuple(sorted({a + rank if a < 0 else a for a in given}))

    def check_input(self, shape: Shape) -> None:
        kept = self.kept(len(shape))
        size = tuple(shape[a] for a in kept) if all(0 < a < len(shape) for a in kept) else (None,)
        if None in size or (self.built and size != self.mean.shape):
            raise ShapeError(
                "the features are unknown or others.",
                where=self.where,
                expected=f"statistics of shape {self.mean.shape}"
                if self.built
                else f"a known size of axis {self.axis}",
                received=f"shape {tuple(shape)}",
            )

    def build(self, input_shape: Shape) -> None:
        size = tuple(input_shape[a] for a in self.kept(len(input_shape)))
        self.mean, self.variance = self.add_buffer(size, "zeros"), self.add_buffer(size, "ones")
        if self.given is not None:
            self.take(*self.given)

    def take(self, mean: Array, variance: Array) -> None:
        """Make these the statistics."""
        size = self.mean.shape
        try:
            mean, variance = (np.broadcast_to(v, size) for v in (mean, variance))
        except ValueError:
            raise ShapeError(
                "the statistics do not fit the features.",
                where=self.where,
                expected=f"shape {size}",
                received=f"shapes {np.shape(mean)} and {np.shape(variance)}",
            ) from None
        self.mean.assign(mean)
        self.variance.assign(variance)

    def adapt(self, data: Any) -> None:
        """Find mean and variance in data, in one pass.

        Args:
            data: one array (N, …), or an iterable of batches, none of which is kept; a batch may be (x, y).

        Raises:
            ConfigurationError: mean and variance were given.
            DataError: no data, or not finite.
        """
        if self.given is not None:
            raise ConfigurationError("mean and variance were given: there is nothing to find.", where=self.where)
        count, mean, squares, shape = 0, np.zeros(()), np.zeros(()), None
        for batch in [data] if hasattr(data, "shape") or _is_numbers(data) else data:
            x = np.asarray(batch[0] if isinstance(batch, (tuple, list)) and hasattr(batch[0], "shape") else batch)
            if x.ndim == 0 or x.dtype.kind not in "fiub":
                raise DataError("adapt reads arrays of numbers.", where=self.where, received=f"dtype {x.dtype}")
            shape = x.shape
            self.check_input((None, *shape[1:]))
            others = tuple(a for a in range(x.ndim) if a not in self.kept(x.ndim))
            found = prod(shape[a] for a in others)
            if not found:
                continue
            # Chan, Golub and LeVeque 1979: two means and sums of squares become those of both sets together.
            centre = x.mean(axis=others, dtype=np.float64)
            own = np.square(x.astype(np.float64) - np.expand_dims(centre, others)).sum(axis=others)
            total, away = count + found, centre - mean
            squares = squares + own + away**2 * (count * found / total)
            mean, count = mean + away * (found / total), total
        if not count or shape is None:
            raise DataError("adapt needs at least one sample.", where=self.where)
        if not (np.isfinite(mean).all() and np.isfinite(squares).all()):
            raise DataError("the data holds a number that is not finite.", where=self.where, fix="remove or replace it")
        if not self.built:
            self.build_at(self.name, (None, *shape[1:]), 0)
        self.take(mean, squares / count)

    def call(self, inputs: Variable) -> Variable:
        sizes = [d if a in self.kept(inputs.ndim) else 1 for a, d in enumerate(inputs.shape)]
        mean = self.mean.reshape(sizes)
        deviation = functions.maximum(functions.sqrt(self.variance.reshape(sizes)), SMALLEST)
        return inputs * deviation + mean if self.invert else (inputs - mean) / deviation

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        mean, variance = (None, None) if self.given is None else (v.tolist() for v in self.given)
        return {
            **super().get_config(),
            "axis": self.axis,
            "mean": mean,
            "variance": variance,
            "invert": self.invert,
        }


def _is_numbers(data: Any) -> bool:
    """Whether this is a list of numbers (of lists of numbers, …)."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (int, float))
