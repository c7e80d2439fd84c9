"""Batch normalisation's passes against the rules in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from omomi.engines.cpu import normalization
from omomi.engines.cpu.launch import Array, run
from omomi.engines.reference import xp
from omomi.ops import normalization as rules
from tests.engines.cpu.passes import DTYPES, TOLERANCE, assert_near, check_bits, normal

SHAPES = [(1, 3), (2, 1), (20, 10), (70_000, 1), (3000, 33), (40, 700)]
# f, and its derivative by y = f(x).
ACTIVATIONS = {
    "linear": (lambda x: x, lambda y: 1.0),
    "relu": (lambda x: np.maximum(x, 0), lambda y: y > 0),
    "tanh": (np.tanh, lambda y: 1 - y * y),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.1 * x), lambda y: np.where(y > 0, 1, 0.1)),
}


def _arrays(shape: tuple[int, int], dtype: str) -> dict[str, Array]:
    channels = shape[1]
    far = 20 * normal(1, channels)
    arrays = {
        "x": 3 * normal(2, *shape) + far,
        "gamma": normal(3, channels),
        "beta": normal(4, channels),
        "mean": normal(5, channels) + far,
        "variance": 1 + normal(6, channels) ** 2,
    }
    return {name: a.astype(dtype) for name, a in arrays.items()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("inference", [False, True])
def test_against_the_rule(shape: tuple[int, int], activation: str, inference: bool, dtype: str) -> None:
    arrays = _arrays(shape, dtype)
    given = {name: a.copy() for name, a in arrays.items()}
    x, gamma, beta, mean, variance = arrays.values()
    gy, f = normal(7, *shape, dtype=dtype), {"activation": activation, "alpha": 0.1}
    y, gx = np.empty_like(x), np.empty_like(x)
    new_mean, new_variance, inverse, of_batch, g_gamma, g_beta = (np.empty_like(gamma) for _ in range(6))
    doubles = [a.astype(np.float64) for a in arrays.values()]
    if inference:
        rule, centre = rules.batch_normalization_inference, mean
        run(normalization.inference_forward(x, gamma, beta, mean, variance, y, inverse, epsilon=1e-2, **f))
        expected, saved = rule.forward(xp, *doubles, epsilon=1e-2)
    else:
        rule, centre = rules.batch_normalization, of_batch
        written = y, new_mean, new_variance, of_batch, inverse
        run(normalization.forward(x, gamma, beta, mean, variance, *written, momentum=0.9, epsilon=1e-2, **f))
        (expected, *statistics), saved = rule.forward(xp, *doubles, momentum=0.9, epsilon=1e-2)
        for received, wanted in zip((new_mean, new_variance), statistics, strict=True):
            assert_near(received, wanted, scale=3)
    apply, derivative = ACTIVATIONS[activation]
    assert_near(y, apply(expected), scale=20)  # of x some 50 from 0, x − μ loses digits
    run(
        normalization.backward(
            x, y, gamma, centre, inverse, gy, gx=gx, g_gamma=g_gamma, g_beta=g_beta, statistics=not inference, **f
        )
    )
    delta = gy * derivative(y.astype(np.float64))
    wanted = rule.backward(xp, saved, delta if inference else (delta, None, None), (True,) * 5, epsilon=1e-2)
    assert_near(gx, wanted[0], scale=20)
    rounding = TOLERANCE[dtype] * np.abs(delta).sum(axis=0)
    for received, sums in zip((g_gamma, g_beta), wanted[1:3], strict=True):
        assert (np.abs(received - sums) <= 10 * rounding).all()
    for name, a in arrays.items():
        np.testing.assert_array_equal(a, given[name])


def test_a_mean_far_from_zero_costs_no_digits_of_the_variance() -> None:
    """The rule in single precision, which takes its mean by a plain sum, is the mark to beat."""
    x = (1000 + normal(1, 100_000, 3)).astype(np.float32)
    ones, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
    y, (new_mean, new_variance, mean, inverse) = np.empty_like(x), np.empty((4, 3), np.float32)
    run(normalization.forward(x, ones, zeros, zeros, zeros, y, new_mean, new_variance, mean, inverse, momentum=0.0))
    variance = x.astype(np.float64).var(axis=0)
    np.testing.assert_allclose(new_variance, variance, rtol=1e-6)
    (_, _, of_rule), _ = rules.batch_normalization.forward(xp, x, ones, zeros, zeros, zeros, momentum=0.0)
    assert np.abs(new_variance - variance).max() <= np.abs(of_rule - variance).max()


def test_bits_do_not_depend_on_threads() -> None:
    arrays = _arrays((9001, 19), "float32")
    x, gamma, beta, mean, variance = arrays.values()
    y, gx, gy = np.empty_like(x), np.empty_like(x), normal(7, *x.shape, dtype="float32")
    others = [np.empty_like(gamma) for _ in range(4)]
    check_bits(lambda: normalization.forward(x, gamma, beta, mean, variance, y, *others), y, *others)
    sums = np.empty_like(gamma), np.empty_like(gamma)
    check_bits(
        lambda: normalization.backward(
            x, y, gamma, others[2], others[3], gy, gx=gx, g_gamma=sums[0], g_beta=sums[1], activation="relu"
        ),
        gx,
        *sums,
    )
