"""Norms of parts of a row of numbers, which may be so small or so large that their squares are none."""

from __future__ import annotations

from typing import Any

import numpy as np

from regnet_numpy.compiled.jit import inline, loop

__all__ = ["norm_of"]


@inline
def norm_of(squares: Any, w: Any, start: Any, stop: Any) -> Any:
    """Norm of the entries from start to stop, whose squares have this sum."""
    # From the least sum on, squares that were too small to be kept do not matter; see `regnet.arrays.reductions`.
    if squares != np.inf and squares >= (1e-24 if w.itemsize == 4 else 1e-276):
        return np.sqrt(squares)
    return _scaled_norm(w, start, stop)


@loop
def _scaled_norm(w: Any, start: Any, stop: Any) -> Any:
    """The same where squares are too small, or too large, for their type."""
    largest = w[0] * 0
    for j in range(start, stop):
        largest = max(largest, abs(w[j]))
    if largest == 0:
        return largest
    total = largest * 0
    for j in range(start, stop):
        scaled = w[j] / largest
        total += scaled * scaled
    return largest * np.sqrt(total)
