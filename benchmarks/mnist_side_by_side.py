"""The same training on MNIST by Omomi and peers, an epoch each in turn: ``python -m benchmarks.mnist_side_by_side``.

Everybody trains the CNN (see docs/benchmarks.md) from the same initial weights on the 60,000 uint8 images, which the
network scales, with Adam at 0.001; order and masks are each library's own. Training is the library's own ``fit``, with
shuffling, accuracy and progress bar; PyTorch's is the usual loop. After each epoch the 10,000 test images are judged,
outside the measured time. The first epoch holds what the first step costs.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

from benchmarks import mnist, results
from benchmarks.__main__ import OUT, names, write_report
from benchmarks.contenders import CONTENDERS
from benchmarks.machine import Noise, describe
from benchmarks.messages import Failed, Judge, Prepare
from benchmarks.networks import CNN_UINT8
from benchmarks.processes import Worker, WorkerError, use_cores
from benchmarks.works import Work

CHOSEN = ("omomi-numba", "torch", "keras-tensorflow")


def measure(chosen: list[str], epochs: int, batch: int, threads: int) -> dict[str, Any]:
    """Train everybody, one epoch each in turn."""
    work = Work("mnist", "CNN on MNIST", CNN_UINT8, batch, "epoch", samples=60_000)
    workers: dict[str, Worker] = {}
    found: dict[str, dict[str, Any]] = {}
    try:
        for name in chosen:
            workers[name] = Worker(name, threads)
            ready = workers[name].ask(Prepare(work, threads, 1.0, source="mnist", fresh=True))
            if isinstance(ready, Failed):
                raise WorkerError(f"{name}: {ready.reason}")
            found[name] = {"variant": ready.variant, "versions": ready.versions, "seconds": [], "accuracy": []}
        noise = Noise()
        for epoch in range(epochs):
            for name in chosen:
                found[name]["seconds"].append(workers[name].run(1))
                found[name]["accuracy"].append(workers[name].ask(Judge()))
                seconds, accuracy = found[name]["seconds"][-1], found[name]["accuracy"][-1]
                print(f"epoch {epoch + 1}  {name}  {seconds:.1f} s  {100 * accuracy:.2f} %", flush=True)
        others = noise.share()
    finally:
        for worker in workers.values():
            worker.close()
    when = time.strftime("%Y-%m-%d %H:%M:%S")
    return {"epochs": epochs, "batch": batch, "when": when, "contenders": found, "other_processes": others}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--contenders", type=names, default=[n for n in CHOSEN if CONTENDERS[n].installed])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    if mnist.folder() is None:
        parser.error(f"the folder {mnist.VARIABLE} holds no MNIST files")
    use_cores(arguments.threads)
    found, machine = results.read(arguments.out), describe(arguments.threads)
    results.check_machine(found, machine)
    found["machine"] = found["machine"] or machine | {"date": time.strftime("%Y-%m-%d")}
    found["mnist"] = measure(arguments.contenders, arguments.epochs, arguments.batch, arguments.threads)
    results.write(arguments.out, found)
    write_report(arguments.out, None)


if __name__ == "__main__":
    main()
