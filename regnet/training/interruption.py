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

__all__ = [
    "Interrupted",
    "catch_signals",
    "finish_steps",
    "finishing",
    "is_finishing",
    "requested",
    "stop_if_requested",
]


@final
class Interrupted(KeyboardInterrupt):
    """A signal ended what was running, at a place where nothing was half done (unless it came twice).

    Parameters
    ----------
    number : int
        Of the signal.
    at_once : bool, default False
        Whether it was a second one, which does not wait: what was running may be half done.
    """

    def __init__(self, number: int, /, *, at_once: bool = False) -> None:
        """Of the signal with this number."""
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.number, self.at_once = number, at_once


_previous: dict[int, Any] = {}
"""What the signals that are caught did before, by number."""

_noted: list[int] = []
"""Those that have come since, in their order."""


@contextmanager
def catch_signals(*numbers: int) -> Iterator[tuple[int, ...]]:
    """Note signals in place of what they do, until the end of the context, where they do that again.

    Only the first of a kind is noted: a second one acts at once, as it would have without this. Nested contexts are one
    as far as their signals are the same. Signals that the process ignores are not caught (a shell's background jobs
    ignore SIGINT), nor is anything in another thread than the main one, where Python has no handlers.

    Parameters
    ----------
    *numbers : int
        Of the signals, such as `signal.SIGTERM`.

    Yields
    ------
    tuple of int
        The numbers that this context catches, and no outer one.

    Examples
    --------
    >>> import signal
    >>> from regnet import Interrupted, Network, catch_signals, datasets, fit
    >>> x, y = datasets.spiral(samples=100)
    >>> network = Network.mlp([2, 8, 3], loss="categorical_crossentropy")
    >>> with catch_signals(signal.SIGTERM):
    ...     signal.raise_signal(signal.SIGTERM)  # as a scheduler sends it
    ...     try:
    ...         fit(network, x, y, epochs=1000, progress=False)
    ...     except Interrupted as stop:
    ...         print(stop)
    ended by SIGTERM
    """
    own: list[int] = []
    if threading.current_thread() is threading.main_thread():
        own = [one for one in numbers if one not in _previous and _can_be_caught(one)]
    try:
        for number in own:
            _previous[number] = signal.getsignal(number)
            signal.signal(number, _note)
        yield tuple(own)
    finally:
        for number in own:
            if number in _previous:
                signal.signal(number, _previous.pop(number))
        _noted[:] = [number for number in _noted if number not in own]


@contextmanager
def finish_steps(*numbers: int) -> Iterator[tuple[int, ...]]:
    """Let a training come to a whole place before a signal does what it would have done at once; see `catch_signals`.

    SIGINT ends in Interrupted. Another signal is sent again once its own handler is back (SIGTERM ends the process),
    and if that comes back, in Interrupted too.
    """
    own: tuple[int, ...] = ()
    left: int | None = None
    try:
        with catch_signals(*numbers) as own:
            yield own
            left = requested()
    except Interrupted as stop:
        if stop.number in own and stop.number != signal.SIGINT:
            signal.raise_signal(stop.number)
        raise
    if left is not None and left in own:  # it came when nobody asked any more
        signal.raise_signal(left)


_writing: list[bool] = []
"""One entry for each checkpoint that is being written."""


@contextmanager
def finishing() -> Iterator[None]:
    """What is written here is finished, however long it takes; see `is_finishing`."""
    _writing.append(True)
    try:
        yield
    finally:
        _writing.pop()


def is_finishing() -> bool:
    """Whether a checkpoint is being written, which whoever ends the process by force waits for."""
    return bool(_writing)


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
        raise Interrupted(number, at_once=True)
    if callable(before):
        before(number, frame)
    else:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
