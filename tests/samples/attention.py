"""Samples of attention: with and without masks and dropout, heads, queries and keys of unequal number."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.drawing import Generator, Shape, normal, samples
from tests.samples import Sample

# Leading axes, T, S, D, E, which masks, attributes
Argument = tuple[Shape, int, int, int, int, str, dict[str, Any]]


def attention(rng: Generator, argument: Argument) -> Sample:
    lead, t, s, d, e, extras, attributes = argument
    arrays = [normal(rng, (*lead, t, d)), normal(rng, (*lead, s, d)), normal(rng, (*lead, s, e))]
    if extras:
        arrays.append(rng.random((*lead[:1], *(1,) * (len(lead) - 1), t, s)) > 0.4)
    if extras == "dropped":
        arrays.append(2.0 * (rng.random((*lead, t, s)) > 0.5))
    return Sample(tuple(arrays), attributes)


SAMPLES = {
    "scaled_dot_product_attention": samples(
        attention,
        [
            ((2,), 2, 3, 2, 2, "", {}),
            ((1, 2), 3, 2, 2, 1, "masked", {}),
            ((2,), 3, 3, 2, 2, "dropped", {"causal": True}),
            ((), 3, 3, 1, 2, "", {"causal": True, "scale": 0.5}),
        ],
        st.tuples(
            st.lists(st.integers(0, 2), max_size=2).map(tuple),
            *(st.integers(1, 3) for _ in range(4)),
            st.sampled_from(["", "masked", "dropped"]),
            st.sampled_from([{}, {"causal": True}, {"scale": 0.7}]),
        ),
    ),
}
