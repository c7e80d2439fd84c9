"""The recorded step: replaying computes what the rules compute, and what must not be replayed is not."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Sequential
from omomi import functions as F
from omomi.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    PReLU,
    Rescaling,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 255, (50, 9, 9, 2)).astype(np.uint8)
LABELS = RNG.integers(0, 4, 50)
ROWS = RNG.normal(size=(50, 6)).astype(np.float32)

NETWORKS = {
    "dense": lambda: (
        Sequential(
            [
                Dense(7, activation="tanh", input_shape=(6,)),
                Dense(5, activation="relu"),
                Dense(4, activation="softmax"),
            ],
            seed=1,
        ),
        ROWS,
    ),
    "many activations": lambda: (
        Sequential(
            [
                Dense(8, activation="sigmoid", input_shape=(6,)),
                Dense(8, activation="elu", use_bias=False),
                Dense(8, activation="gelu"),
                PReLU(),
                Dense(4, activation="softmax"),
            ],
            seed=1,
        ),
        ROWS,
    ),
    "images": lambda: (
        Sequential(
            [
                Rescaling(1 / 255, input_shape=(9, 9, 2)),
                Conv2D(3, 3, activation="relu"),
                Conv2D(4, 3, padding="same", activation="tanh"),
                MaxPooling2D(),
                Dropout(0.25),
                Flatten(),
                Dense(10, activation="relu"),
                Dropout(0.5),
                Dense(4, activation="softmax"),
            ],
            seed=1,
        ),
        IMAGES,
    ),
    "normalised": lambda: (
        Sequential(
            [
                Rescaling(1 / 255, input_shape=(9, 9, 2)),
                Conv2D(5, 3, use_bias=False, strides=2),
                BatchNormalization(momentum=0.9),
                PReLU(shared_axes=(1, 2)),
                GlobalAveragePooling2D(),
                Dense(4, activation="softmax"),
            ],
            seed=1,
        ),
        IMAGES,
    ),
}


def trained(engine, network, optimizer="adam", **options):
    """History and weights after two epochs with an uneven last batch and a validation."""
    with omomi.use(engine):
        model, x = NETWORKS[network]() if isinstance(network, str) else network()
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(
            x, LABELS, batch_size=16, epochs=2, validation_data=(x[:20], LABELS[:20]), verbose=0, **options
        )
        return history.history, model.get_weights(), model.predict(x, batch_size=20), model


@pytest.mark.parametrize("network", NETWORKS)
def test_a_replayed_training_agrees_with_the_rules(network):
    expected, weights, outputs, _ = trained("numpy", network)
    found, own, predicted, model = trained("numba", network)
    for name, values in expected.items():
        assert_allclose(found[name], values, rtol=2e-4, err_msg=name)
    for a, b in zip(own, weights, strict=True):
        assert_allclose(a, b, rtol=0, atol=2e-4)
    assert_allclose(predicted, outputs, atol=2e-4)
    steps = model._steps.made["numba", "train"]
    assert {key[0][1][0] for key in steps.compiled.plans} == {16, 2}  # one plan for each size of a batch


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adamw", "lion"])
def test_optimisers_in_place(optimizer):
    expected, weights, _, _ = trained("numpy", "dense", optimizer)
    found, own, _, _ = trained("numba", "dense", optimizer)
    assert_allclose(found["loss"], expected["loss"], rtol=1e-4)
    for a, b in zip(own, weights, strict=True):
        assert_allclose(a, b, rtol=0, atol=5e-4)


def test_the_same_seed_gives_the_same_bits():
    _, first, _, _ = trained("numba", "images")
    _, second, _, _ = trained("numba", "images")
    for a, b in zip(first, second, strict=True):
        assert_array_equal(a, b)


def test_masks_and_order_are_those_of_the_reference_engine():
    """With a rate of zero nothing moves, so the epoch's loss shows the masks alone."""
    losses = [trained(engine, "images", omomi.optimizers.SGD(0.0))[0]["loss"] for engine in ("numpy", "numba")]
    assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_weights_that_somebody_puts_in_are_used():
    with omomi.use("numba"):
        _, _, _, model = trained("numba", "dense")
        model.set_weights([np.zeros_like(w) for w in model.get_weights()])
        assert_allclose(model.predict(ROWS), 0.25)
        assert_allclose(model.evaluate(ROWS, LABELS)[0], np.log(4), rtol=1e-6)
        loss = model.train_on_batch(ROWS[:16], LABELS[:16])[0]
        assert_allclose(loss, np.log(4), rtol=1e-6)


def test_parameters_seen_from_outside_follow():
    with omomi.use("numba"):
        _, _, _, model = trained("numba", "dense")
        before = model.get_weights()
        model.train_on_batch(ROWS[:16], LABELS[:16])
        for entry, old, new in zip(model.weights, before, model.get_weights(), strict=True):
            assert_array_equal(entry.array, new)
            assert (old != new).any()


def test_a_step_that_is_not_finite_changes_nothing():
    with omomi.use("numba"):
        _, _, _, model = trained("numba", "normalised", "sgd")
        state = {path: np.array(e.array) for path, e in model.state().items()}
        model.compile(omomi.optimizers.SGD(1e30), "sparse_categorical_crossentropy")
        with pytest.raises(omomi.errors.NonFiniteError):
            model.fit(IMAGES, LABELS, epochs=40, verbose=0)
        assert all(np.isfinite(e.array).all() for e in model.weights)
        assert state.keys() == model.state().keys()


