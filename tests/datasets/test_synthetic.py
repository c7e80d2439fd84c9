"""Points in the plane: shapes, labels, geometry, and that a seed fixes them."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.datasets import circles, moons, spirals, xor
from omomi.errors import ConfigurationError


@pytest.mark.parametrize("make", [xor, spirals, moons, circles])
def test_what_all_have_in_common(make):
    x, y = make(60, seed=1)
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((60, 2), np.float32, (60,), np.int64)
    assert np.bincount(y).tolist() == [60 // len(set(y))] * len(set(y))
    np.testing.assert_array_equal(make(60, seed=1)[0], x)
    assert (make(60, seed=2)[0] != x).any()
    assert make(0)[0].shape == (0, 2)
    assert make(1)[0].shape == (1, 2)
    assert np.abs(np.diff(y[:20])).sum() > 0  # in random order


def test_xor_without_noise_is_the_truth_table():
    x, y = xor(4, noise=0)
    table = {tuple(row): label for row, label in zip(x.tolist(), y.tolist(), strict=True)}
    assert table == {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 0}


def test_the_noise_has_the_chosen_size():
    exact, noisy = circles(2000, noise=0, seed=3)[0], circles(2000, noise=0.2, seed=3)[0]
    assert (noisy - exact).std() == pytest.approx(0.2, rel=0.05)


def test_circles_have_the_chosen_radii():
    x, y = circles(100, noise=0, factor=0.3)
    np.testing.assert_allclose(np.hypot(*x.T), np.where(y == 0, 1, 0.3), rtol=1e-6)


def test_moons_lie_on_two_half_circles():
    x, y = moons(100, noise=0)
    upper, lower = x[y == 0], x[y == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1, rtol=1e-6)
    np.testing.assert_allclose(np.hypot(*(lower - [1, 0.5]).T), 1, rtol=1e-6)
    assert upper[:, 1].min() > -1e-6
    assert lower[:, 1].max() < 0.5 + 1e-6


def test_spirals_are_turned_copies_of_each_other():
    x, y = spirals(30, classes=3, noise=0)
    first, second = (x[y == k][np.argsort(np.hypot(*x[y == k].T))] for k in (0, 1))
    c, s = np.cos(2 * np.pi / 3), np.sin(2 * np.pi / 3)
    np.testing.assert_allclose(second, first @ np.array([[c, s], [-s, c]]), atol=1e-6)
    assert np.hypot(*x.T).max() == pytest.approx(1)
    with pytest.raises(ConfigurationError):
        spirals(10, classes=0)
