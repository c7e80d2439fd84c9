"""Writes losses.npz: values and gradients of Keras's losses for random outputs and targets, with and without weights.

    KERAS_BACKEND=tensorflow python tests/oracles/losses.py

Needs keras and tensorflow; the tests read only the file, which also holds the cases.
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

SMOOTH = {"label_smoothing": 0.1}
# Class, arguments, and the data.
CASES = [
    ("MeanSquaredError", {}, "regression"),
    ("MeanSquaredError", {"reduction": "sum"}, "regression"),
    ("MeanSquaredError", {"reduction": "mean_with_sample_weight"}, "regression"),
    ("MeanAbsoluteError", {}, "regression"),
    ("MeanAbsolutePercentageError", {}, "regression"),
    ("MeanSquaredLogarithmicError", {}, "binary"),
    ("Huber", {"delta": 0.3}, "regression"),
    ("LogCosh", {}, "regression"),
    ("CosineSimilarity", {}, "regression"),
    ("BinaryCrossentropy", {}, "binary"),
    ("BinaryCrossentropy", {"from_logits": True, **SMOOTH}, "logits"),
    ("BinaryFocalCrossentropy", {}, "binary"),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "gamma": 1.5, "alpha": 0.3, **SMOOTH}, "binary"),
    ("BinaryFocalCrossentropy", {"from_logits": True}, "logits"),
    ("CategoricalCrossentropy", SMOOTH, "classes"),
    ("CategoricalCrossentropy", {"from_logits": True, **SMOOTH}, "scores"),
    ("CategoricalFocalCrossentropy", {}, "classes"),
    ("CategoricalFocalCrossentropy", {"alpha": [0.2, 0.3, 0.5], "gamma": 1.0, **SMOOTH}, "classes"),
    ("CategoricalFocalCrossentropy", {"from_logits": True}, "scores"),
    ("SparseCategoricalCrossentropy", {}, "indices"),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1}, "holes"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1, "from_logits": True}, "index_scores"),
    ("Hinge", {}, "logits"),
    ("SquaredHinge", {"reduction": "sum"}, "logits"),
    ("CategoricalHinge", {}, "classes"),
    ("KLDivergence", {}, "classes"),
    ("Poisson", {}, "binary"),
]


def main() -> None:
    keras.config.set_floatx("float64")
    rng = np.random.default_rng(0)
    n, m = 12, 3
    labels = rng.integers(0, m, n)
    shares = rng.dirichlet(np.ones(m), n)
    yes = rng.integers(0, 2, (n, m)).astype(float)
    probabilities = rng.uniform(0.05, 0.95, (n, m))
    numbers = rng.normal(size=(n, m)) + 3
    data = {
        "binary": (yes, probabilities),
        "logits": (yes, rng.normal(size=(n, m))),
        "classes": (np.eye(m)[labels], shares),
        "scores": (np.eye(m)[labels], rng.normal(size=(n, m))),
        "indices": (labels, shares),
        "index_scores": (labels, rng.normal(size=(n, m))),
        "holes": (np.where(rng.random(n) < 0.3, -1, labels), shares),
        "regression": (numbers, numbers + 0.5 * rng.normal(size=(n, m))),
    }
    w = rng.uniform(0.5, 2, n)
    out = {"w": w, "cases": np.array(json.dumps(CASES))}
    for kind, (t, y) in data.items():
        out |= {f"{kind}/t": t, f"{kind}/y": y}
    for i, (name, options, kind) in enumerate(CASES):
        t, y = data[kind]
        for weighted in (False, True):
            x = tf.Variable(y)
            with tf.GradientTape() as tape:
                E = getattr(keras.losses, name)(**options)(t, x, w if weighted else None)
            out[f"{i}/{int(weighted)}"] = E.numpy()
            out[f"{i}/{int(weighted)}/gx"] = tape.gradient(E, x).numpy()
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **out)


if __name__ == "__main__":
    main()
