"""Dropout: who stays, by how much it grows, and from where its mask comes."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines import random
from omomi.engines.reference import xp
from omomi.errors import ConfigurationError
from omomi.ops.dropout import draw_address, dropout

ADDRESS = random.address(5, "model/dropout", step=3)


def run(x, rate, address=ADDRESS):
    return dropout.forward(xp, x, address, rate=rate)[0]


def test_the_mask_is_the_comparison_of_words():
    """With p = ¼ a unit stays if its word reaches 2³⁰; what stays is divided by ¾."""
    x = np.arange(1.0, 25.0).reshape(2, 3, 4)
    stays = (random.random_bits(ADDRESS, 24) >= 2**30).reshape(2, 3, 4)
    assert 0 < stays.sum() < 24
    np.testing.assert_allclose(run(x, 0.25), np.where(stays, x / 0.75, 0), rtol=1e-15)


def test_a_word_that_just_reaches_the_rate_stays():
    first = int(random.random_bits(ADDRESS, 1)[0])
    assert run(np.ones(1), first / 2**32) > 0
    assert run(np.ones(1), (first + 1) / 2**32) == 0


def test_backward_goes_through_the_same_mask():
    x = np.ones((50, 4))
    y, saved = dropout.forward(xp, x, ADDRESS, rate=0.5)
    gx, none = dropout.backward(xp, saved, np.full_like(x, 3.0), (True, False), rate=0.5)
    np.testing.assert_array_equal(gx, 3 * y)
    assert set(np.unique(y)) == {0.0, 2.0}
    assert none is None


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.9])
def test_the_mean_stays(rate):
    """Of M units M (1 − p) stay, give or take four standard deviations √(M p (1 − p))."""
    count = 100_000
    stay = int((run(np.ones(count), rate) > 0).sum())
    assert abs(stay - count * (1 - rate)) < 4 * np.sqrt(count * rate * (1 - rate))
    assert run(np.ones(count), rate).mean() == pytest.approx(1, abs=4 * np.sqrt(rate / (1 - rate) / count))


def test_rate_zero_changes_nothing():
    x = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    np.testing.assert_array_equal(run(x, 0.0), x)


def test_the_same_address_gives_the_same_mask_and_another_another():
    x = np.ones(1000)
    np.testing.assert_array_equal(run(x, 0.5), run(x, 0.5))
    assert (run(x, 0.5) != run(x, 0.5, random.address(5, "model/dropout", step=4))).mean() > 0.4


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan")])
def test_a_rate_out_of_range_is_an_error(rate):
    with pytest.raises(ConfigurationError, match="0 ≤ rate < 1"):
        run(np.ones(3), rate)


@pytest.mark.parametrize(
    ("seed", "path", "step", "draw"),
    [(0, "", 0, 0), (2**64 - 1, "model/dropout_1", 2**32 - 1, 7), (123456789012345, "a", 1, 1)],
)
def test_an_address_put_together_in_a_step_is_that_of_the_generator(seed, path, step, draw):
    expected = random.address(seed, path, step, draw)
    words = np.array([seed & 0xFFFFFFFF, seed >> 32], np.uint32)
    found, _ = draw_address.forward(xp, words, np.asarray(step, np.uint32), path=random.path_word(path), draw=draw)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, expected)
