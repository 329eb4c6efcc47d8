"""How Ctrl-C, SIGTERM and the like end a command: soon, with one line, status 128 + n and no traceback.

Where a command may be left anywhere, a signal raises `Interrupted` there, so that what was being written is put away.
A training takes it between two portions of steps (`deferred`). What does neither in time, in a library's code that
comes back to Python late, or that swallows exceptions, a thread ends; a checkpoint that is being written is finished.
"""

from __future__ import annotations

import functools
import os
import select
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import typer

from regnet.commands.terminal import plain, say
from regnet.display.begun import end_at_once
from regnet.training.interruption import Interrupted, catch_signals, is_finishing, stop_if_requested

__all__ = ["again", "deferred", "ending", "on_end", "resuming", "taken_to_end"]

SECONDS = 1.5
"""From a signal to the end of a process that does not end by itself."""

STEP = 8.0
"""The same for a training that keeps a checkpoint, whose step may be a long one; less than the 10 that Docker waits."""

AFTER = 1.0
"""From the end of the writing of a checkpoint."""

AGAIN = 0.3
"""From a second signal."""

TICK = 0.05

_before: dict[int, Any] = {}
"""What the signals that end a command did before, by number."""

_inside = False
"""Whether a command runs, which an exception may leave."""

_keeps_checkpoint = False
"""Whether a training runs that writes what it has when it is asked to end."""

_ended_by: list[int] = []

_told: list[int] = []
"""The signal of which the line is printed."""

_remedy: list[Callable[[], str]] = []


@contextmanager
def ending(*numbers: int) -> Iterator[None]:
    """Let signals end the process, as the module says, until the end of the context.

    Where the process is the command and no more, its status is settled then: signals are ignored while Python shuts
    down, which would be killed by them, or print what a library makes of them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    bell, button = socket.socketpair()
    button.setblocking(False)
    handle, hook = signal.set_wakeup_fd(button.fileno(), warn_on_full_buffer=False), sys.unraisablehook
    threading.Thread(target=_watch, args=(bell,), daemon=True).start()
    sys.unraisablehook = lambda told: _unraisable(told, hook)
    _ended_by.clear()
    _told.clear()
    _remedy.clear()
    try:
        _add(*numbers)
        yield
    finally:
        _flush()  # while a signal can still end what waits for its reader
        for number in list(_before):
            before = _before.pop(number)
            signal.signal(number, signal.SIG_IGN if before is end_at_once else before)
        signal.set_wakeup_fd(handle)
        sys.unraisablehook = hook
        button.close()  # which ends the thread


def on_end(remedy: Callable[[], str], name: str | None) -> None:
    """What the line says after the signal's name: what is lost, how to go on; asked when it is printed.

    name: of a further signal that ends the command, with or without SIG. Raises ValueError for what is none.
    """
    if name is not None:
        _add(_number_of(name))
    _remedy[:] = [remedy]


def taken_to_end(command: Callable[..., None]) -> Callable[..., None]:
    """The command, with a signal's exception made a line and a status."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        global _inside
        _inside, ended_by = True, None
        try:
            command(*args, **kwargs)
            _remedy.clear()  # all is written
        except Interrupted as stop:
            _inside, ended_by = False, stop.number
            _tell(stop.number)
        finally:
            _inside = False
        if ended_by is not None:  # what the signal's exception held is gone by now, while finalizers are heeded here
            raise typer.Exit(128 + ended_by)

    return run


@contextmanager
def deferred(*, checkpoint: bool) -> Iterator[None]:
    """Where a training runs, which asks for signals between its steps; what it was not asked for ends the command.

    checkpoint: whether it keeps one, so that the step in progress is worth waiting for.
    """
    global _keeps_checkpoint
    _keeps_checkpoint = checkpoint
    try:
        with catch_signals(*_before):
            yield
            stop_if_requested()
    finally:
        _keeps_checkpoint = False


def resuming(path: Path) -> str:
    """How to go on from a checkpoint: the command itself."""
    if not path.exists():
        return f"nothing was saved in {str(path)!r} yet"
    return again("--resume")


def again(*options: str) -> str:
    """How to go on: the command itself, with these options."""
    given = [one for one in sys.argv[1:] if one not in options]
    return f"to go on: {shlex.join(['regnet', *given, *options])}"


def _add(*numbers: int) -> None:
    """Let these signals end the command too. Those that the process ignores stay ignored."""
    for number in numbers:
        if _ending_works() and number not in _before and signal.getsignal(number) not in (signal.SIG_IGN, None):
            _before[number] = signal.signal(number, _act)


def _number_of(name: str) -> int:
    """A signal by its name, with or without SIG. Raises ValueError."""
    whole = f"SIG{name.upper().removeprefix('SIG')}"
    found = getattr(signal.Signals, whole, None)
    if found is None or whole in ("SIGKILL", "SIGSTOP"):
        raise ValueError(f"--signal {name!r} is no signal that can be caught: give a name such as USR1.")
    return int(found)


def _ending_works() -> bool:
    return threading.current_thread() is threading.main_thread()


def _act(number: int, frame: FrameType | None) -> None:
    again, own = bool(_ended_by), _inside
    _ended_by.append(number)
    if again or not own:
        _end(number)
    raise Interrupted(number)


def _watch(bell: socket.socket) -> None:
    """End the process if it does not end in time after a signal. The socket ends with the context."""
    with bell:
        while received := bell.recv(1):
            if received[0] in _before and _is_late(bell):
                _end(received[0])


def _is_late(bell: socket.socket) -> bool:
    """Wait as long as a signal does; whether the command still runs then. A second signal waits no longer."""
    left, again = STEP if _keeps_checkpoint else SECONDS, False
    while left > 0:
        if select.select([bell], [], [], TICK)[0]:
            received = bell.recv(1)
            if not received:
                return False
            if received[0] in _before:
                left, again = min(left, AGAIN), True
        elif is_finishing() and not again:
            left = AFTER
        else:
            left -= TICK
    return True


def _unraisable(told: Any, hook: Callable[[Any], Any]) -> None:
    """An exception that a finalizer or a library's callback has swallowed is an end all the same.

    After a signal a finalizer's own error is of an object that it left half made, and of no use to anybody.
    """
    if isinstance(told.exc_value, Interrupted):
        _end(told.exc_value.number)
    if not _ended_by:
        hook(told)


def _line(number: int) -> str:
    said = "".join(f"; {remedy()}" for remedy in _remedy)
    return f"regnet: ended by {signal.Signals(number).name}{said}\n"


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it
            stream.flush()


def _tell(number: int) -> None:
    _told.append(number)
    with suppress(OSError, ValueError):  # nobody reads it
        say(_line(number), end="", error=True)
        sys.stderr.flush()


def _end(number: int) -> NoReturn:
    with suppress(OSError, ValueError):
        if sys.stdout.isatty():  # a bar has hidden the cursor
            os.write(1, b"\x1b[?25h\n")
        if not _told:
            os.write(2, plain(_line(number)).encode(errors="backslashreplace"))
    os._exit(128 + number)
