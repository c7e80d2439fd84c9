"""A process of its own that trains on the engine jax, for tests with several devices or several processes.

``python -m tests.engines.xla.worker OUT.npz NETWORK [ADDRESS PROCESSES PROCESS]`` writes weights, losses and outputs.
"""

from __future__ import annotations

import sys

import numpy as np

import omomi
from omomi import Sequential
from omomi.engines.xla.traced import Traced
from omomi.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(90, 8, 8, 2)).astype(np.float32), RNG.integers(0, 3, 90)
# 16 samples are cut over four devices; the last batch of an epoch has 10, which are not.
BATCH = 16


def mlp() -> Sequential:
    return Sequential(
        [Flatten(input_shape=(8, 8, 2)), Dense(12, activation="tanh"), Dense(3, activation="softmax")], seed=2
    )


def normalised() -> Sequential:
    return Sequential(
        [
            Conv2D(4, 3, use_bias=False, input_shape=(8, 8, 2)),
            BatchNormalization(momentum=0.9),
            omomi.layers.Activation("relu"),
            MaxPooling2D(),
            Dropout(0.25),
            Flatten(),
            Dense(3, activation="softmax"),
        ],
        seed=2,
    )


NETWORKS = {"mlp": mlp, "normalised": normalised}


class EveryBatch(omomi.callbacks.Callback):
    """Keeps the batches from being taken in groups."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        pass


def trained(network: str) -> list[np.ndarray]:
    """Weights, losses and outputs after two epochs: one network batch by batch, the other in groups of batches."""
    model = NETWORKS[network]()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = [EveryBatch()] if network == "mlp" else []
    history = model.fit(
        X, Y, batch_size=BATCH, epochs=2, validation_data=(X[:16], Y[:16]), verbose=0, callbacks=callbacks
    )
    losses = [np.array(values) for values in history.history.values()]
    return [*model.get_weights(), *losses, model.predict(X[:16])]


def main() -> None:
    out, network, *place = sys.argv[1:]
    if place:
        omomi.distributed.join(place[0], int(place[1]), int(place[2]), timeout=60)
    omomi.use("jax")
    cut = Traced(lambda state, batch: (state, batch), omomi.engine().layout).spread({"x": X[:BATCH]})["x"]
    np.savez(out, np.array([cut.addressable_shards[0].data.shape[0]]), *trained(network))


if __name__ == "__main__":
    main()
