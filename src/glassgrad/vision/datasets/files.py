"""The files of a data set below a data folder: found and checked, or fetched and unpacked."""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ...data.download import DatasetNotFound, bases, digest_of

DOWNLOADABLE = "You can use download=True to download it"


def one_of(value: Any, argument: str, values: Iterable[str]) -> Any:
    """The value, or the ValueError that names those there are."""
    if not isinstance(value, str):
        raise ValueError(f"Expected type str for argument {argument}, but got type {type(value)}.")
    if value not in values:
        known = ", ".join(f"'{one}'" for one in values)
        raise ValueError(f"Unknown value '{value}' for argument {argument}. Valid values are {{{known}}}.")
    return value


def gather(
    root: Any, below: str, files: Mapping[str, str], get: Callable[[Path], object] | None = None,
    way_out: str = DOWNLOADABLE,
) -> Path:  # fmt: skip
    """The folder that has all these files, each with its MD5 ("": whatever it holds).

    `below` is looked for in root, $GLASSGRAD_DATA and the user's cache; then get(folder) is to bring the files into the
    first. Raises DatasetNotFound (a RuntimeError) that names those missing or damaged there.
    """
    folders = [base / below for base in bases(root)]
    for folder in folders:
        if not missing(folder, files):
            return folder
    if get is not None:
        get(folders[0])
    if bad := missing(folders[0], files):
        raise DatasetNotFound(
            f"Dataset not found or corrupted. {way_out}. Missing or damaged in {folders[0]}: {', '.join(bad)}"
        )
    return folders[0]


def missing(folder: Path, files: Mapping[str, str]) -> list[str]:
    def good(path: Path, md5: str) -> bool:
        return path.exists() and (not md5 or digest_of(path, md5) == md5)

    return [name for name, md5 in files.items() if not good(folder / name, md5)]


def unpack(archive: Path, folder: Path, inner: str, wanted: Callable[[str], bool]) -> None:
    """The wanted files of a folder in an archive (zip or tar), into a folder; nothing else of it is written.

    Raises ValueError for a damaged archive.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for path, content in members(archive):
            inside, _, name = path.rpartition("/")
            if inside == inner and wanted(name):
                part = folder / f"{name}.part"
                with content() as packed, open(part, "wb") as out:
                    shutil.copyfileobj(packed, out, 1 << 20)
                os.replace(part, folder / name)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as problem:
        raise ValueError(f"{archive}: damaged or truncated ({problem}); delete it and fetch it again") from problem


def members(archive: Path) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    """The files of an archive: the path of each in it, and what opens it."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as zipped:
            for name in zipped.namelist():
                yield name, lambda name=name: zipped.open(name)  # type: ignore[misc]
    else:
        with tarfile.open(archive) as taped:
            for member in taped:
                if member.isfile():
                    yield member.name, lambda member=member: taped.extractfile(member)  # type: ignore[misc]
