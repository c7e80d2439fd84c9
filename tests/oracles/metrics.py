"""Writes metrics.npz: what Keras's metrics say of random outputs and targets, with weights, over two batches.

    KERAS_BACKEND=tensorflow python tests/oracles/metrics.py

Needs keras and tensorflow; the tests read only the file, which also holds the cases.
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np

# Class, arguments, and the data it judges.
CASES = [
    ("BinaryAccuracy", {"threshold": 0.4}, "binary"),
    ("CategoricalAccuracy", {}, "classes"),
    ("SparseCategoricalAccuracy", {}, "indices"),
    ("TopKCategoricalAccuracy", {"k": 2}, "classes"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "indices"),
    ("BinaryCrossentropy", {}, "binary"),
    ("BinaryCrossentropy", {"from_logits": True}, "logits"),
    ("CategoricalCrossentropy", {}, "classes"),
    ("SparseCategoricalCrossentropy", {}, "indices"),
    ("MeanSquaredError", {}, "regression"),
    ("RootMeanSquaredError", {}, "column"),
    ("MeanAbsoluteError", {}, "regression"),
    ("MeanAbsolutePercentageError", {}, "regression"),
    ("MeanSquaredLogarithmicError", {}, "binary"),
    ("CosineSimilarity", {}, "regression"),
    ("LogCoshError", {}, "regression"),
    ("KLDivergence", {}, "classes"),
    ("Poisson", {}, "binary"),
    ("Hinge", {}, "logits"),
    ("SquaredHinge", {}, "logits"),
    ("CategoricalHinge", {}, "classes"),
    ("Precision", {}, "binary"),
    ("Precision", {"thresholds": [0.7, 0.2]}, "binary"),
    ("Precision", {"top_k": 2}, "classes"),
    ("Precision", {"class_id": 1, "thresholds": 0.3}, "classes"),
    ("Recall", {}, "binary"),
    ("Recall", {"top_k": 2, "class_id": 2}, "classes"),
    ("TruePositives", {}, "binary"),
    ("FalsePositives", {"thresholds": 0.3}, "binary"),
    ("TrueNegatives", {}, "binary"),
    ("FalseNegatives", {}, "binary"),
    ("PrecisionAtRecall", {"recall": 0.6}, "binary"),
    ("RecallAtPrecision", {"precision": 0.5}, "binary"),
    ("SensitivityAtSpecificity", {"specificity": 0.6}, "binary"),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6}, "binary"),
    ("AUC", {}, "binary"),
    ("AUC", {"num_thresholds": 20, "summation_method": "minoring"}, "binary"),
    ("AUC", {"num_thresholds": 20, "summation_method": "majoring"}, "binary"),
    ("AUC", {"curve": "PR", "num_thresholds": 30}, "binary"),
    ("AUC", {"curve": "PR", "summation_method": "majoring"}, "binary"),
    ("AUC", {"thresholds": [0.2, 0.5, 0.6]}, "binary"),
    ("AUC", {"from_logits": True}, "logits"),
    ("AUC", {"multi_label": True}, "binary"),
    ("AUC", {"multi_label": True, "label_weights": [0.2, 0.5, 0.3]}, "binary"),
    ("F1Score", {}, "classes"),
    ("F1Score", {"average": "macro"}, "classes"),
    ("F1Score", {"average": "weighted", "threshold": 0.4}, "binary"),
    ("FBetaScore", {"average": "micro", "beta": 2.0, "threshold": 0.5}, "binary"),
    ("MeanIoU", {"num_classes": 3}, "ids"),
    ("IoU", {"num_classes": 3, "target_class_ids": [0, 2]}, "ids"),
    ("OneHotMeanIoU", {"num_classes": 3}, "classes"),
    ("OneHotIoU", {"num_classes": 3, "target_class_ids": [1]}, "classes"),
    ("R2Score", {}, "regression"),
    ("R2Score", {"class_aggregation": None}, "regression"),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, "regression"),
]


def main() -> None:
    rng = np.random.default_rng(0)
    n, m = 40, 3
    labels = rng.integers(0, m, n)
    shares = rng.dirichlet(np.ones(m), n)
    shares[np.arange(n), labels] += 0.2
    shares /= shares.sum(axis=1, keepdims=True)
    yes = rng.integers(0, 2, (n, m)).astype("float32")
    probabilities = np.clip(0.3 * yes + rng.uniform(0, 0.7, (n, m)), 0.01, 0.99)
    numbers = rng.normal(size=(n, m)) + 3
    data = {
        "binary": (yes, probabilities),
        "logits": (yes, np.log(probabilities / (1 - probabilities))),
        "classes": (np.eye(m)[labels], shares),
        "indices": (labels, shares),
        "ids": (labels, shares.argmax(axis=1)),
        "regression": (numbers, numbers + 0.5 * rng.normal(size=(n, m))),
        "column": (numbers[:, :1], numbers[:, :1] + 0.5 * rng.normal(size=(n, 1))),
    }
    w = rng.uniform(0.5, 2, n).astype("float32")
    out = {"w": w, "cases": np.array(json.dumps(CASES))}
    for kind, (t, y) in data.items():
        t, y = (a.astype("float32") if a.dtype.kind == "f" else a.astype("int32") for a in (t, y))
        data[kind] = t, y
        out |= {f"{kind}/t": t, f"{kind}/y": y}
    for i, (name, options, kind) in enumerate(CASES):
        t, y = data[kind]
        for weighted in (False, True):
            kept = {"dtype": "float32"} if "IoU" in name else {}  # else Keras rounds the weights
            metric = getattr(keras.metrics, name)(**options, **kept)
            for part in (slice(0, 25), slice(25, n)):
                metric.update_state(t[part], y[part], w[part] if weighted else None)
            out[f"{i}/{int(weighted)}"] = np.asarray(metric.result())
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **out)


if __name__ == "__main__":
    main()
