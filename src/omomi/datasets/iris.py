"""Iris: four lengths of 150 flowers of three species; one species is easy to tell, the other two are not.

Source: Fisher 1936, "The use of multiple measurements in taxonomic problems".
"""

from __future__ import annotations

import numpy as np

from omomi.datasets.dataset import Split, stratified_split

CLASSES = ("setosa", "versicolor", "virginica")
FEATURES = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")


def load_data(seed: int = 0) -> Split:
    """The flowers, 80 % of each species to learn from: ((x_train, y_train), (x_test, y_test)).

    x is float32 (n, 4) in centimetres, y is uint8 (n,). The same seed gives the same division.
    """
    from sklearn.datasets import load_iris  # takes a second

    bunch = load_iris()
    return stratified_split(bunch.data.astype(np.float32), bunch.target.astype(np.uint8), name="iris", seed=seed)
