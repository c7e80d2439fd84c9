"""Is there a graphics processor, and if it cannot be used, which part is missing?

The parts, from the bottom up: the card on the bus, the kernel's driver, the device files, the driver's library
(libcuda), the CUDA libraries, cuDNN, JAX with its CUDA plugin, and Omomi's engine for it. Each is looked for by
itself, so that the first gap is named and not only felt.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from omomi.cli.environment import version
from omomi.engines.selection import MAKERS

NVIDIA, AMD = "0x10de", "0x1002"
DISPLAY = "0x03"  # PCI base class: graphics controllers
# The oldest drivers for CUDA 13 and 12, by NVIDIA's release notes and JAX's installation page.
FOR_CUDA_13, FOR_CUDA_12 = 580, 525
INSTALL_DRIVER = (
    "install NVIDIA's driver (Debian: apt install nvidia-driver; Ubuntu: ubuntu-drivers install) and restart"
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part that a computation on a GPU needs.

    Args:
        name: of the part.
        present: whether it is there and works.
        detail: what was found.
        fix: how to get it, if it is missing.
    """

    name: str
    present: bool
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to look: real by default, a simulation in tests.

    Args:
        root: the root of the file system.
        load: opens a shared library by name; raises OSError if it cannot.
        version: of an installed package, or ``None``.
        packages: the names of all installed packages.
        engines: the engines that Omomi has.
    """

    root: Path = Path("/")
    load: Callable[[str], Any] = ctypes.CDLL
    version: Callable[[str], str | None] = version
    packages: Callable[[], Iterable[str]] = lambda: (d.name for d in metadata.distributions() if d.name)
    engines: Iterable[str] = tuple(MAKERS)


def cards(machine: Machine) -> list[str]:
    """The graphics processors of NVIDIA and AMD on the PCI bus, each as "NVIDIA 10de:2335 at 0000:04:00.0".

    In WSL there is no such bus; there Windows hands its card over as /dev/dxg, with NVIDIA's library beside it.
    """
    found = []
    for device in sorted((machine.root / "sys/bus/pci/devices").glob("*")):
        vendor, kind = (_read(device / name) for name in ("vendor", "class"))
        if vendor in (NVIDIA, AMD) and kind.startswith(DISPLAY):
            maker = "NVIDIA" if vendor == NVIDIA else "AMD"
            found.append(f"{maker} {vendor[2:]}:{_read(device / 'device')[2:]} at {device.name}")
    if not found and is_wsl(machine):
        found.append("NVIDIA, handed over by Windows (WSL)")
    if not found and _driver_version(machine):  # a container may hide the bus, but not the driver
        found += [f"NVIDIA {name}" for name in _models(machine)] or ["NVIDIA, its driver is loaded"]
    return found


def is_wsl(machine: Machine) -> bool:
    """Whether this is Linux inside Windows, with an NVIDIA card."""
    return (machine.root / "dev/dxg").exists() and (machine.root / "usr/lib/wsl/lib/libcuda.so.1").exists()


def parts(machine: Machine) -> list[Part]:
    """What a computation on an NVIDIA GPU needs, in the order in which one part stands on the other."""
    wsl = is_wsl(machine)
    kernel = [] if wsl else [driver(machine), device_files(machine)]
    return [*kernel, library(machine, wsl), cuda(machine), cudnn(machine), jax(machine), engine(machine)]


def driver(machine: Machine) -> Part:
    """The kernel module of the driver."""
    found = _driver_version(machine)
    if found and _release(found) < FOR_CUDA_12:
        return Part("driver", False, f"version {found} is too old", f"version {FOR_CUDA_12} or newer: {INSTALL_DRIVER}")
    if found:
        return Part("driver", True, f"version {found}")
    if (machine.root / "sys/module/nouveau").exists():
        return Part("driver", False, "the card is run by nouveau, which cannot compute", INSTALL_DRIVER)
    return Part(
        "driver",
        False,
        "the kernel module nvidia is not loaded",
        f"{INSTALL_DRIVER}; if it is installed: modprobe nvidia, and look at dmesg for the reason "
        "(Secure Boot takes signed modules only)",
    )


def device_files(machine: Machine) -> Part:
    """/dev/nvidia0 and /dev/nvidiactl, through which programs reach the driver."""
    name = "device files"
    files = [machine.root / "dev/nvidia0", machine.root / "dev/nvidiactl"]
    missing = [file for file in files if not file.exists()]
    if missing:
        return Part(
            name,
            False,
            "no " + ", no ".join(f"/dev/{file.name}" for file in missing),
            "in a container: start it with the GPU (docker run --gpus all, with nvidia-container-toolkit on the "
            "host); else: nvidia-modprobe -u -c=0",
        )
    closed = [file for file in files if not os.access(file, os.R_OK | os.W_OK)]
    if closed:
        return Part(
            name,
            False,
            f"no permission for /dev/{closed[0].name}",
            "join the group of the file (usually: sudo usermod -aG video $USER) and log in again",
        )
    return Part(name, True, ", ".join(f"/dev/{file.name}" for file in files))


def library(machine: Machine, wsl: bool) -> Part:
    """libcuda, the driver's half in user space; it is also asked whether it can start."""
    name = "libcuda"
    try:
        loaded = machine.load("libcuda.so.1")
    except OSError:
        where = "set LD_LIBRARY_PATH=/usr/lib/wsl/lib" if wsl else "Debian: apt install libcuda1"
        return Part(
            name,
            False,
            "libcuda.so.1 cannot be loaded",
            f"it belongs to the driver ({where}); in a container set NVIDIA_DRIVER_CAPABILITIES=compute,utility",
        )
    code, count = int(loaded.cuInit(0)), ctypes.c_int(0)
    if code == 0:
        code = int(loaded.cuDeviceGetCount(ctypes.byref(count)))
    if code != 0 or count.value == 0:
        reasons = {
            100: "it finds no device",
            802: "the links between the GPUs are not ready",
            803: "driver and library have different versions",
            999: "an unknown error",
        }
        fixes = {
            802: "start nvidia-fabricmanager",
            803: "restart the machine; in a container, take the host's libcuda",
        }
        reason = reasons.get(code, "an error") if code else reasons[100]
        fix = fixes.get(code, "nvidia-smi and dmesg show more; CUDA_VISIBLE_DEVICES must not hide the card")
        return Part(name, False, f"loaded, but cannot start: {reason} (CUDA error {code})", fix)
    number = ctypes.c_int(0)
    loaded.cuDriverGetVersion(ctypes.byref(number))
    supports = f", for CUDA up to {number.value // 1000}.{number.value % 1000 // 10}" if number.value else ""
    return Part(name, True, f"{count.value} device{'s' if count.value > 1 else ''}{supports}")


