"""Kinds of sources that all give the same batches, and a network that learns from them."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_array_equal

import omomi
from omomi.layers import Dense
from omomi.utils import PyDataset

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = (X @ np.array([[1.0], [-1.0], [0.5]], np.float32)).astype(np.float32)
SIZE = 8  # 5 batches
BATCHES = [(X[i : i + SIZE], Y[i : i + SIZE]) for i in range(0, 40, SIZE)]


def network(seed=0, units=1, **options):
    model = omomi.Sequential([Dense(units, input_shape=(3,))], seed=seed)
    model.compile(omomi.optimizers.Adam(0.05), **{"loss": "mse", "metrics": ["mae"], **options})
    return model


def fit(data, *more, **options):
    model = network()
    model.fit(data, *more, **{"verbose": 0, "epochs": 2, **options})
    return model


def same(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert_array_equal(a, b)


def forever(batches=BATCHES):
    while True:
        yield from batches


class Set(PyDataset):
    def __init__(self, batches=BATCHES, **options):
        super().__init__(**options)
        self.batches, self.ended = batches, 0

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, number):
        return self.batches[number]

    def on_epoch_end(self):
        self.ended += 1


class Loader:
    """As a DataLoader: begins anew with each ``iter``, gives lists."""

    def __init__(self, batches=BATCHES):
        self.batches, self.begun = batches, 0

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        self.begun += 1
        return iter([list(batch) for batch in self.batches])
