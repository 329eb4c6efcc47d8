"""What the commands print: whatever a table or a model's file calls its columns, a terminal is told text alone."""

from __future__ import annotations

import io
import os
import sys
from typing import Any
from unicodedata import category

__all__ = ["lose_nothing", "plain", "say"]

_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of characters that move a cursor, turn the reading direction, or are not seen."""


def plain(text: str, /) -> str:
    r"""The text, with characters that a terminal would obey as Python escapes them; line ends and tabs stay.

    >>> print(plain("red \x1b[31m, \u202e"))
    red \x1b[31m, \u202e
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(one if one in "\n\t" or category(one) not in _UNSEEN else _escaped(one) for one in text)


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode()


def say(text: str, /, *, end: str = "\n", error: bool = False) -> None:
    """Print it, plain; error: to standard error."""
    print(plain(text), end=end, file=sys.stderr if error else sys.stdout)


class _Patient(io.FileIO):
    """A file whose reader may go away: what is written then is lost, and the command goes on, and saves."""

    def write(self, data: Any, /) -> int:
        """As a file's."""
        try:
            return super().write(data)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(data)


def lose_nothing() -> None:
    """Standard output and error write escapes where their encoding has no character, and outlive their reader."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, io.TextIOWrapper) or not isinstance(stream.buffer, (io.BufferedWriter, io.FileIO)):
            continue  # a test's, or a notebook's
        stream.flush()
        raw = io.BufferedWriter(_Patient(stream.fileno(), "w", closefd=False))
        at_once = stream.line_buffering or stream.write_through  # python -u
        made = io.TextIOWrapper(raw, encoding=stream.encoding, errors="backslashreplace", line_buffering=at_once)
        setattr(sys, name, made)
