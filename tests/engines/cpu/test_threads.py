"""Chunks are done once each, by whoever is there; nothing hangs when threads, forks and signals meet."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from omomi.engines.cpu import threads
from omomi.engines.cpu.elementwise import scale
from omomi.engines.cpu.kernel import Indices, Vector, kernel
from omomi.engines.cpu.launch import Launch, Program, run, scratch
from omomi.errors import ConfigurationError


@kernel()
def count_and_sign(done: Indices, who: Indices, x: Vector, steps: int, chunk: int, chunks: int, worker: int) -> None:
    """Count the chunk, note the worker, and be busy for a while."""
    value = x[chunk]
    for _ in range(steps):
        value = value * x[chunks] + x[chunks]
    x[chunk] = value
    done[chunk] += 1
    who[chunk] = worker


def job(chunks: int, steps: int) -> tuple[Launch, np.ndarray, np.ndarray]:
    done, who = np.zeros(chunks, np.int64), np.zeros(chunks, np.int64)
    x = np.full(chunks + 1, 0.5, np.float32)
    return (
        Launch(count_and_sign, done, who, x, steps, dtype="float32", chunks=chunks, work=10**9),
        done,
        who,
    )


@pytest.fixture(params=[1, 2, 4])
def count(request: pytest.FixtureRequest) -> Iterator[int]:
    before = threads.pool().threads
    threads.set_threads(request.param)
    yield request.param
    threads.set_threads(before)


def test_every_chunk_is_done_once(count: int) -> None:
    launch, done, who = job(37, 50)
    program = Program([launch] * 20)
    for _ in range(50):
        program.run()
    np.testing.assert_array_equal(done, 50 * 20)
    assert who.max() < count


def test_helpers_take_part(count: int) -> None:
    launch, _, who = job(64, 20000)
    seen: set[int] = set()
    end = time.monotonic() + 20
    while len(seen) < count and time.monotonic() < end:
        run([launch])
        seen |= set(who.tolist())
    assert seen == set(range(count))


def test_small_work_stays_on_one_thread() -> None:
    done, who, x = np.zeros(8, np.int64), np.ones(8, np.int64), np.zeros(9, np.float32)
    run([Launch(count_and_sign, done, who, x, 1000, dtype="float32", chunks=8, work=100)])
    assert not who.any()


def test_a_launch_keeps_to_the_threads_it_was_made_for() -> None:
    before = threads.pool().threads
    try:
        threads.set_threads(2)
        assert scratch(100, np.float32).shape == (2, 112)  # whole cache lines
        launch, _, who = job(64, 5000)
        threads.set_threads(4)
        for _ in range(20):
            run([launch])
            assert who.max() < 2
    finally:
        threads.set_threads(before)


def test_two_python_threads_at_once() -> None:
    before = threads.pool().threads
    threads.set_threads(2)
    jobs = [job(16, 500) for _ in range(4)]

    def work(launch: Launch) -> None:
        program = Program([launch] * 5)
        for _ in range(40):
            program.run()

    workers = [threading.Thread(target=work, args=(launch,)) for launch, *_ in jobs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    threads.set_threads(before)
    for _, done, _ in jobs:
        np.testing.assert_array_equal(done, 200)


@pytest.mark.parametrize("text", ["0", "-1", "two", "65", "1.5"])
def test_number_of_threads_is_checked(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(threads.VARIABLE, text)
    with pytest.raises(ConfigurationError, match="OMOMI_NUM_THREADS"):
        threads.wanted_threads()


def test_joblib_s_workers_say_how_many_threads_they_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    monkeypatch.setenv(threads.WORKERS_VARIABLE, "1")
    assert threads.wanted_threads() == 1
    monkeypatch.setenv(threads.VARIABLE, "3")  # whoever names Omomi means it
    assert threads.wanted_threads() == 3


def test_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(threads.VARIABLE, "7")
    assert threads.wanted_threads() == 7
    monkeypatch.delenv(threads.VARIABLE)
    assert threads.wanted_threads() == min(threads.cores(), threads.MOST_THREADS)


PREFIX = """
import os, signal, sys, threading, time
import numpy as np
from omomi.engines.cpu import threads
from omomi.engines.cpu.elementwise import scale
from omomi.engines.cpu.launch import Program
from tests.engines.cpu.test_threads import job

def works():
    launch, done, _ = job(16, 2000)
    Program([launch] * 10).run()
    assert (done == 10).all()

works()
"""


def script(text: str) -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own, with two threads."""
    environment = {**os.environ, "OMOMI_NUM_THREADS": "2"}
    return subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PREFIX + text],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_child_works() -> None:
    result = script(
        """
child = os.fork()
if child == 0:
    works()
    os._exit(0)
works()
assert os.waitpid(child, 0)[1] == 0
"""
    )
    assert result.returncode == 0, result.stderr


def test_interrupt_leaves_the_process_usable() -> None:
    result = script(
        """
threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
launch, done, _ = job(64, 100_000)
program = Program([launch])
try:
    while True:
        program.run()
except KeyboardInterrupt:
    pass
works()
print("usable")
"""
    )
    assert result.stdout == "usable\n", result.stderr


@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_process_ends(pause: float) -> None:
    """Helpers that look for work, and helpers asleep, let the process go."""
    result = script(f"time.sleep({pause})")
    assert result.returncode == 0, result.stderr


def test_numbers_below_the_smallest_normal_one_are_zero_in_kernels_and_nowhere_else():
    x, y = np.full(4, 1e-40, np.float32), np.ones(4, np.float32)
    with np.errstate(under="ignore"):
        half = np.float32(1e-40) * np.float32(0.5)
        run(scale(x, y, factor=0.5))
        assert half > 0
        assert np.float32(1e-40) * np.float32(0.5) == half  # the calling thread is set as it was
    assert (y == 0).all()
