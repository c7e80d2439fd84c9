"""Where the time of one of Omomi's steps goes: every launch of its plan, timed on its own.

The plan of a step is a list of launches of compiled kernels. Here it is run launch by launch, in order, again and
again, and each launch keeps its median. The sum of the parts is a little more than the whole, since helpers are woken
for each part. Started as ``python -m benchmarks.profile WORK THREADS``; prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import prod, sqrt
from statistics import median
from typing import Any

from benchmarks.contenders import CONTENDERS
from benchmarks.contenders.contender import Task
from benchmarks.networks import data, initial_weights
from benchmarks.works import WORKS, Work
from omomi.engines.cpu import peak
from omomi.engines.cpu.launch import Launch, Program

REPEATS = 200
Shapes = dict[str, tuple[int, ...]]


def _convolution_backward(s: Shapes) -> int:
    kernel = max(prod(s["flipped"]), prod(s["gW"][1:]))  # KH · KW · C_in · C_out; one of the two may be empty
    return 2 * prod(s["gy"][:3]) * kernel * ((prod(s["gx"]) > 0) + (prod(s["gW"]) > 0))


def _winograd_forward(s: Shapes) -> int:
    return 2 * _results(s, "y") * 9 * s["x"][3]


def _winograd_backward(s: Shapes) -> int:
    return 2 * _results(s, "gy") * 9 * s["x"][3] * ((prod(s["gx"]) > 0) + (prod(s["gU"]) > 0))


def _results(s: Shapes, name: str) -> int:
    """How many results the convolution has: four for each that is left by the pooling in the same pass."""
    return prod(s[name]) * (4 if prod(s["argmax"]) else 1)


def _affine(s: Shapes) -> int:
    return 2 * s["x"][0] * prod(s["W"])


# Floating-point operations of the kernels that multiply, as the definitions of convolution and product have them, from
# the shapes of their arguments. The rest is counted as none: sums, activations and updates are limited by memory.
OPERATIONS: dict[str, Callable[[Shapes], int]] = {
    "convolution_forward": lambda s: 2 * prod(s["y"]) * prod(s["W"][:3]),
    "convolution_backward": _convolution_backward,
    "kernel_gradient": lambda s: 2 * prod(s["delta"][:3]) * s["partials"][1],
    "winograd_forward": _winograd_forward,
    "winograd_backward": _winograd_backward,
    "affine_forward": _affine,
    "affine_slab": _affine,
    "affine_kernel_gradient": lambda s: 2 * s["x"][0] * prod(s["gW"]),
    "affine_input_gradient": lambda s: 2 * s["gy"][0] * prod(s["W"]),
}
# Kernels that belong to a convolution, and the argument whose next to last axis is C_in.
CONVOLVING = {
    "convolution_forward": "W",
    "transform_kernel": "W",
    "flip_kernel": "W",
    "finish_kernel": "gW",
}


@dataclass
class Part:
    """One launch, or one rule that runs as it is written.

    Attributes:
        flops: by the definition of the operation.
        executed: multiply-adds that the processor is given, times two; fewer where Winograd's transforms save some.
        channels: C_in of a convolution, or of the convolution it belongs to; 0 for everything else.
    """

    name: str
    flops: int = 0
    executed: int = 0
    channels: int = 0
    seconds: float = 0.0


def part_of(launch: Launch, before: Part | None) -> Part:
    """What is known of a launch before it is timed; ``before`` is the part that runs just before it."""
    shapes = {name: tuple(array.shape) for name, array in launch.arrays.items()}
    name = launch.kernel.name
    count = OPERATIONS[name](shapes) if name in OPERATIONS else 0
    channels = 0
    if name in CONVOLVING:
        channels = shapes[CONVOLVING[name]][2]
    elif name in ("convolution_backward", "kernel_gradient") or name.startswith("winograd"):
        channels = shapes["x"][3]
    elif name == "add_partials" and before is not None:
        channels = before.channels
    return Part(
        name, count, int(count * left_by_transforms(shapes)) if name.startswith("winograd") else count, channels
    )


def left_by_transforms(s: Shapes) -> float:
    """The share of a 3×3 convolution's multiplications that Winograd's transforms leave."""
    outputs = (s["y"] if "b" in s else s["gy"])[3]
    numbers = max(prod(s["U"]), prod(s.get("gU", (0, 0))[1:]))  # the kernel's or its gradient's planes
    pixels = numbers // (s["x"][3] * outputs)  # that a tile sees: one plane each
    return pixels / (9 * (sqrt(pixels) - 2) ** 2)


def pieces_of(plan: Any) -> list[tuple[Part, Callable[[], Any]]]:
    """The parts of a plan, and how to run each."""
    found: list[tuple[Part, Callable[[], Any]]] = []
    for piece in (*plan.before, *plan.after):
        if isinstance(piece, Program):
            for launch in piece.launches:
                found.append((part_of(launch, found[-1][0] if found else None), Program([launch]).run))
        else:
            found.append((Part("a rule as it is written"), piece))
    return found


def measure(work: Work, threads: int, repeats: int = REPEATS) -> dict[str, Any]:
    """The parts of one step, the whole of it, and the machine's peak, all in this process."""
    x, y = data(work.network, work.samples)
    task = Task(work, initial_weights(work.network), x, y, threads)
    runner: Any = CONTENDERS["omomi-numba"].load().build(task)  # type: ignore[attr-defined]
    runner.run(5)
    whole = []
    for _ in range(repeats):
        start = time.perf_counter()
        runner.run(1)
        whole.append(time.perf_counter() - start)
    (plan,) = runner.compiled_step().compiled.plans.values()
    pieces = pieces_of(plan)
    times: list[list[float]] = [[] for _ in pieces]
    for _ in range(repeats):
        for values, (_, run) in zip(times, pieces, strict=True):
            start = time.perf_counter()
            run()
            values.append(time.perf_counter() - start)
    for (part, _), values in zip(pieces, times, strict=True):
        part.seconds = median(values)
    return {
        "title": work.title,
        "flops": work.flops,
        "peak_gflops": peak.measure() / 1e9,
        "seconds": median(whole),
        "parts": [asdict(part) for part, _ in pieces],
    }


def main() -> None:
    work, threads = WORKS[sys.argv[1]], int(sys.argv[2])
    print(json.dumps(measure(work, threads)))


if __name__ == "__main__":
    main()
