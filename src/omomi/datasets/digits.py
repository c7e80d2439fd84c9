"""The small digits that come with scikit-learn: 1,797 handwritten digits of 8×8 pixels, no download.

Source: Alpaydin and Kaynak 1998, "Optical recognition of handwritten digits", UCI Machine Learning Repository.
"""

from __future__ import annotations

import numpy as np

from omomi.datasets.dataset import Split, stratified_split

CLASSES = tuple("0123456789")
SCALE = 16


def load_data(seed: int = 0) -> Split:
    """The digits, 80 % of each class to learn from: ((x_train, y_train), (x_test, y_test)).

    Images are uint8 (n, 8, 8), from 0 for the paper to 16 for ink: divide by 16 and not by 255. Labels are
    uint8 (n,). The same seed gives the same division.
    """
    from sklearn.datasets import load_digits  # takes a second

    bunch = load_digits()
    return stratified_split(bunch.images.astype(np.uint8), bunch.target.astype(np.uint8), name="digits", seed=seed)
