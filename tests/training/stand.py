"""What the tests of callbacks train, and a model that only stands for one."""

from __future__ import annotations

import numpy as np

import omomi
from omomi.layers import Dense

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype(np.float32)
Y = X @ np.array([[1.0], [-1.0], [0.5]], np.float32)


def network(rate=0.05):
    model = omomi.Sequential([Dense(1, input_shape=(3,))], seed=0)
    model.compile(omomi.optimizers.SGD(rate), "mse", metrics=["mae"])
    return model


def fit(model, *callbacks, **options):
    return model.fit(X, Y, **{"verbose": 0, "batch_size": 8, **options}, callbacks=list(callbacks)).history


class Stand:
    """A model whose weights are the number of its epoch, and which writes down when it is saved."""

    def __init__(self):
        self.optimizer = omomi.optimizers.SGD(1.0)
        self.stop_training, self.epoch, self.files = False, 0, []

    def get_weights(self):
        return [self.epoch]

    def set_weights(self, weights):
        (self.epoch,) = weights

    def save(self, path):
        self.files.append(("model", path))

    def save_weights(self, path):
        self.files.append(("weights", path))
