"""Layers that only change the size of a sequence, image or volume: a border of zeros, a cut, repeated entries.

They take one, two or three axes, channels last: (N, T, C), (N, H, W, C), (N, D, H, W, C).
"""

from __future__ import annotations

from typing import Any

from omomi.errors import ConfigurationError, ShapeError, UnknownNameError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers.layer import Shape
from omomi.layers.naming import check_data_format
from omomi.layers.sliding import AXES, SpatialLayer, one_for_each
from omomi.ops.resampling import INTERPOLATIONS

Widths = tuple[tuple[int, int], ...]


class _AxesLayer(SpatialLayer):
    """What layers share that treat each axis between batch and channels alone."""

    def output_axis(self, axis: int, size: int) -> int:
        """The size of the output along one of the axes between batch and channels."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        inner = (None if d is None else self.output_axis(i, d) for i, d in enumerate(input_shape[1:-1]))
        return (input_shape[0], *inner, input_shape[-1])


class _ZeroPadding(_AxesLayer):
    """A border of zeros."""

    def __init__(self, padding: Any = 1, data_format: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        check_data_format(data_format, self.where)
        self.padding = _widths(padding, self.rank, "padding", self.where)

    def call(self, inputs: Variable) -> Variable:
        return functions.pad(inputs, ((0, 0), *self.padding, (0, 0)))

    def output_axis(self, axis: int, size: int) -> int:
        return size + sum(self.padding[axis])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": [list(w) for w in self.padding]}


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after a sequence: (N, T, C) → (N, T + before + after, C).

    Args:
        padding: one number for both ends, or (before, after).
    """

    rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images: (N, H, W, C) → (N, top + H + bottom, left + W + right, C).

    Args:
        padding: one number, (rows, columns) on both sides, or ((top, bottom), (left, right)).
    """

    rank = 2


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes (N, D, H, W, C).

    Args:
        padding: one number, one for each axis, or a pair (before, after) for each axis.
    """

    rank = 3


class _Cropping(_AxesLayer):
    """What is cut off at both ends of each axis."""

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        check_data_format(data_format, self.where)
        self.cropping = _widths(cropping, self.rank, "cropping", self.where)

    def check_input(self, shape: Shape) -> None:
        super().check_input(shape)
        if any(d is not None and d <= sum(cut) for d, cut in zip(shape[1:-1], self.cropping, strict=True)):
            raise ShapeError(
                "nothing would be left: more is cut off than there is.",
                where=self.where,
                expected=f"more than {tuple(sum(cut) for cut in self.cropping)} along ({AXES[self.rank]})",
                received=f"shape {tuple(shape)}",
            )

    def call(self, inputs: Variable) -> Variable:
        sizes = zip(inputs.shape[1:-1], self.cropping, strict=True)
        return inputs[(slice(None), *(slice(before, size - after) for size, (before, after) in sizes))]

    def output_axis(self, axis: int, size: int) -> int:
        return size - sum(self.cropping[axis])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": [list(w) for w in self.cropping]}


class Cropping1D(_Cropping):
    """A sequence without its ends: (N, T, C) → (N, T − before − after, C).

    Args:
        cropping: one number for both ends, or (before, after).
    """

    rank = 1


class Cropping2D(_Cropping):
    """Images without their border: (N, H, W, C) → (N, H − top − bottom, W − left − right, C).

    Args:
        cropping: one number, (rows, columns) on both sides, or ((top, bottom), (left, right)); nothing unless given.
    """

    rank = 2

    def __init__(self, cropping: Any = 0, data_format: str | None = None, **options: Any) -> None:
        super().__init__(cropping, data_format, **options)


class Cropping3D(_Cropping):
    """Volumes (N, D, H, W, C) without their border.

    Args:
        cropping: one number, one for each axis, or a pair (before, after) for each axis.
    """

    rank = 3


class _UpSampling(_AxesLayer):
    """More entries along each axis."""

    interpolation = "nearest"

    def __init__(self, size: Any = 2, data_format: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        check_data_format(data_format, self.where)
        self.size = one_for_each(size, self.rank, "size", self.where)

    def call(self, inputs: Variable) -> Variable:
        for i, times in enumerate(self.size):
            if times > 1:
                size = inputs.shape[1 + i] * times
                inputs = functions.resampling(inputs, axis=1 + i, size=size, interpolation=self.interpolation)
        return inputs

    def output_axis(self, axis: int, size: int) -> int:
        return size * self.size[axis]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": list(self.size)}


class UpSampling1D(_UpSampling):
    """Each time repeated: (N, T, C) → (N, T · size, C).

    Args:
        size: how often.
    """

    rank = 1


class UpSampling2D(_UpSampling):
    """Larger images: (N, H, W, C) → (N, H · rows, W · columns, C).

    Args:
        size: (rows, columns) or one number.
        data_format: "channels_last", the one offered.
        interpolation: "nearest" repeats each pixel; "bilinear", "bicubic", "lanczos3" and "lanczos5" take weighted
            means of the 2, 4, 6 or 10 pixels around, along each axis.
    """

    rank = 2

    def __init__(
        self, size: Any = 2, data_format: str | None = None, interpolation: str = "nearest", **options: Any
    ) -> None:
        super().__init__(size, data_format, **options)
        if interpolation not in INTERPOLATIONS:
            raise UnknownNameError("interpolation", interpolation, INTERPOLATIONS, where=self.where)
        self.interpolation = interpolation

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "interpolation": self.interpolation}


class UpSampling3D(_UpSampling):
    """Each voxel of (N, D, H, W, C) repeated.

    Args:
        size: one number, or one for each axis.
    """

    rank = 3


def _widths(value: Any, rank: int, what: str, where: str) -> Widths:
    """(before, after) for each axis, from one number, one for each axis (both ends), or the pairs themselves."""
    entries = list(value) if isinstance(value, (tuple, list)) else [value] * rank
    if rank == 1 and len(entries) == 2:
        entries = [entries]  # (before, after)
    pairs = [tuple(e) if isinstance(e, (tuple, list)) else (e, e) for e in entries]
    whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for p in pairs for n in p)
    if len(pairs) != rank or any(len(p) != 2 for p in pairs) or not whole:
        raise ConfigurationError(
            f"{what} is how many entries at the ends of each axis: whole numbers, 0 or more.",
            where=where,
            expected=f"one number, or (before, after){' for each of ' + AXES[rank] if rank > 1 else ''}",
            received=f"{what}={value!r}",
        )
    return tuple((p[0], p[1]) for p in pairs)