def cuda(machine: Machine) -> Part:
    """The CUDA libraries: of the system, or NVIDIA's Python packages, which JAX's plugin brings along."""
    return _libraries(machine, "CUDA", "nvidia-cuda-runtime", ("libcudart.so.13", "libcudart.so.12"))


def cudnn(machine: Machine) -> Part:
    """cuDNN, the library of convolutions: of the system or as a Python package."""
    return _libraries(machine, "cuDNN", "nvidia-cudnn", ("libcudnn.so.9",))


def jax(machine: Machine) -> Part:
    """JAX, and its plugin for CUDA: JAX alone computes on the processor."""
    found = machine.version("jax")
    if found is None:
        return Part("jax", False, "not installed", _install_jax(machine))
    plugin = next((p for p in sorted(machine.packages()) if p.startswith("jax-cuda") and p.endswith("-plugin")), None)
    if plugin is None:
        return Part("jax", False, f"version {found}, without its CUDA plugin", _install_jax(machine))
    return Part("jax", True, f"version {found}, {plugin}")


def engine(machine: Machine) -> Part:
    """Omomi's own part: the engine that computes with JAX."""
    if "jax" in machine.engines:
        return Part("engine", True, "jax")
    return Part("engine", False, "this version of Omomi has no engine for GPUs; it computes on the processor")


def _libraries(machine: Machine, name: str, package: str, sonames: Iterable[str]) -> Part:
    for found in sorted(machine.packages()):
        if found == package or found.startswith(f"{package}-cu"):
            return Part(name, True, f"{found} {machine.version(found)}")
    for soname in sonames:
        try:
            machine.load(soname)
        except OSError:
            continue
        return Part(name, True, soname)
    return Part(
        name, False, "neither a library of the system nor a Python package", f"it comes with: {_install_jax(machine)}"
    )


def _driver_version(machine: Machine) -> str:
    """The version in /proc/driver/nvidia/version: "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06 …"."""
    words = _read(machine.root / "proc/driver/nvidia/version").split()
    return next((word for word in words if word[0].isdigit() and "." in word), "unknown") if words else ""


def _release(driver_version: str) -> int:
    """580 of "580.65.06"; a version that cannot be read counts as new."""
    number = driver_version.partition(".")[0]
    return int(number) if number.isdigit() else FOR_CUDA_13


def _install_jax(machine: Machine) -> str:
    """How to install JAX for the CUDA that the driver can run."""
    found = _driver_version(machine)
    old = found and _release(found) < FOR_CUDA_13
    return f'pip install "jax[cuda{12 if old else 13}]"'


def _models(machine: Machine) -> list[str]:
    """The models that the driver names in /proc/driver/nvidia/gpus/*/information."""
    files = sorted((machine.root / "proc/driver/nvidia/gpus").glob("*/information"))
    lines = [line for file in files for line in _read(file).splitlines() if line.startswith("Model:")]
    return [line.partition(":")[2].strip() for line in lines]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def verdict(found: list[Part]) -> str:
    """What to do about the parts that are missing: one line for each, in the order in which they are needed."""
    missing = [part for part in found if not part.present]
    if not missing:
        return "the GPU can be used"
    steps = list(dict.fromkeys(f"{part.name}: {part.fix}" for part in missing if part.fix))
    return "\n".join([f"the GPU cannot be used: no working {', no '.join(p.name for p in missing)}", *steps])
