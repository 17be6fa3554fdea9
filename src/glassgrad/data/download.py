"""Where the data files lie, and how they get there.

A file is looked for in the folder given, in $GLASSGRAD_DATA and in the user's cache. A download goes through
a list of mirrors into `name.part`, which a later try resumes; only a file whose digest is the pinned one
gets its name.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

CHUNK = 1 << 16
MD5_LENGTH = 32
SLOWEST = 1024  # bytes per second: below this for `timeout` seconds, a mirror is given up
HERE = ("127.0.0.1", "localhost", "::1")

Progress = Callable[[str, int, int], None]


class DatasetNotFound(RuntimeError):
    """The files of a data set are in none of the folders, and could not be downloaded."""


class MirrorError(Exception):
    """What is wrong with one mirror; the next one is asked."""


@dataclass(frozen=True)
class Remote:
    """A file on the network: its name here, its size (0: as the mirror says), its SHA-256 or, where only that is
    published, its MD5, and the URLs that offer it, best first.
    """

    name: str
    size: int
    digest: str
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """The files of a data set, and the folders that may hold them below a data folder, own layout first."""

    title: str
    folders: tuple[str, ...]
    files: tuple[Remote, ...]

    def remote(self, name: str) -> Remote:
        return next(remote for remote in self.files if remote.name == name)


def cache_folder() -> Path:
    """The user's cache: $XDG_CACHE_HOME or ~/.cache, ~/Library/Caches on macOS, %LOCALAPPDATA% on Windows."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "glassgrad"


def bases(root: str | os.PathLike[str] | None) -> list[Path]:
    """The data folders, in the order in which they are looked in: the one given, $GLASSGRAD_DATA, the user's cache."""
    given = [Path(base).expanduser() for base in (root, os.environ.get("GLASSGRAD_DATA")) if base]
    return [*given, cache_folder()]


def folders_of(source: Source, root: str | os.PathLike[str] | None) -> list[Path]:
    """The folders looked in, in this order."""
    return [base / folder for base in bases(root) for folder in (*source.folders, ".")]


def locate(
    source: Source,
    name: str,
    root: str | os.PathLike[str] | None = None,
    *,
    download: bool = False,
    accept: Callable[[Path], bool] = lambda path: True,
    progress: Progress | None = None,
) -> Path:
    """The path of one file of a data set, plain, .gz or .xz; downloaded below root (or the cache) where asked for.

    accept(path) may turn down a file that has the name and is something else.
    Raises DatasetNotFound (a RuntimeError) that names every folder and mirror tried.
    """
    looked_in = folders_of(source, root)
    for folder in looked_in:
        for path in (folder / name, folder / name.removesuffix(".gz").removesuffix(".xz")):
            if path.is_file() and accept(path):
                return path
    if download:
        base = Path(root).expanduser() if root else cache_folder()
        return fetch(source.remote(name), base / source.folders[0], progress=progress)
    raise DatasetNotFound(
        f"{source.title}: Dataset not found. You can use download=True to download it. Looked for {name} in\n"
        + "".join(f"  {folder}\n" for folder in dict.fromkeys(looked_in))
        + "To use files you have, pass their folder as root or set GLASSGRAD_DATA to it."
    )


