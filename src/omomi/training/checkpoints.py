"""Checkpoints: a folder of safetensors files, each of them everything that training needs to go on.

What is in them is said in :mod:`omomi.training.resuming`. Here: how they are named, written, counted and found again. A
file is written beside its name and then renamed, so that a kill leaves either the whole of it or nothing; each array
and the header have a SHA-256, so that whatever happened to a file later is noticed when it is read.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from omomi.errors import ConfigurationError, FileAccessError, FileFormatError
from omomi.files import check_writable, load_arrays, save_arrays

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

logger = logging.getLogger("omomi")

KIND, LAYOUT = "checkpoint", 1
NAME = re.compile(r"checkpoint-(\d+)\.safetensors")
DAMAGED = ".damaged"  # the ending of a file that could not be read; nothing is deleted that was not understood
LEFTOVERS = ".omomi-*.tmp"  # what a kill in the middle of writing leaves behind
UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Found:
    """A checkpoint that was read, every hash of it proven.

    Args:
        path: its file.
        arrays: by name.
        header: everything else.
    """

    path: Path
    arrays: dict[str, np.ndarray]
    header: dict[str, Any]


class Checkpoints:
    """Where and how often ``fit(checkpoint=…)`` keeps the state of training.

    Args:
        folder: made if it is missing. A run has a folder of its own.
        every: "epoch"; a number of steps (batches); or a time: "30s", "10min", "2h" or a :class:`datetime.timedelta`.
            Besides, a checkpoint is written when Ctrl-C or SIGTERM ends training, and at its end.
        keep: how many of the latest checkpoints stay; ``None`` keeps all.

    Raises:
        ConfigurationError: ``every`` or ``keep`` is none of these.

    Example:
        >>> from omomi.training.checkpoints import Checkpoints
        >>> Checkpoints("runs/one", every="10min")
        Checkpoints('runs/one', every='10min', keep=3)
    """

    def __init__(
        self, folder: str | os.PathLike[str], every: int | str | timedelta = "epoch", keep: int | None = 3
    ) -> None:
        self.folder, self.every, self.keep = Path(folder), every, keep
        self.steps, self.seconds = period_of(every)
        if keep is not None and (isinstance(keep, bool) or not isinstance(keep, (int, np.integer)) or keep < 1):
            raise ConfigurationError(
                "keep is the number of checkpoints that stay.",
                where="Checkpoints",
                expected="a positive whole number, or None for all",
                received=f"keep={keep!r}",
            )

    def files(self) -> list[Path]:
        """The checkpoints in the folder, the latest first."""
        try:
            found = {path: NAME.fullmatch(path.name) for path in self.folder.iterdir()}
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FileAccessError(
                f"the checkpoints cannot be listed: {error.strerror}.", where=os.fspath(self.folder)
            ) from error
        numbers = {path: int(match[1]) for path, match in found.items() if match}
        return sorted(numbers, key=lambda path: -numbers[path])

    def write(self, step: int, arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> Path:
        """Write the checkpoint of a step, and let go of those that are more than ``keep`` ago.

        Raises:
            FileAccessError: it could not be written; those before it are as they were.
        """
        path = self.folder / f"checkpoint-{step:09d}.safetensors"
        save_arrays(path, arrays, {"kind": KIND, "layout": LAYOUT, **header})
        if self.keep is not None:
            self.thin_out(self.keep)
        return path

    def thin_out(self, keep: int) -> None:
        """Remove all but the latest ``keep`` checkpoints."""
        for old in self.files()[keep:]:
            with suppress(OSError):
                old.unlink()

    def latest(self, set_aside: bool = False) -> Found | None:
        """The latest checkpoint that is whole; ``None`` if there is none at all.

        One that is damaged is passed over, and a message says which and why.

        Args:
            set_aside: also rename the damaged ones, so that they are not counted any more.

        Raises:
            FileFormatError: there are checkpoints, and none of them can be read; or it is of another version.
        """
        refused: Exception | None = None
        for path in self.files():
            try:
                arrays, header = load_arrays(path)
            except (FileFormatError, FileAccessError) as error:
                refused = error
                logger.warning("the checkpoint %s is passed over: %s", path, error.problem)
                if set_aside and isinstance(error, FileFormatError):
                    with suppress(OSError):
                        path.rename(path.with_name(path.name + DAMAGED))
                continue
            if header.get("kind") != KIND or header.get("layout") != LAYOUT:
                raise FileFormatError(
                    "this file holds no checkpoint that this version of Omomi knows.",
                    where=os.fspath(path),
                    expected=f"kind {KIND!r}, layout {LAYOUT}",
                    received=f"kind {header.get('kind')!r}, layout {header.get('layout')!r}",
                )
            if refused is not None:
                logger.warning("training goes on from %s, the latest one that is whole", path)
            return Found(path, arrays, header)
        if refused is not None:
            raise FileFormatError(
                "none of the checkpoints can be read.",
                where=os.fspath(self.folder),
                received=str(refused),
                fix="restore the folder from a copy, or choose another one to start anew",
            ) from refused
        return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, the folder belongs to this process; what killed processes left half-written is cleared away.

        Raises:
            FileAccessError: it cannot be written to, or another training writes into it.
        """
        check_writable(self.folder)
        descriptor = lock(self.folder)
        try:
            for leftover in self.folder.glob(LEFTOVERS):
                with suppress(OSError):
                    leftover.unlink()
            yield
        finally:
            if descriptor is not None:
                _locks.discard(descriptor)
                os.close(descriptor)

    def __repr__(self) -> str:
        return f"Checkpoints({os.fspath(self.folder)!r}, every={self.every!r}, keep={self.keep!r})"


