"""Samples of convolution: with and without bias, every combination of strides, padding and dilation."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from omomi.ops.convolution import reach
from tests.samples import Sample, Samples

Generator = np.random.Generator


def call(
    rng: Generator, x: tuple[int, int, int, int], W: tuple[int, int, int, int], bias: bool = True, **attributes: Any
) -> Sample:
    arrays = (rng.standard_normal(x), rng.standard_normal(W), rng.standard_normal(W[3]))
    return Sample(arrays if bias else arrays[:2], attributes)


def fixed(rng: Generator) -> list[Sample]:
    return [
        call(rng, (2, 4, 3, 2), (2, 2, 2, 3)),
        call(rng, (2, 3, 3, 2), (1, 1, 2, 2), bias=False),
        call(rng, (1, 5, 6, 1), (3, 2, 1, 2), strides=(2, 3), padding=((1, 0), (0, 2))),
        call(rng, (1, 6, 5, 1), (2, 3, 1, 2), bias=False, padding=((0, 1), (2, 1)), dilation=(2, 2)),
        call(rng, (1, 7, 4, 2), (2, 2, 2, 1), strides=(2, 1), padding=((1, 1), (1, 1)), dilation=(3, 2)),
        call(rng, (1, 2, 2, 2), (1, 2, 2, 1), padding=((3, 0), (0, 3))),  # windows that see the border alone
    ]


@st.composite
def calls(draw: st.DrawFn) -> Sample:
    """Any batch, 0 and 1 included, on images in which the kernel has at least one place."""
    small, pairs = st.integers(0, 3), st.tuples(st.integers(1, 3), st.integers(1, 3))
    kernel, strides, dilation = draw(pairs), draw(pairs), draw(pairs)
    padding = draw(st.tuples(st.tuples(small, small), st.tuples(small, small)))
    height, width = (
        max(1, reach(k, d) - sum(zeros)) + draw(small) for k, d, zeros in zip(kernel, dilation, padding, strict=True)
    )
    n, c_in, c_out = draw(small), draw(small), draw(small)
    return call(
        np.random.default_rng(draw(st.integers(0, 2**32 - 1))),
        (n, height, width, c_in),
        (*kernel, c_in, c_out),
        bias=draw(st.booleans()),
        strides=strides,
        padding=padding,
        dilation=dilation,
    )


SAMPLES = {"convolution_2d": Samples(fixed, random=calls())}
