from __future__ import annotations

import numpy as np

from omomi.inspect.picture_data import grey_levels


def test_grey_images_are_stretched_together():
    stack = np.array([[[10.0, 20.0]], [[30.0, 30.0]]])  # the median border is at the high end: nothing is turned
    np.testing.assert_allclose(grey_levels(stack), [[[0, 0.5]], [[1, 1]]])


def test_bright_ink_on_a_dark_border_is_shown_as_dark_ink_on_light_paper():
    digit = np.zeros((1, 5, 5), np.uint8)
    digit[0, 2, 2] = 255
    shown = grey_levels(digit)
    assert shown[0, 0, 0] == 1
    assert shown[0, 2, 2] == 0
    np.testing.assert_array_equal(grey_levels(255 - digit), shown)


def test_colours_keep_their_meaning():
    bytes_ = np.array([[[[0, 51, 102]]]], np.uint8)
    np.testing.assert_allclose(grey_levels(bytes_), [[[[0, 0.2, 0.4]]]])
    unit = np.array([[[[0.0, 0.25, 0.5]]]])
    np.testing.assert_allclose(grey_levels(unit), unit)
    centred = np.array([[[[-1.0, 0.0, 1.0]]]])
    np.testing.assert_allclose(grey_levels(centred), [[[[0, 0.5, 1]]]])


def test_what_is_not_finite_becomes_grey():
    stack = np.array([[[0.0, np.nan, 1.0, np.inf, 1.0, 1.0]]])
    np.testing.assert_allclose(grey_levels(stack), [[[0, 0.5, 1, 0.5, 1, 1]]])
    np.testing.assert_allclose(grey_levels(np.full((1, 2, 2), np.nan)), 0.5)
    np.testing.assert_allclose(grey_levels(np.array([[[-1.7e308, 1.7e308, 1.7e308]]])), [[[0, 1, 1]]])
