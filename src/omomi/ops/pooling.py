"""Pooling: one number for each window of each channel, (N, H, W, C) → (N, OH, OW, C).

Windows, strides and padding are those of the chapter on convolution. Global pooling needs no rule of its own: it is
the mean, or the largest, over axes 1 and 2 (chapter: reduction).
"""

from __future__ import annotations

from omomi.errors import ConfigurationError
from omomi.ops.convolution import NO_PADDING, Padding, Pair, crop_image, fitting_size, pad_image
from omomi.ops.rule import Array, Namespace, Rule, Saved, Wanted

# Max pooling: the strongest response in the window; where exactly it was does not matter for the next layer.
#   forward   y = max_ij x[n, r s + i, c s + j, k]
#   backward  gx ← gy at the first entry (row by row) that equals y, 0 elsewhere, added up over all windows
#
# The border is −∞ and never wins. Instead of an argmax over every window, the entries (i, j) of all windows at once
# are compared: each is a strided slice of the image, as large as the result.


def max_pooling_2d_forward(
    xp: Namespace, x: Array, *, size: Pair = (2, 2), strides: Pair = (2, 2), padding: Padding = NO_PADDING
) -> tuple[Array, Saved]:
    x = pad_image(xp, x, _checked(x, size, strides, padding), value=-float("inf"))
    first, *rest = _entries(xp, x, size, strides)
    y = first
    for entry in rest:
        y = xp.maximum(y, entry)
    return y, (x, y)


def max_pooling_2d_backward(
    xp: Namespace,
    saved: Saved,
    gy: Array,
    wanted: Wanted,
    *,
    size: Pair = (2, 2),
    strides: Pair = (2, 2),
    padding: Padding = NO_PADDING,
) -> tuple[Array, ...]:
    x, y = saved
    open_windows = xp.ones(y.shape, bool)  # in which no entry has won yet
    shares = []
    for entry in _entries(xp, x, size, strides):
        wins = open_windows & (entry == y)
        open_windows = open_windows & ~wins
        shares.append(wins * gy)
    return (_gather(xp, xp.stack(shares), x.shape, size, strides, padding),)


max_pooling_2d = Rule(
    "max_pooling_2d",
    max_pooling_2d_forward,
    max_pooling_2d_backward,
    "y = max_ij x[n, r s + i, c s + j, k]",
    "gx = gy where the window's first largest entry was, else 0",
)


# Average pooling: the mean of the window's pixels; those of the border are not counted.
#   forward   y = 1/m Σ_ij x[n, r s + i, c s + j, k]        m: how many pixels of the image the window covers
#   backward  gx[n, r s + i, c s + j, k] ← gy / m           added up over all windows


def average_pooling_2d_forward(
    xp: Namespace, x: Array, *, size: Pair = (2, 2), strides: Pair = (2, 2), padding: Padding = NO_PADDING
) -> tuple[Array, Saved]:
    bordered = pad_image(xp, x, _checked(x, size, strides, padding))
    count = _pixels_per_window(xp, x, size, strides, padding)
    return sum(_entries(xp, bordered, size, strides)) / count, (bordered.shape, count)


def average_pooling_2d_backward(
    xp: Namespace,
    saved: Saved,
    gy: Array,
    wanted: Wanted,
    *,
    size: Pair = (2, 2),
    strides: Pair = (2, 2),
    padding: Padding = NO_PADDING,
) -> tuple[Array, ...]:
    shape, count = saved
    shares = xp.broadcast_to(gy / count, (size[0] * size[1], *gy.shape))
    return (_gather(xp, shares, shape, size, strides, padding),)


average_pooling_2d = Rule(
    "average_pooling_2d",
    average_pooling_2d_forward,
    average_pooling_2d_backward,
    "y = 1/m Σ_ij x[n, r s + i, c s + j, k]",
    "gx = gy / m, added up over the windows that a pixel lies in",
)


def _checked(x: Array, size: Pair, strides: Pair, padding: Padding) -> Padding:
    """The padding, after the check that every window sees at least one pixel of the image."""
    fitting_size(x.shape[1:3], size, strides, padding)
    if any(max(zeros) >= window for zeros, window in zip(padding, size, strict=True)):
        raise ConfigurationError(
            "a window would lie in the border entirely.",
            where="pooling",
            expected=f"padding smaller than the window, {size}",
            received=padding,
        )
    return padding


def _entries(xp: Namespace, x: Array, size: Pair, strides: Pair) -> list[Array]:
    """Entry (i, j) of every window, row by row: KH·KW arrays of shape (N, OH, OW, C), strided slices of x."""
    patches = xp.windows(x, size, strides)
    return [patches[:, :, :, i, j] for i in range(size[0]) for j in range(size[1])]


def _gather(xp: Namespace, shares: Array, shape: tuple[int, ...], size: Pair, strides: Pair, padding: Padding) -> Array:
    """Give each pixel the sum of its shares (KH·KW, N, OH, OW, C) from the windows it lies in; cut off the border."""
    _, n, oh, ow, c = shares.shape
    patches = shares.reshape(*size, n, oh, ow, c).transpose(2, 3, 4, 0, 1, 5)
    return crop_image(xp.fold(patches, shape, strides), padding)


def _pixels_per_window(xp: Namespace, x: Array, size: Pair, strides: Pair, padding: Padding) -> Array | int:
    """m: the number of the image's own pixels in each window, (1, OH, OW, 1), or one number without a border."""
    if padding == NO_PADDING:
        return size[0] * size[1]
    ones = pad_image(xp, xp.ones((1, *x.shape[1:3], 1), x.dtype), padding)
    return sum(_entries(xp, ones, size, strides))
