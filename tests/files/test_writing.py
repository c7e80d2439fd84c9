"""Atomic writing: what is there afterwards when all goes well, and when it does not."""

from __future__ import annotations

import os
import stat

import pytest

from omomi.errors import FileAccessError, FileFormatError
from omomi.files import check_writable, read_bytes, sha256_of, write_bytes, write_text, writing

resource = pytest.importorskip("resource", reason="POSIX only")


def test_a_file_is_written_and_nothing_beside_it(tmp_path):
    write_bytes(tmp_path / "a.bin", b"one")
    write_text(tmp_path / "b.txt", "重み\n")
    write_bytes(tmp_path / "a.bin", b"two")
    assert (tmp_path / "a.bin").read_bytes() == b"two"
    assert (tmp_path / "b.txt").read_text(encoding="utf-8") == "重み\n"
    assert sorted(os.listdir(tmp_path)) == ["a.bin", "b.txt"]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_failure_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    write_bytes(tmp_path / "model", b"old")

    def write_half() -> None:
        with writing(tmp_path / "model") as file:
            file.write(b"half of the new")
            file.flush()
            raise failure

    with pytest.raises(failure):
        write_half()
    assert (tmp_path / "model").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model"]


def test_the_target_is_untouched_until_the_block_ends(tmp_path):
    write_bytes(tmp_path / "model", b"old")
    with writing(tmp_path / "model") as file:
        file.write(b"new")
        file.flush()
        assert (tmp_path / "model").read_bytes() == b"old"
    assert (tmp_path / "model").read_bytes() == b"new"


def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path):
    """A limit on file sizes stands in for the full disk."""
    write_bytes(tmp_path / "model", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(FileAccessError, match="cannot be written") as info:
            write_bytes(tmp_path / "model", bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(tmp_path / "model") in str(info.value)
    assert (tmp_path / "model").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model"]


def test_permissions_are_those_of_the_old_file_or_of_any_new_one(tmp_path):
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "new", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    (tmp_path / "new").chmod(0o600)
    write_bytes(tmp_path / "new", b"again")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_a_symbolic_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    write_bytes(tmp_path / "link", b"through")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").read_bytes() == b"through"


def test_errors_name_the_path_and_the_fix(tmp_path):
    with pytest.raises(FileAccessError, match="create the folder") as info:
        write_bytes(tmp_path / "missing" / "a", b"")
    assert isinstance(info.value, OSError)
    write_bytes(tmp_path / "file", b"")
    with pytest.raises(FileAccessError, match="a part of this path is a file"):
        write_bytes(tmp_path / "file" / "a", b"")
    with pytest.raises(FileAccessError, match="this is a folder"):
        write_bytes(tmp_path, b"")
    assert os.listdir(tmp_path) == ["file"]


def test_check_writable_makes_the_folder_and_leaves_nothing_in_it(tmp_path):
    assert check_writable(tmp_path / "runs" / "1") == tmp_path / "runs" / "1"
    assert list((tmp_path / "runs" / "1").iterdir()) == []
    check_writable(str(tmp_path / "runs" / "1"))


def test_check_writable_refuses_a_path_below_a_file(tmp_path):
    write_bytes(tmp_path / "file", b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(FileAccessError, match="cannot be written to") as info:
            check_writable(folder)
        assert str(folder) in str(info.value)


def test_check_writable_notices_a_disk_without_space(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(FileAccessError, match="cannot be written to"):
            check_writable(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_reading_is_bounded(tmp_path):
    write_bytes(tmp_path / "a", b"12345")
    assert read_bytes(tmp_path / "a", 5) == b"12345"
    with pytest.raises(FileFormatError, match="at most 4 bytes"):
        read_bytes(tmp_path / "a", 4)
    with pytest.raises(FileAccessError, match="there is no such file"):
        read_bytes(tmp_path / "b", 4)
    with pytest.raises(FileAccessError, match="this is a folder"):
        read_bytes(tmp_path, 4)


def test_sha256_of_the_standards_example():
    # FIPS 180-2, appendix B.1
    assert sha256_of(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
