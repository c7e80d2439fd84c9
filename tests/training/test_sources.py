"""Data that is not one array in memory: generators, iterables, data sets, folders, files."""

from __future__ import annotations

import logging
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import errors
from omomi.callbacks import Callback, LambdaCallback
from omomi.layers import Dense
from omomi.training.sources.prefetch import Waiting, ahead
from tests.training.kinds import BATCHES, RNG, SIZE, Loader, Set, X, Y, fit, forever, network, same

# ---- every kind trains the same weights ----------------------------------------------------------------------------


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_every_kind_trains_the_same_weights_as_arrays(prefetch):
    arrays = fit(X, Y, batch_size=SIZE, shuffle=False)
    same(arrays, fit(forever(), steps_per_epoch=5, prefetch=prefetch))
    same(arrays, fit(Set(), shuffle=False, prefetch=prefetch))
    same(arrays, fit(Loader(), prefetch=prefetch))
    same(arrays, fit(lambda: iter(BATCHES), prefetch=prefetch))
    weights = np.ones(SIZE)
    same(arrays, fit([(x, y, weights) for x, y in BATCHES].__iter__, prefetch=prefetch))


def test_memory_mapped_arrays_train_the_same_weights_in_the_same_order(tmp_path):
    np.save(tmp_path / "x.npy", X.astype(np.float64))
    np.save(tmp_path / "y.npy", Y)
    x, y = (np.load(tmp_path / name, mmap_mode="r") for name in ("x.npy", "y.npy"))
    for shuffle in (True, False, "batch"):
        same(fit(X, Y, batch_size=SIZE, shuffle=shuffle), fit(x, y, batch_size=SIZE, shuffle=shuffle))
    model = fit(x, y, validation_split=0.2, epochs=1)
    assert_allclose(model.evaluate(x, y, batch_size=7), model.evaluate(X, Y), rtol=1e-5)
    assert_allclose(model.predict(x), model.predict(X), rtol=1e-6)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_lies_in_a_file_is_never_read_as_a_whole(tmp_path, monkeypatch):
    """A file of 512 MiB, most of it a hole on the disk: training on a part of it leaves memory as it is."""
    x = np.memmap(tmp_path / "x", np.float32, "w+", shape=(2**25, 4))
    x[:1000] = RNG.normal(size=(1000, 4))
    model = omomi.Sequential([Dense(1, input_shape=(4,))], seed=0)
    model.compile("sgd", "mse")
    y = np.broadcast_to(np.float32(1), (2**25, 1))
    monkeypatch.setattr("omomi.training.batches.check_finite", lambda array, what: None)  # y is no file, and long

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    model.fit(np.ones((64, 4)), np.ones((64, 1)), batch_size=64, verbose=0)
    before, most = resident(), []
    note = LambdaCallback(on_train_batch_end=lambda batch, logs: most.append(resident()))
    model.fit(x, y, batch_size=64, steps_per_epoch=100, shuffle=False, verbose=0, callbacks=note)
    assert max(most) - before < 64 * 2**20
    x[5, 0] = np.nan
    with pytest.raises(errors.NonFiniteError, match="in the inputs of this batch"):
        model.fit(x, y, batch_size=64, steps_per_epoch=1, shuffle=False, verbose=0)


def test_samples_of_a_batch_stay_together_as_they_lie():
    data = network().data(X[:38], Y[:38], None, None, SIZE)
    order = data.order(1, 0, "batch")
    starts = order[:32].reshape(4, SIZE)[:, 0]
    assert_array_equal(order[:32].reshape(4, SIZE), starts[:, None] + np.arange(SIZE))
    assert sorted(starts) == [0, 8, 16, 24]
    assert list(starts) != [0, 8, 16, 24]
    assert_array_equal(order[32:], np.arange(32, 38))  # the smaller last batch
    assert_array_equal(order, data.order(1, 0, "batch"))
    assert (order != data.order(1, 5, "batch")).any()


def test_shuffling_batches_keeps_neighbours_together():
    seen = []

    class Data(Set):
        def __getitem__(self, number):
            seen.append(number)
            return super().__getitem__(number)

    fit(Data(), prefetch=0)
    first, second = seen[-10:-5], seen[-5:]
    assert sorted(first) == sorted(second) == list(range(5))
    assert first != second
    again = list(seen)
    seen.clear()
    fit(Data(), prefetch=2)
    assert seen == again  # the same seed, the same order


def test_evaluate_and_predict_on_sources():
    model = network()
    expected = model.evaluate(X, Y, batch_size=SIZE)
    for data in (Set(), Loader(), lambda: iter(BATCHES), iter(BATCHES)):
        assert model.evaluate(data) == expected
    assert model.evaluate(forever(), steps=5) == expected
    outputs = model.predict(X)
    for data in (Set(), Loader(), iter(BATCHES), (x for x, _ in BATCHES)):
        assert_array_equal(model.predict(data), outputs)
    assert_array_equal(model.predict(Set(), steps=2), outputs[:16])
    assert_array_equal(model.predict(X, batch_size=SIZE, steps=2), outputs[:16])


def test_validation_on_sources_and_on_a_part():
    model = network()
    history = model.fit(Set(), epochs=2, verbose=0, validation_data=Loader(), validation_steps=2).history
    assert history["val_loss"][-1] == model.evaluate(X[:16], Y[:16], batch_size=SIZE)[0]
    history = model.fit(X, Y, verbose=0, validation_data=(X, Y), validation_steps=2, validation_batch_size=SIZE).history
    assert history["val_loss"][-1] == model.evaluate(X[:16], Y[:16], batch_size=SIZE)[0]


