"""One thread pool and one BLAS limit for all fits that run at the same time.

regnet spreads tiles over threads itself, so BLAS must run at one thread inside a fit: its own threads would compete
for the cores, and the bits of a product change with their number. The limit is a property of the process, so
nested and concurrent fits share it: the first one sets it, the last one lifts it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

__all__ = ["blas_libraries", "parallel_map", "session"]


class _Shared:
    """The state behind `session`; everything under one lock."""

    lock = threading.Lock()
    users = 0
    limit: Any = None
    pool: ThreadPoolExecutor | None = None


def blas_libraries() -> list[dict[str, Any]]:
    """What threadpoolctl knows of every BLAS library that is loaded: name, version, architecture, num_threads."""
    return [info for info in ThreadpoolController().info() if info["user_api"] == "blas"]


def _quiet_worker() -> None:
    # Overflow in a diverging network is reported by the fit; NumPy's error state is per thread.
    np.seterr(all="ignore")


@contextmanager
def session() -> Iterator[None]:
    """BLAS at one thread, and as many threads of our own as BLAS had (so OMP_NUM_THREADS is obeyed)."""
    with _Shared.lock:
        if _Shared.users == 0:
            threads = max((info["num_threads"] for info in blas_libraries()), default=1)
            _Shared.limit = ThreadpoolController().limit(limits=1, user_api="blas")
            _Shared.pool = ThreadPoolExecutor(threads, "regnet", _quiet_worker) if threads > 1 else None
        _Shared.users += 1
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        with _Shared.lock:
            _Shared.users -= 1
            if _Shared.users == 0:
                pool, _Shared.pool = _Shared.pool, None
                if pool is not None:
                    pool.shutdown()
                _Shared.limit.restore_original_limits()


def parallel_map(function: Callable[[Any], Any], items: Iterable[Any], /) -> list[Any]:
    """`[function(item) for item in items]`, over the session's threads if one is open."""
    pool = _Shared.pool
    return [function(item) for item in items] if pool is None else list(pool.map(function, items))
