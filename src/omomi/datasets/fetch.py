"""Where the files of a published data set come from: a folder of the user's, the cache, or a mirror.

Wherever it came from, a file is checked against its published hash before anybody looks inside: MNIST by the
SHA-256 of its content, so that any packing of it will do, Fashion-MNIST by the MD5 of the packed file, the only
hash that its authors publish.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import platformdirs

from omomi.datasets.idx import is_gzip, unpack
from omomi.errors import DownloadError, FileAccessError, FileFormatError
from omomi.files import check_writable, read_bytes, sha256_of, write_bytes

VARIABLE = "OMOMI_DATA"
_PACKING = 64 << 10  # bytes by which packing may lengthen a file
_log = logging.getLogger("omomi")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a data set.

    Args:
        name: the name at the mirrors, ending in ".gz".
        size: bytes of the content, that is, unpacked.
        sha256: of the content; a file may then be packed or not.
        md5: of the packed file, where no SHA-256 is published.
    """

    name: str
    size: int
    sha256: str | None = None
    md5: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which a user may keep the file."""
        return (self.name, self.name.removesuffix(".gz")) if self.sha256 else (self.name,)

    def find(self, folder: Path) -> Path | None:
        """The file in ``folder``, if one of its names is there."""
        return next((folder / name for name in self.names if (folder / name).is_file()), None)

    @property
    def limit(self) -> int:
        """The most bytes that the file can have, packed or not."""
        return self.size + _PACKING

    def verify(self, raw: bytes, where: str) -> bytes:
        """The unpacked content of the file, if it is the published one.

        Raises:
            FileFormatError: it is not.
        """
        if self.md5 and md5(raw, usedforsecurity=False).hexdigest() != self.md5:
            raise FileFormatError("the file is not the published one (its MD5 differs).", where=where)
        content = unpack(raw, self.size, where) if is_gzip(raw) else raw
        if self.sha256 and sha256_of(content) != self.sha256:
            raise FileFormatError("the file is not the published one (its SHA-256 differs).", where=where)
        return content


@dataclass(frozen=True, slots=True)
class Source:
    """A published data set: its name, its mirrors (each ends in "/") and its files."""

    name: str
    mirrors: tuple[str, ...]
    files: tuple[RemoteFile, ...]

    def folders(self) -> list[Path]:
        """Where the files may lie on this machine, in the order in which they are looked for."""
        chosen = os.environ.get(VARIABLE)
        own = [Path(chosen).expanduser() / self.name, Path(chosen).expanduser()] if chosen else []
        return [*own, cache_folder() / self.name]

    def where(self) -> Path | None:
        """The folder on this machine that has the files. Of their contents only the smallest is checked."""
        smallest = min(self.files, key=lambda file: file.size)
        for folder in self.folders():
            probe = smallest.find(folder)
            if probe is None or not all(file.find(folder) for file in self.files):
                continue
            try:
                smallest.verify(read_bytes(probe, smallest.limit), os.fspath(probe))
            except (FileAccessError, FileFormatError):
                continue
            return folder
        return None

    def fetch(self, file: RemoteFile) -> bytes:
        """The content of one file, from this machine if it is here, else from a mirror.

        Raises:
            FileFormatError: the user's own folder for this data set has a wrong file of that name.
            DownloadError: the file is not here and no mirror gave it.
        """
        rejected: list[str] = []
        folders = self.folders()
        for folder in folders:
            for path in (folder / name for name in file.names):
                if not path.is_file():
                    continue
                try:
                    return file.verify(read_bytes(path, file.limit), os.fspath(path))
                except FileFormatError as error:
                    # a folder with the data set's name promises the right files; the others may hold
                    # another data set's files of the same names, or a damaged copy that is replaced now
                    if len(folders) > 1 and folder == folders[0]:
                        raise FileFormatError(
                            error.problem,
                            where=error.where,
                            fix=f"replace it with the file from {self.mirrors[0]}{file.name}, or remove it",
                        ) from error
                    rejected.append(f"{path}: {error.problem}")
        return self._download(file, rejected)

    def _download(self, file: RemoteFile, rejected: list[str]) -> bytes:
        for mirror in self.mirrors:
            url = mirror + file.name
            print(f"downloading {url}", file=sys.stderr)
            try:
                raw = _retrieve(url, file.limit)
                content = file.verify(raw, url)
            except (OSError, FileFormatError) as error:  # requests' errors are OSErrors
                rejected.append(f"{url}: {_reason(error)}")
                continue
            folder = cache_folder() / self.name
            try:
                write_bytes(check_writable(folder) / file.name, raw)
            except FileAccessError as error:
                _log.warning("%s was downloaded but could not be kept: %s", file.name, error)
            return content
        raise self._unavailable(file, rejected)

    def _unavailable(self, file: RemoteFile, rejected: list[str]) -> DownloadError:
        chosen = os.environ.get(VARIABLE)
        if chosen and not Path(chosen).expanduser().is_dir():
            rejected.append(f"{VARIABLE}={chosen} is no folder")
        urls = "".join(f"\n    {self.mirrors[0]}{f.name}" for f in self.files)
        tried = "".join(f"\n    {reason}" for reason in rejected)
        return DownloadError(
            "the data set is not on this machine and could not be downloaded.",
            where=f"{self.name}, {file.name}",
            expected="the files in one of" + "".join(f"\n    {folder}" for folder in self.folders()),
            received=f"nothing usable:{tried}",
            fix=f"on a machine with a network, get{urls}\n    into a folder DATA/{self.name} that you bring here, "
            f"and set {VARIABLE} to the path of DATA (now: {chosen or 'not set'})",
        )


def cache_folder() -> Path:
    """Where downloaded data sets are kept."""
    return Path(platformdirs.user_cache_dir("omomi", appauthor=False)) / "datasets"


def _reason(error: Exception) -> str:
    """Why a download failed, in a few words: requests wraps the cause in several layers of text."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code} {response.reason}"
    if isinstance(error, FileFormatError):
        return error.problem
    cause = str(error).rsplit(": ", 1)[-1].removesuffix('"))')
    return f"{type(error).__name__}, {cause}"


class _Bounded:
    """A file that refuses to become larger than it should."""

    def __init__(self, file: Any, limit: int, where: str) -> None:
        self._file, self._left, self._where = file, limit, where

    def write(self, chunk: bytes) -> None:
        self._left -= len(chunk)
        if self._left < 0:
            raise FileFormatError("the file is larger than the published one.", where=self._where)
        self._file.write(chunk)

    def flush(self) -> None:
        self._file.flush()


def _retrieve(url: str, limit: int) -> bytes:
    """The bytes at ``url``, of which at most ``limit`` are read."""
    import pooch  # loads requests, which takes longer than all of Omomi

    pooch.get_logger().setLevel("WARNING")
    get: Callable[..., Any] = pooch.HTTPDownloader(
        chunk_size=1 << 16, timeout=(10, 30), headers={"Accept-Encoding": "identity"}
    )

    def download(url: str, output_file: str, _: Any) -> None:
        with open(output_file, "wb") as file:
            get(url, _Bounded(file, limit, url), None)

    with TemporaryDirectory(prefix="omomi-") as folder:
        # the hash that counts is that of Source; pooch's own check would need the hash of every mirror's packing
        path = pooch.retrieve(url, known_hash=None, fname="file", path=folder, downloader=download)
        return read_bytes(path, limit)
