"""Breast cancer of Wisconsin: thirty measurements of the cell nuclei of 569 tumours, malignant or benign.

Source: Street, Wolberg and Mangasarian 1993, "Nuclear feature extraction for breast tumor diagnosis".
"""

from __future__ import annotations

import numpy as np

from omomi.datasets.dataset import Split, stratified_split

CLASSES = ("malignant", "benign")
_MEASURED = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)
# Of each measurement the mean over the nuclei of an image, its standard error, and the mean of the three largest.
FEATURES = tuple(f"{which} {name}" for which in ("mean", "error of", "worst") for name in _MEASURED)


def load_data(seed: int = 0) -> Split:
    """The tumours, 80 % of each class to learn from: ((x_train, y_train), (x_test, y_test)).

    x is float32 (n, 30), as measured, y is uint8 (n,). The same seed gives the same division.
    """
    from sklearn.datasets import load_breast_cancer  # takes a second

    bunch = load_breast_cancer()
    x, y = bunch.data.astype(np.float32), bunch.target.astype(np.uint8)
    return stratified_split(x, y, name="breast_cancer", seed=seed)
