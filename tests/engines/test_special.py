"""The error function against Python's own."""

from __future__ import annotations

from math import erf

import numpy as np

from omomi.engines import special


def test_erf_to_the_last_digits() -> None:
    x = np.concatenate([np.linspace(-7, 7, 4001), np.logspace(-20, 0, 101), [0.46875, 6.0, 1e4, -1e4, 1e30]])
    np.testing.assert_allclose(special.erf(x), [erf(v) for v in x], rtol=1e-15, atol=0)


def test_erf_of_float32_stays_float32() -> None:
    x = np.linspace(-5, 5, 1001, dtype=np.float32)
    y = special.erf(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, [erf(v) for v in x], rtol=1e-6)


def test_erf_of_what_is_no_number() -> None:
    np.testing.assert_array_equal(special.erf(np.array([np.inf, -np.inf, np.nan])), [1, -1, np.nan])
