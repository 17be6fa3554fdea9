"""Downloads, from a server on this machine that serves right, wrong, cut, slow and refusing answers."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from glassgrad.data import download
from glassgrad.data.download import DatasetNotFound, Remote, Source, fetch, locate

CONTENT = np.random.RandomState(0).bytes(300_000)
OTHER = np.random.RandomState(1).bytes(len(CONTENT))


class Handler(BaseHTTPRequestHandler):
    """The first word of the path is the manner of the answer; every request is noted in server.asked."""

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        manner = self.path.strip("/").split("/")[0]
        self.server.asked.append((manner, self.headers.get("Range")))
        getattr(self, manner)()

    def give(self, content: bytes, status: int = 200, kind: str = "application/gzip", **headers: Any) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in {"Content_Length": len(content), **headers}.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(content)

    def ranged(self, content: bytes, most: int | None = None) -> None:
        start = int((self.headers.get("Range") or "bytes=0-").split("=")[1].rstrip("-"))
        headers = {"Content_Length": len(content) - start}
        if start:
            headers["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.give(content[start:][:most], 206 if start else 200, **headers)

    def good(self) -> None:
        self.ranged(CONTENT)

    def no_range(self) -> None:
        self.give(CONTENT)

    def no_length(self) -> None:
        self.give(CONTENT, Content_Length=None)

    def cut(self) -> None:
        self.ranged(CONTENT, 100_000)

    def cut_no_range(self) -> None:
        self.give(CONTENT[:100_000], Content_Length=len(CONTENT))

    def cut_quietly(self) -> None:
        self.give(CONTENT[:100_000], Content_Length=None)

    def wrong(self) -> None:
        self.ranged(OTHER)

    def wrong_cut(self) -> None:
        self.ranged(OTHER, 100_000)

    def short(self) -> None:
        self.give(CONTENT[:1000])

    def endless(self) -> None:
        self.give(b"", Content_Length=None)
        try:
            while True:
                self.wfile.write(bytes(1 << 16))
        except OSError:
            self.close_connection = True

    def html(self) -> None:
        self.give(b"<html>sign in</html>", kind="text/html; charset=utf-8")

    def missing(self) -> None:
        self.give(b"no", 404)

    def broken(self) -> None:
        self.give(b"", 500)

    def nonsense(self) -> None:
        self.wfile.write(b"this is not HTTP\r\n\r\n")

    def mute(self) -> None:
        self.server.hold.wait(10)

    def stalls(self) -> None:
        self.ranged(CONTENT, 50_000)
        self.wfile.flush()
        self.server.hold.wait(10)

    def drips(self) -> None:
        self.give(b"", Content_Length=len(CONTENT))
        try:
            while not self.server.hold.wait(0.02):
                self.wfile.write(b"x")
        except OSError:
            self.close_connection = True

    def moved(self) -> None:
        self.give(b"", 302, Location=self.server.base + "/good/file")

    def moved_to_http(self) -> None:
        self.give(b"", 302, Location="http://example.invalid/file")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    httpd: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    httpd.asked, httpd.hold = [], threading.Event()
    httpd.base = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def remote(*manners: str, **changes: Any) -> Remote:
        urls = tuple(manner if ":" in manner else f"{httpd.base}/{manner}/file" for manner in manners)
        fields = {"name": "file.gz", "size": len(CONTENT), "digest": hashlib.sha256(CONTENT).hexdigest()}
        return Remote(**{**fields, "urls": urls, **changes})

    yield SimpleNamespace(remote=remote, asked=httpd.asked, base=httpd.base)
    httpd.hold.set()
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("manner", ["good", "no_range", "no_length", "moved"])
def test_a_file_arrives_whole_and_alone(server: SimpleNamespace, tmp_path: Path, manner: str) -> None:
    folder = tmp_path / "new" / "folder"
    path = fetch(server.remote(manner), folder)
    assert path == folder / "file.gz" and path.read_bytes() == CONTENT and files(folder) == ["file.gz"]


MD5 = hashlib.md5(CONTENT).hexdigest()


def test_a_size_that_nobody_knows_is_the_mirrors(server: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFound, match="stopped after 100000 of 300000"):
        fetch(server.remote("cut_no_range", size=0, digest=MD5), tmp_path)
    path = fetch(server.remote("no_length", "no_range", size=0, digest=MD5), tmp_path)  # skips what is there
    assert path.read_bytes() == CONTENT
    path.rename(path.with_name("file.gz.part"))  # complete, and not yet named when the machine went down
    asked = len(server.asked)
    assert fetch(server.remote("good", size=0, digest=MD5), tmp_path) == path and len(server.asked) == asked
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(DatasetNotFound) as error:
        fetch(server.remote("no_length", "wrong", size=0, digest=MD5), tmp_path)
    assert "does not say how many bytes it sends" in str(error.value)
    assert f"wrong content: its MD5 is {hashlib.md5(OTHER).hexdigest()}, expected {MD5}" in str(error.value)


def test_a_file_that_is_there_is_not_asked_for(server: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "file.gz").write_bytes(CONTENT)
    fetch(server.remote("good"), tmp_path)
    assert server.asked == []


def test_a_damaged_file_is_replaced(server: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "file.gz").write_bytes(CONTENT[:-1])
    assert fetch(server.remote("good"), tmp_path).read_bytes() == CONTENT


BAD = [  # how a mirror answers, what is said of it, how many bytes of the file are worth keeping
    ("cut", "stopped after 100000 of 300000|broke off", 100_000),
    ("cut_no_range", "stopped after 100000 of 300000|broke off", 100_000),
    ("cut_quietly", "stopped after 100000 of 300000", 100_000),
    ("wrong", "SHA-256 is [0-9a-f]{64}, expected", 0),
    ("short", "offers 1000 bytes, expected 300000", 0),
    ("endless", "more than the expected 300000", 0),
    ("html", "an HTML page instead of the file", 0),
    ("missing", "404", 0),
    ("broken", "500", 0),
    ("nonsense", "nonsense|not HTTP|BadStatusLine", 0),
    ("moved_to_http", "not https", 0),
    ("http://example.invalid/file", "not https", 0),
    ("ftp://127.0.0.1/file", "not https", 0),
    ("file:///etc/hostname", "not https", 0),
    ("http://127.0.0.1:9/file", "refused", 0),
    ("mute", "no answer in time", 0),
    ("stalls", "no answer in time", 50_000),
    ("drips", "too slow", 1),
]


@pytest.mark.parametrize(("manner", "complaint", "kept"), BAD, ids=[row[0] for row in BAD])
def test_a_bad_mirror_is_named_and_never_believed(
    server: SimpleNamespace, tmp_path: Path, manner: str, complaint: str, kept: int
) -> None:
    with pytest.raises(DatasetNotFound) as error:
        fetch(server.remote(manner), tmp_path, timeout=0.3)
    assert re.search(complaint, str(error.value)), str(error.value)
    assert manner in str(error.value) and str(tmp_path) in str(error.value)
    assert files(tmp_path) == (["file.gz.part"] if kept else [])
    if kept:
        assert (tmp_path / "file.gz.part").stat().st_size >= kept


@pytest.mark.parametrize("manner", [row[0] for row in BAD])
@pytest.mark.parametrize("next_one", ["good", "no_range"])
def test_the_next_mirror_mends_it(server: SimpleNamespace, tmp_path: Path, manner: str, next_one: str) -> None:
    path = fetch(server.remote(manner, next_one), tmp_path, timeout=0.3)
    assert path.read_bytes() == CONTENT and files(tmp_path) == ["file.gz"]


def test_every_mirror_is_named_when_none_works(server: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFound) as error:
        fetch(server.remote("missing", "html", "wrong"), tmp_path)
    for manner in ("missing", "html", "wrong"):
        assert f"{server.base}/{manner}/file: " in str(error.value)


def test_what_arrived_is_not_fetched_again(server: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFound):
        fetch(server.remote("cut"), tmp_path)
    assert fetch(server.remote("good"), tmp_path).read_bytes() == CONTENT
    assert server.asked == [("cut", None), ("good", "bytes=100000-")]


def test_a_mirror_that_ignores_ranges_does_not_cost_what_is_there(server: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "file.gz.part").write_bytes(CONTENT[:200_000])
    with pytest.raises(DatasetNotFound):
        fetch(server.remote("cut_no_range"), tmp_path)
    assert (tmp_path / "file.gz.part").read_bytes() == CONTENT[:200_000]


@pytest.mark.parametrize("part", [OTHER[:1000], OTHER, OTHER + b"more"], ids=["short", "whole", "long"])
def test_a_wrong_part_is_thrown_away(server: SimpleNamespace, tmp_path: Path, part: bytes) -> None:
    (tmp_path / "file.gz.part").write_bytes(part)
    assert fetch(server.remote("good"), tmp_path).read_bytes() == CONTENT


def test_a_wrong_part_from_one_mirror_does_not_spoil_the_next(server: SimpleNamespace, tmp_path: Path) -> None:
    assert fetch(server.remote("wrong_cut", "good"), tmp_path).read_bytes() == CONTENT
    assert [asked[0] for asked in server.asked] == ["wrong_cut", "good", "good"]


def test_progress_is_told(server: SimpleNamespace, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    fetch(server.remote("good"), tmp_path, progress=lambda *news: told.append(news))
    assert told[-1] == ("file.gz", len(CONTENT), len(CONTENT))
    assert [news[1] for news in told] == sorted({news[1] for news in told})


class FullDisk(io.FileIO):
    """A file that takes 150,000 bytes and then no more, as write(2) does it."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 150_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


