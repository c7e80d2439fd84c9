"""Writes keras_branches.npz: a Keras model with two inputs, two outputs, a shared layer and a model inside, trained.

    KERAS_BACKEND=tensorflow python tests/oracles/keras_branches.py

Needs keras and tensorflow; the tests read only the file. It holds the names of the layers and the shapes of the weights
in Keras's order, the weights before and after five steps of SGD on whole batches, outputs, and what evaluate returns.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from branches import network
from keras import layers


def main() -> None:
    rng = np.random.default_rng(0)
    model = network(keras, layers)
    weights = [rng.normal(size=w.shape).astype(np.float32) * 0.5 for w in model.get_weights()]
    model.set_weights(weights)
    left, right = rng.normal(size=(12, 3)).astype(np.float32), rng.normal(size=(12, 5)).astype(np.float32)
    number, kind = rng.normal(size=(12, 1)).astype(np.float32), rng.integers(0, 3, 12)
    per_sample = rng.uniform(0.5, 2, 12).astype(np.float32)
    outputs = model.predict([left, right], verbose=0)
    model.compile(
        keras.optimizers.SGD(0.05),
        loss={"number": "mse", "kind": "sparse_categorical_crossentropy"},
        loss_weights={"number": 0.3, "kind": 2.0},
        metrics={"number": ["mae"], "kind": ["accuracy"]},
        weighted_metrics={"kind": ["accuracy"]},
    )
    given = {
        "x": {"left": left, "right": right},
        "y": [number, kind],
        "sample_weight": [np.ones(12, np.float32), per_sample],
    }
    logs = model.evaluate(**given, batch_size=4, verbose=0, return_dict=True)
    history = model.fit(**given, batch_size=12, epochs=5, shuffle=False, verbose=0)
    out = {
        "layers": np.array([layer.name for layer in model.layers]),
        "output_names": np.array(model.output_names),
        "left": left,
        "right": right,
        "number": number,
        "kind": kind,
        "per_sample": per_sample,
        "output_number": outputs[0],
        "output_kind": outputs[1],
        "history_loss": np.array(history.history["loss"]),
    }
    out |= {f"log/{name}": np.array(value) for name, value in logs.items()}
    for i, (before, after) in enumerate(zip(weights, model.get_weights(), strict=True)):
        out |= {f"before/{i}": before, f"after/{i}": after}
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **out)


if __name__ == "__main__":
    main()
