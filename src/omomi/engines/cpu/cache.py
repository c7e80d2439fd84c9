"""Machine code on disk.

Object files lie in a folder of the user's own. One folder for each hash of what all code depends on: the compiler's
sources, the versions of Python, NumPy, Numba and llvmlite, and the processor. In it, one file for each kernel, whose
name ends in a hash of the kernel itself: its instructions and constants, and those of all helpers that it calls. So a
change of anything that matters compiles anew what it matters to. Since what lies there is executed, the folder belongs
to the user and nobody else can write to it; a folder that is not so is not used, and neither is one that cannot be
written: then every process compiles for itself.

A file is a SHA-256 hash of the code, then the code. A file that does not match its hash is compiled anew.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import CodeType
from typing import Any

from platformdirs import user_cache_path

from omomi.engines.cpu.features import Machine
from omomi.engines.cpu.kernel import Emitted, Helper, Kernel, Routine

logger = logging.getLogger("omomi.engines.cpu")

VARIABLE = "OMOMI_KERNEL_CACHE"  # another folder than the user's cache
_HASH_BYTES = hashlib.sha256().digest_size


def fingerprint(machine: Machine) -> str:
    """A hash of what all machine code depends on."""
    digest = hashlib.sha256()
    for name in ("kernel", "compiler", "emission", "vectors", "features"):
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    versions = [f"{package} {version(package)}" for package in ("numpy", "numba", "llvmlite")]
    for line in (*versions, sys.version, sys.platform, repr(machine)):
        digest.update(line.encode() + b"\0")
    return digest.hexdigest()[:32]


def hash_of(declared: Kernel | Routine | Emitted) -> str:
    """A hash of one kernel: its signature, its instructions and constants, and those of the helpers it calls.

    For what is built from LLVM's instructions, a hash of the file that builds it.
    """
    digest = hashlib.sha256()
    if isinstance(declared, Emitted):
        file = sys.modules[declared.build.__module__].__file__
        assert file is not None
        digest.update(Path(file).read_bytes())
        return digest.hexdigest()[:16]
    if isinstance(declared, Kernel):
        digest.update(repr((declared.parameters, declared.place, declared.fastmath)).encode())
    _add(digest.update, declared.function, set())
    return digest.hexdigest()[:16]


def _add(update: Callable[[bytes], None], function: Any, seen: set[Any]) -> None:
    """Feed a function to a hash: its code, then whatever its global names stand for."""
    code = function.__code__
    update(code.co_code)
    update(repr(code.co_names).encode())
    for constant in code.co_consts:
        update(repr(constant).encode() if not isinstance(constant, CodeType) else constant.co_code)
    for name in code.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, Helper) and value not in seen:
            seen.add(value)
            _add(update, value.function, seen)
        elif isinstance(value, Routine | Emitted):  # called by its symbol: only how it is called matters
            update(f"{value.name} {value.arguments}".encode())
        elif isinstance(value, int | float | str | tuple):
            update(repr(value).encode())


@cache
def folder(machine: Machine) -> Path | None:
    """The folder for this machine's code, made if need be; ``None``, with one log line, if there can be none."""
    root = Path(os.environ.get(VARIABLE) or user_cache_path("omomi"))
    path = root / f"kernels-{fingerprint(machine)}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        _check_owner(path)
        with tempfile.TemporaryFile(dir=path):  # is it writable?
            pass
    except OSError as error:
        logger.warning("compiled kernels are not kept on disk: %s", error)
        return None
    return path


def _check_owner(path: Path) -> None:
    """Raise PermissionError unless the folder is the user's own and closed to writing by others."""
    if not hasattr(os, "getuid"):  # Windows: the profile folder is the user's own
        return
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{path} must be a folder of your own with mode 0700")


def read(machine: Machine, name: str) -> bytes | None:
    """The code kept under that name; ``None`` if there is none, or if it is damaged."""
    path = folder(machine)
    if path is None:
        return None
    try:
        content = (path / f"{name}.o").read_bytes()
    except OSError:
        return None
    code = content[_HASH_BYTES:]
    return code if code and hashlib.sha256(code).digest() == content[:_HASH_BYTES] else None


def write(machine: Machine, name: str, code: bytes) -> None:
    """Keep code under a name, in place of what was kept for an earlier form of the same kernel.

    The file appears complete or not at all.
    """
    path = folder(machine)
    if path is None:
        return
    try:
        handle, temporary = tempfile.mkstemp(dir=path)
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(code).digest() + code)
        os.replace(temporary, path / f"{name}.o")
        for earlier in path.glob(f"{name.partition('-')[0]}-*.o"):
            if earlier.stem != name:
                earlier.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("a compiled kernel could not be kept on disk: %s", error)
