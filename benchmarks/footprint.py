"""What a framework costs besides time per step: import, first step, memory, disk. Each in fresh processes."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from benchmarks.contenders import CONTENDERS, Entry
from benchmarks.processes import ROOT, environment
from benchmarks.statistics import summary

# Who has a training step to time, or a fit to watch.
TRAINING = ("omomi-numba", "torch", "keras-tensorflow", "keras-jax", "keras-torch", "jax")
FITTING = ("omomi-numba", "torch", "keras-tensorflow", "keras-jax", "keras-torch")
KERNEL_CACHE = "OMOMI_KERNEL_CACHE"  # the folder of Omomi's compiled kernels; an empty one makes a cold start

Say = Callable[[str], None]


class ProbeError(Exception):
    """A probe's process failed."""


def run(name: str, threads: int, *command: str, **more: str) -> str:
    """Run Python in a contender's environment; returns the last line of its output."""
    done = subprocess.run(
        [sys.executable, *command], env=environment(name, threads, **more), cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise ProbeError(f"{name}: {done.stderr[-2000:]}")
    return done.stdout.rstrip().rpartition("\n")[2]


def probe(what: str, name: str, threads: int, **more: str) -> dict[str, float]:
    """Run one probe."""
    line = run(name, threads, "-m", "benchmarks.probe", CONTENDERS[name].imports, what, name, str(threads), **more)
    found: dict[str, float] = json.loads(line)
    return found


def collected(samples: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Several probes' numbers, each as its values, median, smallest and largest."""
    return {
        key: {"values": [s[key] for s in samples], **summary([s[key] for s in samples]).as_dict()} for key in samples[0]
    }


def present(names: Sequence[str]) -> list[str]:
    """Those that are installed."""
    return [name for name in names if CONTENDERS[name].installed]


def import_times(threads: int, repeats: int) -> dict[str, Any]:
    """Seconds that the import statement takes in a fresh process; the first of each only fills the file cache."""
    names = present([*TRAINING, "sklearn", "onnxruntime", "numpy"])
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for number in range(repeats + 1):
        for name in names:
            code = f"import time; t = time.perf_counter(); {CONTENDERS[name].imports}; print(time.perf_counter() - t)"
            seconds = float(run(name, threads, "-c", code))
            if number > 0:
                samples[name].append({"seconds": seconds})
    return {name: collected(found) for name, found in samples.items()}


def first_steps(threads: int, repeats: int) -> dict[str, Any]:
    """Seconds from the import to the end of the first training step of the CNN at batch 32.

    Omomi twice: cold, with an empty folder of compiled kernels, and with what the cold start left there.
    """
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        cold = [
            probe("first-step", "omomi-numba", threads, **{KERNEL_CACHE: f"{folder}/{number}"})
            for number in range(min(3, repeats))
        ]
        cached = [probe("first-step", "omomi-numba", threads, **{KERNEL_CACHE: f"{folder}/0"}) for _ in range(repeats)]
    found["omomi-numba, cold"] = collected(cold)
    found["omomi-numba"] = collected(cached)
    for name in present(TRAINING):
        if not CONTENDERS[name].ours:
            found[name] = collected([probe("first-step", name, threads) for _ in range(min(3, repeats))])
    return found


def peak_memory(threads: int) -> dict[str, Any]:
    """The largest resident memory of training, in MB."""
    return {name: probe("memory", name, threads) for name in present(FITTING)}


# ---- disk ------------------------------------------------------------------------------------------------------------


def installed_sizes() -> dict[str, float]:
    """MB on disk of each contender with everything that it requires."""
    sizes = {}
    for name in present([*TRAINING, "sklearn", "onnxruntime", "numpy"]):
        entry = CONTENDERS[name]
        sizes[name] = sum(bytes_of(package) for package in closure(roots(entry))) / 1e6
    return sizes


def roots(entry: Entry) -> list[str]:
    """The distributions that a user installs, as far as they are here: TensorFlow has two names."""
    return [package for package in entry.distributions if distribution(package) is not None]


def closure(packages: Sequence[str]) -> set[str]:
    """These distributions and all that they require, by normalised name. Extras are not followed."""
    found: set[str] = set()
    waiting = [normalised(package) for package in packages]
    while waiting:
        package = waiting.pop()
        here = distribution(package)
        if package in found or here is None:
            continue
        found.add(package)
        for line in here.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(normalised(requirement.name))
    return found


def bytes_of(package: str) -> int:
    """The size of an installed distribution's files."""
    here = distribution(package)
    assert here is not None
    if json.loads(here.read_text("direct_url.json") or "{}").get("dir_info", {}).get("editable"):
        spec = importlib.util.find_spec(package)  # its files are where they are written
        places = (spec.submodule_search_locations if spec else None) or []
        paths = [path for place in places for path in Path(place).rglob("*")]
    else:
        paths = [Path(str(here.locate_file(file))) for file in here.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())


def distribution(package: str) -> importlib.metadata.Distribution | None:
    """An installed distribution."""
    try:
        return importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def normalised(name: str) -> str:
    """A distribution's name in lower case with single hyphens."""
    return re.sub(r"[-_.]+", "-", name).lower()


def measure(threads: int, repeats: int = 5, say: Say = print) -> dict[str, Any]:
    """All of it, as plain data."""
    say("  installed size, import")
    sizes, imports = installed_sizes(), import_times(threads, repeats)
    say("  first step")
    steps = first_steps(threads, repeats)
    say("  memory")
    return {"installed_mb": sizes, "import": imports, "first_step": steps, "memory": peak_memory(threads)}
