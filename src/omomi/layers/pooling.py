"""Pooling of sequences, images and volumes, channels last: one number for each window, or for each channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers.layer import Shape
from omomi.layers.naming import check_data_format
from omomi.layers.sliding import SlidingLayer, SpatialLayer, one_for_each, padding_of


class _Pooling(SlidingLayer):
    """A window that slides over each channel.

    Args:
        pool_size: the sizes of the window, or one number for all axes.
        strides: how far it moves along each axis; the window's size unless given.
        padding: "valid", "same", or the zeros before and after, for each axis; they are not counted, and never win.
        data_format: "channels_last", the one offered.
    """

    function: ClassVar[Callable[..., Variable]]

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: Any = "valid",
        data_format: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.window = self.pool_size = one_for_each(pool_size, self.rank, "pool_size", self.where)
        self.strides = self.window if strides is None else one_for_each(strides, self.rank, "strides", self.where)
        self.padding = padding_of(padding, self.rank, self.paddings, self.where)
        check_data_format(data_format, self.where)

    def call(self, inputs: Variable) -> Variable:
        return type(self).function(inputs, self.pool_size, strides=self.strides, padding=self.padding)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self.output_sizes(input_shape), input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": list(self.pool_size),
            "strides": list(self.strides),
            "padding": self.padding,
        }


class MaxPooling1D(_Pooling):
    """The largest value under a window that slides along each channel: (N, T, C) → (N, OT, C).

    Args:
        pool_size: the length of the window.
        strides: how far it moves; the window's length unless given.
        padding: "valid", "same" or ((before, after),); padding never wins.
        data_format: "channels_last", the one offered.

    Raises:
        ShapeError: when built: no sequence, or one that is shorter than the window.
    """

    rank = 1
    function = staticmethod(functions.max_pooling_1d)


class MaxPooling2D(_Pooling):
    """The largest value under a window that slides over each channel: (N, H, W, C) → (N, OH, OW, C).

    Args:
        pool_size: the window, (rows, columns) or one number.
        strides: how far it moves; the window's size unless given.
        padding: "valid", "same", or explicit ((top, bottom), (left, right)); padding never wins.
        data_format: "channels_last", the one offered.

    Raises:
        ShapeError: when built: no image, or one that is smaller than the window.
    """

    rank = 2
    function = staticmethod(functions.max_pooling_2d)


class MaxPooling3D(_Pooling):
    """The largest value under a window that slides through each channel: (N, D, H, W, C) → (N, OD, OH, OW, C).

    Arguments and errors as MaxPooling2D, for three axes.
    """

    rank = 3
    function = staticmethod(functions.max_pooling_3d)


class AveragePooling1D(_Pooling):
    """The mean under a window that slides along each channel; padding is not counted. Arguments as MaxPooling1D."""

    rank = 1
    function = staticmethod(functions.average_pooling_1d)


class AveragePooling2D(_Pooling):
    """The mean under a window that slides over each channel; padding is not counted. Arguments as MaxPooling2D."""

    rank = 2
    function = staticmethod(functions.average_pooling_2d)


class AveragePooling3D(_Pooling):
    """The mean under a window that slides through each channel; padding is not counted. Arguments as MaxPooling3D."""

    rank = 3
    function = staticmethod(functions.average_pooling_3d)


class _GlobalPooling(SpatialLayer):
    """One number for each channel.

    Args:
        data_format: "channels_last", the one offered.
        keepdims: keep the axes that are pooled, with length 1.
    """

    function: ClassVar[Callable[..., Variable]]

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **options: Any) -> None:
        super().__init__(**options)
        check_data_format(data_format, self.where)
        self.keepdims = keepdims

    def call(self, inputs: Variable) -> Variable:
        return type(self).function(inputs, axis=tuple(range(1, self.rank + 1)), keepdims=self.keepdims)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *((1,) * self.rank if self.keepdims else ()), input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "keepdims": self.keepdims}


class GlobalMaxPooling1D(_GlobalPooling):
    """The largest value of each channel over all times: (N, T, C) → (N, C), or (N, 1, C) with ``keepdims``."""

    rank = 1
    function = staticmethod(functions.max)


class GlobalMaxPooling2D(_GlobalPooling):
    """The largest value of each channel: (N, H, W, C) → (N, C), or (N, 1, 1, C) with ``keepdims``."""

    rank = 2
    function = staticmethod(functions.max)


class GlobalMaxPooling3D(_GlobalPooling):
    """The largest value of each channel: (N, D, H, W, C) → (N, C), or (N, 1, 1, 1, C) with ``keepdims``."""

    rank = 3
    function = staticmethod(functions.max)


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of each channel over all times: (N, T, C) → (N, C), or (N, 1, C) with ``keepdims``.

    Of a sequence with a mask, the mean over the steps that exist; 0 where none does.
    """

    rank = 1
    function = staticmethod(functions.mean)

    def call(self, inputs: Variable, mask: Variable | None = None) -> Variable:
        if mask is None:
            return super().call(inputs)
        exists = functions.cast(mask, inputs._array.dtype.name).reshape((*mask.shape, 1))
        total = functions.sum(inputs * exists, axis=1, keepdims=self.keepdims)
        return total / functions.maximum(functions.sum(exists, axis=1, keepdims=self.keepdims), 1.0)


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of each channel: (N, H, W, C) → (N, C), or (N, 1, 1, C) with ``keepdims`` (Lin et al. 2013)."""

    rank = 2
    function = staticmethod(functions.mean)


class GlobalAveragePooling3D(_GlobalPooling):
    """The mean of each channel: (N, D, H, W, C) → (N, C), or (N, 1, 1, 1, C) with ``keepdims``."""

    rank = 3
    function = staticmethod(functions.mean)
