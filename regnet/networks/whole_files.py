"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

__all__ = ["whole_text", "write_whole"]


def write_whole(path: Path, content: bytes, /) -> None:
    """Write under another name, and rename: a file under its own name is whole. What fails leaves nothing behind.

    A link is followed, a file keeps its mode, and what is no file (a pipe, a device) is written to as it is.
    """
    with _renamed(path) as unfinished, unfinished.open("wb") as file:
        file.write(content)
        _sync(file)


@contextmanager
def whole_text(path: Path, /) -> Iterator[TextIO]:
    """A file of text, lines as they are written, that gets its name when all of it is there; see `write_whole`."""
    with _renamed(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
        yield file
        _sync(file)


@contextmanager
def _renamed(path: Path) -> Iterator[Path]:
    """Another name beside the file, that becomes its own if nothing fails."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        yield path
        return
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        yield unfinished
        if path.exists():
            unfinished.chmod(path.stat().st_mode & 0o7777)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync(file: BinaryIO | TextIO) -> None:
    file.flush()
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """So that the name too is on the disk; where folders cannot be opened, it is left to the system."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:  # some network file systems refuse it
        pass
    finally:
        os.close(handle)