def test_a_full_disk_is_the_disks_fault_and_loses_nothing(
    server: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file.gz").write_bytes(b"what was there")
    with monkeypatch.context() as patch:
        only_writing = lambda path, mode="r": FullDisk(path, mode) if "a" in mode else open(path, mode)
        patch.setattr(download, "open", only_writing, raising=False)
        with pytest.raises(OSError, match=r"No space left .* while writing file\.gz .* are kept") as error:
            fetch(server.remote("good", "no_range"), tmp_path)
    assert error.value.errno == errno.ENOSPC and len(server.asked) == 1  # not the mirror's fault
    assert (tmp_path / "file.gz").read_bytes() == b"what was there"
    kept = (tmp_path / "file.gz.part").stat().st_size
    assert 0 < kept <= 150_000
    assert fetch(server.remote("good"), tmp_path).read_bytes() == CONTENT
    assert server.asked[-1] == ("good", f"bytes={kept}-")


def test_too_little_room_is_said_before_anything_is_fetched(
    server: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(OSError, match="300000 bytes needed, 1000 free") as error:
        fetch(server.remote("good"), tmp_path)
    assert error.value.errno == errno.ENOSPC and server.asked == []


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_disk_leaves_no_file_that_is_not_whole(
    server: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fails(*args: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(download.os, call, fails)
        with pytest.raises(OSError, match="Input/output error"):
            fetch(server.remote("good"), tmp_path)
    assert files(tmp_path) == ["file.gz.part"]
    assert fetch(server.remote("missing", "good"), tmp_path).read_bytes() == CONTENT


def test_a_killed_download_is_resumed(server: SimpleNamespace, tmp_path: Path) -> None:
    remote = server.remote("stalls")
    program = f"from glassgrad.data.download import *; fetch({remote!r}, {str(tmp_path)!r})"
    source = str(Path(download.__file__).parents[2])
    process = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": source})
    part = tmp_path / "file.gz.part"
    deadline = time.monotonic() + 20
    while not part.exists():
        assert time.monotonic() < deadline and process.poll() is None, "the download never began"
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert files(tmp_path) == ["file.gz.part"]
    assert fetch(server.remote("good"), tmp_path).read_bytes() == CONTENT


def test_two_downloads_at_once_both_get_it(server: SimpleNamespace, tmp_path: Path) -> None:
    got: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: got.append(fetch(server.remote("good"), tmp_path).read_bytes()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [CONTENT] * 4 and files(tmp_path) == ["file.gz"]


# Where files are looked for


def source_of(remote: Remote) -> Source:
    return Source("Things", ("Things/raw", "things"), (remote,))


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    place = SimpleNamespace(root=tmp_path / "root", env=tmp_path / "env", cache=tmp_path / "cache" / "glassgrad")
    monkeypatch.setenv("GLASSGRAD_DATA", str(place.env))
    monkeypatch.setattr(download, "cache_folder", lambda: place.cache)
    return place


@pytest.mark.parametrize("place", ["root", "env", "cache"])
@pytest.mark.parametrize("below", [".", "things", "Things/raw"])
@pytest.mark.parametrize("name", ["file.gz", "file"])
def test_a_file_is_found(folders: SimpleNamespace, place: str, below: str, name: str) -> None:
    path = getattr(folders, place) / below / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    found = locate(source_of(Remote("file.gz", 0, "", ())), "file.gz", folders.root)
    assert found.samefile(path)


def test_the_given_folder_comes_first(folders: SimpleNamespace) -> None:
    for place in (folders.cache, folders.env, folders.root):
        place.mkdir(parents=True)
        (place / "file").write_bytes(b"")
        assert locate(source_of(Remote("file.gz", 0, "", ())), "file.gz", folders.root).parent.samefile(place)


def test_a_missing_file_names_all_folders_and_the_way_out(folders: SimpleNamespace) -> None:
    with pytest.raises(RuntimeError, match=r"Dataset not found. You can use download=True") as error:
        locate(source_of(Remote("file.gz", 0, "", ())), "file.gz", folders.root)
    for place in (folders.root, folders.env, folders.cache):
        assert str(place / "Things/raw") in str(error.value)


def test_a_download_goes_below_the_root_or_into_the_cache(server: SimpleNamespace, folders: SimpleNamespace) -> None:
    remote = server.remote("good")
    into_cache = locate(source_of(remote), "file.gz", download=True)
    assert into_cache == folders.cache / "Things/raw/file.gz"
    into_cache.unlink()
    assert locate(source_of(remote), "file.gz", folders.root, download=True) == folders.root / "Things/raw/file.gz"


@pytest.mark.skipif(sys.platform != "linux", reason="the other platforms have other folders")
def test_the_cache_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert download.cache_folder() == tmp_path / "glassgrad"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert download.cache_folder() == tmp_path / ".cache" / "glassgrad"
