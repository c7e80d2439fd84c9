"""Noise: its mean and variance, that a step's draws are a function of the seed, and that predictions have none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Sequential, Variable, errors
from omomi import functions as F
from omomi.engines.random import address, normal
from omomi.layers import AlphaDropout, Dense, Dropout, GaussianDropout, GaussianNoise

KINDS = [lambda **o: GaussianNoise(0.5, **o), lambda **o: GaussianDropout(0.2, **o), lambda **o: AlphaDropout(0.2, **o)]


@pytest.mark.parametrize("kind", KINDS)
def test_noise_in_training_only(kind):
    layer = kind(seed=3)
    x = np.random.default_rng(0).normal(size=(200, 300)).astype("float32")
    assert_array_equal(layer(x).array, x)
    y = layer(x, training=True).array
    assert_array_equal(y, kind(seed=3)(x, training=True).array)
    assert (y != kind(seed=4)(x, training=True).array).any()
    assert_allclose(y.mean(), x.mean(), atol=0.02)  # 60000 numbers: five standard deviations


def test_variances():
    x = np.random.default_rng(0).normal(size=(300, 400))
    assert_allclose(F.gaussian_noise(x, 0.5).array.var(), x.var() + 0.25, rtol=0.02)
    ones = np.ones((300, 400))
    assert_allclose(F.gaussian_dropout(ones, 0.2).array.var(), 0.25, rtol=0.02)
    y = F.alpha_dropout(x, 0.2).array
    assert_allclose([y.mean(), y.var()], [0, 1], atol=0.02)


def test_normal_numbers_are_those_of_the_engines():
    """The rule spells Box and Muller's formula for every engine; omomi.engines.random has it for initial weights."""
    where = address(5, "w", 2)
    assert_allclose(F.gaussian_noise(np.zeros(11), 1.0, where).array, normal(where, 11), rtol=1e-12)
    for dtype in ("float32", "float16"):
        z = F.gaussian_noise(np.zeros(1001, dtype), 1.0, where).array
        assert z.dtype == dtype
        assert_allclose(z, normal(where, 1001), atol=3e-3 if dtype == "float16" else 3e-6)


def test_alpha_dropout_by_hand():
    """p = ½ and α' = −1.7580993: a = 1/√(½ (1 + ½ α'²)) = 0.8864, b = −½ a α' = 0.7792; dropped a α' + b = −b."""
    y = F.alpha_dropout(np.zeros(2000), 0.5).numpy()
    assert_allclose(sorted(set(y.round(12))), [-0.7792, 0.7792], atol=1e-4)
    x = Variable(np.random.default_rng(0).normal(size=(4, 3, 5)))
    y = AlphaDropout(0.5, noise_shape=(None, 1, None), seed=0, dtype="float64")(x, training=True)
    y.sum().backward()
    assert_array_equal(x.grad, x.grad[:, :1].repeat(3, axis=1))
    assert_allclose(sorted(set(np.asarray(x.grad).ravel().round(12))), [0, 0.8864], atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_each_replayed_step_draws_anew_and_as_the_rules_do(kind, tmp_path):
    x, found = np.ones((6, 8), "float32"), {}
    for engine in ("numpy", "numba"):
        model = Sequential([kind(input_shape=(8,)), Dense(2)], seed=1)
        model.compile("sgd", "mse")
        with omomi.use(engine):
            found[engine] = model.fit(x, np.zeros((6, 2)), epochs=4, batch_size=6, verbose=0).history["loss"]
    assert_allclose(found["numba"], found["numpy"], rtol=1e-5)
    model.save(tmp_path / "model.omomi")
    again = omomi.load_model(tmp_path / "model.omomi").layers[0]
    assert again.get_config() == model.layers[0].get_config()


def test_mistakes_are_named():
    with pytest.raises(errors.ConfigurationError, match="not negative"):
        GaussianNoise(-1.0)
    with pytest.raises(errors.ConfigurationError, match="0 ≤ rate < 1"):
        GaussianDropout(1.0)
    with pytest.raises(errors.ShapeError, match="does not fit"):
        AlphaDropout(0.5, noise_shape=(None, 2))(np.ones((2, 3)))
    with pytest.raises(errors.ConfigurationError, match="0 ≤ rate < 1"):
        F.alpha_dropout(np.ones(3), 1.5)


def test_one_draw_serves_a_whole_axis():
    x = Variable(np.ones((40, 3, 50), np.float32))
    y = Dropout(0.4, (None, 1, None), 5)(x, training=True)
    y.sum().backward()
    assert_array_equal(y.array, y.array[:, :1].repeat(3, axis=1))
    assert_array_equal(x.grad, y.array)
    assert_allclose((y.array == 0).mean(), 0.4, atol=0.05)
    assert set(np.unique(y.array).tolist()) == {0.0, float(np.float32(1 / 0.6))}
    layer = Dropout.from_config(Dropout(0.4, (None, 1)).get_config())
    assert layer.noise_shape == (None, 1)
    with pytest.raises(errors.ShapeError, match="does not fit"):
        layer(np.ones((2, 3, 4)))
