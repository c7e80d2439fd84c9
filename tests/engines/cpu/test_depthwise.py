"""Depthwise convolution and convolution of volumes on the CPU: kernels against the rules in float64."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omomi.engines.cpu import depthwise
from omomi.engines.cpu.launch import run
from omomi.engines.cpu.volumes import Volumes
from omomi.engines.reference import xp
from omomi.ops.convolution import convolution_3d
from omomi.ops.depthwise_convolution import depthwise_convolution_2d

CHANNELS = st.sampled_from([1, 3, 7, 8, 16, 17, 33, 40, 70])
EXAMPLES = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Case(NamedTuple):
    """Images, the kernel's sizes, and the attributes."""

    images: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    @property
    def attributes(self) -> dict[str, Any]:
        return {"strides": self.strides, "padding": self.padding, "dilation": self.dilation}


@st.composite
def cases(draw: st.DrawFn, rank: int) -> Case:
    small, border = st.integers(1, 4 if rank == 2 else 2), st.integers(0, 3 if rank == 2 else 1)
    axes = [draw(st.one_of(st.tuples(small, st.just(1)), st.tuples(st.just(1), small))) for _ in range(rank)]
    kernel = draw(st.tuples(*[small] * rank))
    padding = draw(st.tuples(*[st.tuples(border, border)] * rank))
    sizes = [
        max(1, (k - 1) * d + 1 - sum(zeros)) + draw(st.integers(0, 6 if rank == 2 else 2))
        for k, (_, d), zeros in zip(kernel, axes, padding, strict=True)
    ]
    channels = draw(CHANNELS if rank == 2 else st.integers(1, 5))
    strides, dilation = zip(*axes, strict=True)
    return Case((draw(st.integers(1, 3)), *sizes, channels), kernel, strides, padding, dilation)


def check(rule: Any, case: Case, W_shape: tuple[int, ...], outputs: int, dtype: str, kernels: Any) -> None:
    """Forward and every gradient of the kernels, ``kernels(x, W, b, gy)``, as the rule computes them in float64."""
    rng = np.random.default_rng(0)
    x, W = rng.standard_normal(case.images).astype(dtype), rng.standard_normal(W_shape).astype(dtype)
    b = rng.standard_normal(outputs).astype(dtype)
    wide = [a.astype(np.float64) for a in (x, W, b)]
    y, saved = rule.forward(xp, *wide, **case.attributes)
    gy = rng.standard_normal(y.shape).astype(dtype)
    expected = (y, *rule.backward(xp, saved, gy.astype(np.float64), (True,) * 3, **case.attributes))
    for found, value in zip(kernels(x, W, b, gy), expected, strict=True):
        assert found.dtype == dtype
        tolerance = 1e-12 if dtype == "float64" else 1e-5
        np.testing.assert_allclose(found, value, rtol=0, atol=tolerance * max(1, abs(value).max()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(case=cases(2))
@EXAMPLES
def test_depthwise(vectors: str, dtype: str, case: Case) -> None:
    channels = case.images[3]

    def kernels(x: Any, W: Any, b: Any, gy: Any) -> tuple[Any, ...]:
        y, gx, gW, gb = (np.full_like(like, np.nan) for like in (gy, x, W, b))
        run(depthwise.forward(x, W, b, y, **case.attributes))
        run(depthwise.backward(x, W, gy, gx=gx, gW=gW, gb=gb, **case.attributes))
        return y, gx, gW, gb

    check(depthwise_convolution_2d, case, (*case.kernel, channels, 1), channels, dtype, kernels)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(case=cases(3))
@EXAMPLES
def test_volumes(dtype: str, case: Case) -> None:
    shape = (*case.kernel, case.images[4], 3)

    def kernels(x: Any, W: Any, b: Any, gy: Any) -> tuple[Any, ...]:
        y, gx, gW, gb = (np.full_like(like, np.nan) for like in (gy, x, W, b))
        volumes = Volumes(x.shape, W.shape, gy.shape, **case.attributes)
        planes, sent = (np.full(volumes.planes, np.nan, dtype) for _ in range(2))
        run(volumes.products(x, W, b, y, planes))
        run(volumes.gradients(x, W, gy, {"gx": gx, "gW": gW, "gb": gb}, planes, sent))
        return y, gx, gW, gb

    check(convolution_3d, case, shape, 3, dtype, kernels)
