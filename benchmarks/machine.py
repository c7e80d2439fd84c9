"""The machine: what it is, and how busy others keep it."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from llvmlite import binding

PACKAGES = (
    "numpy",
    "numba",
    "llvmlite",
    "torch",
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "jax",
    "jaxlib",
    "optax",
    "scikit-learn",
    "onnx",
    "onnxruntime",
)


def describe(threads: int) -> dict[str, Any]:
    """Processor, memory, system, Python and the versions of what is installed."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: v for name in PACKAGES if (v := installed_version(name)) is not None},
    }


def processor() -> str:
    """The processor as it calls itself, and as LLVM knows it: virtual machines often hide the former."""
    name = platform.processor() or platform.machine()
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name} ({binding.get_host_cpu_name()})"


def installed_version(package: str) -> str | None:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


class Noise:
    """How much processor time others use from now on: processes besides this one's family, and the hypervisor."""

    def __init__(self) -> None:
        self.start = self._now()

    def share(self) -> float | None:
        """Their share of all cores since the start; ``None`` where the system does not tell."""
        if self.start is None or (now := self._now()) is None:
            return None
        total, busy, own = (b - a for a, b in zip(self.start, now, strict=True))
        return max(0.0, (busy - own) / total) if total > 0 else None

    def _now(self) -> tuple[float, float, float] | None:
        try:
            fields = [int(x) for x in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        except (OSError, ValueError):
            return None
        ticks = os.sysconf("SC_CLK_TCK")
        idle = fields[3] + fields[4]
        return sum(fields) / ticks, (sum(fields) - idle) / ticks, family_seconds(os.getpid())


def family_seconds(parent: int) -> float:
    """Processor seconds of a process and of its children that are alive."""
    ticks, total = os.sysconf("SC_CLK_TCK"), 0.0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(entry.name) == parent or int(fields[1]) == parent:
            total += (int(fields[11]) + int(fields[12])) / ticks
    return total
