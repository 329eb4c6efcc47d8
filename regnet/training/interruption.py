"""Signals that wait for a place where nothing is half done: noted at once, asked for between portions of steps.

A step overwrites its arrays in place on NumPy, and an exception in its midst leaves weights of two steps. So where a
training runs, a signal only sets a flag, which costs a step nothing; between two portions the training asks for it,
writes what it must, and raises `Interrupted`.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, final

__all__ = ["Interrupted", "catch_signals", "requested", "stop_if_requested"]


@final
class Interrupted(KeyboardInterrupt):
    """A signal ended what was running, at a place where nothing was half done.

    Parameters
    ----------
    number : int
        Of the signal.
    """

    def __init__(self, number: int, /) -> None:
        """Of the signal with this number."""
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.number = number


_previous: dict[int, Any] = {}
"""What the signals that are caught did before, by number."""

_noted: list[int] = []
"""Those that have come since, in their order."""


@contextmanager
def catch_signals(*numbers: int) -> Iterator[None]:
    """Note signals in place of what they do, until the end of the context, where they do that again.

    Only the first of a kind is noted: a second one acts at once, as it would have without this. Nested contexts are one
    as far as their signals are the same. Signals that the process ignores are not caught (a shell's background jobs
    ignore SIGINT), nor is anything in another thread than the main one, where Python has no handlers.
    """
    own = []
    if threading.current_thread() is threading.main_thread():
        own = [one for one in numbers if one not in _previous and _can_be_caught(one)]
    try:
        for number in own:
            _previous[number] = signal.getsignal(number)
            signal.signal(number, _note)
        yield
    finally:
        for number in own:
            if number in _previous:
                signal.signal(number, _previous.pop(number))
        _noted[:] = [number for number in _noted if number not in own]


def requested() -> int | None:
    """The number of the first signal that was noted, or None: go on."""
    return _noted[0] if _noted else None


def stop_if_requested() -> None:
    """Raise Interrupted if a signal was noted."""
    if _noted:
        raise Interrupted(_noted[0])


def _can_be_caught(number: int) -> bool:
    return signal.getsignal(number) not in (signal.SIG_IGN, None)  # None: not Python's, and could not be put back


def _note(number: int, frame: FrameType | None) -> None:
    if number not in _noted:
        _noted.append(number)
        return
    before = _previous.get(number)
    if before is signal.default_int_handler:
        raise Interrupted(number)
    if callable(before):
        before(number, frame)
    else:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
