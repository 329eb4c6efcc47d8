"""A process that trains for another one, and ends with it.

It is run as a file, not imported: a thread listens to the parent before anything slow is imported, and ends the process
when nothing can come any more, whatever it is at. On its standard input come frames, and its replies leave on the
standard output: eight bytes of length and a pickle of built-in types, in which what needs imports is bytes again.
"""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

__all__ = ["dumps", "read_frame", "write_frame"]


def write_frame(file: BinaryIO, *parts: Any) -> None:
    """Send built-in objects to the other end. Raises BrokenPipeError where there is none."""
    content = pickle.dumps(parts, protocol=5)
    file.write(len(content).to_bytes(8, "little"))
    file.write(content)
    file.flush()


def read_frame(file: BinaryIO) -> Any:
    """What the other end sent, or None if it has ended, in the midst of a frame too."""
    length = file.read(8)
    if len(length) < 8:
        return None
    content = file.read(int.from_bytes(length, "little"))
    return pickle.loads(content) if len(content) == int.from_bytes(length, "little") else None


def _main() -> None:
    """Do what comes, one after another, until the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all its processes: the parent decides
    requests, replies = _private_pipes()
    todo: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests, replies, todo), daemon=True).start()
    function: Any = None
    packed: Any = None
    while True:
        kind, *given = todo.get()
        if kind == "hold":
            function, packed = None, given
        elif kind == "drop":
            function = packed = None
        else:
            try:
                if function is None:
                    function = pickle.loads(packed[0], buffers=packed[1])
                reply = "done", dumps(function(pickle.loads(given[0]))), ""
            except BaseException as error:
                reply = "failed", _error(error), traceback.format_exc()
            with suppress(BrokenPipeError):
                write_frame(replies, *reply)


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output under other numbers: what is printed here belongs to standard error."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # there is no standard error
        os.dup2(nowhere, 1)
    return requests, replies


def _listen(requests: BinaryIO, replies: BinaryIO, todo: SimpleQueue[Any]) -> None:
    """Hand on what comes, and end the process after it; what is held is mapped at once, so that it needs no name."""
    place = None
    try:
        while (frame := read_frame(requests)) is not None:
            if frame[0] == "hold":
                _, sys.path[:], content, place, parts = frame
                todo.put(("hold", content, _mapped(Path(place), parts)))
                write_frame(replies, "held")
            else:
                todo.put(frame)
    except (BrokenPipeError, FileNotFoundError):
        pass  # the parent has ended, and another worker has deleted the file
    except Exception:
        traceback.print_exc()
    if place is not None:
        with suppress(OSError):  # the parent does so, unless it was killed before
            Path(place).unlink()
    os._exit(0)


def _mapped(place: Path, parts: list[tuple[int, int]]) -> list[memoryview]:
    """Parts of a file, shared with all who only read them; what is written stays here."""
    if not parts:
        return []
    with place.open("rb") as file:
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    return [whole[start:stop] for start, stop in parts]


def dumps(found: Any, apart: Callable[[pickle.PickleBuffer], Any] | None = None) -> bytes:
    """A pickle in which what a script or a notebook defines is contained. apart: takes arrays that shall not be."""
    try:
        import cloudpickle
    except ImportError:  # joblib requires it since 1.6, and had its own before
        from joblib.externals import cloudpickle
    return bytes(cloudpickle.dumps(found, protocol=5, buffer_callback=apart))


def _error(error: BaseException) -> bytes:
    """An exception that can be read again, or its text as one."""
    try:
        content = dumps(error)
        pickle.loads(content)
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return content


if __name__ == "__main__":
    _main()
