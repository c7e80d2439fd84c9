"""Training on the engine jax: the numbers of the other engines, and everything around a step works as there."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import Sequential, errors
from omomi.engines import random, selection
from omomi.engines.xla import traced
from omomi.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D, Rescaling
from omomi.training.batches import Batches, group_length

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 255, (90, 8, 8, 2)).astype(np.uint8)
ROWS = RNG.normal(size=(90, 4)).astype(np.float32)
LABELS = RNG.integers(0, 3, 90)


def images(seed=1):
    return Sequential(
        [
            Rescaling(1 / 255, input_shape=(8, 8, 2)),
            Conv2D(4, 3, padding="same", use_bias=False),
            BatchNormalization(momentum=0.9),
            omomi.layers.Activation("relu"),
            MaxPooling2D(),
            Dropout(0.25),
            Flatten(),
            Dense(3, activation="softmax"),
        ],
        seed=seed,
    )


def rows(seed=1):
    return Sequential([Dense(6, activation="tanh", input_shape=(4,)), Dense(3, activation="softmax")], seed=seed)


def compiled(make=rows, optimizer="adam", **options):
    model = make()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def on(engine, make, x, epochs=2, **options):
    with omomi.use(engine):
        model = compiled(make)
        first = model.get_weights()
        history = model.fit(x, LABELS, batch_size=16, epochs=epochs, validation_data=(x[:20], LABELS[:20]), verbose=0)
        return first, history.history, model.get_weights(), model.predict(x, batch_size=20), model


@pytest.fixture(scope="module")
def results():
    """The image network, trained for two epochs with an uneven last batch on each engine."""
    return {engine: on(engine, images, IMAGES) for engine in ("numpy", "numba", "jax")}


def test_three_engines_train_the_same_network(results):
    first, history, weights, outputs, _ = results["numpy"]
    for engine in ("numba", "jax"):
        own_first, own_history, own_weights, own_outputs, _ = results[engine]
        for a, b in zip(own_first, first, strict=True):
            assert_array_equal(a, b)  # initial weights: bit for bit
        for name, values in history.items():
            assert_allclose(own_history[name], values, rtol=2e-4, err_msg=name)
        for a, b in zip(own_weights, weights, strict=True):
            assert_allclose(a, b, rtol=0, atol=2e-4)
        assert_allclose(own_outputs, outputs, atol=2e-4)


def test_words_masks_and_shuffles_are_equal_bit_for_bit():
    here = random.address(2026, "model/dropout", step=7, draw=1)
    xp = selection.get("jax").xp
    for count in (0, 1, 5, 1027):
        assert_array_equal(np.asarray(xp.random_bits(here, count)), random.random_bits(here, count))
    largest = np.full(5, 2**32 - 1, np.uint32)
    assert_array_equal(np.asarray(xp.random_bits(largest, 9)), random.random_bits(largest, 9))

    def masks(engine):
        with omomi.use(engine):
            layer = Dropout(0.3, seed=5)
            x = np.ones((7, 11), np.float32)
            return layer(x, training=True).numpy(), layer(x, training=True).numpy()

    for mask, expected in zip(masks("jax"), masks("numpy"), strict=True):
        assert_array_equal(mask != 0, expected != 0)


def test_a_model_goes_on_on_another_engine_with_its_slots():
    def relay(engines):
        model = compiled(images)
        for engine in engines:
            with omomi.use(engine):
                model.fit(IMAGES, LABELS, batch_size=32, verbose=0)
        with omomi.use("numpy"):
            return model.get_weights(), int(model.optimizer.iterations.array)

    expected, steps = relay(["numpy"] * 4)
    found, own_steps = relay(["numba", "jax", "numba", "jax"])
    assert steps == own_steps == 12
    for a, b in zip(found, expected, strict=True):
        assert isinstance(a, np.ndarray)
        assert_allclose(a, b, rtol=0, atol=5e-4)


def test_a_saved_training_goes_on_bit_for_bit(tmp_path):
    with omomi.use("jax"):
        whole = compiled()
        whole.fit(ROWS, LABELS, batch_size=16, epochs=2, verbose=0)
        half = compiled()
        half.fit(ROWS, LABELS, batch_size=16, verbose=0)
        half.save(tmp_path / "half.safetensors")
        again = omomi.load_model(tmp_path / "half.safetensors")
        again.fit(ROWS, LABELS, batch_size=16, epochs=2, initial_epoch=1, verbose=0)
        for a, b in zip(again.get_weights(), whole.get_weights(), strict=True):
            assert_array_equal(a, b)
    omomi.load_model(tmp_path / "half.safetensors").predict(ROWS)  # and on the default engine


class Batch(omomi.callbacks.Callback):
    """Must see every batch."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs):
        self.seen.append(batch)


class Skipping(Batch):
    skips_batches = True


def test_batches_come_in_groups_unless_somebody_must_see_each():
    with omomi.use("jax"):
        weights = []
        for callback, seen in ((Skipping(), [1, 3, 4, 5]), (Batch(), [0, 1, 2, 3, 4, 5]), (None, None)):
            model = compiled(steps_per_execution=2)
            model.fit(ROWS, LABELS, batch_size=16, verbose=0, callbacks=[callback] if callback else [])
            assert callback is None or callback.seen == seen
            weights.append(model.get_weights())
        for others in weights[1:]:
            for a, b in zip(others, weights[0], strict=True):
                assert_allclose(a, b, rtol=0, atol=1e-6)


