"""Convolution kernels against sums in float64."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from omomi.engines.cpu import convolution, pooling, threads, winograd, winograd_convolution
from omomi.engines.cpu.geometry import Geometry
from omomi.engines.cpu.launch import Launch, run
from tests.engines.cpu.oracles import assert_sum, spread, windows

CHANNELS = st.sampled_from([1, 2, 3, 7, 10, 16, 33, 40])


class Case(NamedTuple):
    """The shapes and attributes of one convolution."""

    images: tuple[int, int, int, int]
    kernel: tuple[int, int, int, int]
    strides: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    dilation: tuple[int, int]
    seed: int = 0


@st.composite
def cases(draw: st.DrawFn) -> Case:
    size, small, border = st.integers(1, 9), st.integers(1, 4), st.integers(0, 3)
    n, h, w, kh, kw = draw(st.integers(1, 3)), draw(size), draw(size), draw(small), draw(small)
    axes = [draw(st.one_of(st.tuples(small, st.just(1)), st.tuples(st.just(1), small))) for _ in range(2)]
    (sh, dh), (sw, dw) = axes
    padding = ((draw(border), draw(border)), (draw(border), draw(border)))
    c_in, c_out = draw(CHANNELS), draw(CHANNELS)
    assume(h + sum(padding[0]) > (kh - 1) * dh and w + sum(padding[1]) > (kw - 1) * dw)
    return Case((n, h, w, c_in), (kh, kw, c_in, c_out), (sh, sw), padding, (dh, dw), draw(st.integers(0, 2**16)))


def arrays(case: Case, dtype: str) -> tuple[Any, ...]:
    """x, W, b and gy for a case, and the patches of x in float64."""
    rng = np.random.default_rng(case.seed)
    x, W = (rng.standard_normal(shape).astype(dtype) for shape in (case.images, case.kernel))
    b = rng.standard_normal(case.kernel[3]).astype(dtype)
    patches = windows(x.astype(np.float64), case.kernel[:2], *case[2:5])
    gy = rng.standard_normal((*patches.shape[:3], case.kernel[3])).astype(dtype)
    return x, W, b, gy, patches


def attributes(case: Case) -> dict[str, Any]:
    return {"strides": case.strides, "padding": case.padding, "dilation": case.dilation}


EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(case=cases(), with_bias=st.booleans())
@EXAMPLES
def test_forward(vectors: str, dtype: str, case: Case, with_bias: bool) -> None:
    x, W, b, gy, patches = arrays(case, dtype)
    given_arrays = [x.copy(), W.copy(), b.copy()]
    y = np.full_like(gy, np.nan)
    run(convolution.forward(x, W, b if with_bias else None, y, **attributes(case)))
    bias = b.astype(np.float64) if with_bias else 0
    expected = np.einsum("nyxijk,ijko->nyxo", patches, W.astype(np.float64)) + bias
    sizes = np.einsum("nyxijk,ijko->nyxo", abs(patches), abs(W).astype(np.float64)) + abs(bias)
    assert_sum(y, expected, W[..., 0].size, sizes)
    for before, after in zip(given_arrays, (x, W, b), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.fixture(params=["by image", "large kernel"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to the gradient of the kernel, whatever its size."""
    monkeypatch.setattr(convolution, "LARGE", 2**16 if request.param == "by image" else 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(case=cases())
@EXAMPLES
def test_backward(way: None, vectors: str, dtype: str, case: Case) -> None:
    x, W, b, gy, patches = arrays(case, dtype)
    gx, gW, gb = (np.full_like(a, np.nan) for a in (x, W, b))
    run(convolution.backward(x, W, gy, gx=gx, gW=gW, gb=gb, **attributes(case)))
    wide, wide_gy = W.astype(np.float64), gy.astype(np.float64)
    terms = gy[..., 0].size
    for result, a, d, w in ((1, patches, wide_gy, wide), (abs, abs(patches), abs(wide_gy), abs(wide))):
        sums = (
            spread(np.einsum("nyxo,ijko->nyxijk", d, w), x.shape, *case[2:5]),
            np.einsum("nyxijk,nyxo->ijko", a, d),
            np.einsum("nyxo->o", d),
        )
        if result == 1:
            expected = sums
    for got, e, size, k in zip((gx, gW, gb), expected, sums, (W[:, :, 0].size, terms, terms), strict=True):
        assert_sum(got, e, k, size)


@given(case=cases(), name=st.sampled_from(["relu", "tanh", "sigmoid", "leaky_relu", "elu"]))
@settings(EXAMPLES, max_examples=20)
def test_activation_is_fused(way: None, case: Case, name: str) -> None:
    """The fused activation and its derivative are those of a separate pass."""
    x, W, b, gy, _ = arrays(case, "float64")
    u, y = np.empty_like(gy), np.empty_like(gy)
    run(convolution.forward(x, W, b, u, **attributes(case)))
    run(convolution.forward(x, W, b, y, **attributes(case), activation=name, alpha=0.3))
    functions = {
        "relu": (np.maximum(u, 0), u > 0),
        "tanh": (np.tanh(u), 1 - np.tanh(u) ** 2),
        "sigmoid": (1 / (1 + np.exp(-u)), np.exp(-u) / (1 + np.exp(-u)) ** 2),
        "leaky_relu": (np.where(u > 0, u, 0.3 * u), np.where(u > 0, 1, 0.3)),
        "elu": (np.where(u > 0, u, 0.3 * np.expm1(u)), np.where(u > 0, 1, 0.3 * np.exp(u))),
    }
    value, slope = functions[name]
    np.testing.assert_allclose(y, value, rtol=1e-12, atol=1e-14)
    fused, apart = ([np.empty_like(a) for a in (x, W, b)] for _ in range(2))
    names = ("gx", "gW", "gb")
    run(
        convolution.backward(
            x, W, gy, **attributes(case), y=y, activation=name, alpha=0.3, **dict(zip(names, fused, strict=True))
        )
    )
    run(convolution.backward(x, W, gy * slope, **attributes(case), **dict(zip(names, apart, strict=True))))
    for a, b in zip(fused, apart, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kernel", [(3, 2, 3, 7), (1, 1, 3, 7)])
def test_accumulate_adds_to_what_is_there(way: None, kernel: tuple[int, int, int, int]) -> None:
    strides, padding = ((2, 1), ((1, 1), (0, 1))) if kernel[0] > 1 else ((1, 1), ((0, 0), (0, 0)))
    case = Case((2, 5, 6, 3), kernel, strides, padding, (1, 1))
    x, W, b, gy, _ = arrays(case, "float64")
    fresh, added = [np.empty_like(a) for a in (x, W, b)], [np.ones_like(a) for a in (x, W, b)]
    for results, accumulate in ((fresh, False), (added, True)):
        gradients = dict(zip(("gx", "gW", "gb"), results, strict=True))
        run(convolution.backward(x, W, gy, **attributes(case), **gradients, accumulate=accumulate))
    for a, b in zip(fresh, added, strict=True):
        np.testing.assert_allclose(a + 1, b, rtol=1e-12, atol=1e-12)


def test_by_hand() -> None:
    """One channel, a kernel of two numbers that slides along one row: each number can be followed."""
    x = np.array([1.0, 2, 4, 8]).reshape(1, 1, 4, 1)
    W = np.array([10.0, 1]).reshape(1, 2, 1, 1)
    b = np.array([0.5])
    y = np.empty((1, 1, 3, 1))
    run(convolution.forward(x, W, b, y))
    # 10·1 + 2 + ½, 10·2 + 4 + ½, 10·4 + 8 + ½
    np.testing.assert_array_equal(y.ravel(), [12.5, 24.5, 48.5])
    gy = np.array([1.0, 0, 2]).reshape(y.shape)
    gx, gW, gb = np.empty_like(x), np.empty_like(W), np.empty_like(b)
    run(convolution.backward(x, W, gy, gx=gx, gW=gW, gb=gb))
    np.testing.assert_array_equal(gx.ravel(), [10, 1, 20, 2])  # 10·1, 1·1 + 10·0, 1·0 + 10·2, 1·2
    np.testing.assert_array_equal(gW.ravel(), [9, 18])  # 1·1 + 4·2, 2·1 + 8·2
    np.testing.assert_array_equal(gb, [3])


@pytest.mark.parametrize("count", [1, 2, 4])
def test_same_bits_for_any_number_of_threads(way: None, count: int) -> None:
    case = Case((20, 14, 13, 5), (3, 3, 5, 18), (1, 1), ((1, 1), (1, 1)), (1, 1))
    x, W, b, gy, _ = arrays(case, "float32")
    results: list[list[bytes]] = []
    before = threads.pool().threads
    for n in (1, count):
        threads.set_threads(n)
        y, gx, gW, gb = np.empty_like(gy), np.empty_like(x), np.empty_like(W), np.empty_like(b)
        launches: list[Launch] = convolution.forward(x, W, b, y, **attributes(case), activation="relu")
        launches += convolution.backward(x, W, gy, gx=gx, gW=gW, gb=gb, **attributes(case), y=y, activation="relu")
        for _ in range(3):
            run(launches)
        results.append([a.tobytes() for a in (y, gx, gW, gb)])
    threads.set_threads(before)
    assert results[0] == results[1]


def test_nan_is_not_hidden_by_relu() -> None:
    x = np.array([np.nan, -1, 1], np.float32).reshape(1, 1, 3, 1)
    y = np.empty_like(x)
    run(convolution.forward(x, np.ones((1, 1, 1, 1), np.float32), None, y, activation="relu"))
    np.testing.assert_array_equal(y.ravel(), [np.nan, 0, 1])


@pytest.mark.parametrize("side", [winograd.SMALL, winograd.LARGE])
def test_transforms_give_a_convolution(side: int) -> None:
    """Aᵀ [(G g) ⊙ (Bᵀ d)] is y_i = Σ_k d_{i+k} g_k; the entries of Bᵀ and Aᵀ are exact in binary."""
    B_T, G, A_T = (np.array(matrix) for matrix in winograd.matrices(side))
    d, g = np.random.default_rng(side).normal(size=(2, side + 2))
    expected = np.correlate(d, g[:3], mode="valid")
    np.testing.assert_allclose(A_T @ ((G @ g[:3]) * (B_T @ d)), expected, rtol=1e-13)
    for matrix in (B_T, A_T):
        np.testing.assert_array_equal(matrix, np.round(matrix * 256) / 256)


@st.composite
def winograd_cases(draw: st.DrawFn) -> Case:
    """3×3 kernels with channels enough for Winograd's transforms; odd and even sizes, any border."""
    size, border, channels = st.integers(4, 20), st.integers(0, 1), st.sampled_from([16, 17, 33, 40])
    n, h, w = draw(st.integers(1, 4)), draw(size), draw(size)
    padding = ((draw(border), draw(border)), (draw(border), draw(border)))
    c_in, c_out = draw(channels), draw(channels)
    return Case((n, h, w, c_in), (3, 3, c_in, c_out), (1, 1), padding, (1, 1), draw(st.integers(0, 2**16)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(case=winograd_cases(), accumulate=st.booleans())
@EXAMPLES
def test_winograd(vectors: str, dtype: str, case: Case, accumulate: bool) -> None:
    x, W, b, gy, patches = arrays(case, dtype)
    y = np.full_like(gy, np.nan)
    assert winograd_convolution.accepts(x.shape[1:3], W, Geometry(*case[2:5]))
    run(convolution.forward(x, W, b, y, **attributes(case)))
    wide, wide_gy, terms = W.astype(np.float64), gy.astype(np.float64), gy[..., 0].size
    expected = np.einsum("nyxijk,ijko->nyxo", patches, wide) + b
    assert_sum(y, expected, W[..., 0].size, np.einsum("nyxijk,ijko->nyxo", abs(patches), abs(wide)) + abs(b))
    held = 1.0 if accumulate else np.nan
    gx, gW, gb = (np.full_like(a, held) for a in (x, W, b))
    run(convolution.backward(x, W, gy, gx=gx, gW=gW, gb=gb, **attributes(case), accumulate=accumulate))
    sums = [
        (
            spread(np.einsum("nyxo,ijko->nyxijk", d, w), x.shape, *case[2:5]),
            np.einsum("nyxijk,nyxo->ijko", a, d),
            np.einsum("nyxo->o", d),
        )
        for a, d, w in ((patches, wide_gy, wide), (abs(patches), abs(wide_gy), abs(wide)))
    ]
    for got, e, s, k in zip((gx, gW, gb), *sums, (W[:, :, 0].size, terms, terms), strict=True):
        assert_sum(got, e + accumulate, k, s + accumulate)


@given(
    size=st.tuples(st.integers(16, 19), st.integers(16, 19)),
    border=st.integers(0, 1),
    c_out=st.sampled_from([16, 33]),
    name=st.sampled_from(["linear", "relu", "tanh"]),
)
@settings(EXAMPLES, max_examples=25)
def test_pooling_is_fused(vectors: str, size: tuple[int, int], border: int, c_out: int, name: str) -> None:
    """A convolution with its activation and pooling in one is the three of them one after the other."""
    case = Case((2, *size, 16), (3, 3, 16, c_out), (1, 1), ((border, border),) * 2, (1, 1), sum(size))
    x, W, b, full, _ = arrays(case, "float64")
    pooled = (2, full.shape[1] // 2, full.shape[2] // 2, c_out)
    assert convolution.accepts_pooled(x, W, pooled, **attributes(case))
    z, y, gz = np.empty_like(full), np.empty(pooled), np.empty_like(full)
    argmax, expected_argmax = np.empty(pooled, np.uint8), np.empty(pooled, np.uint8)
    run(convolution.forward(x, W, b, z, **attributes(case), activation=name))
    expected = np.empty_like(y)
    run(pooling.max_forward(z, expected, expected_argmax))
    run(convolution.pooled_forward(x, W, b, y, argmax, padding=case.padding, activation=name))
    np.testing.assert_allclose(y, expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(argmax, expected_argmax)
    gy = np.random.default_rng(1).standard_normal(pooled)
    run(pooling.max_backward(argmax, gy, gz))
    names = ("gx", "gW", "gb")
    fused, apart = ([np.empty_like(a) for a in (x, W, b)] for _ in range(2))
    run(
        convolution.pooled_backward(
            x, W, gy, argmax, padding=case.padding, y=y, activation=name, **dict(zip(names, fused, strict=True))
        )
    )
    run(
        convolution.backward(x, W, gz, **attributes(case), y=z, activation=name, **dict(zip(names, apart, strict=True)))
    )
    for a, b in zip(fused, apart, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
