"""How Keras 1 kept weights: an array for each gate of a recurrent layer, kernels of sequences with an axis more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from omomi.errors import FileFormatError
from omomi.layers.convolution import Conv1D, Conv2DTranspose
from omomi.layers.layer import Layer
from omomi.layers.recurrent import GRU, LSTM
from omomi.layers.wrappers import Bidirectional, TimeDistributed

# The order of the gates in the file → their order in today's kernels.
LSTM_GATES = (0, 2, 1, 3)  # i, c, f, o → i, f, c, o
GRU_GATES = (0, 1, 2)  # z, r, h


def from_keras1(layer: Layer, arrays: Sequence[np.ndarray], where: str) -> list[np.ndarray]:
    """The list of Keras 1 as that of today.

    Raises:
        FileFormatError: a layer whose weights are not known to be convertible.
    """
    arrays = list(arrays)
    if isinstance(layer, Bidirectional):
        half = len(arrays) // 2
        return [
            *from_keras1(layer.children["forward_layer"], arrays[:half], where),
            *from_keras1(layer.children["backward_layer"], arrays[half:], where),
        ]
    if isinstance(layer, TimeDistributed):
        return from_keras1(layer.children["layer"], arrays, where)
    if isinstance(layer, Conv2DTranspose):
        raise FileFormatError("the weights of Deconvolution2D of Keras 1 are not converted.", where=where)
    if isinstance(layer, Conv1D) and arrays and arrays[0].ndim == 4:  # (length, 1, C_in, filters)
        return [arrays[0][:, 0], *arrays[1:]]
    for kind, gates in ((LSTM, LSTM_GATES), (GRU, GRU_GATES)):
        if isinstance(layer, kind) and len(arrays) == 3 * len(gates):
            return [np.concatenate([arrays[3 * gate + part] for gate in gates], axis=-1) for part in range(3)]
    return arrays
