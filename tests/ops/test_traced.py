"""Hidden values: what a rule may do with them, and what not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.ops.traced import unwrap, wrap, xp

X = np.array([[1.0, -2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x.sum() > 0 else -x,
        lambda x: float(x[0, 0]),
        lambda x: x[int(x[0, 0])],
        lambda x: x[x > 0],
        lambda x: xp.add(x, 1, out=x),
        lambda x: x.__iadd__(1),
        lambda x: x.__setitem__(0, 1.0),
        lambda x: max(x[0, 0], x[1, 1]),
        lambda x: x.item(0),
        lambda x: xp.erf(x).tolist(),
    ],
)
def test_a_look_at_a_value_is_an_error(f: Callable[[Any], Any]) -> None:
    with pytest.raises(AssertionError, match=r"value|writes"):
        f(wrap(X))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: xp.where(x > 0, x, 0).sum(axis=1),
        lambda x: x @ x.T + xp.exp(x).mean(),
        lambda x: x.reshape(-1)[1:3],
        lambda x: xp.concatenate([x, xp.erf(x)]),
        lambda x: xp.take(x, x.argmax(axis=1), axis=0),
        lambda x: xp.zeros(x.shape, x.dtype) + x[..., None].shape[0],
    ],
)
def test_shapes_and_functions_of_arrays_are_not(f: Callable[[Any], Any]) -> None:
    np.testing.assert_array_equal(unwrap(f(wrap(X))), unwrap(f(X)))
