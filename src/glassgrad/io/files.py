"""Writing that survives a crash: a file is replaced whole, or left as it was."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["OutFile", "atomic_file", "atomic_write", "sync_folder", "write_all"]


class OutFile:
    """A file open for writing and reading back, as zipfile wants it; `write` takes all of the data or raises."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def write(self, data: Any) -> int:
        write_all(self.fd, data)
        return len(data)

    def read(self, size: int) -> bytes:
        return os.read(self.fd, size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return os.lseek(self.fd, offset, whence)

    def tell(self) -> int:
        return os.lseek(self.fd, 0, os.SEEK_CUR)

    def flush(self) -> None:
        """Nothing is kept back."""


@contextlib.contextmanager
def atomic_file(
    path: str | Path, verify: Callable[[Path], None] | None = None, durable: bool = True
) -> Iterator[OutFile]:
    """A file that takes the place of path at the end of the block: temp beside it, fsync, replace, fsync the folder.

    durable=False leaves out both fsyncs: the file is whole after a crash of the program, if not of the machine.
    verify(temp) reads the temporary file back before the replacement, and raises to keep the old file.
    Raises OSError. Whatever is raised, path is as it was and the temporary file is gone.
    """
    path = Path(os.path.realpath(path))  # through a link, so that the link stays a link
    temp = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.tmp")
    fd = os.open(temp, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        try:
            yield OutFile(fd)
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        if verify is not None:
            verify(temp)
        os.replace(temp, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temp)
        raise
    if durable:
        sync_folder(path.parent)


def atomic_write(path: str | Path, content: str | bytes) -> None:
    """Write a whole file or leave the old one untouched."""
    with atomic_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def write_all(fd: int, data: Any) -> None:
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(fd, view) :]  # a nearly full disk takes a part


def sync_folder(path: Path) -> None:
    """Make a rename or a new name durable; Windows has no such call, some network folders refuse it."""
    if os.name != "posix":
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)
