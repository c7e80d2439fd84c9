"""What a result depends on beside the code and the data: versions, engine, threads, processor."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from omomi.engines import selection

ENGINE_VARIABLE = "OMOMI_ENGINE"
OF_ENGINE = {"jax": ("jax", "jaxlib")}  # what besides computes, if this engine is chosen
PACKAGES = (
    "omomi",
    "numpy",
    "numba",
    "llvmlite",
    "safetensors",
    "scikit-learn",
    "matplotlib",
    "pillow",
    "click",
    "rich",
    "platformdirs",
    "pooch",
)


def environment() -> dict[str, Any]:
    """Everything, as plain values for ``environment.json``."""
    engine = selection.current().name
    return {
        "versions": {"python": platform.python_version(), **versions((*PACKAGES, *OF_ENGINE.get(engine, ())))},
        "system": platform.platform(),
        "engine": engine,
        "device": device(),
        "cores": cores(),
        "threads": {pool["library"]: pool["threads"] for pool in thread_pools(engine)},
    }


def version(package: str) -> str | None:
    """The version of an installed package, or ``None``. Nothing is imported."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    return {package: version(package) for package in packages}


def device() -> str:
    """What the chosen engine computes on."""
    found = [f"{d.platform}: {processor() if d.platform == 'cpu' else d.kind}" for d in selection.current().devices()]
    if not found:
        return f"cpu: {processor()}"
    return found[0] if len(found) == 1 else f"{len(found)} × {found[0]}"


def processor(root: Path = Path("/")) -> str:
    """The name of the processor."""
    return cpu_info(root).get("model name") or platform.processor() or platform.machine() or "unknown"


def vectors(root: Path = Path("/")) -> str:
    """The widest vector instructions of the processor that numerical libraries make use of, as far as Linux says."""
    info = cpu_info(root)
    flags = set((info.get("flags") or info.get("Features") or "").split())
    known = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sve": "SVE", "asimd": "NEON"}
    return next((name for flag, name in known.items() if flag in flags), "unknown")


def cpu_info(root: Path) -> dict[str, str]:
    """The first entry of /proc/cpuinfo; empty where there is none."""
    try:
        text = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    lines = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}


def cores() -> int:
    """How many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory(root: Path = Path("/")) -> int | None:
    """Bytes of memory, as far as Linux says."""
    try:
        first = (root / "proc/meminfo").read_text().split("\n", 1)[0]  # "MemTotal:  24689000 kB"
        return int(first.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        return None


def thread_pools(engine: str) -> list[dict[str, Any]]:
    """Who computes with threads of its own: the engine numba, if it is chosen, and the libraries that are loaded."""
    import threadpoolctl  # type: ignore[import-untyped]  # looks into every library that is loaded

    pools = []
    if engine == "numba":
        count = import_module("omomi.engines.cpu.threads").wanted_threads()
        pools.append({"library": "engine numba", "version": None, "threads": count})
    return pools + [
        {"library": pool["internal_api"], "version": pool.get("version"), "threads": pool["num_threads"]}
        for pool in threadpoolctl.threadpool_info()
    ]
