"""Samples of convolution: with and without bias, every combination of strides, padding and dilation."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from omomi.ops.convolution import reach
from tests.samples import Sample, Samples

Generator = np.random.Generator
NONE, BEFORE, AFTER = (0, 0), (1, 0), (0, 1)
LEFT = (NONE, BEFORE)


def call(rng: Generator, x: tuple[int, ...], W: tuple[int, ...], bias: bool = True, **attributes: Any) -> Sample:
    arrays = (rng.standard_normal(x), rng.standard_normal(W), rng.standard_normal(W[-1]))
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


def fixed_3d(rng: Generator) -> list[Sample]:
    return [
        call(rng, (2, 3, 2, 3, 1), (2, 2, 1, 1, 2)),
        call(rng, (1, 2, 3, 2, 2), (1, 1, 1, 2, 2), bias=False),
        call(rng, (1, 4, 3, 3, 1), (2, 2, 2, 1, 1), strides=(2, 1, 2), padding=((1, 0), (0, 1), (1, 1))),
        call(rng, (1, 5, 2, 3, 1), (2, 1, 2, 1, 2), bias=False, padding=((1, 2), (0, 0), (1, 0)), dilation=(3, 1, 2)),
        call(rng, (1, 5, 3, 2, 1), (3, 2, 2, 1, 1), strides=(1, 2, 1), dilation=(2, 1, 1), padding=((0, 1),) * 3),
    ]


def transposed(rng: Generator, x: tuple[int, ...], W: tuple[int, ...], **attributes: Any) -> Sample:
    return Sample((rng.standard_normal(x), rng.standard_normal(W)), attributes)


def fixed_transposed(rng: Generator) -> list[Sample]:
    return [
        transposed(rng, (2, 2, 3, 2), (2, 2, 1, 2), size=(3, 4)),
        transposed(rng, (1, 3, 2, 2), (1, 1, 3, 2), size=(3, 2)),
        transposed(rng, (1, 3, 2, 1), (3, 2, 2, 1), size=(5, 4), strides=(2, 2), padding=((1, 1), (0, 0))),
        transposed(rng, (1, 2, 3, 2), (2, 2, 1, 2), size=(6, 8), strides=(3, 3)),  # pixels that nothing reaches
        transposed(rng, (1, 3, 2, 1), (2, 3, 2, 1), size=(4, 3), padding=((0, 1), (1, 2)), dilation=(2, 2)),
        transposed(
            rng, (1, 2, 3, 1), (2, 2, 1, 1), size=(5, 4), strides=(2, 1), dilation=(2, 2), padding=((0, 0), (1, 0))
        ),
    ]


def fixed_transposed_3d(rng: Generator) -> list[Sample]:
    return [
        transposed(rng, (1, 2, 2, 1, 2), (2, 1, 2, 1, 2), size=(3, 2, 2)),
        transposed(rng, (2, 2, 1, 2, 1), (3, 2, 1, 2, 1), size=(4, 2, 3), strides=(2, 2, 2),
                   padding=(AFTER, NONE, NONE)),
        transposed(rng, (1, 2, 1, 2, 1), (2, 2, 1, 1, 1), size=(4, 3, 3), strides=(1, 1, 3), dilation=(2, 2, 1),
                   padding=(NONE, NONE, BEFORE)),
    ]  # fmt: skip


def geometry(draw: st.DrawFn, rank: int) -> tuple[tuple[int, ...], list[int], dict[str, Any]]:
    """A kernel, sizes of an image on which it has at least one place, and the attributes."""
    small, sizes = st.integers(0, 3 if rank == 2 else 1), st.tuples(*[st.integers(1, 3 if rank == 2 else 2)] * rank)
    kernel, strides, dilation = draw(sizes), draw(sizes), draw(sizes)
    padding = draw(st.tuples(*[st.tuples(small, small)] * rank))
    image = [
        max(1, reach(k, d) - sum(zeros)) + draw(small) for k, d, zeros in zip(kernel, dilation, padding, strict=True)
    ]
    return kernel, image, {"strides": strides, "padding": padding, "dilation": dilation}


def calls(rank: int) -> st.SearchStrategy[Sample]:
    """Any batch, 0 and 1 included, on images in which the kernel has at least one place."""

    @st.composite
    def made(draw: st.DrawFn) -> Sample:
        kernel, image, attributes = geometry(draw, rank)
        n, c_in, c_out = (draw(st.integers(0, 3)) for _ in range(3))
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        return call(rng, (n, *image, c_in), (*kernel, c_in, c_out), bias=draw(st.booleans()), **attributes)

    return made()


def transposed_calls(rank: int) -> st.SearchStrategy[Sample]:
    """The way back from what such a convolution gives."""

    @st.composite
    def made(draw: st.DrawFn) -> Sample:
        kernel, image, attributes = geometry(draw, rank)
        axes = zip(image, kernel, *attributes.values(), strict=True)
        places = [(size + sum(zeros) - reach(k, d)) // s + 1 for size, k, s, zeros, d in axes]
        n, c_in, c_out = (draw(st.integers(0, 3)) for _ in range(3))
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        return transposed(rng, (n, *places, c_in), (*kernel, c_out, c_in), size=tuple(image), **attributes)

    return made()


SAMPLES = {
    "convolution_2d": Samples(fixed, random=calls(2)),
    "convolution_3d": Samples(fixed_3d, random=calls(3)),
    "transposed_convolution_2d": Samples(fixed_transposed, random=transposed_calls(2)),
    "transposed_convolution_3d": Samples(fixed_transposed_3d, random=transposed_calls(3)),
}
