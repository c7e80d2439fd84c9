"""Training where threads, forks and Ctrl-C meet: the numbers are those of training undisturbed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import omomi
from omomi.engines.cpu import threads
from omomi.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

SCRIPT = """
import hashlib, os, signal, threading, time
import numpy as np
from tests.training.test_concurrency import data, network, steps_of, weights
x, y = data(0)
"""


def network(seed):
    """Kernels that several threads share, and a draw in each step."""
    model = omomi.Sequential(
        [
            Conv2D(8, 3, activation="relu", input_shape=(16, 16, 1)),
            MaxPooling2D(),
            Dropout(0.25),
            Flatten(),
            Dense(64, activation="tanh"),
            Dense(3, activation="softmax"),
        ],
        seed=seed,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def data(seed):
    rng = np.random.default_rng(seed)
    return rng.random((70, 16, 16, 1), dtype=np.float32), rng.integers(0, 3, 70)


def weights(model):
    return b"".join(w.tobytes() for w in model.get_weights())


def steps_of(model):
    """How many steps the model has been trained for."""
    return int(model.state()["step"].array)


def script(text):
    """Run it in a process of its own, on two threads."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT + text],
        env={**os.environ, "OMOMI_NUM_THREADS": "2", "OMOMI_ENGINE": "numba"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def two_threads():
    before = threads.pool().threads
    threads.set_threads(2)
    yield
    threads.set_threads(before)


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_two_trainings_in_two_threads(engine, two_threads):
    """Each thread records, plans and replays steps of its own, with an uneven last batch and an evaluation."""

    def train(seed):
        model = network(seed)
        x, y = data(seed)
        history = model.fit(x, y, batch_size=16, epochs=4, validation_split=0.2, verbose=0)
        return weights(model), history.history

    with omomi.use(engine):
        one_by_one = [train(seed) for seed in range(3)]
        together: dict[int, object] = {}
        start = threading.Barrier(3)

        def work(seed):
            start.wait()
            together[seed] = train(seed)

        workers = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(timeout=60)
    assert [together.get(seed) for seed in range(3)] == one_by_one


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_trains_on():
    """A child that is forked after training has no helpers; it goes on, with the same numbers as its parent."""
    out = script(
        """
model = network(0)
model.fit(x, y, epochs=2, verbose=0)
before = weights(model)
reading, writing = os.pipe()
child = os.fork()
model.fit(x, y, epochs=2, verbose=0)
if child == 0:
    os.write(writing, hashlib.sha256(weights(model)).digest())
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert weights(model) != before
assert os.read(reading, 100) == hashlib.sha256(weights(model)).digest()
print("the same")
"""
    )
    assert out == "the same\n"


INTERRUPTED = """
def interrupt_soon():
    time.sleep(0.1 + 0.05 * np.random.default_rng(len(interrupted)).random())
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

model, interrupted = network(0), []
train(model, 3)
for _ in range(5):
    threading.Thread(target=interrupt_soon).start()
    try:
        train(model, 10**9)
    except KeyboardInterrupt:
        interrupted.append(steps_of(model))
train(model, steps_of(model) + 3)
undisturbed = network(0)
train(undisturbed, steps_of(model))
assert steps_of(undisturbed) == steps_of(model)
assert weights(undisturbed) == weights(model)
print(len(interrupted), interrupted[0] > 3, interrupted == sorted(interrupted))
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads here")
def test_ctrl_c_during_fit():
    """The signal meets the main thread inside kernels, five times: what is left is a whole number of steps."""
    out = script(
        """
def train(model, steps):
    model.fit(x, y, batch_size="full", shuffle=False, initial_epoch=steps_of(model), epochs=steps, verbose=0)
"""
        + INTERRUPTED
    )
    assert out == "5 True True\n"


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads here")
def test_ctrl_c_in_a_loop_of_ones_own():
    """Where nobody holds the signal back, it ends a step half-way: that step counts wholly or not at all."""
    out = script(
        """
def train(model, steps):
    trainer, batch = model.trainer(), next(model.data(x, y, None, None, "full").epoch())
    while steps_of(model) < steps:
        trainer.train_on_batch(batch)
"""
        + INTERRUPTED
    )
    assert out == "5 True True\n"
