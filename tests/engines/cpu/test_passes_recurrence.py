"""The simple cell, the LSTM and the GRU against their rules in double precision, with masks too."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import recurrence
from omomi.engines.cpu.gru import gru as gru_passes
from omomi.engines.cpu.gru import gru_gradient
from omomi.engines.cpu.launch import Array, run
from omomi.engines.reference import xp
from omomi.ops.recurrent import gru, lstm, simple_recurrence
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


def _mask(shape: tuple[int, int, int], dtype: str) -> Array:
    """Gaps in the middle, sequences of no step, and the steps of one sample of each chunk that are all there."""
    n, t, _ = shape
    mask = (np.random.default_rng(7).random((n, t)) > 0.4).astype(dtype)
    mask[0], mask[-1] = 1, 0
    return mask


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_gru(vectors: str, shape: tuple[int, int, int], masked: bool, dtype: str) -> None:
    n, t, h = shape
    u, U = normal(1, n, t, 3 * h, dtype=dtype), normal(2, h, 3 * h, dtype=dtype) / np.asarray(np.sqrt(h), dtype)
    h0, b, gy = normal(3, n, h, dtype=dtype), normal(4, 3 * h, dtype=dtype), normal(5, n, t, h, dtype=dtype)
    mask = _mask(shape, dtype) if masked else None
    y, inner, before = (np.full((n, t, h), np.nan, dtype) for _ in range(3))
    gates, gu, sent = (np.full(u.shape, np.nan, dtype) for _ in range(3))
    gh0, UT, gU, gb = (np.full(s, np.nan, dtype) for s in ((n, h), (3 * h, h), U.shape, b.shape))
    run(gru_passes(u, U, h0, b, y, gates, inner, before, mask=mask))
    run(gru_gradient(U, gates, inner, before, gy, gu, gh0, sent, UT, gU=gU, gb=gb, mask=mask))
    wide = [a.astype(np.float64) for a in (u, U, h0, b, *([] if mask is None else [mask]))]
    expected, saved = gru.forward(xp, *wide)
    assert_near(y, expected, scale=20)
    wanted = gru.backward(xp, saved, gy.astype(np.float64), (True,) * len(wide))
    for received, g in zip((gu, gU, gh0, gb), wanted[:4], strict=True):
        assert_near(received, g, scale=40 * max(1.0, np.abs(g).max()))


@pytest.mark.parametrize("dtype", DTYPES)
def test_masks(dtype: str) -> None:
    """Of the LSTM and the simple cell: what a plan reads after two steps that do not exist is what was before them."""
    shape = (29, 6, 8)
    u, U, h0, c0, gy, g_last = _given(shape, dtype)
    m, mask = _made(shape, dtype), _mask(shape, dtype)
    kept = m["gates"], m["memory"], m["before"]
    run(recurrence.lstm(u, U, h0, c0, m["y"], m["last"], *kept, mask=mask))
    made = m["gu"], m["gh0"], m["gc0"], m["UT"]
    run(recurrence.lstm_gradient(U, c0, *kept, gy, g_last, *made, gU=m["gU"], mask=mask))
    wide = [a.astype(np.float64) for a in (u, U, h0, c0, mask)]
    (y, last), saved = lstm.forward(xp, *wide)
    assert_near(m["y"], y, scale=20)
    assert_near(m["last"], last, scale=20)
    expected = lstm.backward(xp, saved, (gy.astype(np.float64), g_last.astype(np.float64)), (True,) * 5)
    for name, g in zip(("gu", "gU", "gh0", "gc0"), expected[:4], strict=True):
        assert_near(m[name], g, scale=40 * max(1.0, np.abs(g).max()))

    u, U = np.ascontiguousarray(u[..., :8]), np.ascontiguousarray(U[:, :8])
    y, before, gu, gh0, UT, gU = (np.full(a.shape, np.nan, dtype) for a in (u, u, u, h0, U, U))
    run(recurrence.simple(u, U, h0, y, before, mask=mask))
    run(recurrence.simple_gradient(U, y, before, gy, gu, gh0, UT, gU=gU, mask=mask))
    expected_y, saved = simple_recurrence.forward(xp, *(a.astype(np.float64) for a in (u, U, h0, mask)))
    assert_near(y, expected_y, scale=20)
    wanted = simple_recurrence.backward(xp, saved, gy.astype(np.float64), (True,) * 4)
    for received, g in zip((gu, gU, gh0), wanted[:3], strict=True):
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
