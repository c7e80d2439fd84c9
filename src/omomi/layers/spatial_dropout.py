"""Dropout of whole channels. Neighbours in a channel say nearly the same: dropping single ones would drop little."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from omomi.errors import ShapeError
from omomi.graph import functions
from omomi.graph.variable import Variable
from omomi.layers.core import _Dropping
from omomi.layers.layer import Shape


class _SpatialDropout(_Dropping):
    """One draw for each sample and channel, shared by all places."""

    rank: ClassVar[int]

    def check_input(self, shape: Shape) -> None:
        if len(shape) != self.rank + 2:
            raise ShapeError(
                "the input has the wrong number of axes.",
                where=self.where,
                expected=f"{self.rank + 2} axes: batch, {self.rank} of places, channels",
                received=f"shape {tuple(shape)}",
            )

    def dropped(self, inputs: Variable) -> Variable:
        channels = np.ones((inputs.shape[0], *(1,) * self.rank, inputs.shape[-1]), inputs.dtype)
        return inputs * functions.dropout(channels, self.rate)


class SpatialDropout1D(_SpatialDropout):
    """In training, whole channels of sequences (N, T, C) are dropped, the rest scaled by 1/(1 − rate).

    Source: Tompson et al. 2015, arXiv:1411.4280.

    Args:
        rate: the probability of a channel being dropped, 0 ≤ rate < 1.
    """

    rank = 1


class SpatialDropout2D(_SpatialDropout):
    """In training, whole channels of images (N, H, W, C) are dropped; otherwise as SpatialDropout1D."""

    rank = 2


class SpatialDropout3D(_SpatialDropout):
    """In training, whole channels of volumes (N, D, H, W, C) are dropped; otherwise as SpatialDropout1D."""

    rank = 3
