"""Wine: thirteen measurements of 178 Italian wines of three cultivars. Their units differ: standardise them first.

Source: Forina and others 1991, "PARVUS", by way of the UCI Machine Learning Repository.
"""

from __future__ import annotations

import numpy as np

from omomi.datasets.dataset import Split, stratified_split

CLASSES = ("cultivar 1", "cultivar 2", "cultivar 3")
FEATURES = (
    "alcohol",
    "malic acid",
    "ash",
    "alkalinity of ash",
    "magnesium",
    "total phenols",
    "flavanoids",
    "nonflavanoid phenols",
    "proanthocyanins",
    "colour intensity",
    "hue",
    "OD280/OD315 of diluted wines",
    "proline",
)


def load_data(seed: int = 0) -> Split:
    """The wines, 80 % of each cultivar to learn from: ((x_train, y_train), (x_test, y_test)).

    x is float32 (n, 13), as measured, y is uint8 (n,). The same seed gives the same division.
    """
    from sklearn.datasets import load_wine  # takes a second

    bunch = load_wine()
    return stratified_split(bunch.data.astype(np.float32), bunch.target.astype(np.uint8), name="wine", seed=seed)
