"""One thread pool and one BLAS limit for all fits that run at the same time.

regnet spreads tiles over threads itself, so BLAS must run at one thread inside a fit: its own threads would compete
for the cores, and the bits of a product change with their number. The limit is a property of the process, so
nested and concurrent fits share it: the first one sets it, the last one lifts it. The pool stays, because starting
threads takes as long as a hundred steps of a small network.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from regnet_numpy.subnormal import flush, flushed

__all__ = ["blas_libraries", "parallel_map", "session", "thread_count"]


_local = threading.local()


class _Shared:
    """The state behind `session`; everything under one lock."""

    lock = threading.Lock()
    users = 0
    limit: Any = None
    pool: ThreadPoolExecutor | None = None
    threads = 1

    @classmethod
    def forget(cls) -> None:
        """A forked child has the pool but not its threads, and none of the fits."""
        cls.lock, cls.users, cls.limit, cls.pool, cls.threads = threading.Lock(), 0, None, None, 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Shared.forget)


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    """NumPy's BLAS, and SciPy's, which numba's products use; looking for them takes milliseconds."""
    import scipy.linalg.cython_blas  # noqa: F401 (loads it)

    return ThreadpoolController().select(user_api="blas")


def blas_libraries() -> list[dict[str, Any]]:
    """What threadpoolctl knows of every BLAS library: name, version, architecture, num_threads."""
    return list(_blas().info())


def _quiet_worker() -> None:
    # Overflow in a diverging network is reported by the fit; NumPy's error state is per thread, and so is this.
    np.seterr(all="ignore")
    flush()
    _local.worker = True


def _open() -> None:
    """Limit BLAS, and have as many threads of our own as it had (so OMP_NUM_THREADS is obeyed)."""
    threads = max((info["num_threads"] for info in blas_libraries()), default=1)
    _Shared.limit = _blas().limit(limits=1)
    if threads != _Shared.threads:
        if _Shared.pool is not None:
            _Shared.pool.shutdown(wait=False)
        # One thread less: the caller works too.
        _Shared.pool = ThreadPoolExecutor(threads - 1, "regnet", _quiet_worker) if threads > 1 else None
        _Shared.threads = threads


@contextmanager
def session() -> Iterator[None]:
    """BLAS at one thread, tiles over our own threads, numbers below the smallest normal one 0.

    May be nested and entered from several threads.
    """
    with _Shared.lock:
        if _Shared.users == 0:
            _open()
        _Shared.users += 1
    try:
        with np.errstate(all="ignore"), flushed():
            yield
    finally:
        with _Shared.lock:
            _Shared.users -= 1
            if _Shared.users == 0:
                _Shared.limit.restore_original_limits()


def thread_count() -> int:
    """How many threads `parallel_map` spreads its items over, here and now."""
    return _Shared.threads if _Shared.users and not _in_worker() else 1


def _in_worker() -> bool:
    return getattr(_local, "worker", False)


def parallel_map(function: Callable[[Any], Any], items: Iterable[Any], /) -> list[Any]:
    """`[function(item) for item in items]`, over the threads if a session is open.

    The caller is one of the threads: it has its arrays in cache, and waking a thread takes time. Whoever is at work on
    an item does nested calls alone: the others are at work too.
    """
    pool = _Shared.pool if _Shared.users and not _in_worker() else None
    listed = list(items)
    if pool is None or len(listed) < 2:
        return [function(item) for item in listed]
    threads = min(_Shared.threads, len(listed))
    todo, results = deque(range(threads, len(listed))), [None] * len(listed)

    def work(number: int) -> None:
        results[number] = function(listed[number])
        while todo:
            try:
                number = todo.popleft()
            except IndexError:  # another thread was faster
                return
            results[number] = function(listed[number])

    others = [pool.submit(work, number) for number in range(1, threads)]
    _local.worker = True
    try:
        work(0)
    finally:
        _local.worker = False
        todo.clear()  # there is something left if an item failed here
        wait(others)
    for other in others:
        other.result()
    return results
