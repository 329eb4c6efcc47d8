"""Worker processes of this machine that end with what they work for, and wait a moment for the next sweep."""

from __future__ import annotations

import atexit
import math
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from multiprocessing.spawn import get_executable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, final

from joblib import cpu_count

from regnet.sweep import worker
from regnet.sweep.worker import dumps, read_frame, write_frame

__all__ = ["LostWorkerError", "map_unordered"]

IDLE = 10.0
"""Seconds for which a worker waits for another sweep: to import what it needs takes it some."""

ALIGNED = 64
"""Bytes of a processor's cache line, at which arrays begin."""

KILLED = -9
"""What the system's own `kill -9` leaves as a process's exit code."""

SHARED = "/dev/shm"
"""A folder in memory, on Linux."""

THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip
"""Where libraries ask how many threads they may have."""


def map_unordered(function: Callable[[Any], Any], arguments: Sequence[Any], n_workers: int, /) -> Iterator[Any]:
    """`function` of each argument, computed in processes, as they come.

    The function goes to each process once; its arrays are one copy for all. An exception there is raised here, with the
    traceback as a note. Whatever ends the iteration early ends the processes, and so does the end of this one, be it
    by `kill -9`. Raises LostWorkerError where a process is lost.
    """
    todo: deque[Any] = deque(arguments)
    replies: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
    if not arguments:
        return
    with _hired(min(n_workers, len(arguments)), n_workers) as workers:
        _hand_out(workers, function)
        for one in workers:
            threading.Thread(target=_serve, args=(one, todo, replies), daemon=True).start()
        for _ in arguments:
            result, error = _next(replies)
            if error is not None:
                raise error
            yield result


@final
class LostWorkerError(BrokenExecutor):
    """A worker has ended; the message says how. killed: whether by `kill -9`, as when memory runs out."""

    def __init__(self, message: str, *, killed: bool) -> None:
        super().__init__(message)
        self.killed = killed


@final
class _Worker:
    """One process. environment: what it was started with."""

    def __init__(self, environment: dict[str, str]) -> None:
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        command = [os.fsdecode(get_executable() or sys.executable), *flags, "-P", worker.__file__]
        self.environment, self.since = environment, 0.0
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        _started.add(self)

    def send(self, *parts: Any) -> None:
        """Raises LostWorkerError."""
        try:
            write_frame(self.process.stdin, *parts)  # type: ignore[arg-type]
        except OSError:
            raise self._lost() from None

    def receive(self) -> Any:
        """Raises LostWorkerError."""
        reply = read_frame(self.process.stdout)  # type: ignore[arg-type]
        if reply is None:
            raise self._lost()
        return reply

    def ask(self, argument: Any) -> Any:
        """The held function of an argument. Raises what it raises, and LostWorkerError."""
        self.send("call", dumps(argument))
        kind, content, told = self.receive()
        found = pickle.loads(content)
        if kind == "failed":
            found.add_note(f"In a worker process:\n{told}")
            raise found
        return found

    def end(self) -> None:
        """At once, whatever it is at."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]

    def _lost(self) -> LostWorkerError:
        code = self.process.wait()
        how = f"by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"with exit code {code}"
        return LostWorkerError(f"it ended {how}", killed=code == KILLED)


def _serve(one: _Worker, todo: deque[Any], replies: SimpleQueue[tuple[Any, BaseException | None]]) -> None:
    """A thread's work: let a worker do what is left, until nothing is."""
    try:
        while todo:
            with suppress(IndexError):  # another thread had the last one
                replies.put((one.ask(todo.popleft()), None))
    except BaseException as error:
        replies.put((None, error))


def _next(replies: SimpleQueue[Any]) -> Any:
    """The next reply. Windows interrupts no wait that has no end."""
    while True:
        with suppress(Empty):
            return replies.get(timeout=1.0)


def _hand_out(workers: Sequence[_Worker], function: Callable[[Any], Any]) -> None:
    buffers: list[pickle.PickleBuffer] = []
    # Windows deletes no file that is mapped: there, arrays are in the pickle, a copy for each worker.
    content = dumps(function, buffers.append if os.name == "posix" else None)
    with _written([one.raw() for one in buffers]) as (place, parts):
        for one in workers:
            one.send("hold", [str(entry) for entry in sys.path], content, place, parts)
        for one in workers:
            one.receive()


@contextmanager
def _written(arrays: Sequence[memoryview]) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """A file with all of them, and where each begins and ends; gone at the end, when those who need it have mapped it.

    In memory, where the system has a folder there with room for it.
    """
    parts, size = [], 0
    for one in arrays:
        parts.append((size, size + one.nbytes))
        size += -(-one.nbytes // ALIGNED) * ALIGNED
    folder = tempfile.gettempdir()
    with suppress(OSError):
        folder = SHARED if shutil.disk_usage(SHARED).free > 2 * size else folder
    handle, place = tempfile.mkstemp(prefix="regnet-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            for one, (start, _) in zip(arrays, parts, strict=True):
                file.seek(start)
                file.write(one)
            file.truncate(max(size, 1))
        yield place, parts
    finally:
        Path(place).unlink(missing_ok=True)


_lock = threading.Lock()
_idle: list[_Worker] = []
_started: weakref.WeakSet[_Worker] = weakref.WeakSet()


@contextmanager
def _hired(count: int, n_workers: int) -> Iterator[list[_Worker]]:
    """Workers that share the processors with `n_workers` in all: idle ones, or new ones. An exception ends them."""
    share = str(max(1, cpu_count() // n_workers))
    environment = {**dict.fromkeys(THREADS, share), **os.environ}
    with _lock:
        usable = [one for one in _idle if one.process.poll() is None and one.environment == environment]
        others = [one for one in _idle if one not in usable]
        workers, _idle[:] = usable[-count:], usable[:-count]
    _end(others)
    try:
        workers += [_Worker(environment) for _ in range(count - len(workers))]
        yield workers
        for one in workers:
            one.send("drop")
    except BaseException:
        _end(workers)
        raise
    _keep(workers)


def _keep(workers: Sequence[_Worker]) -> None:
    """For another sweep, a while."""
    now = time.monotonic()
    for one in workers:
        one.since = now
    with _lock:
        _idle.extend(workers)
    timer = threading.Timer(IDLE, _end_idle, (now,))
    timer.daemon = True
    timer.start()


def _end(workers: Iterable[_Worker]) -> None:
    for one in workers:
        one.end()


@atexit.register
def _end_idle(since: float = math.inf) -> None:
    """Of those that nobody needs, the ones that nobody has needed after that time."""
    with _lock:
        old = [one for one in _idle if one.since <= since]
        _idle[:] = [one for one in _idle if one.since > since]
    _end(old)


def _disown() -> None:
    """In a fork of this process: the workers are not its own, and must not live on for its copies of their pipes."""
    global _lock
    _lock = threading.Lock()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for one in _started:
        for pipe in (one.process.stdin, one.process.stdout):
            if pipe is not None and not pipe.closed:
                os.dup2(nowhere, pipe.fileno(), inheritable=False)
        one.process.returncode = 0
    os.close(nowhere)
    _idle.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_disown)
