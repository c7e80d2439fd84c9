"""Losses beside Keras: values, gradients, weights, reductions; and in training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import omomi
from omomi import errors, losses
from omomi.layers import Dense

with np.load(Path(__file__).parent.parent / "oracles" / "losses.npz") as _file:
    ORACLE = dict(_file)  # what tests/oracles/losses.py wrote
CASES = json.loads(str(ORACLE["cases"]))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 4)).astype(np.float32)


@pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{name}-{data}" for name, _, data in CASES])
def test_values_and_gradients_are_keras_s(case):
    name, options, data = CASES[case]
    loss = getattr(losses, name)(**options)
    assert losses.get({"class_name": name, "config": json.loads(json.dumps(loss.get_config()))}).get_config() == (
        loss.get_config()
    )
    for weighted in (False, True):
        y = omomi.Variable(ORACLE[f"{data}/y"])
        E = loss(ORACLE[f"{data}/t"], y, ORACLE["w"] if weighted else None)
        E.backward()
        assert_allclose(E.numpy(), ORACLE[f"{case}/{int(weighted)}"], rtol=1e-6)
        assert_allclose(y.grad, ORACLE[f"{case}/{int(weighted)}/gx"], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("loss", "units", "activation", "targets"),
    [
        (losses.BinaryCrossentropy(label_smoothing=0.2), 1, "sigmoid", RNG.integers(0, 2, 24)),
        (losses.BinaryFocalCrossentropy(), 1, "sigmoid", RNG.integers(0, 2, 24)),
        (losses.BinaryFocalCrossentropy(from_logits=True), 1, None, RNG.integers(0, 2, 24)),
        (losses.CategoricalCrossentropy(label_smoothing=0.2), 3, "softmax", np.eye(3)[RNG.integers(0, 3, 24)]),
        (losses.CategoricalFocalCrossentropy(reduction="sum"), 3, "softmax", np.eye(3)[RNG.integers(0, 3, 24)]),
        (losses.SparseCategoricalCrossentropy(ignore_class=-1), 3, "softmax", RNG.integers(-1, 3, 24)),
        (losses.CosineSimilarity(), 3, None, RNG.normal(size=(24, 3))),
        (losses.MeanSquaredLogarithmicError(reduction="mean_with_sample_weight"), 2, None, RNG.random((24, 2))),
        (losses.CategoricalHinge(), 3, None, np.eye(3)[RNG.integers(0, 3, 24)]),
    ],
    ids=lambda value: value.name if isinstance(value, losses.Loss) else "",
)
def test_engines_train_alike(loss, units, activation, targets):
    """Recorded and traced steps are those that run as they come; weights of the samples count."""
    found = {}
    traced = loss.name in ("binary_focal_crossentropy", "sparse_categorical_crossentropy")  # it costs a second each
    engines = ("numba", "jax") if traced else ("numba",)
    for engine in ("numpy", *engines):
        with omomi.use(engine):
            model = omomi.Sequential([Dense(units, activation, input_shape=(4,))], seed=0)
            model.compile(omomi.optimizers.SGD(0.1), loss)
            weights = np.linspace(0, 2, 24)
            history = model.fit(X, targets, batch_size=10, epochs=2, verbose=0, sample_weight=weights).history
            found[engine] = [*model.get_weights(), np.array(history["loss"])]
    for engine in engines:
        for a, b in zip(found[engine], found["numpy"], strict=True):
            assert_allclose(a, b, rtol=1e-5, atol=1e-6, err_msg=engine)


def test_a_class_that_is_ignored_might_as_well_not_be_there():
    def trained(x, y, **options):
        model = omomi.Sequential([Dense(3, "softmax", input_shape=(4,))], seed=0)
        model.compile(omomi.optimizers.SGD(0.1), losses.SparseCategoricalCrossentropy(**options))
        model.fit(x, y, batch_size="full", epochs=3, verbose=0)
        return model.get_weights()

    y = RNG.integers(-1, 3, 24)
    for a, b in zip(trained(X, y, ignore_class=-1), trained(X[y >= 0], y[y >= 0]), strict=True):
        assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    images = RNG.integers(0, 3, (2, 5, 4))
    images[0, 0] = 255
    outputs = np.full((2, 5, 4, 3), 1 / 3)
    E = losses.SparseCategoricalCrossentropy(ignore_class=255)(images, omomi.Variable(outputs))
    assert float(E) == pytest.approx(np.log(3))


def test_a_saved_model_has_its_loss(tmp_path):
    model = omomi.Sequential([Dense(3, "softmax", input_shape=(4,))], seed=0)
    loss = losses.CategoricalFocalCrossentropy(alpha=[0.1, 0.2, 0.7], label_smoothing=0.1)
    model.compile("sgd", loss)
    model.save(tmp_path / "model.omomi")
    assert omomi.load_model(tmp_path / "model.omomi").loss.get_config() == loss.get_config()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: losses.MeanSquaredError(reduction="none"), "a loss is one number"),
        (lambda: losses.CategoricalCrossentropy(label_smoothing=1.0), "label_smoothing is a share"),
        (lambda: losses.BinaryFocalCrossentropy(gamma=-1), "gamma is not negative"),
        (lambda: losses.CosineSimilarity(axis=0), "those of the last axis"),
        (lambda: losses.SparseCategoricalCrossentropy(ignore_class=-1)([-2], np.ones((1, 3))), "outside the classes"),
    ],
)
def test_mistakes_are_named(act, message):
    with pytest.raises(errors.OmomiError, match=message):
        act()


def test_a_sigmoid_twice_is_named():
    model = omomi.Sequential([Dense(1, "sigmoid", input_shape=(4,))], seed=0)
    model.compile("sgd", losses.BinaryFocalCrossentropy(from_logits=True))
    with pytest.raises(errors.ConfigurationError, match="sigmoid would be applied twice"):
        model.fit(X, np.ones(24), verbose=0)
