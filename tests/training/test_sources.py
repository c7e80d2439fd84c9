"""Data that is not one array in memory: generators, iterables, data sets, folders, files."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi
from omomi import errors
from omomi.callbacks import Callback, LambdaCallback
from omomi.layers import Dense
from omomi.training.sources.prefetch import Waiting, ahead
from omomi.utils import PyDataset

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = (X @ np.array([[1.0], [-1.0], [0.5]], np.float32)).astype(np.float32)
SIZE = 8  # 5 batches
BATCHES = [(X[i : i + SIZE], Y[i : i + SIZE]) for i in range(0, 40, SIZE)]


def network(seed=0, units=1, **options):
    model = omomi.Sequential([Dense(units, input_shape=(3,))], seed=seed)
    model.compile(omomi.optimizers.Adam(0.05), **{"loss": "mse", "metrics": ["mae"], **options})
    return model


def fit(data, *more, **options):
    model = network()
    model.fit(data, *more, **{"verbose": 0, "epochs": 2, **options})
    return model


def same(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert_array_equal(a, b)


def forever(batches=BATCHES):
    while True:
        yield from batches


class Set(PyDataset):
    def __init__(self, batches=BATCHES, **options):
        super().__init__(**options)
        self.batches, self.ended = batches, 0

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, number):
        return self.batches[number]

    def on_epoch_end(self):
        self.ended += 1


class Loader:
    """As a DataLoader: begins anew with each ``iter``, gives lists."""

    def __init__(self, batches=BATCHES):
        self.batches, self.begun = batches, 0

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        self.begun += 1
        return iter([list(batch) for batch in self.batches])


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert [thread for thread in threading.enumerate() if thread.name == "omomi prefetch"] == []


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


# ---- what is wrong is said -----------------------------------------------------------------------------------------


def test_a_generator_that_ends_early(caplog):
    model = network()
    with caplog.at_level(logging.WARNING, "omomi"):
        history = model.fit(iter(BATCHES), steps_per_epoch=3, epochs=4, verbose=0)
    assert history.epoch == [0, 1]
    assert "x ended after 2 of the 3 batches of an epoch, its number 2" in caplog.text
    assert int(model.optimizer.iterations.array) == 5


def wrong(batches, at, batch):
    return [*batches[:at], batch, *batches[at + 1 :]]


BAD = [
    ((X[:8, :2], Y[:8]), "batch 2 of epoch 0.*x of shape"),
    ((X[:8], Y[:7]), "batch 2 of epoch 0.*numbers of samples differ"),
    ((np.full((8, 3), np.nan), Y[:8]), r"batch 2 of epoch 0.*x\[0, 0\]"),
    (X[:8], "no targets"),
    ((X[:8], Y[:8], 1, 2), "two or three parts"),
    ((X[:0], Y[:0]), "batch 2 of epoch 0.*x is empty"),
]


@pytest.mark.parametrize(("batch", "message"), BAD)
@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_batch_that_does_not_fit_is_named(batch, message, prefetch):
    model = network()
    with pytest.raises(errors.OmomiError, match=f"(?s){message}"):
        model.fit(Set(wrong(BATCHES, 2, batch)), verbose=0, shuffle=False, prefetch=prefetch)
    assert int(model.optimizer.iterations.array) == 2  # the batches before it were trained on
    with pytest.raises(errors.OmomiError):
        model.fit(Set([batch]), verbose=0)  # said before training
    assert int(model.optimizer.iterations.array) == 2


@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_error_in_a_source_comes_with_its_traceback(prefetch):
    def broken_by_the_user():
        yield BATCHES[0]
        yield BATCHES[1]
        raise ZeroDivisionError("in the source")

    with pytest.raises(ZeroDivisionError, match="in the source") as caught:
        fit(broken_by_the_user(), steps_per_epoch=5, prefetch=prefetch)
    text = "".join(traceback.format_exception(caught.value))
    assert "broken_by_the_user" in text
    assert "while batch 2 of epoch 0 of x was made" in text


REFUSED = [
    (lambda m: m.fit(forever(), epochs=2), "steps_per_epoch"),
    (lambda m: m.fit(Set(), Y), "y does not go with"),
    (lambda m: m.fit(Set(), batch_size=8), "batch_size does not go with"),
    (lambda m: m.fit(Set(), sample_weight=np.ones(40)), "sample_weight does not go with"),
    (lambda m: m.fit(Set(), validation_split=0.2), "validation_split needs arrays"),
    (lambda m: m.fit(Set(), steps_per_epoch=6), "at most 5 batches"),
    (lambda m: m.fit(X, Y, batch_size=8, steps_per_epoch=6), "at most 5"),
    (lambda m: m.fit(X, Y, steps_per_epoch=0), "steps_per_epoch=0"),
    (lambda m: m.fit(X, Y, prefetch=-1), "prefetch=-1"),
    (lambda m: m.fit(X), "there are no targets"),
    (lambda m: m.fit(Set([])), "holds no batch"),
    (lambda m: m.fit(iter([])), "gave no batch"),
    (lambda m: m.fit(X, Y, validation_data=forever()), "validation_steps"),
    (lambda m: m.fit(X, Y, validation_data=(X,)), "validation_data is"),
    (lambda m: m.evaluate(Set(), batch_size=8), "batch_size does not go with"),
    (lambda m: m.predict(iter([])), "gave no batch"),
]


@pytest.mark.parametrize(("act", "message"), REFUSED)
def test_what_does_not_go_together_is_said_before_training(act, message):
    model = network()
    with pytest.raises(errors.OmomiError, match=message):
        act(model)
    assert int(model.optimizer.iterations.array) == 0


def test_single_samples_of_torch_are_named():
    class Dataset:  # stands for torch.utils.data.Dataset
        def __len__(self):
            return 3

        def __getitem__(self, number):
            return X[number], Y[number]

    Dataset.__module__ = "torch.utils.data.dataset"
    with pytest.raises(errors.DataError, match="DataLoader"):
        fit(Dataset())


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


# ---- folders of images ---------------------------------------------------------------------------------------------


@pytest.fixture
def shapes(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for label, name in enumerate(("dark", "light")):
        (tmp_path / name).mkdir()
        for i in range(6):
            pixels = RNG.integers(0, 90, (9, 7, 3), dtype=np.uint8) + np.uint8(150 * label)
            image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    return tmp_path


def test_a_folder_of_images_is_learned_from(shapes):
    data = omomi.datasets.ImageFolder(shapes, (6, 5), batch_size=4)
    assert (data.samples, len(data), data.classes) == (12, 3, ("dark", "light"))
    x, y = data[0]
    assert (x.shape, x.dtype, y.shape) == ((4, 6, 5, 3), np.uint8, (4,))
    model = omomi.Sequential(
        [
            omomi.layers.Rescaling(1 / 255, input_shape=(6, 5, 3)),
            omomi.layers.Flatten(),
            Dense(2, activation="softmax"),
        ],
        seed=0,
    )
    model.compile(omomi.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(data, epochs=15, verbose=0, validation_data=data)
    assert history.history["val_accuracy"][-1] == 1.0
    assert model.history.params["samples"] == 12
    order = np.arange(12)
    pixels, labels = data.take(order)
    arrays = omomi.Sequential.from_config({**model.get_config(), "seed": 0})
    arrays.compile(omomi.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    arrays.fit(pixels, labels, batch_size=4, epochs=15, verbose=0)
    same(model, arrays)  # shuffled image by image, as arrays are


def test_forms_and_parts_of_a_folder(shapes):
    make = omomi.datasets.ImageFolder
    train = make(shapes, (4, 4), validation_split=0.34, subset="training", seed=1)
    rest = make(shapes, (4, 4), validation_split=0.34, subset="validation", seed=1)
    assert (train.samples, rest.samples) == (8, 4)
    assert not set(train.files) & set(rest.files)
    assert np.bincount(rest.labels).tolist() == [2, 2]
    gray = make(shapes, (4, 4), color_mode="grayscale", label_mode="categorical", class_names=["light", "dark"])
    x, y = gray.take(np.array([0, 11]))
    assert x.shape == (2, 4, 4, 1)
    assert_array_equal(y, [[1, 0], [0, 1]])
    assert x[0].mean() > x[1].mean()
    assert make(shapes, (4, 4), label_mode="binary").take(np.array([0, 11]))[1].tolist() == [[0.0], [1.0]]
    assert make(shapes, (4, 4), label_mode=None).take(np.array([0])).shape == (1, 4, 4, 3)
    data = make(shapes, (4, 4), batch_size=5)
    before = data[0][0]
    data.on_epoch_end()
    assert (before != data[0][0]).any()
    assert data[2][0].shape[0] == 2


def test_mistakes_of_folders(shapes, tmp_path_factory):
    make = omomi.datasets.ImageFolder
    (shapes / "light" / "0.png").write_bytes(b"no image")
    with pytest.raises(errors.FileFormatError, match=r"0\.png"):
        fit(make(shapes, (4, 4)), epochs=1)
    with pytest.raises(errors.DataError, match="the folder is empty"):
        make(tmp_path_factory.mktemp("empty"))
    with pytest.raises(errors.FileAccessError, match="no such folder"):
        make(shapes / "none")
    with pytest.raises(errors.UnknownNameError, match="did you mean 'rgb'"):
        make(shapes, color_mode="rgba")
    with pytest.raises(errors.UnknownNameError, match="did you mean 'light'"):
        make(shapes, class_names=["lights"])
    with pytest.raises(errors.ConfigurationError, match="belong together"):
        make(shapes, validation_split=0.2)
    with pytest.raises(errors.ConfigurationError, match="positive whole numbers"):
        make(shapes, (0, 4))
