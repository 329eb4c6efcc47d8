"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

__all__ = ["whole_text", "write_whole"]


def write_whole(path: Path, content: bytes, /) -> None:
    """Write under another name, and rename: a file under its own name is whole. What fails leaves nothing behind."""
    with _renamed(path) as unfinished, unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def whole_text(path: Path, /) -> Iterator[TextIO]:
    """A file of text, lines as they are written, that gets its name when all of it is there."""
    with _renamed(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _renamed(path: Path) -> Iterator[Path]:
    """Another name, that becomes the path's own if nothing fails."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
