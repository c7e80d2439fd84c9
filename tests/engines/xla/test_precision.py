"""Mixed precision: half between the layers, float32 in parameters, slots and losses."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import omomi
from omomi import Sequential, errors
from omomi.layers import BatchNormalization, Dense

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 6)).astype(np.float32)
LABELS = (X[:, 0] + X[:, 1] > 0).astype(np.int64) + (X[:, 2] > 0.5)


def network(precision, learning_rate=0.02, layers=()):
    model = Sequential(
        [Dense(24, activation="tanh", input_shape=(6,)), *layers, Dense(3, activation="softmax")],
        seed=1,
        precision=precision,
    )
    model.compile(omomi.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Dtypes(omomi.Hook):
    """The dtypes that rules compute in."""

    def __init__(self):
        self.of = {}

    def after_forward(self, rule, arrays, attributes, path, y):
        self.of.setdefault(rule.name, set()).add((y[0] if isinstance(y, tuple) else y).dtype.name)


@pytest.mark.parametrize(("precision", "half"), [("mixed_bfloat16", "bfloat16"), ("mixed_float16", "float16")])
def test_half_between_float32_at_the_ends(precision, half):
    with omomi.use("jax"):
        model = network(precision, layers=[BatchNormalization()])
        with Dtypes() as seen:
            loss = omomi.losses.get("sparse_categorical_crossentropy").compute(
                LABELS, model(X, training=True), np.ones(96, np.float32)
            )
            loss.backward()
        assert seen.of["affine"] == seen.of["tanh"] == {half}
        assert seen.of["batch_normalization"] == seen.of["sparse_softmax_cross_entropy"] == {"float32"}
        assert {entry.dtype.name for entry in model.parameters().values()} == {"float32"}
        assert {p.grad.dtype.name for p in model.parameters().values()} == {"float32"}
        assert model.predict(X).dtype == np.float32


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_training_in_mixed_precision_learns_like_float32(precision, tmp_path):
    with omomi.use("jax"):
        full, mixed = network("float32"), network(precision)
        expected = full.fit(X, LABELS, batch_size=32, epochs=12, verbose=0).history["loss"]
        found = mixed.fit(X, LABELS, batch_size=32, epochs=12, verbose=0).history["loss"]
        assert_allclose(found, expected, rtol=0.02)
        assert {slot.dtype.name for slots in mixed.optimizer.slots.values() for slot in slots} == {"float32"}
        mixed.save(tmp_path / "mixed.safetensors")
        again = omomi.load_model(tmp_path / "mixed.safetensors")
        assert again.precision == precision
        assert_allclose(again.predict(X), mixed.predict(X))
        again.fit(X, LABELS, batch_size=32, verbose=0)
    again.precision = "float32"  # and on an engine without half precision
    with omomi.use("numpy"):
        assert again.evaluate(X, LABELS)[0] < 1.1 * found[-1]
        again.fit(X, LABELS, batch_size=32, verbose=0)


def test_a_gradient_that_overflows_lowers_the_scale_and_leaves_the_step_out():
    with omomi.use("jax"):
        model = network("mixed_float16")
        model.trainer()
        scale, steps = model.optimizer.loss_scale.entries().values()
        scale.assign(2.0**24)  # deltas of about 10⁻² times this are infinite in float16
        model.fit(X, LABELS, batch_size=32, epochs=6, verbose=0)
        assert 1 < float(scale.array) < 2.0**24
        taken = int(model.optimizer.iterations.array)
        assert 0 < taken < 18
        assert int(steps.array) == taken


def test_a_loss_that_is_not_finite_is_not_forgiven():
    with omomi.use("jax"):
        model = network("mixed_float16")
        x = X.copy()
        x[0] = 3e38  # infinite in float16
        with pytest.raises(errors.NonFiniteError):
            model.fit(x, LABELS, batch_size="full", verbose=0)


def test_other_engines_say_that_they_compute_in_float32():
    omomi.set_precision("mixed_bfloat16")
    try:
        model = Sequential([Dense(2, input_shape=(3,))], seed=0)
    finally:
        omomi.set_precision("float32")
    for engine in ("numpy", "numba"):
        with omomi.use(engine), pytest.raises(errors.EngineError, match="this engine computes in float32"):
            model.predict(np.ones((1, 3)))
    with pytest.raises(errors.UnknownNameError, match="mixed_bfloat16"):
        omomi.set_precision("bfloat16")
