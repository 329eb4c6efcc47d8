"""Arrays that stay from step to step.

A fresh array for every operation costs NumPy more than the operation: memory that has left the cache, and pages that
the system has to map.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

__all__ = ["LINE", "Buffers", "aligned_empty"]

LINE = 64
"""Bytes of a cache line, and of the widest vector."""


def aligned_empty(shape: tuple[int, ...], dtype: Any, /) -> Any:
    """`numpy.empty` that begins with a cache line.

    NumPy's own memory begins anywhere in one, so that it is luck whether every vector of AVX-512 lies in two: a step of
    3,000 x 2 -> 512 -> 3 took 1.0 ms of a core or 1.8, from process to process.
    """
    dtype = np.dtype(dtype)
    size = prod(shape) * dtype.itemsize
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size].view(dtype).reshape(shape)


class Buffers(threading.local):
    """What a thread has made, by a key that says all about it. What arrays contain means nothing.

    most: things that a thread keeps; all are let go when there are more, for other shapes have taken their place.
    """

    def __init__(self, most: int) -> None:
        """Each thread begins with nothing."""
        self._most = most
        self._things: dict[Any, Any] = {}

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """What this thread has under the key; made if there is nothing."""
        found = self._things.get(key)
        if found is None:
            if len(self._things) >= self._most:
                self._things.clear()
            found = self._things[key] = make()
        return found
