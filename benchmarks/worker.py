"""The process of one contender: it builds the network, then runs steps whenever the driver says so.

Messages are pickled Python objects over a pipe of their own, since libraries print what they like. Started by the
driver as ``python -m benchmarks.worker CONTENDER DESCRIPTOR DESCRIPTOR``.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from benchmarks import mnist
from benchmarks.contenders import CONTENDERS
from benchmarks.contenders.contender import Contender, Runner, Task, UnsupportedError
from benchmarks.messages import CHECKED_STEPS, Failed, Judge, Prepare, Ready
from benchmarks.networks import Array, cross_entropy, data, expected_outputs, initial_weights

# float32 against float64 sums, and against other orders of summing. The loss after training is a coarse check that
# something was learned, the outputs a fine one that everybody computes the same network.
TOLERANCE = 1e-4
SAMPLES_TO_CHOOSE_BY = 3200  # of an epoch, when variants are compared


def timed(runner: Runner, count: int) -> float:
    """Seconds for doing the work so many times."""
    start = time.perf_counter()
    runner.run(count)
    return time.perf_counter() - start


def warm(runner: Runner, seconds: float) -> float:
    """Run for about so long; returns the seconds of doing the work once. The first time, which compiles, is extra."""
    runner.run(1)
    once = timed(runner, 1)
    spent, count = once, 1
    while spent < seconds:
        count = max(1, min(2 * count, int((seconds - spent) / once)))
        block = timed(runner, count)
        spent, once = spent + block, block / count
    return once


def choose(variants: dict[str, Callable[[], Runner]], seconds: float) -> tuple[str, dict[str, float]]:
    """The fastest variant, and the seconds of each."""
    if len(variants) == 1:
        return next(iter(variants)), {}
    runners = {label: make() for label, make in variants.items()}
    once = {label: warm(runner, seconds) for label, runner in runners.items()}
    times: dict[str, list[float]] = {label: [] for label in runners}
    for _ in range(5):
        for label, runner in runners.items():
            count = max(1, int(seconds / 5 / once[label]))
            times[label].append(timed(runner, count) / count)
    tried = {label: float(np.median(values)) for label, values in times.items()}
    return min(tried, key=lambda label: tried[label]), tried


def check_outputs(task: Task, runner: Runner) -> None:
    """Raise if an untrained network's outputs are not what the formulas say."""
    x = task.x[: min(len(task.x), task.work.batch, 32)]
    expected = expected_outputs(task.network, task.weights, x)
    difference = float(np.abs(runner.outputs(x) - expected).max())
    if not difference < TOLERANCE:
        raise AssertionError(f"the outputs differ from the formulas' by {difference:.2g}")


def check_learning(task: Task, runner: Runner) -> Array | None:
    """Train for a few steps and raise if the loss on what was shown does not fall. Returns outputs to compare."""
    if task.work.kind == "predict":
        return None
    x, y = task.x[:2048], task.y[:2048]
    before = cross_entropy(runner.outputs(x), y)
    if task.work.kind == "epoch":
        runner.run(1)
        compared = None
    else:
        runner.run(CHECKED_STEPS)
        compared = None if task.network.random else runner.outputs(x[:32])
        runner.run(5 * len(task.x) // task.work.batch)
    after = cross_entropy(runner.outputs(x), y)
    if not after < before:
        raise AssertionError(f"training does not learn: the loss went from {before:.4f} to {after:.4f}")
    return compared


def prepare(contender: Contender, order: Prepare) -> tuple[Runner, Ready]:
    """A runner for this work, checked and warm."""
    work = order.work
    x, y = mnist.train() if order.source == "mnist" else data(work.network, work.samples)
    task = Task(work, initial_weights(work.network), x, y, order.threads)
    shorter = task
    if work.kind == "epoch" and work.samples > SAMPLES_TO_CHOOSE_BY:
        n = SAMPLES_TO_CHOOSE_BY // work.batch * work.batch
        shorter = replace(task, work=replace(work, samples=n), x=x[:n], y=y[:n])
    variant, tried = choose(contender.variants(shorter), order.warm_seconds)
    runner = contender.variants(task)[variant]()
    check_outputs(task, runner)
    outputs, seconds = None, 0.0
    if not order.fresh:
        outputs = check_learning(task, runner)
        seconds = timed(runner, 1) if work.kind == "epoch" else warm(runner, order.warm_seconds)
    return runner, Ready(variant, tried, outputs, seconds, contender.versions())


def answer(contender: Contender, runner: Runner | None, order: Any) -> tuple[Runner | None, Any]:
    """Do what the driver says. Returns the runner from here on, and the answer."""
    try:
        if isinstance(order, Prepare):
            return prepare(contender, order)
        assert runner is not None, "the first order is to prepare"
        if isinstance(order, Judge):
            x, y = mnist.test()
            return runner, float(np.mean(np.argmax(runner.outputs(x), 1) == np.argmax(y, 1)))
        return runner, timed(runner, order)
    except UnsupportedError as reason:
        return runner, Failed(str(reason), True)
    except Exception:  # whatever a library raises: the driver goes on without this contender
        return runner, Failed(traceback.format_exc(), False)


def serve(contender: Contender, connection: Connection) -> None:
    """Answer until the driver hangs up."""
    runner: Runner | None = None
    while True:
        try:
            order = connection.recv()
        except EOFError:
            return
        runner, reply = answer(contender, runner, order)
        connection.send(reply)


def die_with_parent() -> None:
    """Linux: let the kernel end this process when the driver is gone, even while it is stopped."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    name, descriptor = sys.argv[1], int(sys.argv[2])
    die_with_parent()
    with Connection(descriptor) as connection:
        serve(CONTENDERS[name].load(), connection)


if __name__ == "__main__":
    main()
