"""Atomic writing: a file is either as it was or complete, whatever happens in between.

The bytes go to a temporary file beside the target, are forced to the disk, and only then take the target's name;
at last the folder is forced to the disk, since the name is written there. Renaming inside one folder is atomic,
so a reader never sees half a file, and neither does anybody after a power cut.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from omomi.errors import FileAccessError, OmomiError

_FIXES_OF_READING = {
    errno.ENOENT: "check the path: there is no such file",
    errno.ENOTDIR: "check the path: a part of it is a file",
    errno.EISDIR: "name a file: this is a folder",
}
_FIXES_OF_WRITING = {
    errno.ENOSPC: "free some space on this disk or choose another",
    errno.EDQUOT: "free some space: your quota on this disk is used up",
    errno.EFBIG: "choose a disk (or a limit on file sizes) that allows a file of this size",
    errno.ENOENT: "create the folder first",
    errno.ENOTDIR: "choose a folder: a part of this path is a file",
    errno.EISDIR: "choose the name of a file: this is a folder",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def access_error(error: OSError, path: str | os.PathLike[str], verb: str) -> FileAccessError:
    """The error that tells a user why ``path`` cannot be read or written."""
    fixes = _FIXES_OF_READING if verb == "read" else _FIXES_OF_WRITING
    fix = fixes.get(error.errno or 0, "choose a place that you are allowed to use, or change its permissions")
    reason = error.strerror or str(error)
    return FileAccessError(f"cannot be {verb}: {reason[:1].lower()}{reason[1:]}.", where=os.fspath(path), fix=fix)


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file to write to, which becomes ``path`` when the block ends and disappears if it fails.

    An existing file keeps its permissions; a new one has those of any new file. A symbolic link is followed.

    Example:
        with writing("runs/1/accuracy.png") as file:
            figure.savefig(file, format="png")
    """
    target = Path(path).resolve()
    temporary = target.with_name(f".omomi-{token_hex(8)}.tmp")
    try:
        # made anew (O_EXCL) and with the permissions that the user's umask leaves
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(temporary, flags, 0o666)
    except OSError as error:
        raise access_error(error, path, "written") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            os.chmod(temporary, target.stat().st_mode & 0o7777)
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except BaseException as error:  # an interrupt, too, leaves nothing behind
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, OmomiError):
            raise access_error(error, path, "written") from error
        raise


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows has no such call; it keeps names in order by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file of bytes atomically."""
    with writing(path) as file:
        file.write(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file (UTF-8) atomically."""
    write_bytes(path, text.encode())


def check_writable(folder: str | os.PathLike[str]) -> Path:
    """Make ``folder`` if it is missing and prove, by writing, that files can be made in it.

    Call it before long work, so that a wrong folder is said at once and not when the results are to be written.

    Raises:
        FileAccessError: the folder cannot be made or written to.
    """
    probe = Path(folder) / f".omomi-{token_hex(8)}.tmp"
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        try:
            probe.write_bytes(b"may I?")
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise access_error(error, folder, "written to") from error
    return probe.parent
