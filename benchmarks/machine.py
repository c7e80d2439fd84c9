"""The machine: what it is, how busy others keep it, and how fast it can multiply and add."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import threading
import time
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


# ---- noise -----------------------------------------------------------------------------------------------------------


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


# ---- the limit -------------------------------------------------------------------------------------------------------

# A loop whose body is CHAINS independent fused multiply-adds on registers. An instruction's result is ready after about
# four cycles and two start in each, so eight chains would do; more leave room for wider or slower processors.
CHAINS = 12
_IR = """
define void @fma_loop(i64 %count, ptr %out) {{
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
{phis}
{body}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %loop, label %end
end:
{stores}
  ret void
}}
declare {vector} @llvm.fma.v{lanes}f32({vector}, {vector}, {vector})
"""


def lanes() -> int:
    """float32 numbers in the widest vector that this processor multiplies."""
    features = binding.get_host_cpu_features()
    return 16 if features.get("avx512f") else 8 if features.get("fma") else 4


def fma_loop(width: int) -> str:
    """The loop in LLVM's language: a_k ← a_k · 0.5 + 0.5, which stays near 1."""
    vector = f"<{width} x float>"
    half = f"{vector} splat (float 0.5)"
    phis = [f"  %a{k} = phi {vector} [splat (float {k}.0), %entry], [%b{k}, %loop]" for k in range(CHAINS)]
    call = f"call {vector} @llvm.fma.v{width}f32"
    body = [f"  %b{k} = {call}({vector} %a{k}, {half}, {half})" for k in range(CHAINS)]
    # Each chain is stored, so that none is dropped.
    stores = [f"  store volatile {vector} %b{k}, ptr %out, align 64" for k in range(CHAINS)]
    return _IR.format(phis="\n".join(phis), body="\n".join(body), stores="\n".join(stores), vector=vector, lanes=width)


def peak_gflops(threads: int, seconds: float = 0.3, repeats: int = 5) -> float:
    """Fused multiply-adds on registers alone, in GFLOP/s on so many threads at once: what no kernel can exceed.

    The best of several tries, since a limit is what is possible.
    """
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=3, jit=True
    )
    width = lanes()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(fma_loop(width)), target)
    engine.finalize_object()
    loop = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)(engine.get_function_address("fma_loop"))
    # ctypes gives the interpreter's lock back during the call, so that threads run at the same time.
    out = [ctypes.create_string_buffer(256) for _ in range(threads)]
    addresses = [-(-ctypes.addressof(buffer) // 64) * 64 for buffer in out]

    def once(count: int) -> float:
        helpers = [threading.Thread(target=loop, args=(count, address)) for address in addresses]
        start = time.perf_counter()
        for helper in helpers:
            helper.start()
        for helper in helpers:
            helper.join()
        return 2.0 * width * CHAINS * count * threads / (time.perf_counter() - start) / 1e9

    probe = 1_000_000
    count = int(probe * seconds * once(probe) * 1e9 / (2.0 * width * CHAINS * probe * threads))
    return max(once(count) for _ in range(repeats))
