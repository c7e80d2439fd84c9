"""Convolution against its definition, a hand-worked example and the padding rules of the field."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from omomi.engines.reference import xp
from omomi.errors import ConfigurationError, ShapeError, UnknownNameError
from omomi.ops import convolution
from omomi.ops.convolution import convolution_2d, output_size, pad_image, resolve_padding
from tests.samples.convolution import fixed


def by_definition(x, W, b=0.0, *, strides=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1)):
    """y[n, r, c, o] = b[o] + Σ_ijk x[n, r s + i d, c s + j d, k] W[i, j, k, o], one number at a time."""
    (n, height, width, _), (kh, kw, c_in, c_out) = x.shape, W.shape
    (top, bottom), (left, right) = padding

    def pixel(image, row, column, channel):
        row, column = row - top, column - left
        return x[image, row, column, channel] if 0 <= row < height and 0 <= column < width else 0.0

    rows = range(0, height + top + bottom - (kh - 1) * dilation[0], strides[0])
    columns = range(0, width + left + right - (kw - 1) * dilation[1], strides[1])
    y = np.zeros((n, len(rows), len(columns), c_out)) + b
    for (image, (r, row), (c, column)), (i, j, k) in product(
        product(range(n), enumerate(rows), enumerate(columns)), product(range(kh), range(kw), range(c_in))
    ):
        y[image, r, c] += pixel(image, row + i * dilation[0], column + j * dilation[1], k) * W[i, j, k]
    return y


def test_a_three_by_three_image_by_hand():
    """The kernel is not flipped: its first row meets the upper pixels.

    x = 1 2 3    W = 1 0     y = 1·1 + 5·2 + 10 = 21    2 + 6·2 + 10 = 24
        4 5 6        0 2         4   + 8·2 + 10 = 30    5 + 9·2 + 10 = 33
        7 8 9    b = 10
    With gy = 1 2 / 3 4:
        gW[0, 0] = 1·1 + 2·2 + 4·3 + 5·4 = 37      gW[0, 1] = 2·1 + 3·2 + 5·3 + 6·4 = 47
        gW[1, 0] = 4·1 + 5·2 + 7·3 + 8·4 = 67      gW[1, 1] = 5·1 + 6·2 + 8·3 + 9·4 = 77
        gb = 1 + 2 + 3 + 4 = 10
        gx: gy itself in the upper left corner, and twice gy in the lower right one
            1 2 0   0 0 0   1 2 0
            3 4 0 + 0 2 4 = 3 6 4
            0 0 0   0 6 8   0 6 8
    """
    x = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    W = np.array([[1.0, 0.0], [0.0, 2.0]]).reshape(2, 2, 1, 1)
    y, saved = convolution_2d.forward(xp, x, W, np.array([10.0]))
    assert y.reshape(2, 2).tolist() == [[21, 24], [30, 33]]

    gy = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    gx, gW, gb = convolution_2d.backward(xp, saved, gy, (True, True, True))
    assert gx.reshape(3, 3).tolist() == [[1, 2, 0], [3, 6, 4], [0, 6, 8]]
    assert gW.reshape(2, 2).tolist() == [[37, 47], [67, 77]]
    assert gb.tolist() == [10]


def test_the_definition():
    for sample in fixed(np.random.default_rng(0)):
        y, _ = convolution_2d.forward(xp, *sample.arrays, **sample.attributes)
        np.testing.assert_allclose(y, by_definition(*sample.arrays, **sample.attributes), rtol=0, atol=1e-13)


def test_few_images_at_a_time_is_the_same(monkeypatch):
    """However the batch is cut into blocks."""
    rng = np.random.default_rng(1)
    x, W, b = rng.standard_normal((5, 6, 6, 2)), rng.standard_normal((3, 3, 2, 4)), rng.standard_normal(4)
    gy = rng.standard_normal((5, 4, 4, 4))
    numbers_per_image = 4 * 4 * 3 * 3 * 2
    results = []
    for block in (convolution.BLOCK, 2 * numbers_per_image, 1):
        monkeypatch.setattr(convolution, "BLOCK", block)
        y, saved = convolution_2d.forward(xp, x, W, b)
        results.append((y, *convolution_2d.backward(xp, saved, gy, (True, True, True))))
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_the_input_gradient_is_a_convolution_with_the_flipped_kernel():
    rng = np.random.default_rng(2)
    x, W = rng.standard_normal((2, 5, 6, 3)), rng.standard_normal((3, 2, 3, 4))
    y, saved = convolution_2d.forward(xp, x, W)
    gy = rng.standard_normal(y.shape)
    gx, _ = convolution_2d.backward(xp, saved, gy, (True, True))
    flipped = W[::-1, ::-1].transpose(0, 1, 3, 2)
    np.testing.assert_allclose(gx, by_definition(pad_image(xp, gy, ((2, 2), (1, 1))), flipped), atol=1e-13)


def test_a_one_by_one_kernel_is_the_affine_map_of_every_pixel():
    rng = np.random.default_rng(3)
    x, W, b = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((1, 1, 5, 6)), rng.standard_normal(6)
    np.testing.assert_allclose(convolution_2d.forward(xp, x, W, b)[0], x @ W[0, 0] + b, atol=1e-14)


# How many zeros TensorFlow adds for "same", and the size of the result: (image, kernel, stride, dilation).
SAME = [
    ((28, 3, 1, 1), (1, 1), 28),
    ((28, 2, 1, 1), (0, 1), 28),  # an odd number: the extra zero comes after
    ((28, 3, 2, 1), (0, 1), 14),
    ((7, 3, 2, 1), (1, 1), 4),
    ((5, 2, 2, 1), (0, 1), 3),
    ((6, 2, 3, 1), (0, 0), 2),  # a stride beyond the kernel: nothing to add
    ((10, 3, 1, 2), (2, 2), 10),
    ((10, 4, 1, 3), (4, 5), 10),
    ((1, 3, 1, 1), (1, 1), 1),
]


@pytest.mark.parametrize(("axis", "zeros", "size"), SAME)
def test_same_padding(axis, zeros, size):
    image, kernel, stride, dilation = axis
    other = (9, 1, 1, 1)
    arguments = [tuple(pair) for pair in zip(axis, other, strict=True)]
    padding = resolve_padding("same", *arguments)
    assert padding == (zeros, (0, 0))
    assert output_size((image, 9), (kernel, 1), (stride, 1), padding, (dilation, 1)) == (size, 9)
    assert size == -(-image // stride)


def test_valid_and_explicit_padding():
    assert resolve_padding("valid", (5, 5), (3, 3), (1, 1)) == ((0, 0), (0, 0))
    assert resolve_padding(((1, 2), (3, 4)), (5, 5), (3, 3), (1, 1)) == ((1, 2), (3, 4))
    assert output_size((5, 5), (3, 3), (2, 1), ((1, 2), (3, 4))) == (3, 10)
    assert output_size((7, 7), (3, 3), (1, 1), ((0, 0), (0, 0)), (3, 2)) == (1, 3)
    assert min(output_size((2, 2), (3, 3), (1, 1), ((0, 0), (0, 0)))) < 1


def test_errors_say_what_is_wrong():
    x, W = np.zeros((2, 4, 4, 3)), np.zeros((3, 3, 1, 8))
    with pytest.raises(ShapeError, match=r"channels(.|\n)*\(N, H, W, 1\)(.|\n)*\(2, 4, 4, 3\)"):
        convolution_2d.forward(xp, x, W)
    with pytest.raises(ShapeError, match="channels"):
        convolution_2d.forward(xp, x[0], W)
    with pytest.raises(ShapeError, match=r"smaller than the window(.|\n)*5 × 5 pixels"):
        convolution_2d.forward(xp, x[..., :1], W, dilation=(2, 2))
    with pytest.raises(UnknownNameError, match="did you mean 'valid'"):
        resolve_padding("vaild", (4, 4), (3, 3), (1, 1))
    with pytest.raises(ConfigurationError, match="negative"):
        resolve_padding(((0, -1), (0, 0)), (4, 4), (3, 3), (1, 1))