class OwnNumbers(omomi.Layer):
    """Computes with raw NumPy, behind the engine's back."""

    calls = 0

    def call(self, x):
        OwnNumbers.calls += 1
        return x * Variable_of(np.full(x.shape, float(OwnNumbers.calls), np.float32))


def Variable_of(array):
    return omomi.Variable(array, requires_grad=False)


def plans(model, kind="train"):
    """The recorded plans of a model's step; ``None`` if it runs as it comes."""
    compiled = model._steps.made["numba", kind].compiled
    return None if not hasattr(compiled, "plans") or compiled.refused else compiled.plans


def fitted(*layers, x=ROWS, **options):
    with omomi.use("numba"):
        model = Sequential([*layers, Dense(4, activation="softmax")], seed=0)
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(x, LABELS, batch_size=25, verbose=0, **options)
        return model


def test_a_layer_that_does_not_declare_itself_runs_as_it_comes(caplog):
    OwnNumbers.calls = 0
    with caplog.at_level(logging.INFO, "omomi"):
        model = fitted(Dense(3, input_shape=(6,)), OwnNumbers())
    assert plans(model) is None
    assert OwnNumbers.calls >= 2  # once for each step
    said = [r.message for r in caplog.records if "does not declare itself replayable" in r.message]
    assert len(said) == 1
    assert "own_numbers (OwnNumbers)" in said[0]


def test_a_layer_that_declares_itself_is_replayed():
    class Scaled(omomi.Layer):
        replayable = True
        calls = 0

        def call(self, x):
            Scaled.calls += 1
            return F.tanh(x) * 2.0

    model = fitted(Dense(3, input_shape=(6,)), Scaled())
    assert len(plans(model)) == 1
    before = Scaled.calls
    with omomi.use("numba"):
        model.fit(ROWS, LABELS, batch_size=25, epochs=5, verbose=0)
    assert Scaled.calls == before


def test_a_branch_on_a_value_refuses_replay(caplog):
    class Branch(omomi.Layer):
        replayable = True  # a wrong declaration: it looks at a value

        def call(self, x):
            return x * 2.0 if x.mean().item() > 0 else x

    with caplog.at_level(logging.INFO, "omomi"):
        model = fitted(Dense(3, input_shape=(6,)), Branch())
    assert plans(model) is None
    assert sum("a value was read" in r.message for r in caplog.records) == 1


def test_a_changing_shape_is_another_plan():
    model = fitted(Dense(3, input_shape=(6,)))
    with omomi.use("numba"):
        for size in (10, 20, 30):
            model.train_on_batch(ROWS[:size], LABELS[:size])
    assert len(plans(model)) == 4


def test_assigning_a_layer_s_attribute_discards_its_plans():
    model = fitted(Dropout(0.5, input_shape=(6,)), Dense(3))
    assert len(plans(model)) == 1
    with omomi.use("numba"):
        model.layers[0].rate = 0.0
        losses = {model.train_on_batch(ROWS, LABELS) for _ in range(3)}
    assert len(losses) == 3
    reference = fitted(Dropout(0.5, input_shape=(6,)), Dense(3))
    reference.layers[0].rate = 0.0
    with omomi.use("numpy"):
        assert_allclose(reference.train_on_batch(ROWS, LABELS), max(losses), rtol=1e-5)


def test_watching_sees_the_parts_and_changes_no_bit():
    seen = []

    class Names(omomi.Hook):
        def after_forward(self, rule, arrays, attributes, path, y):
            seen.append(rule.name)

    plain, watched = fitted(Dense(3, input_shape=(6,))), fitted(Dense(3, input_shape=(6,)))
    with omomi.use("numba"):
        plain.fit(ROWS, LABELS, batch_size=25, verbose=0)
        with Names():
            watched.fit(ROWS, LABELS, batch_size=25, verbose=0)
    assert "affine" in seen
    assert "sparse_softmax_cross_entropy" in seen
    for a, b in zip(plain.get_weights(), watched.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_a_steady_step_builds_no_graph_and_allocates_nothing_large():
    import tracemalloc

    with omomi.use("numba"):
        _, _, _, model = trained("numba", "images")
        from omomi.training.batches import Batches

        batch = next(Batches(IMAGES, LABELS, None, 16, "float32").epoch())
        trainer = model.trainer()
        trainer.train_on_batch(batch)
        tracemalloc.start()
        trainer.train_on_batch(batch)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        trainer.train_on_batch(batch)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak - before < 64 * 1024


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("binary_crossentropy", RNG.integers(0, 2, 50)),
        ("mean_squared_error", RNG.integers(0, 9, (50, 1)).astype(np.uint8)),
        ("categorical_crossentropy", np.eye(3, dtype=int)[RNG.integers(0, 3, 50)]),
    ],
)
def test_whole_numbers_as_targets_change_from_batch_to_batch(loss: str, y: np.ndarray):
    """Recorded once, replayed with the targets of each batch: not with those of the first."""

    def trained(targets: np.ndarray) -> list[np.ndarray]:
        units, activation = (3, "softmax") if loss.startswith("categorical") else (1, "sigmoid")
        model = Sequential([Dense(units, activation=activation, input_shape=(6,))], seed=0)
        model.compile("sgd", loss)
        model.fit(ROWS, targets, batch_size=10, epochs=2, verbose=0)
        return model.get_weights()

    for whole, real in zip(trained(y), trained(y.astype(np.float32)), strict=True):
        assert_array_equal(whole, real)
