"""Samples of the matrix products: matrices, vectors, batches that broadcast."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.drawing import Generator, Shape, broadcastable, normal, samples
from tests.samples import Sample

SIZES = st.integers(0, 4)


def product(rng: Generator, shapes: tuple[Shape, ...]) -> Sample:
    return Sample(tuple(normal(rng, shape) for shape in shapes))


@st.composite
def factors(draw: st.DrawFn) -> tuple[Shape, Shape]:
    """Vectors, matrices, and batches of matrices whose leading axes broadcast."""
    n, k, m = (draw(SIZES) for _ in range(3))
    left, right = draw(broadcastable(2))
    a = draw(st.sampled_from([(k,), (n, k), (*left, n, k)]))
    b = draw(st.sampled_from([(k,), (k, m), (*right, k, m)]))
    return a, b


@st.composite
def layers(draw: st.DrawFn) -> tuple[Shape, Shape, Shape]:
    leading = draw(st.lists(SIZES, max_size=3))
    inputs, units = draw(SIZES), draw(SIZES)
    return (*leading, inputs), (inputs, units), (units,)


SAMPLES = {
    "matmul": samples(
        product,
        [
            ((2, 3), (3, 4)),
            ((3,), (3,)),
            ((3,), (3, 2)),
            ((2, 3), (3,)),
            ((2, 2, 3), (3, 2)),
            ((2, 2, 3), (3,)),
            ((3,), (2, 3, 2)),
            ((2, 1, 2, 3), (3, 3, 2)),
            ((2, 3), (2, 3, 2)),
        ],
        factors(),
    ),
    "affine": samples(
        product,
        [((4, 3), (3, 2), (2,)), ((3,), (3, 2), (2,)), ((2, 2, 3), (3, 4), (4,)), ((1, 1), (1, 1), (1,))],
        layers(),
    ),
}