def fetch(
    remote: Remote, folder: str | os.PathLike[str], *, timeout: float = 20.0, progress: Progress | None = None
) -> Path:
    """Download one file into a folder, verified and atomic, and return its path.

    What arrived of an interrupted download stays in `name.part` and is resumed. A mirror that answers
    wrongly, too slowly (no byte for `timeout` seconds, or under 1 KiB/s) or not at all gives way to the next.
    progress(name, bytes so far, bytes in all) is called as the bytes come in.
    Raises DatasetNotFound with one line per mirror; OSError where the file cannot be written (a full disk).
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    target, part = folder / remote.name, folder / (remote.name + ".part")
    with _alone_in(folder):
        for path in (target, part):
            if path.is_file() and digest_of(path, remote.digest) == remote.digest:
                os.replace(path, target)
                return target
        _check_room(remote, part)
        complaints = []
        for url in remote.urls:
            try:
                _from_mirror(url, remote, part, timeout, progress)
            except MirrorError as problem:
                complaints.append(f"  {url}: {problem}\n")
            else:
                os.replace(part, target)
                _sync_folder(folder)
                return target
    raise DatasetNotFound(
        f"{remote.name} could not be downloaded:\n" + "".join(complaints) + f"Put the file into {folder} by hand, "
        "or pass the folder that has it as root, or set GLASSGRAD_DATA to it."
    )


def _from_mirror(url: str, remote: Remote, part: Path, timeout: float, progress: Progress | None) -> None:
    """Complete `part` from one mirror, or MirrorError."""
    for begun in (_size(part) > 0, False):
        _append(url, remote, part, timeout, progress)
        found = digest_of(part, remote.digest)
        if found == remote.digest:
            return
        part.unlink()
        if not begun:  # all of it came from this mirror
            break
    kind = "MD5" if len(found) == MD5_LENGTH else "SHA-256"
    raise MirrorError(f"wrong content: its {kind} is {found}, expected {remote.digest}")


def _append(url: str, remote: Remote, part: Path, timeout: float, progress: Progress | None) -> None:
    """Fetch the bytes that `part` lacks. Where the mirror ignores Range, those that are there are skipped."""
    have = _size(part)
    if 0 < remote.size <= have:
        return
    with _open(url, have, timeout) as answer:
        resumes = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        offered, skip = answer.headers.get("Content-Length"), 0 if resumes else have
        if answer.headers.get_content_type() == "text/html":
            raise MirrorError("an HTML page instead of the file")
        if not remote.size:
            if offered is None or not offered.isdigit():
                raise MirrorError("does not say how many bytes it sends")
            remote = replace(remote, size=int(offered) + have - skip)
            _check_room(remote, part)
        if offered is not None and offered.isdigit() and int(offered) != remote.size - have + skip:
            raise MirrorError(f"offers {offered} bytes, expected {remote.size - have + skip}")
        with _writing(remote, part), open(part, "ab") as out:
            for chunk in _chunks(answer, remote.size - have + skip + 1, timeout):
                new = chunk[skip:]
                skip -= len(chunk) - len(new)
                out.write(new)
                have += len(new)
                if progress is not None:
                    progress(remote.name, have, remote.size)
            out.flush()
            os.fsync(out.fileno())
    if have < remote.size:
        raise MirrorError(f"stopped after {have} of {remote.size} bytes")
    if have > remote.size:
        part.unlink()
        raise MirrorError(f"sends more than the expected {remote.size} bytes")


def _chunks(answer: Any, limit: int, timeout: float) -> Iterator[bytes]:
    """What the mirror sends, up to `limit` bytes."""
    from http.client import HTTPException

    began, received = time.monotonic(), 0
    while received < limit:
        try:
            chunk = answer.read1(min(CHUNK, limit - received))
        except (OSError, HTTPException) as problem:
            # What came so far is kept, for the next mirror to resume.
            raise MirrorError(f"broke off: {_reason(problem)}") from problem
        if not chunk:
            return
        received += len(chunk)
        yield chunk
        elapsed = time.monotonic() - began
        if elapsed > timeout and received < SLOWEST * elapsed:
            raise MirrorError(f"too slow: {received} bytes in {elapsed:.0f} s")


def _open(url: str, offset: int, timeout: float) -> Any:
    from http.client import HTTPException
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class SafeRedirects(HTTPRedirectHandler):
        def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
            _check_url(newurl)
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    _check_url(url)
    headers = {"User-Agent": "glassgrad", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    try:
        return build_opener(SafeRedirects).open(Request(url, headers=headers), timeout=timeout)
    except (OSError, HTTPException) as problem:  # URLError and HTTPError are OSErrors
        raise MirrorError(_reason(problem)) from problem


def _check_url(url: str) -> None:
    """https only; http from this machine itself."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HERE):
        raise MirrorError(f"refused: {url} is not https")


def _reason(problem: Exception) -> str:
    if isinstance(problem, TimeoutError) or isinstance(getattr(problem, "reason", None), TimeoutError):
        return "no answer in time"
    return str(problem) or type(problem).__name__


@contextlib.contextmanager
def _writing(remote: Remote, part: Path) -> Iterator[None]:
    """Errors of the disk, told with what is kept. Those of the mirror pass through."""
    try:
        yield
    except OSError as problem:
        raise OSError(
            problem.errno,
            f"{problem.strerror or problem} while writing {remote.name} ({remote.size} bytes); "
            f"{_size(part)} bytes are kept and the next try resumes",
            str(part),
        ) from problem


def _check_room(remote: Remote, part: Path) -> None:
    import errno

    free, needed = shutil.disk_usage(part.parent).free, remote.size - _size(part)
    if free < needed:
        raise OSError(errno.ENOSPC, f"not enough room for {remote.name}: {needed} bytes needed, {free} free", str(part))


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """One download at a time in a folder, among processes. Without locks, the digest still decides."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # has no handle for a folder
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def digest_of(path: Path, pinned: str) -> str:
    """The file's digest, of the kind of the pinned one."""
    kind = "md5" if len(pinned) == MD5_LENGTH else "sha256"
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
