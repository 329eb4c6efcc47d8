"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

__all__ = ["create_whole", "replace_whole", "whole_text", "write_whole"]


def write_whole(path: Path, content: bytes, /) -> None:
    """Write under another name, and rename: a file under its own name is whole. What fails leaves nothing behind.

    A link is followed, a file keeps its mode, and what is no file (a pipe, a device) is written to as it is.
    """
    with _renamed(path) as unfinished, unfinished.open("wb") as file:
        file.write(content)
        _sync(file)


def replace_whole(path: Path, content: bytes, /, *, sync: bool = True) -> None:
    """Give a file its name when all of it is there, in the place of whatever has the name: a link or a pipe too.

    sync: whether to wait until it is on the disk; without that it is whole after any end of this process, but may be
    lost, or cut off, when the power goes. Raises OSError, also where a folder has the name.
    """
    unfinished = _unfinished(path)
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            if sync:
                _sync(file)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    if sync:
        _sync_folder(path.parent)


def create_whole(path: Path, content: bytes, /) -> bool:
    """Write a file that nobody has written yet, whole; whether it was not there. What is there stays as it is.

    Of several that do so at once one is the first. Where a file system has no links, the last one is.
    """
    unfinished = _unfinished(path)
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            _sync(file)
        try:
            os.link(unfinished, path)
        except FileExistsError:
            return False
        except OSError:
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return True


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
    unfinished = _unfinished(path)
    try:
        yield unfinished
        if path.exists():
            unfinished.chmod(path.stat().st_mode & 0o7777)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _unfinished(path: Path) -> Path:
    """A name beside the file's own that no other process has."""
    return path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")


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