def test_a_part_of_an_epoch():
    model = fit(X, Y, batch_size=SIZE, steps_per_epoch=3, epochs=4)
    assert int(model.optimizer.iterations.array) == 12
    assert int(fit(Set(), steps_per_epoch=3).optimizer.iterations.array) == 6
    loader = Loader()
    assert int(fit(loader, steps_per_epoch=4, epochs=3).optimizer.iterations.array) == 12
    assert loader.begun == 3  # 12 batches are two rounds and a bit: an epoch goes on where the last one ended


def test_several_inputs_and_weights():
    model_x, y = {"left": X, "right": X}, Y

    class Two(omomi.Model):
        def __init__(self):
            super().__init__(seed=0)
            self.out = Dense(1)

        def call(self, x):
            return self.out(x["left"] + x["right"])

    def made():
        model = Two()
        model.compile("sgd", "mse")
        return model

    one, other = made(), made()
    weights = RNG.random(40)
    one.fit(model_x, y, sample_weight=weights, batch_size=SIZE, shuffle=False, verbose=0)
    parts = [slice(i, i + SIZE) for i in range(0, 40, SIZE)]
    other.fit(([({"left": X[p], "right": X[p]}, Y[p], weights[p]) for p in parts]).__iter__, verbose=0)
    same(one, other)


def test_class_weights_go_with_sources():
    labels = (X[:, 0] > 0).astype(np.int64)

    def made():
        return network(units=2, loss=omomi.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=[])

    arrays, stream = made(), made()
    arrays.fit(X, labels, batch_size=SIZE, shuffle=False, verbose=0, class_weight={0: 1.0, 1: 3.0})
    batches = [(X[i : i + SIZE], labels[i : i + SIZE]) for i in range(0, 40, SIZE)]
    stream.fit(Set(batches), shuffle=False, verbose=0, class_weight={0: 1.0, 1: 3.0})
    same(arrays, stream)


def test_a_generator_that_fills_one_array_again_and_again():
    def batches():
        x, y = np.empty((SIZE, 3), np.float32), np.empty((SIZE, 1), np.float32)
        while True:
            for a, b in BATCHES:
                x[...], y[...] = a, b
                yield x, y

    same(fit(X, Y, batch_size=SIZE, shuffle=False), fit(batches(), steps_per_epoch=5, prefetch=3))


def test_plans_are_recorded_once_for_steady_shapes():
    with omomi.use("numba"):
        model = fit(forever(), steps_per_epoch=5, epochs=3)
        (step,) = model._steps.made.values()
        assert len(step.compiled.plans) == 1


def test_ends_of_epochs_are_told():
    data = Set()
    fit(data, epochs=3, validation_data=Set())
    assert data.ended == 3


# ---- going on in the middle ----------------------------------------------------------------------------------------


class Stop(Callback):
    def __init__(self, at):
        super().__init__()
        self.at, self.count = at, 0

    def on_train_batch_end(self, batch, logs):
        self.count += 1
        if self.count == self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize("make", [forever, Set, Loader])
def test_training_goes_on_inside_an_epoch(tmp_path, make, caplog):
    whole = network()
    whole.fit(make(), steps_per_epoch=4, epochs=4, verbose=0)
    options = {"steps_per_epoch": 4, "epochs": 4, "verbose": 0}
    checkpoint = omomi.Checkpoints(tmp_path, every=1)
    with pytest.raises(KeyboardInterrupt):
        network().fit(make(), **options, checkpoint=checkpoint, callbacks=[Stop(10)])
    model = network()
    with caplog.at_level(logging.INFO, "omomi"):
        model.fit(make(), **options, checkpoint=checkpoint, resume=True)
    same(whole, model)
    assert int(model.optimizer.iterations.array) == 16
    if make is not Set:
        assert "batches are drawn and dropped" in caplog.text


# ---- the thread ----------------------------------------------------------------------------------------------------


def test_batches_are_made_ahead_and_not_further():
    made = []

    def items():
        for number in range(10):
            made.append(number)
            yield number

    ready = ahead(items(), 2)
    assert next(ready) == 0
    for _ in range(100):
        time.sleep(0.005)
        if len(made) == 4:
            break
    assert made == [0, 1, 2, 3]  # one taken, two ready, and one that waits for its place
    assert list(ready) == list(range(1, 10))


def test_waiting_is_counted():
    def slow():
        for number in range(3):
            time.sleep(0.02)
            yield number

    waiting = Waiting()
    list(ahead(slow(), 0, waiting))
    assert waiting.batches == 3
    assert 0.06 <= waiting.seconds < 1


def test_an_interrupt_ends_the_thread_and_not_the_source():
    closed = []

    def batches():
        try:
            yield from forever()
        finally:
            closed.append(threading.current_thread().name)

    model, source = network(), batches()
    with pytest.raises(KeyboardInterrupt):
        model.fit(source, steps_per_epoch=50, verbose=0, callbacks=[Stop(3)])
    assert int(model.optimizer.iterations.array) == 3
    assert closed == []  # a generator of the user's own goes on
    assert next(source)[0].shape == (SIZE, 3)


def test_the_bar_and_the_lines_know_what_a_stream_does_not(capsys):
    network().fit(iter(BATCHES), verbose=1)
    network().fit(iter(BATCHES), verbose=2)
    shown = capsys.readouterr().err
    assert shown.count("samples/s") == 2
