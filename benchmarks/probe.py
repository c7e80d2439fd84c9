"""One fresh process that measures itself: how long until its first training step, and how much memory it takes.

Started as ``python -m benchmarks.probe STATEMENT WHAT CONTENDER THREADS``; the statement is the import that a user
types, and is timed before anything else is imported. Prints one line of JSON, the last of its output.
"""

import time

_BEGIN = time.perf_counter()
import sys  # noqa: E402

if __name__ == "__main__":
    exec(sys.argv[1])
_IMPORTED = time.perf_counter()

import json  # noqa: E402
import resource  # noqa: E402
from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from benchmarks.contenders import CONTENDERS  # noqa: E402
from benchmarks.contenders.contender import Task  # noqa: E402
from benchmarks.networks import CNN_UINT8, data, initial_weights  # noqa: E402
from benchmarks.works import WORKS, Work  # noqa: E402

STEPS = 400  # of training, while memory is watched


def first_step(contender: str, threads: int) -> dict[str, float]:
    """Seconds to import, and from there to the end of the first training step of the CNN: building it, compiling."""
    work = WORKS["cnn-32"]
    x, y = data(work.network, work.samples)
    task = Task(work, initial_weights(work.network), x, y, threads)
    start = time.perf_counter()
    variants = CONTENDERS[contender].load().variants(task)
    next(iter(variants.values()))().run(1)
    imported, step = _IMPORTED - _BEGIN, time.perf_counter() - start
    return {"import": imported, "step": step, "total": imported + step}


def memory(contender: str, threads: int) -> dict[str, float]:
    """The largest resident memory, in MB, while the CNN trains on images of MNIST's number and size.

    The images stay uint8 and are scaled by the network. What counts is their size: they are noise.
    """
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (60_000, 28, 28, 1), np.uint8)
    y = np.eye(10, dtype=np.float32)[rng.integers(0, 10, len(x))]
    work = Work("memory", "", CNN_UINT8, 32, "epoch", samples=32 * STEPS)
    task = Task(work, initial_weights(work.network), x, y, threads)
    shorter = replace(task, x=x[: work.samples], y=y[: work.samples])
    next(iter(CONTENDERS[contender].load().variants(shorter).values()))().run(1)
    return {"peak_mb": peak_bytes() / 1e6}


def peak_bytes() -> int:
    """The largest resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux also counts, in ru_maxrss, what the parent had in memory when it forked
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


def main() -> None:
    _, _, what, contender, threads = sys.argv
    measure = {"first-step": first_step, "memory": memory}[what]
    print(json.dumps(measure(contender, int(threads))))


if __name__ == "__main__":
    main()
