"""What a callback says by what it returns."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["asks_to_stop"]


def asks_to_stop(answer: Any, /) -> bool:
    """Whether `answer` is True itself, Python's or NumPy's: a count, as a file's `write` returns, is none.

    >>> asks_to_stop(True), asks_to_stop(17), asks_to_stop(None)
    (True, False, False)
    """
    return isinstance(answer, (bool, np.bool_)) and bool(answer)
