"""The loss scale, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.reference import xp
from omomi.ops.precision import LARGEST, loss_scale


@pytest.mark.parametrize(
    ("scale", "steps", "loss", "finite", "expected"),
    [
        (8, 0, 1.0, True, (8, 1, True)),  # one more step without overflow
        (8, 2, 1.0, True, (16, 0, True)),  # the third: try a larger one
        (8, 2, 1.0, False, (4, 0, True)),  # an overflow: halve, leave the step out, go on
        (1, 2, 1.0, False, (1, 0, False)),  # there is nothing left to halve
        (8, 0, np.inf, False, (4, 0, False)),  # the loss itself is not finite: no scale helps
        (LARGEST, 2, 1.0, True, (LARGEST, 0, True)),
    ],
)
def test_loss_scale(scale, steps, loss, finite, expected):
    arrays = (np.float32(scale), np.uint32(steps), np.float32(loss), np.bool_(finite))
    found, _ = loss_scale.forward(xp, *arrays, patience=3)
    assert tuple(found) == expected
    assert (found[0].dtype, found[1].dtype) == (np.float32, np.uint32)
