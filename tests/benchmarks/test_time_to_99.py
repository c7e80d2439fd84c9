"""The recipe's one cycle, by hand, and a training with it."""

from __future__ import annotations

import numpy as np
from benchmarks.time_to_99 import CANDIDATES, CHOSEN, Recipe, accuracy, train

TOY = Recipe(((2, 5), (3, 3)), "adam", 0.02, 8, 2, rising=0.5)


def test_the_rate_goes_up_to_the_peak_and_down():
    rate = TOY.rate(samples=16)  # two epochs of two batches: four steps
    # Up from a tenth of the peak in half of them, along half a cosine, and down to a ten thousandth.
    np.testing.assert_allclose([rate(t) for t in range(4)], [0.002, 0.02, 0.010001, 2e-6], rtol=1e-6)


def test_a_recipe_trains():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 32)
    x = np.zeros((32, 28, 28, 1), np.uint8)
    x[labels == 1, 8:20, 8:20] = 255  # a square, or nothing
    y = np.eye(10, dtype=np.float32)[labels]
    model, seconds = train(TOY, x, y, seed=0)
    assert seconds > 0
    assert 0 <= accuracy(model, x, y) <= 1
    assert int(model.optimizer.iterations.array) == 8  # two epochs of four batches


def test_the_chosen_recipe_is_one_of_the_candidates_and_reads_well():
    assert CHOSEN in CANDIDATES
    assert str(TOY) == (
        "Convolutions 2×5×5, 3×3×3, each with batch normalisation and ReLU, pooling between them, Dense 10; "
        "adam, one cycle up to 0.02, batch 8, epochs: 2"
    )