def checkpoints_of(checkpoint: Any, resume: bool) -> Checkpoints | None:
    """What ``fit(checkpoint=…, resume=…)`` asks for.

    Raises:
        ConfigurationError: there is nothing to resume from.
    """
    if checkpoint is None and resume:
        raise ConfigurationError(
            "there is nowhere to resume from.", where="fit", fix='name the folder: fit(…, checkpoint="…", resume=True)'
        )
    return checkpoint if checkpoint is None or isinstance(checkpoint, Checkpoints) else Checkpoints(checkpoint)


def period_of(every: Any) -> tuple[int | None, float | None]:
    """``every`` as a number of steps, or as seconds; both ``None`` for "epoch"."""
    if every == "epoch":
        return None, None
    if isinstance(every, (int, np.integer)) and not isinstance(every, bool) and every > 0:
        return int(every), None
    if isinstance(every, timedelta) and every > timedelta(0):
        return None, every.total_seconds()
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(s|min|h)", every) if isinstance(every, str) else None
    if match and float(match[1]) > 0:
        return None, float(match[1]) * UNITS[match[2]]
    raise ConfigurationError(
        "every says how often a checkpoint is written.",
        where="Checkpoints",
        expected='"epoch", a number of steps, or a time such as "30s", "10min", "2h"',
        received=f"every={every!r}",
    )


# The folders that this process holds. A child that it forks (a worker that loads data) must not hold them too: it may
# outlive its parent for a while, and nobody could go on training.
_locks: set[int] = set()


def _let_go() -> None:
    for descriptor in _locks:
        os.close(descriptor)
    _locks.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def lock(folder: Path) -> int | None:
    """Hold a folder until the descriptor is closed, or the process ends; ``None`` where no lock can be had.

    Raises:
        FileAccessError: somebody else holds it.
    """
    if fcntl is None:
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            return None  # a file system without locks
        raise FileAccessError(
            "another training writes into this folder.",
            where=os.fspath(folder),
            fix="wait for it, end its process, or choose another folder",
        ) from error
    _locks.add(descriptor)
    return descriptor
