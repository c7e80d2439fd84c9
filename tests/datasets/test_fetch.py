"""Where published files come from, with a small data set and a mirror on this machine."""

from __future__ import annotations

import gzip
import threading
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from omomi.datasets import fetch
from omomi.datasets.fetch import RemoteFile, Source
from omomi.datasets.mnist import load_source
from omomi.errors import DownloadError, FileFormatError
from omomi.files import sha256_of
from tests.datasets.idx_files import NAMES, digits, idx, packed, put

ARRAYS = digits()
PACKED = packed(ARRAYS)
NOWHERE = "http://127.0.0.1:9/"  # the port of the discard service: nobody answers


class Mirror:
    """A web server that gives out ``files`` and counts who asked for what."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.asked.append(self.path.removeprefix("/"))
                content = mirror.files.get(self.path.removeprefix("/"))
                self.send_response(404 if content is None else 200)
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Mirror()
    server.files = dict(PACKED)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of this test's own, and no data folder."""
    monkeypatch.delenv(fetch.VARIABLE, raising=False)
    monkeypatch.setattr(fetch, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "small"


def source(*mirrors: str, by_md5: bool = False) -> Source:
    def file(name: str) -> RemoteFile:
        content = idx(ARRAYS[name])
        if by_md5:
            return RemoteFile(f"{name}.gz", len(content), md5=md5(PACKED[f"{name}.gz"]).hexdigest())
        return RemoteFile(f"{name}.gz", len(content), sha256=sha256_of(content))

    return Source("small", mirrors or (NOWHERE,), tuple(file(name) for name in NAMES))


def assert_loaded(data):
    (x_train, y_train), (x_test, y_test) = data
    for name, array in zip(NAMES, (x_train, y_train, x_test, y_test), strict=True):
        np.testing.assert_array_equal(array, ARRAYS[name])


def test_a_download_is_checked_kept_and_not_repeated(mirror, cache, capsys):
    assert source(mirror.url).where() is None
    assert_loaded(load_source(source(mirror.url)))
    assert mirror.asked == [f"{name}.gz" for name in NAMES]
    assert capsys.readouterr().err.count("downloading http://127.0.0.1") == 4
    assert sorted(p.name for p in cache.iterdir()) == sorted(PACKED)
    assert source().where() == cache
    assert_loaded(load_source(source()))  # no mirror answers now
    assert capsys.readouterr().err == ""


def test_the_next_mirror_is_tried(mirror):
    assert_loaded(load_source(source(NOWHERE, mirror.url + "missing/", mirror.url)))


@pytest.mark.parametrize("by_md5", [False, True])
@pytest.mark.parametrize(
    "wrong",
    [
        gzip.compress(idx(digits(seed=1)[NAMES[0]])),
        PACKED[f"{NAMES[0]}.gz"][:-20],
        b"<html>not found</html>",
        b"",
        PACKED[f"{NAMES[0]}.gz"] + b"tail",
        gzip.compress(bytes(10_000_000)),
        bytes(1_000_000),
    ],
    ids=["other content", "cut short", "a page", "empty", "tail", "bomb", "too long"],
)
def test_a_wrong_file_from_a_mirror_is_neither_used_nor_kept(mirror, cache, wrong, by_md5):
    mirror.files[f"{NAMES[0]}.gz"] = wrong
    with pytest.raises(DownloadError, match=NAMES[0]):
        load_source(source(mirror.url, by_md5=by_md5))
    assert not cache.exists()


def test_the_md5_of_the_packed_file(mirror):
    assert_loaded(load_source(source(mirror.url, by_md5=True)))
    mirror.files = packed(ARRAYS) | {f"{NAMES[1]}.gz": gzip.compress(idx(ARRAYS[NAMES[1]]), 1, mtime=5)}
    remote = source(mirror.url, by_md5=True).files[1]
    with pytest.raises(FileFormatError, match="MD5 differs"):
        remote.verify(mirror.files[remote.name], "f")


def test_another_packing_of_the_same_content_is_accepted(mirror):
    mirror.files = {f"{name}.gz": gzip.compress(idx(array), 1, mtime=9) for name, array in ARRAYS.items()}
    assert_loaded(load_source(source(mirror.url)))


def test_a_damaged_copy_in_the_cache_is_replaced(mirror, cache):
    put(cache, PACKED)
    (cache / f"{NAMES[1]}.gz").write_bytes(b"damaged")
    assert_loaded(load_source(source(mirror.url)))
    assert mirror.asked == [f"{NAMES[1]}.gz"]
    assert (cache / f"{NAMES[1]}.gz").read_bytes() == PACKED[f"{NAMES[1]}.gz"]


@pytest.mark.parametrize("sub", ["small", "."])
@pytest.mark.parametrize("plain", [False, True])
def test_the_users_own_folder(tmp_path, monkeypatch, sub, plain):
    files = {name: idx(array) for name, array in ARRAYS.items()} if plain else PACKED
    put(tmp_path / "data" / sub, files)
    monkeypatch.setenv(fetch.VARIABLE, str(tmp_path / "data"))
    assert source().where() == tmp_path / "data" / sub
    assert_loaded(load_source(source()))


def test_a_wrong_file_in_the_users_own_folder_is_said(tmp_path, monkeypatch, mirror):
    put(tmp_path / "data" / "small", PACKED | {f"{NAMES[2]}.gz": b"wrong"})
    monkeypatch.setenv(fetch.VARIABLE, str(tmp_path / "data"))
    with pytest.raises(FileFormatError, match="SHA-256 differs") as info:
        load_source(source(mirror.url))
    assert str(tmp_path / "data" / "small" / NAMES[2]) in str(info.value)
    assert f"replace it with the file from {mirror.url}{NAMES[2]}.gz" in str(info.value)
    assert mirror.asked == []


def test_another_data_set_in_the_flat_folder_is_passed_over(tmp_path, monkeypatch, mirror, cache):
    """MNIST and Fashion-MNIST have the same file names."""
    put(tmp_path / "data", packed(digits(seed=5, train=20, test=6)))
    monkeypatch.setenv(fetch.VARIABLE, str(tmp_path / "data"))
    assert source().where() is None
    assert_loaded(load_source(source(mirror.url)))
    assert source().where() == cache


def test_without_a_network_the_error_says_what_to_do(tmp_path, monkeypatch, cache):
    monkeypatch.setenv(fetch.VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(DownloadError) as info:
        load_source(source("http://127.0.0.1:9/a/", NOWHERE))
    text = str(info.value)
    for name in NAMES:
        assert f"http://127.0.0.1:9/a/{name}.gz" in text
    for said in (f"{NOWHERE}{NAMES[0]}.gz: ConnectionError", f"set {fetch.VARIABLE}", "DATA/small", str(cache)):
        assert said in text
    assert f"{fetch.VARIABLE}={tmp_path / 'absent'} is no folder" in text
    assert isinstance(info.value, OSError)


def test_a_cache_that_cannot_be_written_costs_only_the_copy(mirror, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(fetch, "cache_folder", lambda: tmp_path / "file")
    assert_loaded(load_source(source(mirror.url)))
    assert "could not be kept" in caplog.text


def test_the_answer_of_a_server_is_reported(mirror):
    mirror.files = {}
    with pytest.raises(DownloadError, match="the server answered 404"):
        load_source(source(mirror.url))
