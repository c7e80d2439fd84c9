"""Where a kernel lies on an image: strides, border and dilation."""

from __future__ import annotations

from typing import NamedTuple

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]
NO_PADDING: Padding = ((0, 0), (0, 0))


class Geometry(NamedTuple):
    """How a kernel moves over an image.

    Args:
        strides: pixels between two places, down and to the right.
        padding: rows and columns of zeros, ((top, bottom), (left, right)).
        dilation: pixels between two entries of the kernel.
    """

    strides: Pair = (1, 1)
    padding: Padding = NO_PADDING
    dilation: Pair = (1, 1)

    @property
    def numbers(self) -> tuple[int, ...]:
        """As kernels take them: strides, top, left, dilation."""
        return (*self.strides, self.padding[0][0], self.padding[1][0], *self.dilation)

    def is_product(self, kernel: tuple[int, ...]) -> bool:
        """Whether the convolution is a dense layer for each pixel: of one entry, and put down on every pixel."""
        return kernel[:2] == (1, 1) and self.strides == (1, 1) and self.padding == NO_PADDING
