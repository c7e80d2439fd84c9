"""Omomi's engine jax beside PyTorch and Keras on one GPU: ``python -m benchmarks.gpu``.

Training steps of the CNN (batch 32, 128, 1024), the wider CNN (256) and the MLP (128), side by side as ``python -m
benchmarks run`` measures them, and the time to 99.0 % on MNIST. ``--small`` does all of it with a few samples, so that
the script can be tried on a machine without a GPU; its numbers say nothing.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

from benchmarks import gpu_to_99, results, side_by_side
from benchmarks.contenders import CONTENDERS
from benchmarks.machine import describe
from benchmarks.networks import CNN, MLP, WIDE
from benchmarks.processes import ROOT
from benchmarks.works import Work
from omomi.engines import selection

OUT = ROOT / "runs" / "bench" / "gpu.json"
NAMES = ("omomi-jax", "torch-gpu", "torch-gpu-compile", "torch-gpu-graphs", "keras-jax")
SIZES = ((CNN, 32), (CNN, 128), (CNN, 1024), (WIDE, 256), (MLP, 128))
SMALL_SIZES = ((CNN, 4), (MLP, 8))


def works(small: bool) -> dict[str, Work]:
    """What is measured."""
    found = {}
    for network, batch in SMALL_SIZES if small else SIZES:
        name = f"{network.name.replace(' ', '-').lower()}-{batch}"
        found[name] = Work(name, f"{network.name}, training step, batch {batch}", network, batch, "train", 8 * batch)
    return found


def table(found: dict[str, Any]) -> str:
    """The works as rows, the contenders as columns, in milliseconds."""
    names = [name for name in NAMES if any(name in work["contenders"] for work in found["works"].values())]
    lines = ["| | " + " | ".join(CONTENDERS[name].title for name in names) + " |", "| --- |" + " ---: |" * len(names)]
    for work in found["works"].values():
        medians = (work["contenders"].get(name, {}).get("median") for name in names)
        cells = ("–" if seconds is None else f"{1e3 * seconds:.3f} ms" for seconds in medians)
        lines.append(f"| {work['title']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="a few samples, to try the script without a GPU")
    parser.add_argument("--contenders", type=lambda text: text.split(","), default=list(NAMES))
    parser.add_argument("--rounds", type=int, default=15, help="how often everybody's turn comes")
    parser.add_argument("--out", type=Path, default=OUT, help="the results file")
    arguments = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    # Several processes share one GPU: none may take all of its memory beforehand.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    plan = side_by_side.Plan(rounds=arguments.rounds, threads=threads)
    if arguments.small:
        plan = side_by_side.Plan(rounds=2, seconds=0.02, threads=threads, warm_seconds=0.02)
    found: dict[str, Any] = {
        "machine": describe(threads) | {"date": time.strftime("%Y-%m-%d")},
        "small": arguments.small,
        "works": {},
    }
    present = [name for name in arguments.contenders if CONTENDERS[name].installed]
    for name, work in works(arguments.small).items():
        print(work.title, flush=True)
        found["works"][name] = side_by_side.measure(work, present, plan)
        results.write(arguments.out, found)
    found["time_to_99"] = gpu_to_99.measure(arguments.contenders, arguments.small)
    found["machine"]["devices"] = [f"{d.platform} {d.kind}" for d in selection.get("jax").devices()]
    results.write(arguments.out, found)
    print(f"{', '.join(found['machine']['devices'])}\n\n{table(found)}\n\nresults {arguments.out}")


if __name__ == "__main__":
    main()
