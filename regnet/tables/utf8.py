"""A file of text in UTF-8, whatever it was written in, packed or not."""

from __future__ import annotations

import codecs
import gzip
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["as_utf8", "parts"]

BYTES = 2**20
"""That are looked at together."""

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""What files begin with that say their encoding; UTF-8's own says nothing new."""


def as_utf8(path: str, folder: Path) -> tuple[Path, list[str]]:
    """The text in UTF-8, a file of its own in the folder where it had to be made, and what to say of it.

    path: '-' for what comes in; a .gz is unpacked.
    """
    given, plain = Path(path), folder / "table.csv"
    if path == "-":
        with plain.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
    elif given.suffix.lower() == ".gz":
        with gzip.open(given) as packed, plain.open("wb") as copy:
            shutil.copyfileobj(packed, copy)
    else:
        plain = given
    encoding = _encoding(plain)
    if encoding == "utf-8":
        return plain, []
    whole = folder / "utf8.csv"
    with (
        plain.open(encoding=encoding, errors="replace", newline="") as source,
        whole.open("w", encoding="utf-8", newline="") as copy,
    ):
        shutil.copyfileobj(source, copy)
    return whole, [f"{path} is no text in UTF-8, and is read as {encoding}."] if encoding == "cp1252" else []


def _encoding(path: Path) -> str:
    """By the mark at its beginning, else UTF-8 if it is that, else what Windows writes in the west of Europe."""
    with path.open("rb") as file:
        start = file.read(4)
    for mark, name in MARKS:
        if start.startswith(mark):
            return name
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for part in parts(path):
            if not part.isascii() or decoder.getstate()[0]:  # ASCII needs no decoding, a character that is cut does
                decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def parts(path: Path) -> Iterator[bytes]:
    """The file, some bytes after others."""
    with path.open("rb") as file:
        while part := file.read(BYTES):
            yield part
