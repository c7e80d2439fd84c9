"""Samples of depthwise convolution: one result or several for each channel, on the geometries of convolution."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.samples import Sample, Samples
from tests.samples.convolution import Generator, geometry


def call(rng: Generator, x: tuple[int, ...], W: tuple[int, ...], bias: bool = True, **attributes: object) -> Sample:
    arrays = (rng.standard_normal(x), rng.standard_normal(W), rng.standard_normal(W[2] * W[3]))
    return Sample(arrays if bias else arrays[:2], attributes)


def fixed(rng: Generator) -> list[Sample]:
    return [
        call(rng, (2, 4, 3, 2), (2, 2, 2, 1)),
        call(rng, (2, 3, 3, 2), (1, 1, 2, 2), bias=False),
        call(rng, (1, 5, 4, 2), (3, 2, 2, 2), strides=(2, 3), padding=((1, 0), (0, 2))),
        call(rng, (1, 6, 5, 1), (2, 3, 1, 3), bias=False, padding=((0, 1), (2, 1)), dilation=(2, 2)),
        call(rng, (1, 5, 4, 3), (3, 3, 3, 1), padding=((1, 1), (1, 1))),
        call(rng, (1, 7, 4, 2), (2, 2, 2, 1), strides=(2, 1), padding=((1, 1), (1, 1)), dilation=(3, 2)),
        call(rng, (1, 2, 2, 2), (1, 2, 2, 1), padding=((3, 0), (0, 3))),  # windows that see the border alone
    ]


@st.composite
def calls(draw: st.DrawFn) -> Sample:
    """Any batch, 0 and 1 included, on images in which the kernel has at least one place."""
    kernel, image, attributes = geometry(draw, 2)
    n, channels = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (*kernel, channels, draw(st.integers(1, 3)))
    return call(rng, (n, *image, channels), shape, bias=draw(st.booleans()), **attributes)


SAMPLES = {"depthwise_convolution_2d": Samples(fixed, random=calls())}