def test_groups_show_every_sample_once_in_three_shapes_at_most():
    data = Batches(np.zeros((103, 1)), None, None, 4, "float32")
    order = np.random.default_rng(0).permutation(103)
    parts = list(data.groups(order, 10))
    assert_array_equal(np.concatenate([part.reshape(-1) for _, part in parts]), order)
    assert [number for number, _ in parts] == [0, 10, 20, 21, 22, 23, 24, 25]
    assert {part.shape for _, part in parts} == {(10, 4), (1, 4), (1, 3)}
    assert [group_length(n) for n in (1, 19, 40, 468, 10_000)] == [1, 1, 2, 23, 64]
    with pytest.raises(errors.ConfigurationError, match="steps_per_execution=0"):
        compiled(steps_per_execution=0)


def test_a_step_that_is_not_finite_changes_nothing_and_is_named():
    x, y = ROWS.copy(), np.zeros((90, 1), np.float32)
    model = Sequential([Dense(1, input_shape=(4,), name="only")], seed=0)
    x[40] = 1e38
    with omomi.use("jax"):
        for callbacks in ([], [Batch()]):  # in a group, and one by one
            model.compile("sgd", "mse", steps_per_execution=6)
            with pytest.raises(errors.NonFiniteError, match="rule mean_squared_error after layer only, forward") as bad:
                model.fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=callbacks)
            assert int(model.optimizer.iterations.array) == 2  # sample 40 is in the third batch
            assert "training, step" in str(bad.value)
            assert all(np.isfinite(w).all() for w in model.get_weights())


@pytest.fixture
def looping(monkeypatch):
    """Groups of steps are one program with a loop, as on a GPU."""
    monkeypatch.setattr(traced, "loops", lambda layout: True)
    with omomi.use("jax"):
        yield


def test_a_loop_of_steps_computes_what_single_steps_do(looping):
    weights, histories = [], []
    for callbacks in ([], [Batch()]):
        model = compiled(steps_per_execution=2)
        found = model.fit(
            ROWS, LABELS, batch_size=16, epochs=2, validation_data=(ROWS, LABELS), verbose=0, callbacks=callbacks
        )
        weights.append(model.get_weights())
        histories.append(found.history)
    for a, b in zip(*weights, strict=True):
        assert_allclose(a, b, rtol=0, atol=1e-6)
    for name, values in histories[0].items():
        assert_allclose(values, histories[1][name], rtol=1e-5, err_msg=name)


def test_a_loop_stops_at_the_step_that_is_not_finite(looping):
    x = ROWS.copy()
    x[40] = 1e38  # in the third batch
    model = Sequential([Dense(1, input_shape=(4,))], seed=0)
    model.compile("sgd", "mse", steps_per_execution=5)
    with pytest.raises(errors.NonFiniteError, match="mean_squared_error"):
        model.fit(x, np.zeros((90, 1), np.float32), batch_size=16, shuffle=False, verbose=0)
    assert int(model.optimizer.iterations.array) == int(model.state()["step"].array) == 2
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_a_layer_that_reads_values_runs_as_it_comes(caplog):
    class Nosy(omomi.Layer):
        replayable = True

        def call(self, x):
            return x * 2.0 if float(x.sum().array) > 0 else x

    with omomi.use("jax"), caplog.at_level(logging.INFO, logger="omomi"):
        model = Sequential([Dense(3, input_shape=(4,)), Nosy()], seed=0)
        model.compile("sgd", "mse")
        model.fit(ROWS[:32], ROWS[:32, :3], verbose=0)
    assert int(model.optimizer.iterations.array) == 1
    assert "as it comes" in caplog.text


def test_what_was_read_stays_after_the_next_step():
    with omomi.use("jax"):
        model = compiled()
        kept = model.layers[0].kernel.array
        before = np.array(kept)
        model.fit(ROWS, LABELS, verbose=0)
        assert_array_equal(np.asarray(kept), before)


def test_float64_stays_float64():
    with omomi.use("jax"):
        model = Sequential([Dense(3, input_shape=(4,), dtype="float64")], dtype="float64", seed=0)
        model.compile("adam", "mse")
        model.fit(ROWS.astype(np.float64), ROWS[:, :3].astype(np.float64), verbose=0)
        found = model.predict(ROWS)
    assert found.dtype == np.float64
    with omomi.use("numpy"):
        assert_allclose(model.predict(ROWS), found, rtol=1e-12)


def test_the_free_style():
    def losses(engine):
        with omomi.use(engine):
            net = rows()
            optimizer = omomi.optimizers.SGD(0.5).setup(net)
            found = []
            for _ in range(3):
                loss = omomi.losses.get("sparse_categorical_crossentropy")(LABELS, net(ROWS))
                net.cleargrads()
                loss.backward()
                optimizer.update()
                found.append(float(loss))
            return found

    assert_allclose(losses("jax"), losses("numpy"), rtol=1e-5)
