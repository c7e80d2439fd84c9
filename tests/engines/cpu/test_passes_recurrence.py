"""The simple cell and the LSTM against their rules in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import recurrence
from omomi.engines.cpu.launch import Array, run
from omomi.engines.reference import xp
from omomi.ops.recurrent import lstm, simple_recurrence
from tests.engines.cpu.passes import DTYPES, assert_near, check_bits, normal

SHAPES = [(1, 1, 1), (3, 4, 5), (37, 9, 20), (16, 3, 70), (29, 2, 8)]  # samples, times, units


def _given(shape: tuple[int, int, int], dtype: str) -> list[Array]:
    """u, U, h0, c0, and the deltas of the states and of the last memory."""
    n, t, h = shape
    u, U = normal(1, n, t, 4 * h, dtype=dtype), normal(2, h, 4 * h, dtype=dtype) / np.asarray(np.sqrt(h), dtype)
    states = [normal(3 + k, n, h, dtype=dtype) for k in range(2)]
    return [u, U, *states, normal(5, n, t, h, dtype=dtype), normal(6, n, h, dtype=dtype)]


def _made(shape: tuple[int, int, int], dtype: str) -> dict[str, Array]:
    n, t, h = shape
    shapes = {
        "y": (n, t, h),
        "last": (n, h),
        "gates": (n, t, 4 * h),
        "memory": (n, t, h),
        "before": (n, t, h),
        "gu": (n, t, 4 * h),
        "gh0": (n, h),
        "gc0": (n, h),
        "UT": (4 * h, h),
        "gU": (h, 4 * h),
    }
    return {name: np.full(size, np.nan, dtype) for name, size in shapes.items()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("deltas", ["both", "states", "memory"])
@pytest.mark.parametrize("shape", SHAPES)
def test_lstm(vectors: str, shape: tuple[int, int, int], deltas: str, dtype: str) -> None:
    u, U, h0, c0, gy, g_last = _given(shape, dtype)
    m = _made(shape, dtype)
    gy = np.empty(0, dtype) if deltas == "memory" else gy
    g_last = np.empty((0, 0), dtype) if deltas == "states" else g_last
    kept = m["gates"], m["memory"], m["before"]
    run(recurrence.lstm(u, U, h0, c0, m["y"], m["last"], *kept))
    run(recurrence.lstm_gradient(U, c0, *kept, gy, g_last, m["gu"], m["gh0"], m["gc0"], m["UT"], gU=m["gU"]))
    wide = [a.astype(np.float64) for a in (u, U, h0, c0, gy, g_last)]
    (y, last), saved = lstm.forward(xp, *wide[:4])
    assert_near(m["y"], y, scale=20)
    assert_near(m["last"], last, scale=20)
    given = tuple(g if g.size else None for g in wide[4:])
    expected = lstm.backward(xp, saved, given, (True,) * 4)
    for name, g in zip(("gu", "gU", "gh0", "gc0"), expected, strict=True):
        assert_near(m[name], g, scale=40 * max(1.0, np.abs(g).max()))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "linear"])
@pytest.mark.parametrize("shape", SHAPES)
def test_simple_cell(shape: tuple[int, int, int], activation: str, dtype: str) -> None:
    n, t, h = shape
    u, gy = (normal(seed, n, t, h, dtype=dtype) for seed in (1, 2))
    U, h0 = normal(3, h, h, dtype=dtype) / np.asarray(np.sqrt(h), dtype), normal(4, n, h, dtype=dtype)
    y, before, gu, gh0, UT, gU = (np.full(a.shape, np.nan, dtype) for a in (u, u, u, h0, U, U))
    run(recurrence.simple(u, U, h0, y, before, activation=activation))
    run(recurrence.simple_gradient(U, y, before, gy, gu, gh0, UT, gU=gU, activation=activation))
    wide = [a.astype(np.float64) for a in (u, U, h0)]
    expected, saved = simple_recurrence.forward(xp, *wide, activation=activation)
    assert_near(y, expected, scale=20 * max(1.0, np.abs(expected).max()))
    wanted = simple_recurrence.backward(xp, saved, gy.astype(np.float64), (True,) * 3, activation=activation)
    for received, g in zip((gu, gU, gh0), wanted, strict=True):
        assert_near(received, g, scale=40 * max(1.0, np.abs(g).max()))


def test_far_out_nothing_overflows() -> None:
    u, U, h0, c0, *_ = _given((2, 3, 4), "float32")
    u = 1e4 * u
    m = _made((2, 3, 4), "float32")
    run(recurrence.lstm(u, U, h0, c0, m["y"], m["last"], m["gates"], m["memory"], m["before"]))
    (y, _), _ = lstm.forward(xp, u, U, h0, c0)
    np.testing.assert_allclose(m["y"], y, rtol=1e-5, atol=1e-6)


def test_bits_do_not_depend_on_threads() -> None:
    shape = (60, 5, 32)
    u, U, h0, c0, gy, g_last = _given(shape, "float32")
    m = _made(shape, "float32")
    kept = m["gates"], m["memory"], m["before"]
    check_bits(lambda: recurrence.lstm(u, U, h0, c0, m["y"], m["last"], *kept), m["y"], m["last"])
    check_bits(
        lambda: recurrence.lstm_gradient(U, c0, *kept, gy, g_last, m["gu"], m["gh0"], m["gc0"], m["UT"], gU=m["gU"]),
        m["gu"],
        m["gU"],
        m["gh0"],
        m["gc0"],
    )
