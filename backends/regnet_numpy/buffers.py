"""Arrays that stay from step to step.

A fresh array for every operation costs NumPy more than the operation: memory that has left the cache, and pages that
the system has to map.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

__all__ = ["Buffers"]


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
