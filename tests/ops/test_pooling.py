"""Pooling against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.reference import xp
from omomi.errors import ConfigurationError, ShapeError
from omomi.ops.pooling import average_pooling_2d, max_pooling_2d

IMAGE = np.array(
    [
        [1.0, 5.0, 2.0, 0.0],
        [3.0, 4.0, 8.0, 7.0],
        [9.0, 6.0, 1.0, 2.0],
        [0.0, 2.0, 3.0, 4.0],
    ]
)


def run(rule, image, gy=None, **attributes):
    """y of one image with one channel, and gx if gy is given."""
    image = np.asarray(image, float)
    y, saved = rule.forward(xp, image.reshape(1, *image.shape, 1), **attributes)
    if gy is None:
        return y[0, :, :, 0].tolist()
    (gx,) = rule.backward(xp, saved, np.asarray(gy, float).reshape(y.shape), (True,), **attributes)
    return gx[0, :, :, 0].tolist()


def test_max_pooling_by_hand():
    assert run(max_pooling_2d, IMAGE) == [[5, 8], [9, 4]]
    assert run(max_pooling_2d, IMAGE, [[1, 2], [3, 4]]) == [
        [0, 1, 0, 0],
        [0, 0, 2, 0],
        [3, 0, 0, 0],
        [0, 0, 0, 4],
    ]


def test_a_pixel_of_several_windows_collects_from_all_of_them():
    attributes = {"size": (2, 2), "strides": (1, 1)}
    assert run(max_pooling_2d, IMAGE, **attributes) == [[5, 8, 8], [9, 8, 8], [9, 6, 4]]
    gy = [[1, 2, 4], [8, 16, 32], [64, 128, 256]]
    assert run(max_pooling_2d, IMAGE, gy, **attributes) == [
        [0, 1, 0, 0],
        [0, 0, 2 + 4 + 16 + 32, 0],
        [8 + 64, 128, 0, 0],
        [0, 0, 0, 256],
    ]


def test_of_equal_values_the_first_wins():
    assert run(max_pooling_2d, [[7, 7], [7, 7]], [[1]]) == [[1, 0], [0, 0]]
    assert run(max_pooling_2d, [[0, 7], [7, 7]], [[1]]) == [[0, 1], [0, 0]]
    assert run(max_pooling_2d, [[0, 0], [7, 7]], [[1]]) == [[0, 0], [1, 0]]


def test_the_border_never_wins():
    attributes = {"size": (2, 2), "strides": (2, 2), "padding": ((1, 0), (1, 0))}
    image = [[-1, -2, -3], [-4, -5, -6], [-7, -8, -9]]
    assert run(max_pooling_2d, image, **attributes) == [[-1, -2], [-4, -5]]
    assert run(max_pooling_2d, image, [[1, 2], [3, 4]], **attributes) == [[1, 2, 0], [3, 4, 0], [0, 0, 0]]


def test_what_is_not_a_number_stays_visible():
    assert np.isnan(run(max_pooling_2d, [[1, np.nan], [2, 3]])[0][0])


def test_average_pooling_by_hand():
    assert run(average_pooling_2d, IMAGE) == [[13 / 4, 17 / 4], [17 / 4, 10 / 4]]
    assert run(average_pooling_2d, IMAGE, [[4, 8], [12, 16]]) == [
        [1, 1, 2, 2],
        [1, 1, 2, 2],
        [3, 3, 4, 4],
        [3, 3, 4, 4],
    ]


def test_the_border_is_not_counted():
    """A corner window covers one pixel of the image, an edge window two, an inner one four."""
    attributes = {"size": (2, 2), "strides": (2, 2), "padding": ((1, 1), (1, 1))}
    image = [[8.0, 4.0], [2.0, 6.0]]
    assert run(average_pooling_2d, image, **attributes) == [[8, 4], [2, 6]]
    wide = {"size": (3, 3), "strides": (1, 1), "padding": ((1, 1), (1, 1))}
    assert run(average_pooling_2d, np.ones((3, 3)), **wide) == np.ones((3, 3)).tolist()
    assert run(average_pooling_2d, np.ones((3, 3)), np.ones((3, 3)), **wide)[0][0] == pytest.approx(
        1 / 4 + 1 / 6 + 1 / 6 + 1 / 9
    )


def test_rows_and_columns_beyond_the_last_window_get_nothing():
    for rule in (max_pooling_2d, average_pooling_2d):
        gx = np.array(run(rule, np.arange(25.0).reshape(5, 5), np.ones((2, 2))))
        assert gx[4].tolist() == gx[:, 4].tolist() == [0] * 5
        assert gx.sum() == 4


@pytest.mark.parametrize("rule", [max_pooling_2d, average_pooling_2d])
def test_errors_say_what_is_wrong(rule):
    with pytest.raises(ShapeError, match="smaller than the window"):
        rule.forward(xp, np.zeros((1, 2, 2, 1)), size=(3, 3))
    with pytest.raises(ConfigurationError, match="in the border entirely"):
        rule.forward(xp, np.zeros((1, 4, 4, 1)), size=(2, 2), padding=((2, 0), (0, 0)))
