"""A work × contenders, interleaved: A B C A B C …, each for a short while, everybody else stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.contenders import CONTENDERS
from benchmarks.machine import Noise
from benchmarks.messages import CHECKED_STEPS, Failed, Prepare, Ready
from benchmarks.networks import Array
from benchmarks.processes import Worker, WorkerError
from benchmarks.statistics import fastest, speedup, summary
from benchmarks.works import Work

# Outputs of two contenders after the same few training steps. Adam divides a gradient by its own size, so a weight
# whose gradient is nearly zero may move either way; that is what this leaves room for.
AGREEMENT = 0.02
RESTART_SHARE = 0.1  # of a block, run before each timed one: caches and clocks are another contender's by then


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Args:
        rounds: how often everybody's turn comes.
        seconds: of one timed block.
        threads: of every contender.
        warm_seconds: before the first round.
    """

    rounds: int = 15
    seconds: float = 0.4
    threads: int = 2
    warm_seconds: float = 1.0


Say = Callable[[str], None]


def measure(work: Work, names: Sequence[str], plan: Plan, say: Say = print) -> dict[str, Any]:
    """Measure one work. Returns what goes into the JSON file."""
    workers: dict[str, Worker] = {}
    ready: dict[str, Ready] = {}
    left_out: dict[str, str] = {}
    try:
        for name in names:
            start = time.perf_counter()
            worker = workers[name] = Worker(name, plan.threads)
            try:
                answer = worker.ask(Prepare(work, plan.threads, plan.warm_seconds))
            except WorkerError as reason:
                answer = Failed(str(reason), False)
            if isinstance(answer, Failed):
                workers.pop(name).close()
                left_out[name] = answer.reason.strip()
                # What does not fit is expected; anything else is worth reading at once.
                say(f"  {name}: {'not for this work' if answer.unsupported else left_out[name]}")
            else:
                ready[name] = answer
                say(f"  {name}: ready in {time.perf_counter() - start:.0f} s, {answer.variant or 'one variant'}")
        agree({name: r.outputs for name, r in ready.items() if r.outputs is not None})
        noise = Noise()
        seconds = rounds(workers, {name: r.seconds for name, r in ready.items()}, plan)
        others = noise.share()
    finally:
        for worker in workers.values():
            worker.close()
    return result(work, plan, seconds, ready, left_out, others)


def agree(outputs: dict[str, Array]) -> None:
    """Raise if contenders that trained on the same numbers do not have the same outputs."""
    for name, p in outputs.items():
        first, reference = next(iter(outputs.items()))
        difference = float(np.abs(p - reference).max())
        if not difference < AGREEMENT:
            raise AssertionError(
                f"after {CHECKED_STEPS} equal steps the outputs of {name} and {first} differ by {difference:.2g}"
            )


def rounds(workers: dict[str, Worker], once: dict[str, float], plan: Plan) -> dict[str, list[float]]:
    """Seconds per piece of work, for each contender and round. Every round begins with another contender."""
    names = list(workers)
    counts = {name: max(1, round(plan.seconds / once[name])) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(plan.rounds):
        turn = number % max(1, len(names))
        for name in names[turn:] + names[:turn]:
            count = counts[name]
            if count > 1:
                workers[name].run(max(1, round(RESTART_SHARE * count)))
            seconds[name].append(workers[name].run(count))
    return seconds


def result(
    work: Work,
    plan: Plan,
    seconds: dict[str, list[float]],
    ready: dict[str, Ready],
    left_out: dict[str, str],
    others: float | None,
) -> dict[str, Any]:
    """The measurement as plain data, with Omomi's speed over each peer's."""
    peers = [name for name in seconds if not CONTENDERS[name].ours]
    best = fastest(seconds, peers)
    contenders = {
        name: {
            "variant": ready[name].variant,
            "tried": ready[name].tried,
            "versions": ready[name].versions,
            "seconds": values,
            **summary(values).as_dict(),
            "gflops": work.flops / summary(values).median / 1e9,
        }
        for name, values in seconds.items()
    }
    ratios = {
        ours: {peer: speedup(seconds[ours], seconds[peer]).as_dict() for peer in peers}
        for ours in seconds
        if CONTENDERS[ours].ours
    }
    return {
        "title": work.title,
        "kind": work.kind,
        "batch": work.batch,
        "flops": work.flops,
        "when": time.strftime("%Y-%m-%d %H:%M:%S"),
        "rounds": plan.rounds,
        "fastest_peer": best,
        "contenders": contenders,
        "ratios": ratios,
        "left_out": left_out,
        "other_processes": others,
    }
