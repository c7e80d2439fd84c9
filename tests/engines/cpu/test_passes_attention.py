"""Attention against its rule in double precision: masks, dropout, causal, and deltas of either output."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import attention
from omomi.engines.cpu.launch import Array, run
from omomi.engines.reference import xp
from omomi.ops.attention import scaled_dot_product_attention as rule
from tests.engines.cpu.passes import DTYPES, assert_near, check_bits, normal

SHAPES = [(1, 1, 1, 1, 1), (2, 5, 7, 3, 4), (3, 37, 20, 16, 24), (5, 16, 33, 40, 8)]  # heads, T, S, D, E


def made(shape: tuple[int, ...], dtype: str) -> tuple[list[Array], dict[str, Array]]:
    b, t, s, d, e = shape
    given = [normal(i, *size, dtype=dtype) for i, size in enumerate([(b, t, d), (b, s, d), (b, s, e)])]
    sizes = {"y": (b, t, e), "p": (b, t, s), "kT": (b, d, s), "w": (b, t, s), "gq": (b, t, d), "gk": (b, s, d)}
    sizes |= {"gv": (b, s, e), "vT": (b, e, s), "gs": (b, t, s)}
    return given, {name: np.full(size, np.nan, dtype) for name, size in sizes.items()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("extras", ["", "causal", "masked", "dropped"])
@pytest.mark.parametrize("deltas", ["y", "p", "both"])
@pytest.mark.parametrize("shape", SHAPES)
def test_attention(shape: tuple[int, ...], deltas: str, extras: str, dtype: str) -> None:
    (q, k, v), m = made(shape, dtype)
    rng = np.random.default_rng(5)
    looks = (m["p"].shape, dtype)
    allowed = (rng.random(looks[0]) > 0.4).astype(dtype) if extras in ("masked", "dropped") else np.empty(0, dtype)
    kept = 2 * (rng.random(looks[0]) > 0.5).astype(dtype) if extras == "dropped" else np.empty(0, dtype)
    gy, gp = normal(6, *m["y"].shape, dtype=dtype), normal(7, *m["p"].shape, dtype=dtype)
    gy, gp = (np.empty(0, dtype) if deltas == "p" else gy), (np.empty(0, dtype) if deltas == "y" else gp)
    w = m["w"] if kept.size else m["p"]
    causal = extras == "causal"
    run(attention.forward(q, k, v, allowed, kept, m["y"], m["p"], w, m["kT"], scale=0.3, causal=causal))
    results = m["gq"], m["gk"], m["gv"]
    run(attention.backward(q, k, v, m["p"], w, kept, gy, gp, *results, m["vT"], m["gs"], scale=0.3))
    extra = [a.astype(np.float64) for a in (allowed, kept) if a.size]
    wide = [a.astype(np.float64) for a in (q, k, v)]
    (y, p), saved = rule.forward(xp, *wide, *extra, causal=causal, scale=0.3)
    assert_near(m["y"], y, scale=40)
    assert_near(m["p"], p, scale=40)
    given = tuple(g.astype(np.float64) if g.size else None for g in (gy, gp))
    expected = rule.backward(xp, saved, given, (True,) * (3 + len(extra)), causal=causal, scale=0.3)
    for name, g in zip(("gq", "gk", "gv"), expected, strict=False):
        assert_near(m[name], np.zeros_like(m[name]) if g is None else g, scale=100)


def test_bits_do_not_depend_on_threads() -> None:
    (q, k, v), m = made(SHAPES[2], "float32")
    none = np.empty(0, "float32")
    check_bits(
        lambda: attention.forward(q, k, v, none, none, m["y"], m["p"], m["p"], m["kT"], scale=0.25, causal=True),
        m["y"],
        m["p"],
    )
