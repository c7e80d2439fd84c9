"""Philox against its published answers and an independent transcription; streams, and the numbers drawn from them."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines import random
from omomi.engines.random import address, normal, permutation, philox, random_bits, uniform

# The known answers for philox4x32-10 that come with the authors' library (Random123, tests/kat_vectors).
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]
HERE = address(2026, "model/dropout", step=7, draw=1)


def words(text: str) -> tuple[int, ...]:
    return tuple(int(word, 16) for word in text.split())


def scramble(counter: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
    """Philox 4x32-10 as the paper has it, on Python's integers, one block at a time."""
    left0, right0, left1, right1 = counter
    key0, key1 = key
    for _ in range(10):
        high0, low0 = divmod(left0 * 0xD2511F53, 2**32)
        high1, low1 = divmod(left1 * 0xCD9E8D57, 2**32)
        left0, right0 = high1 ^ right0 ^ key0, low1
        left1, right1 = high0 ^ right1 ^ key1, low0
        key0, key1 = (key0 + 0x9E3779B9) % 2**32, (key1 + 0xBB67AE85) % 2**32
    return left0, right0, left1, right1


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_known_answers(counter, key, expected):
    assert scramble(words(counter), words(key)) == words(expected)
    c = tuple(np.full(3, word, np.uint64) for word in words(counter))
    k = tuple(np.uint64(word) for word in words(key))
    for found, word in zip(philox(c, k), words(expected), strict=True):
        assert found.tolist() == [word] * 3


def test_the_words_of_a_draw_are_the_blocks_of_its_counter():
    """The counter is (block, draw, step, seed high) and the key (seed low, path)."""
    seed, step, draw = 0x0123456789ABCDEF, 2**32 - 2, 3
    here = address(seed, "model/dense", step, draw)
    path = random.path_word("model/dense")
    assert here.tolist() == [0x89ABCDEF, 0x01234567, path, step, draw]
    expected = [word for block in range(5) for word in scramble((block, draw, step, 0x01234567), (0x89ABCDEF, path))]
    assert random_bits(here, 20).tolist() == expected


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 4 * random.RUN, 4 * random.RUN + 1, 10 * random.RUN])
def test_fewer_words_are_the_beginning_of_more(count):
    found = random_bits(HERE, count)
    assert found.dtype == np.uint32
    assert found.shape == (count,)
    np.testing.assert_array_equal(found, random_bits(HERE, 10 * random.RUN)[:count])


def test_blocks_beyond_the_first_run_count_on():
    block = random.RUN + 5
    seed_low, seed_high, path, step, draw = HERE.tolist()
    found = random_bits(HERE, 4 * block + 4)[4 * block :]
    assert tuple(found.tolist()) == scramble((block, draw, step, seed_high), (seed_low, path))


def test_every_word_of_the_address_makes_another_stream():
    base = random_bits(HERE, 256)
    for position in range(5):
        other = HERE.copy()
        other[position] ^= np.uint32(1)  # one bit: half of all bits change, give or take
        changed = np.bitwise_count(base ^ random_bits(other, 256)).sum() / (32 * 256)
        assert abs(changed - 0.5) < 4 * 0.5 / np.sqrt(32 * 256)


def test_paths_are_told_apart_by_their_name():
    names = [f"model/layer_{i}/{part}" for i in range(300) for part in ("kernel", "bias")]
    assert len({random.path_word(name) for name in names}) == len(names)
    assert random.path_word("") == 0
    assert random.path_word("123456789") == 0xCBF43926  # the check value of CRC-32


def test_large_and_negative_numbers_wrap_into_words():
    assert address(-1, "a").tolist()[:2] == [0xFFFFFFFF, 0xFFFFFFFF]
    assert address(2**64 + 5, "a", step=2**32 + 1).tolist() == address(5, "a", step=1).tolist()


def distance_to(cumulative, numbers: np.ndarray) -> float:
    """Kolmogorov and Smirnov's √n · sup |F_n − F|: beyond 1.95 in one case of a thousand."""
    numbers = np.sort(numbers)
    n, expected = len(numbers), cumulative(numbers)
    steps = np.arange(n + 1) / n
    return float(np.sqrt(n) * max(np.max(steps[1:] - expected), np.max(expected - steps[:-1])))


def test_uniform_numbers():
    u = uniform(HERE, 100_000)
    assert u.dtype == np.float64
    assert u.min() >= 0
    assert u.max() < 1
    assert u.mean() == pytest.approx(1 / 2, abs=4 / np.sqrt(12 * len(u)))
    assert u.var() == pytest.approx(1 / 12, abs=4 * np.sqrt(1 / 180 / len(u)))
    assert distance_to(lambda x: x, u) < 1.95
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 4 / np.sqrt(len(u))


def test_normal_numbers():
    z = normal(HERE, 100_001)
    assert z.shape == (100_001,)
    assert z.mean() == pytest.approx(0, abs=4 / np.sqrt(len(z)))
    assert z.var() == pytest.approx(1, abs=4 * np.sqrt(2 / len(z)))
    assert (z**3).mean() == pytest.approx(0, abs=4 * np.sqrt(15 / len(z)))
    assert (z**4).mean() == pytest.approx(3, abs=4 * np.sqrt(96 / len(z)))
    # Φ from its table: the shares below −2, −1, 0, 1, 2
    shares = np.searchsorted(np.sort(z), [-2, -1, 0, 1, 2]) / len(z)
    np.testing.assert_allclose(shares, [0.02275, 0.15866, 0.5, 0.84134, 0.97725], atol=4 * 0.5 / np.sqrt(len(z)))


def test_permutations():
    for count in (0, 1, 2, 1000):
        assert sorted(permutation(HERE, count).tolist()) == list(range(count))
    orders = [tuple(permutation(address(1, "shuffle", step), 3).tolist()) for step in range(6000)]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 6
    assert all(abs(count - 1000) < 4 * np.sqrt(6000 * 5 / 36) for count in counts)


def test_a_draw_leaves_nothing_behind():
    before = HERE.copy()
    first = random_bits(HERE, 100)
    random_bits(address(1, "other"), 50)
    np.testing.assert_array_equal(random_bits(HERE, 100), first)
    np.testing.assert_array_equal(HERE, before)
