"""Samples of the losses: x, t and sample weights w, away from every kink and from every end of a clip."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from tests.samples import Sample, Samples

Generator = np.random.Generator
Draw = Callable[[Generator, tuple[int, ...]], Sample]

FIXED_SHAPES = [(3, 4), (2, 3, 2), (4, 1), (3,)]
# the leading axes hold samples and may be empty; the last one holds outputs
SHAPES = st.lists(st.integers(0, 4), max_size=2).flatmap(lambda leading: st.integers(1, 5).map(lambda m: (*leading, m)))
SHAPES_WITH_NO_OUTPUTS = st.lists(st.integers(0, 4), max_size=2).flatmap(
    lambda leading: st.integers(0, 5).map(lambda m: (*leading, m))
)


def signed(rng: Generator, shape: tuple[int, ...], low: float = 0.1, high: float = 2.0) -> np.ndarray:
    """Numbers of either sign and of a size in [low, high]."""
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(low, high, shape)


def weights(rng: Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(rng.uniform(0.5, 2.0, shape[:-1]))


def distributions(rng: Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Rows of positive numbers that sum to one."""
    rows = rng.uniform(0.5, 1.0, shape)
    return rows / rows.sum(axis=-1, keepdims=True)


def indices(rng: Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(rng.integers(0, shape[-1], shape[:-1]))


def difference(rng: Generator, shape: tuple[int, ...]) -> Sample:
    t = rng.standard_normal(shape)
    return Sample((t + signed(rng, shape), t, weights(rng, shape)))


def huber(rng: Generator, shape: tuple[int, ...]) -> Sample:
    """Differences that are clearly smaller or clearly larger than δ."""
    delta = float(rng.choice([0.5, 1.0, 1.5]))
    size = np.where(rng.random(shape) < 0.5, delta - 0.3, delta + 0.4) + rng.uniform(-0.15, 0.15, shape)
    t = rng.standard_normal(shape)
    return Sample((t + rng.choice([-1.0, 1.0], shape) * size, t, weights(rng, shape)), {"delta": delta})


def logits_with_rates(rng: Generator, shape: tuple[int, ...]) -> Sample:
    return Sample((signed(rng, shape, high=4.0), rng.uniform(0, 1, shape), weights(rng, shape)))


def probabilities(rng: Generator, shape: tuple[int, ...]) -> Sample:
    """Probabilities, some beyond the clip of ε = 0.05."""
    x = rng.choice([-0.1, 0.25, 0.5, 0.75, 1.1], shape) + rng.uniform(-0.1, 0.1, shape)
    return Sample((x, rng.uniform(0, 1, shape), weights(rng, shape)), {"epsilon": 0.05})


def margin(rng: Generator, shape: tuple[int, ...]) -> Sample:
    """t x on both sides of the margin 1, at least 0.1 away from it."""
    t = rng.choice([-1.0, 1.0], shape)
    return Sample((t * (1 + signed(rng, shape)), t, weights(rng, shape)))


def divergence(rng: Generator, shape: tuple[int, ...]) -> Sample:
    """Positive outputs, some beyond the clip to [ε, 1]."""
    x = rng.choice([-0.2, 0.4, 0.7, 1.3], shape) + rng.uniform(-0.1, 0.1, shape)
    return Sample((x, distributions(rng, shape), weights(rng, shape)), {"epsilon": 0.05})


def poisson(rng: Generator, shape: tuple[int, ...]) -> Sample:
    return Sample((rng.uniform(0.3, 3, shape), rng.integers(0, 5, shape).astype(float), weights(rng, shape)))


def soft_targets(rng: Generator, shape: tuple[int, ...]) -> Sample:
    """Targets whose rows need not sum to one."""
    return Sample((2 * rng.standard_normal(shape), rng.uniform(0, 1, shape), weights(rng, shape)))


def logits_with_indices(rng: Generator, shape: tuple[int, ...]) -> Sample:
    return Sample((2 * rng.standard_normal(shape), indices(rng, shape), weights(rng, shape)))


def unscaled_distributions(rng: Generator, shape: tuple[int, ...]) -> Sample:
    """Positive rows that do not sum to one; every share stays clear of the clip."""
    x = distributions(rng, shape) * rng.uniform(0.8, 2.0, (*shape[:-1], 1))
    return Sample((x, distributions(rng, shape), weights(rng, shape)))


def distributions_with_indices(rng: Generator, shape: tuple[int, ...]) -> Sample:
    x, _, w = unscaled_distributions(rng, shape).arrays
    return Sample((x, indices(rng, shape), w))


# A row with a negative entry: the first share lies below the clip and the last above it, far from both ends.
CLIPPED = np.array([[-0.4, 0.5, 1.4], [0.2, 0.3, 0.6]])


def clipped_categorical(rng: Generator) -> list[Sample]:
    return [Sample((CLIPPED, distributions(rng, (2, 3)), weights(rng, (2, 3))), {"epsilon": 1e-3})]


def clipped_sparse(rng: Generator) -> list[Sample]:
    return [Sample((CLIPPED, np.array(t), weights(rng, (2, 3))), {"epsilon": 1e-3}) for t in ([0, 2], [1, 0], [2, 1])]


def one_hot(rng: Generator) -> list[Sample]:
    return [Sample((rng.standard_normal((3, 4)), np.eye(4)[[1, 3, 0]], np.ones(3)))]


def of_loss(
    draw: Draw,
    more: Callable[[Generator], list[Sample]] = lambda rng: [],
    shapes: st.SearchStrategy[tuple[int, ...]] = SHAPES,
) -> Samples:
    return Samples(
        fixed=lambda rng: [draw(rng, shape) for shape in FIXED_SHAPES] + more(rng),
        random=st.builds(
            lambda shape, seed: draw(np.random.default_rng(seed), shape), shapes, st.integers(0, 2**32 - 1)
        ),
    )


SAMPLES = {
    "squared_error": of_loss(difference, shapes=SHAPES_WITH_NO_OUTPUTS),
    "mean_squared_error": of_loss(difference, shapes=SHAPES_WITH_NO_OUTPUTS),
    "mean_absolute_error": of_loss(difference, shapes=SHAPES_WITH_NO_OUTPUTS),
    "huber": of_loss(huber, shapes=SHAPES_WITH_NO_OUTPUTS),
    "log_cosh": of_loss(difference, shapes=SHAPES_WITH_NO_OUTPUTS),
    "sigmoid_cross_entropy": of_loss(logits_with_rates, shapes=SHAPES_WITH_NO_OUTPUTS),
    "binary_cross_entropy": of_loss(probabilities, shapes=SHAPES_WITH_NO_OUTPUTS),
    "hinge": of_loss(margin, shapes=SHAPES_WITH_NO_OUTPUTS),
    "squared_hinge": of_loss(margin, shapes=SHAPES_WITH_NO_OUTPUTS),
    "kl_divergence": of_loss(divergence, shapes=SHAPES_WITH_NO_OUTPUTS),
    "poisson": of_loss(poisson, shapes=SHAPES_WITH_NO_OUTPUTS),
    "softmax_cross_entropy": of_loss(soft_targets, one_hot),
    "sparse_softmax_cross_entropy": of_loss(logits_with_indices),
    "categorical_cross_entropy": of_loss(unscaled_distributions, clipped_categorical),
    "sparse_categorical_cross_entropy": of_loss(distributions_with_indices, clipped_sparse),
}
