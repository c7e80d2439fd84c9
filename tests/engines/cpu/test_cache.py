"""Compiled kernels on disk: found again, safe, and compiled anew when something they depend on has changed."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest

from omomi.engines.cpu import cache, features
from omomi.engines.cpu.kernel import Body, Helper, Kernel, Vector, helper, kernel
from omomi.engines.cpu.launch import Launch, run
from omomi.engines.cpu.library import Library
from omomi.errors import DtypeError, ShapeError

FACTOR = 2.0


@helper
def twice(x):  # type: ignore[no-untyped-def]
    return FACTOR * x


@kernel()
def double_all(x: Vector, y: Vector) -> None:
    for i in range(x.size):
        y[i] = twice(x[i])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    cache.folder.cache_clear()
    yield tmp_path / "cache"
    monkeypatch.undo()
    cache.folder.cache_clear()


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("kernels-*/*.o"))


SCRIPT = """
import sys
import numpy as np
from omomi.engines.cpu.launch import Launch, run
from tests.engines.cpu.test_cache import double_all
x, y = np.arange(5, dtype=np.float32), np.empty(5, np.float32)
run([Launch(double_all, x, y, dtype="float32")])
assert (y == 2 * x).all()
print("numba" in sys.modules)
"""


def in_a_new_process() -> str:
    """Run the kernel there; whether Numba was loaded."""
    result = subprocess.run([sys.executable, "-c", SCRIPT], env=os.environ, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_compiled_once_and_then_loaded_without_numba(folder: Path) -> None:
    assert in_a_new_process() == "True"
    (path,) = folder.iterdir()
    if hasattr(os, "getuid"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert any("double_all" in file.name for file in files(folder))
    assert in_a_new_process() == "False"


def test_damaged_file_is_compiled_anew(folder: Path) -> None:
    in_a_new_process()
    for file in files(folder):
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    assert in_a_new_process() == "True"
    for file in files(folder):
        file.write_bytes(b"")
    assert in_a_new_process() == "True"
    assert in_a_new_process() == "False"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no modes of files here")
def test_folder_open_to_others_is_not_used(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = cache.folder(features.host())
    assert path is not None
    path.chmod(0o777)
    cache.folder.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert cache.folder(features.host()) is None
        assert cache.read(features.host(), "anything") is None
        cache.write(features.host(), "anything", b"code")
    assert len(caplog.records) == 1
    assert "0700" in caplog.text


def test_without_a_folder_kernels_stay_in_memory(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.write_text("a file where the folder would be")
    with caplog.at_level(logging.WARNING):
        library = Library(features.host())
        assert library.address(double_all, "float32") == library.address(double_all, "float32")
        library.address(double_all, "float64")
    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == 1


def test_first_use_is_told_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        library = Library(features.host())
        library.address(double_all, "float32")
        library.address(double_all, "float64")
    assert [r.message for r in caplog.records if "compiling kernels" in r.message] != []
    assert len(caplog.records) == 1


def changed(body: Body, **names: object) -> Body:
    """The same function among other global names."""
    copy = FunctionType(body.__code__, {**body.__globals__, **names}, body.__name__)
    copy.__annotations__ = body.__annotations__
    return copy


def test_hash_follows_what_the_kernel_depends_on() -> None:
    same = cache.hash_of(double_all)
    assert cache.hash_of(Kernel(changed(double_all.function))) == same
    other_helper = Helper(changed(twice.function, FACTOR=3.0))
    assert cache.hash_of(Kernel(changed(double_all.function, twice=other_helper))) != same
    assert cache.hash_of(Kernel(double_all.function, fastmath=("reassoc",))) != same


def test_a_new_form_of_a_kernel_replaces_the_old(folder: Path) -> None:
    machine = features.host()
    cache.write(machine, "omomi_a_kernel-1", b"old")
    cache.write(machine, "omomi_a_kernel-2", b"new")
    cache.write(machine, "omomi_a_kernel_more-1", b"another kernel")
    assert [f.name for f in files(folder)] == ["omomi_a_kernel-2.o", "omomi_a_kernel_more-1.o"]
    assert cache.read(machine, "omomi_a_kernel-2") == b"new"


def test_arrays_are_checked() -> None:
    x, y = np.zeros(6, np.float32), np.zeros(6, np.float32)
    for bad in (x.astype(np.float64), x[::2], x.reshape(2, 3)):
        with pytest.raises(DtypeError, match="double_all, x"):
            Launch(double_all, bad, y, dtype="float32")
    launch = Launch(double_all, x, y, dtype="float32")
    with pytest.raises(ShapeError, match="double_all, x"):
        launch.replace("x", np.zeros(5, np.float32))
    launch.replace("x", np.ones(6, np.float32))
    run([launch])
    np.testing.assert_array_equal(y, 2)
